"""`arena demo --full`: a whole event, from an untrained agent to the audited report, with the commands that organizers
type.

Nothing is staged but the people: their keyboards are scripted (`arena.rehearsal.scripted_people`), and their names say
so. What is done is noted in the event folder, so that a rehearsal that was broken off goes on with the step that it was
in.
"""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from arena.event.folder import SETTINGS, VARIABLE, open_event
from arena.processes import child
from arena.rehearsal.command_runner import CommandRunner, clock
from arena.rehearsal.scripted_people import GameToPlay, ScriptedPerson, ScriptedStation, play_at_station
from arena.rehearsal.sizes import EVENING, TITLE, RehearsalSize, settings, stations
from envs.errors import ArenaError, EventError
from envs.extras import require
from recordings.storage import write_atomically

if TYPE_CHECKING:
    from arena.scoreboard.store import Scoreboard

FOLDER = Path("full-demo")
NOTES, LOG = "rehearsal.json", "rehearsal.log"
TRAIN = Path(__file__).parent.parent.parent / "scripts" / "train.py"
BOT = "tiny"
"""What the agent that is trained here is called."""
RULES = "5min"
LIBRARIES = (
    "tensorboard", "fastapi", "uvicorn", "python_multipart", "matplotlib", "fpdf", "openskill", "choix",
    "minari", "h5py", "pyarrow",
)  # fmt: skip
"""What the steps need of the extras `train`, `server`, `report` and `dataset`; missed before the first step, not after
the last game."""


def run(folder: Path | None, size: RehearsalSize = EVENING) -> None:
    """Play the event in `folder`, or go on with it.

    Args:
        folder: None for `FOLDER`.

    Raises:
        EventError: there is another event in the folder, or a step has failed.
        MissingExtra: a library that one of the steps needs isn't installed.
    """
    require("A whole event", *LIBRARIES)
    console = Console(highlight=False)
    with Rehearsal(folder or FOLDER, size, console) as rehearsal:
        rehearsal.play()


class Rehearsal:
    """One run through the event.

    Args:
        folder: the event folder.
        programme: how large it is.
        console: where it is told.

    Raises:
        EventError: there is another event in the folder, or it can't be written.
    """

    def __init__(self, folder: Path, size: RehearsalSize, console: Console) -> None:
        self.folder = folder
        self.size = size
        self.console = console
        self._open = ExitStack()
        self._url = ""
        self.command_runner = CommandRunner(console, folder, folder / LOG)
        self.notes = self._read_notes()

    def __enter__(self) -> Rehearsal:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    # -- the event, step by step ------------------------------------------------------------------------------------

    def play(self) -> None:
        """Do every step that isn't done yet; at the end say what to open."""
        steps: list[tuple[str, Callable[[], None]]] = [
            ("Make the event, open it, publish the hash of its secret", self.open_event),
            ("Train an agent", self.train),
            ("Pack it, and check it before it is sent", self.check_agent),
            ("Start the server and send the agent: it is evaluated in the sandbox", self.submit),
            ("Bots practise", self.bots_practise),
            ("People practise at the stations, with scripted keyboards", self.people_practise),
            ("Submissions close; then the public number is announced", self.freeze),
            ("The final: people against bots", self.battle),
            ("A duel, and the bot again with slow hands", self.duel),
            ("Reveal the secret, write the report", self.close),
            ("Export the proof; another process checks it from nothing", self.audit),
            ("Give the data out", self.dataset),
        ]
        self._greet(len(steps))
        for number, (title, step) in enumerate(steps, start=1):
            if step.__name__ in self.notes["done"]:
                continue
            began = time.monotonic()
            self.console.print(Text(f"{number:2}/{len(steps)}  {title}", style="bold"))
            try:
                step()
            except KeyboardInterrupt:
                self.console.print(f"\nStopped in step {number}. {self._how_to_go_on()}", soft_wrap=True)
                raise
            except ArenaError as error:
                raise EventError(f"{error} {self._how_to_go_on()}") from error
            self._note(step.__name__, time.monotonic() - began)
            self.console.print(Text(f"       {clock(time.monotonic() - began)}\n", style="dim"))
        self._say_what_to_open()

    def _greet(self, steps: int) -> None:
        done = len(self.notes["done"])
        if not done:
            self.console.print(
                f"A whole event in {self.folder}, in less than ten minutes. Stopped with Ctrl-C, it goes on when it is "
                f"started again. The commands are those of organizers, typed with {VARIABLE}={self.folder}.\n",
                markup=False,
            )
        elif done < steps:
            self.console.print(f"Going on in {self.folder}, after {done} of {steps} steps.\n", markup=False)

    def _how_to_go_on(self) -> str:
        where = "" if self.folder == FOLDER else f" --event {shlex.quote(str(self.folder))}"
        return f"To go on: arena demo --full{where}"

    def open_event(self) -> None:
        if not (self.folder / SETTINGS).exists():
            self.command_runner.arena("event", "init", "--name", TITLE)
        write_atomically(self.folder / SETTINGS, settings(self.size).encode())
        if self._phase() == "draft":
            self.command_runner.arena("event", "open", shown=True)

    def train(self) -> None:
        """Train with the script of the repository. Installed without it, a house bot takes the agent's place."""
        if not TRAIN.is_file():
            self.command_runner.say(
                "scripts/train.py isn't here, it is part of the repository: a house bot takes the place."
            )
            return
        out = self.folder / "training"
        again = ["--resume"] if list((out / "checkpoints").glob("step-*[0-9]")) else []
        words = [self.size.games[0], *self.size.training, "--out", str(out), *again]
        self.command_runner.say(f"$ python scripts/train.py {shlex.join(words)}")
        self.command_runner.run(child.SCRIPT, [str(TRAIN), *words], "scripts/train.py")

    def check_agent(self) -> None:
        from agents.load import find_agent_file

        made = self.folder / "training" / "agent.zip"
        model = made if TRAIN.is_file() else find_agent_file(f"{self.size.games[0]}-quick")
        self.command_runner.arena("agent", "pack", str(model), "--name", BOT, "--out", str(self.agent))
        self.command_runner.arena("agent", "check", str(self.agent), shown=True)

    def submit(self) -> None:
        game = self.size.games[0]
        self._serve()
        self.command_runner.say(f"The scoreboard, as long as this runs: {self._url}/")
        self.command_runner.arena("submit", str(self.agent), "--game", game, "--name", BOT, shown=True)

    def bots_practise(self) -> None:
        for game in self.size.games:
            players = [f"{game}-taught", *([str(self.agent)] if game == self.size.games[0] else [])]
            options = [word for player in players for word in ("--player", player)]
            self.command_runner.arena("match", game, *options, "--seeds", str(self.size.practice))

    def people_practise(self) -> None:
        seeds = range(self.size.practice)
        with self._board() as board:
            there = {(result.player, result.game, result.seed) for result in board.results()}
        wishes = {
            person: [
                GameToPlay(game, RULES, seed)
                for game in self.size.games
                for seed in seeds
                if (person.name, game, seed) not in there
            ]
            for person in self.size.people
        }
        self._at_stations(wishes)
        self.command_runner.arena("scoreboard", shown=True)

    def freeze(self) -> None:
        if self._phase() == "open":
            self.command_runner.arena("event", "freeze", shown=True)
        if self._phase() == "frozen":
            dice = " ".join(str(secrets.randbelow(6) + 1) for _ in range(6))
            self.command_runner.arena("event", "announce", dice, shown=True)

    def battle(self) -> None:
        words = ["--title", "People against bots", "--format", "team-battle", "--qualify"]
        self._tournament("battle", *words, "--best-of", str(self.size.battle))

    def duel(self) -> None:
        person, game = self.size.people[0].name, self.size.games[0]
        bot = self._submitted()
        words = ["--title", "The duel", "--format", "duel", "--game", game, "--person", person, "--player", bot]
        self._tournament("duel", *words, "--best-of", str(self.size.duel))
        self.command_runner.arena("tournament", "run", "duel", "--delays")

    def close(self) -> None:
        if self._phase() == "announced":
            self.command_runner.arena("event", "close", shown=True)
        self.command_runner.arena("report", "--clips", str(self.size.clips), shown=True)

    def audit(self) -> None:
        self._open.close()  # the server has done its part
        shutil.rmtree(self.proof, ignore_errors=True)  # of a run that was broken off
        self.command_runner.arena("event", "export", str(self.proof))
        alone = {name: value for name, value in self.command_runner.environment.items() if name != VARIABLE}
        self.command_runner.arena("event", "audit", str(self.proof), shown=True, environment=alone)

    def dataset(self) -> None:
        target = self.folder / "data"
        shutil.rmtree(target, ignore_errors=True)
        self.command_runner.arena("dataset", str(target), "--player", BOT, shown=True)

    # -- parts of steps -----------------------------------------------------------------------------------------------

    @property
    def agent(self) -> Path:
        return self.folder / f"{BOT}.agent.zip"

    @property
    def proof(self) -> Path:
        return self.folder / "proof"

    def _submitted(self) -> str:
        """Return the path of the agent as the server has stored it."""
        from agents.packages import admit

        return str(self.folder / "agents" / f"{admit(self.agent).sha256}.zip")

    def _board(self) -> Scoreboard:
        from arena.scoreboard.store import Scoreboard

        return Scoreboard.open(open_event(self.folder).database)

    def _phase(self) -> str:
        return str(self.command_runner.ask("event", "status")["phase"])

    def _tournament(self, name: str, *words: str) -> None:
        """Begin a tournament, or go on with it, until everybody has played."""
        from arena.event.log import Log
        from arena.tournament.runner import tournaments

        with self._board() as board:
            there = name in tournaments(Log(board.engine))
        if not there:
            self.command_runner.arena("tournament", "new", name, *words, shown=True)
        while True:
            self.command_runner.arena("tournament", "run", name)
            waiting = self.command_runner.ask("tournament", "status", name)["waiting_for"]
            if not waiting:
                break
            self._at_stations(self._wishes(waiting))
        self.command_runner.arena("tournament", "status", name, shown=True)

    def _wishes(self, waiting: Sequence[Mapping[str, Any]]) -> dict[ScriptedPerson, list[GameToPlay]]:
        people = {person.name: person for person in self.size.people}
        found: dict[ScriptedPerson, list[GameToPlay]] = {}
        for slot in waiting:
            found.setdefault(people[slot["player"]], []).append(GameToPlay(slot["game"], RULES, slot["seed"]))
        return found

    def _at_stations(self, wishes: Mapping[ScriptedPerson, Sequence[GameToPlay]]) -> None:
        """Let people play, each at a station, all at the same time."""
        from arena.processes.workers import WorkerDied, received, workers

        self._serve()
        jobs = []
        for number, person in enumerate(self.size.people, start=1):
            if wishes.get(person):
                place = ScriptedStation(
                    self._url, self.notes["stations"][number - 1], self.folder / "stations" / str(number)
                )
                jobs.append((place, person, wishes[person]))
        total = sum(len(wished) for wished in wishes.values())
        done = 0
        with workers(play_at_station, jobs) as pipes, self.command_runner.telling() as tell:
            running = list(pipes)
            try:
                for pipe, said in received(running):
                    if isinstance(said, ArenaError):
                        raise said
                    if said is None:
                        running.remove(pipe)
                    else:
                        done += 1
                        tell(f"{done} of {total}: {said}")
            except WorkerDied:
                raise EventError("A station's process has died; start the demo again to go on.") from None
        games = "1 game" if done == 1 else f"{done} games"
        self.command_runner.say(f"{games} played at the stations, and replayed by the server.")

    def _serve(self) -> None:
        """Start the server if it doesn't run yet."""
        if self._url:
            return
        if not self.notes["stations"]:
            roles = {"organizer": "Organizer", "participant": "Participant"}
            tokens = {role: self._token(name, role) for role, name in roles.items()}
            places = [self._token(name, "station") for name in stations(self.size)]
            self.notes |= {"tokens": tokens, "stations": places}
            self._write_notes()
        words = ["serve", "--port", "0", "--evaluation-seeds", str(self.size.evaluation)]
        log = self._open.enter_context((self.folder / "server.log").open("ab"))
        self.command_runner.say(f"$ arena {shlex.join(words)} &")
        server = child.start(child.ARENA, words, self.command_runner.environment, log.fileno())
        self._open.callback(self._stopped, server)
        assert server.stdout is not None
        said = server.stdout.readline()
        if "://" not in said:
            raise EventError(f"The server did not start; {self.folder / 'server.log'} says why.")
        self._url = "http://" + said.split("://")[1].split("/")[0]
        self.command_runner.environment |= {
            "ARENA_SERVER": self._url,
            "ARENA_TOKEN": self.notes["tokens"]["participant"],
        }

    def _stopped(self, server: subprocess.Popen[str]) -> None:
        child.end(server)
        self._url = ""

    def _token(self, name: str, role: str) -> str:
        return str(self.command_runner.ask("token", "add", name, "--role", role)["token"])

    # -- notes --------------------------------------------------------------------------------------------------------

    def _read_notes(self) -> dict[str, Any]:
        """Return what an earlier run has noted; make folder and notes for a first one."""
        path = self.folder / NOTES
        try:
            if path.is_file():
                found: dict[str, Any] = json.loads(path.read_bytes())
                return found
            if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
                raise EventError(
                    f"{self.folder} is there already and holds no rehearsal; name a new folder with --event."
                )
            self.folder.mkdir(parents=True, exist_ok=True)
            self.notes = {"done": {}, "tokens": {}, "stations": []}
            self._write_notes()
        except (OSError, ValueError) as error:
            raise EventError(f"{path} can't be used ({error}); name a new folder with --event.") from None
        return self.notes

    def _write_notes(self) -> None:
        path = self.folder / NOTES
        write_atomically(path, (json.dumps(self.notes, indent=1) + "\n").encode())
        path.chmod(0o600)  # it holds tokens

    def _note(self, step: str, seconds: float) -> None:
        self.notes["done"][step] = round(seconds, 1)
        self._write_notes()

    def _say_what_to_open(self) -> None:
        report, where = self.folder / "report", shlex.quote(str(self.folder))
        spent = sum(self.notes["done"].values())
        self.console.print(
            f"The event is over; it took {clock(spent)}. Everything lies in {self.folder}.\n", markup=False
        )
        for first, line in (
            ("Open", f"{report / 'report.html'}   the verdicts, with films"),
            ("", f"{report / 'report.pdf'}   the same on paper"),
            (
                "Next",
                f"arena event audit {shlex.quote(str(self.proof))}   as anybody can with the published folder",
            ),
            ("", f"arena serve --event {where}   the pages, as everybody sees them"),
            ("", f"arena tournament status battle --event {where}   standings and verdict"),
            ("", f"arena stage --event {where}   the games once more, as on a projector"),
            ("", "docs/runbook.md   the same event with people, step by step"),
            ("Again", f"remove {self.folder}, or name another folder with --event"),
        ):
            self.console.print(f"{first:5}  {line}", markup=False, soft_wrap=True)
