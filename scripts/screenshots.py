#!/usr/bin/env python3
"""Make the pictures of the screens of kiosk and window in docs/screenshots/, from a small event that is really played.

python3 scripts/screenshots.py
python3 scripts/screenshots.py --size 3840x2160 --out /tmp/large
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from agents.human import Button, HumanPlayer  # noqa: E402
from agents.load import find_agent_file, house_bots, load_player  # noqa: E402
from arena.client.offline import Alone  # noqa: E402
from arena.client.station import TicketRefused  # noqa: E402
from arena.engine.evaluate import play_seeds  # noqa: E402
from arena.event.blocked_words import load_words  # noqa: E402
from arena.event.folder import open_event  # noqa: E402
from arena.kiosk.kiosk import Kiosk  # noqa: E402
from arena.kiosk.model import House, OpponentChoice  # noqa: E402
from arena.kiosk.screens.attract import Attract  # noqa: E402
from arena.kiosk.screens.base import KioskScreen, Visit  # noqa: E402
from arena.kiosk.settings import open_settings  # noqa: E402
from arena.play.keeper import PlayedGame  # noqa: E402
from arena.play.opponent import open_opponent  # noqa: E402
from arena.play.session import Round, play_game  # noqa: E402
from arena.scoreboard.publish import keep, publish  # noqa: E402
from arena.scoreboard.store import Scoreboard  # noqa: E402
from arena.ui.window import Press, Stage, open_stage  # noqa: E402
from envs.games import Game, find_game  # noqa: E402
from envs.rules import Rules  # noqa: E402
from envs.step import Step  # noqa: E402
from recordings.recording import Recording  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"
MOST_BYTES = 100_000
"""A picture in the repository shall not be larger."""
COLOURS = 64
GAME_PICTURES = 600
"""Pictures, the countdown's included, after which that of a running game is taken."""
WINDOW_STEPS = (
    (40, "play-countdown", ""),
    (500, "play-alone", "p"),
    (20, "play-paused", "p"),
    (200, "", "escape"),
    (20, "play-leave", "return"),
    (90, "play-left", "return"),
)
"""Of a game at the window: pictures to wait, the name of the one to take then, the key to press."""
GUESTS = ("Ada", "Grace", "Alan", "Katherine", "Donald", "Barbara", "Edsger")

# -- guests that press at random ---------------------------------------------------------------------------------------


class Mashing:
    """Hands that press at random, anew every fifth of a second."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = random.Random(seed)
        self._held: list[Button] = []

    def next(self, step: Step) -> Sequence[Button]:
        if step.t % 12 == 0:
            self._held = [Button.FIRE, self._rng.choice(list(Button))]
        return self._held


def played_by_guest(name: str, rules: Rules, seeds: Sequence[int], hands: int) -> list[Recording]:
    """Return a guest's games on `seeds`."""
    return list(_games_of_guest(name, rules, tuple(seeds), hands))


def played_by_agent(agent: str, game: Game, rules: Rules, seeds: Sequence[int]) -> list[Recording]:
    return list(_games_of_agent(agent, game, rules, tuple(seeds)))


@cache
def _games_of_guest(name: str, rules: Rules, seeds: tuple[int, ...], hands: int) -> tuple[Recording, ...]:
    return tuple(play_seeds(HumanPlayer(name, Mashing(hands)), rules, seeds))


@cache
def _games_of_agent(agent: str, game: Game, rules: Rules, seeds: tuple[int, ...]) -> tuple[Recording, ...]:
    return tuple(play_seeds(load_player(agent, game), rules, seeds))


def fill(house: House, game: Game, guests: Sequence[str], agents: Sequence[str]) -> None:
    """Put a game of each guest and agent on the standings."""
    seeds, rules = house.seeds(game)[:1], house.rules(game)
    games = [one for number, name in enumerate(guests) for one in played_by_guest(name, rules, seeds, number)]
    games += [one for agent in agents for one in played_by_agent(agent, game, rules, seeds)]
    publish([keep(recording, house.event.recordings) for recording in games], house.board, processes=1)


def visit_of(house: House, game: Game, name: str, agent: str | None, rounds: int = 2, hands: int = 7) -> Visit:
    """Return a visit whose games are played and saved, but not counted yet."""
    rules, seeds = house.rules(game), house.seeds(game)[:rounds]
    mine = [_saved(house, one) for one in played_by_guest(name, rules, seeds, hands)]
    theirs: Sequence[PlayedGame | None] = [None] * rounds
    if agent is not None:
        theirs = [_saved(house, one) for one in played_by_agent(agent, game, rules, seeds)]
    played = [Round(*one) for one in zip(seeds, mine, theirs, strict=True)]
    return Visit(game, OpponentChoice(agent, None) if agent else None, name=name, rounds=played)


def _saved(house: House, recording: Recording) -> PlayedGame:
    return PlayedGame(recording, keep(recording, house.event.recordings), None)


def _package_of_a_participant(house: House, game: Game) -> None:
    """Put an agent into the event folder, as a participant could have sent it."""
    bot = house_bots(game)[0]
    house.event.agents.mkdir(exist_ok=True)
    with ZipFile(find_agent_file(bot)) as old, ZipFile(house.event.agents / "lamarr.zip", "w") as new:
        settings = old.read("agent.toml").decode().replace(f'"{bot}"', '"Lamarr\'s Hopper"')
        new.writestr("agent.toml", settings)
        new.writestr("weights.safetensors", old.read("weights.safetensors"))


# -- the pictures ------------------------------------------------------------------------------------------------------


class ScriptedClock:
    """Seconds that go by when this script says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def picture_of(stage: Stage) -> Any:
    """Return what stands on a window as a pillow image."""
    from PIL import Image

    surface = stage.surface
    return Image.frombytes("RGB", surface.get_size(), stage.pygame.image.tobytes(surface, "RGB"))


class KioskCamera:
    """Leads a kiosk from screen to screen and takes its picture."""

    def __init__(self, house: House, stage: Stage, clock: ScriptedClock) -> None:
        self.house = house
        self.clock = clock
        self.kiosk = Kiosk(house, stage, clock)
        self._stage = stage

    def show(self, make: Callable[[House, float], KioskScreen]) -> None:
        self.kiosk.screen = make(self.house, self.clock())

    def press(self, *keys: str) -> None:
        for key in keys:
            self.kiosk.handle(Press(None, key if len(key) == 1 else "", key))

    def wait(self, seconds: float) -> None:
        """Let so much time go by, in the steps of a display."""
        for _ in range(int(seconds * 20)):
            self.clock.now += 0.05
            self.kiosk.update()

    def wait_for(self, seen: Callable[[KioskScreen], bool]) -> None:
        """Let time go by until the screen is such."""
        while not seen(self.kiosk.screen):
            self.wait(0.5)

    def wait_for_live(self) -> None:
        """Let time go by, not faster than a bot can load, until it plays in attract mode."""
        while not (isinstance(screen := self.kiosk.screen, Attract) and screen.clip is not None and screen.clip.live):
            self.wait(0.5)
            time.sleep(0.2)

    def picture(self) -> Any:
        """Return the screen as a pillow image."""
        self.kiosk.update()
        self.kiosk.draw()
        return self.shot()

    def of_a_game(self, game: Game) -> Any:
        """Return the picture of a game against a script, some seconds after its beginning; it is played for that."""
        stage = self._stage
        taken: list[Any] = []
        show = stage.show

        def watched() -> None:
            show()
            if stage.shown == before + GAME_PICTURES:
                taken.append(self.shot())
                stage.closed = True

        rules = self.house.rules(game)
        with open_opponent("script:basic", rules) as opponent:
            begin = opponent.begin

            def unhurried(rules: Rules, seed: int) -> None:
                begin(rules, seed)
                opponent.patient()  # on a busy machine, too, the picture is the usual one

            opponent.begin = unhurried  # type: ignore[method-assign]
            before = stage.shown
            stage.show = watched  # type: ignore[method-assign]
            play_game(stage, rules, 1, "Hedy", None, opponent=opponent, title="round 1 of 3")
        stage.show = show  # type: ignore[method-assign]
        stage.closed = False
        return taken[0]

    def of_the_window(self, game: Game) -> Iterator[tuple[str, Any]]:
        """Yield the screens that lie over a game of `arena play`, from the countdown to the end; it is played for that,
        in real time."""
        stage = self._stage
        taken: list[tuple[str, Any]] = []
        show, steps = stage.show, iter(WINDOW_STEPS)
        wait, name, key = next(steps)
        due = stage.shown + wait

        def watched() -> None:
            nonlocal wait, name, key, due
            show()
            if stage.shown != due:
                return
            if name:
                taken.append((name, self.shot()))
            if key:
                code = stage.pygame.key.key_code(key)
                stage.pygame.event.post(stage.pygame.event.Event(stage.pygame.KEYDOWN, key=code, unicode=""))
            wait, name, key = next(steps, (0, "", ""))
            due = stage.shown + wait

        stage.show = watched  # type: ignore[method-assign]
        play_game(stage, self.house.rules(game), 1, "Hedy", None, title="seed 1")
        stage.show = show  # type: ignore[method-assign]
        yield from taken

    def shot(self) -> Any:
        """Return what stands on the window now."""
        return picture_of(self._stage)


class Away(Alone):
    """A server that can't be reached, or that gives no ticket."""

    url = "http://192.168.1.10:8000"

    def __init__(self, answer: TicketRefused | None) -> None:
        self._answer = answer

    def answer(self) -> TicketRefused | None:
        return self._answer


@contextmanager
def studio(folder: Path, size: tuple[int, int]) -> Iterator[KioskCamera]:
    """An event in `folder` and a window that nobody sees."""
    os.environ["SDL_VIDEODRIVER"] = os.environ["SDL_AUDIODRIVER"] = "dummy"
    os.environ["ARENA_CONFIG"] = str(folder / "controls")
    event_folder = folder / "event"
    if not event_folder.exists():
        event_folder.mkdir(parents=True)
        settings = 'name = "Winter Arcade"\nurl = "http://192.168.1.10:8000"\n'
        (event_folder / "event.toml").write_text(settings, encoding="utf-8")
        (event_folder / "kiosk.toml").write_text('exit_code = "246810"\n', encoding="utf-8")
        (event_folder / "kiosk-seeds.txt").write_text("0a" * 32, encoding="ascii")  # the same pictures every time
    event = open_event(event_folder)
    with Scoreboard.open(event.database) as board, open_stage("Arena", size=size) as stage:
        yield KioskCamera(
            House(event, board, open_settings(event.folder), load_words(event.folder)), stage, ScriptedClock()
        )


def pictures(camera: KioskCamera) -> Iterator[tuple[str, Any]]:
    """Yield the name and the picture of every screen, in the order in which a guest of the kiosk meets them."""
    from arena.kiosk.model import MatchOutcome
    from arena.kiosk.screens.choose import ChooseGame, ChooseOpponent
    from arena.kiosk.screens.consent import Consent, WarmUp
    from arena.kiosk.screens.exit import Attempts, Exit
    from arena.kiosk.screens.match import NextRound, Trouble
    from arena.kiosk.screens.name import EnterName
    from arena.kiosk.screens.result import Counting, ResultScreen

    house = camera.house
    game = find_game("space_invaders")
    camera.show(Attract)
    camera.wait(1)
    yield "attract-empty", camera.picture()
    camera.wait(25)
    yield "standings-empty", camera.picture()
    camera.wait_for_live()
    for _ in range(160):  # no faster than a clock: a bot that is never waited for must have time to think
        camera.wait(0.05)
        time.sleep(0.05)
    yield "attract-live", camera.picture()
    fill(house, game, GUESTS, ("script:basic", "script:random"))
    camera.show(Attract)
    camera.wait_for(lambda screen: isinstance(screen, Attract) and screen.game is game)
    camera.wait(12)
    yield "attract", camera.picture()
    camera.wait_for(lambda screen: isinstance(screen, Attract) and screen.clip is None)
    yield "standings", camera.picture()
    camera.show(lambda house, now: ChooseGame(house, now, house.games.index(game)))
    yield "game", camera.picture()
    _package_of_a_participant(house, game)
    visit = visit_of(house, game, "Hedy", "script:random")
    camera.show(lambda house, now: ChooseOpponent(house, Visit(game), now))
    yield "rival", camera.picture()
    camera.show(lambda house, now: EnterName(house, Visit(game), now))
    camera.press(*"Hedy")
    yield "name", camera.picture()
    camera.press(*" the inventor of frequency hopping")
    yield "name-long", camera.picture()
    camera.show(lambda house, now: Consent(house, visit, now))
    yield "consent", camera.picture()
    camera.show(lambda house, now: WarmUp(house, visit, now))
    yield "warm-up", camera.picture()
    waiting = Visit(game, visit.choice, visit.choice.start(house.rules(game)) if visit.choice else None, "Hedy")
    camera.show(lambda house, now: NextRound(house, waiting, now))
    camera.clock.now += 3
    yield "rival-loading", camera.picture()
    waiting.end()
    camera.show(lambda house, now: NextRound(house, Visit(game, visit.choice, name="Hedy"), now))
    camera.wait(3)
    yield "first-round", camera.picture()
    camera.show(lambda house, now: NextRound(house, Visit(game, visit.choice, None, "Hedy", visit.rounds[:1]), now))
    camera.wait(3)
    yield "next-round", camera.picture()
    for name, answer in (
        ("unseen", None),
        ("enough", TicketRefused("Hedy has begun 30 games of Space Invaders today: that is all for one day.")),
    ):
        house.station = Away(answer)
        camera.show(lambda house, now: NextRound(house, Visit(game, visit.choice, name="Hedy"), now))
        camera.wait(3)
        yield name, camera.picture()
    house.station = Alone()
    yield "playing", camera.of_a_game(game)
    yield from camera.of_the_window(game)
    camera.show(lambda house, now: Counting(house, visit, now))
    camera.clock.now += 2.5
    camera.kiosk.draw()
    yield "counting", camera.shot()
    while isinstance(camera.kiosk.screen, Counting):
        camera.kiosk.update()
    yield "result", camera.picture()
    long = visit_of(house, house.games[0], "W" * 32, None, 3, 3)
    counted = house.count(long.game, long.name, [r.person.path for r in long.rounds if r.person.path])
    camera.show(lambda house, now: ResultScreen(house, long, counted, now))
    yield "result-alone", camera.picture()
    outcome: MatchOutcome | None = None
    camera.show(lambda house, now: ResultScreen(house, visit, outcome, now))
    yield "result-later", camera.picture()
    camera.wait(38)
    yield "idle", camera.picture()
    camera.show(lambda house, now: Trouble(house, Visit(game), "The disk is full; free some space.", now))
    yield "trouble", camera.picture()
    camera.show(lambda house, now: Exit(house, Attract(house, now), Attempts(), now))
    camera.press("2", "4", "6")
    yield "exit", camera.picture()


def options(description: str | None) -> tuple[tuple[int, int], Path]:
    """Read the command line; return the size of the pictures and the folder for them, and make it."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1280x720", metavar="WxH", help="of the pictures; 1280x720")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="where they go; docs/screenshots")
    chosen = parser.parse_args()
    width, height = map(int, chosen.size.split("x"))
    chosen.out.mkdir(parents=True, exist_ok=True)
    return (width, height), chosen.out


def save(named: Iterable[tuple[str, Any]], out: Path) -> int:
    """Save pictures as PNG files of few colours; return 1 as soon as one is too large for the repository, else 0."""
    for name, picture in named:
        path = out / f"{name}.png"
        picture.quantize(COLOURS, dither=0).save(path, optimize=True)
        print(f"{path}  {path.stat().st_size:,} bytes", flush=True)
        if path.stat().st_size > MOST_BYTES and out == FOLDER:
            print(f"{path} is larger than {MOST_BYTES:,} bytes", file=sys.stderr)
            return 1
    return 0


def main() -> int:
    size, out = options(__doc__)
    with tempfile.TemporaryDirectory() as folder, studio(Path(folder), size) as camera:
        named = ((name if name.startswith("play-") else f"kiosk-{name}", taken) for name, taken in pictures(camera))
        return save(named, out)


if __name__ == "__main__":
    sys.exit(main())
