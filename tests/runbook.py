"""Follows the runbook from its first command to its last in an empty folder, in the order in which it stands there.

So that it is soon over, Space Invaders takes Breakout's place, the shortest scripts take the bots', and one seed is
played of each; pretended people play what people would. ARENA_SOAK=1 follows it word for word.

This is run in the README's environment: nothing that only tests have may be imported here.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from arena import cli
from arena.event.folder import open_event
from arena.processes.child import ARENA, end, start
from arena.scoreboard.store import Scoreboard
from arena.tournament.runner import TournamentRunner
from envs.rules import named_rules
from tests.pretend import people_play

ROOT = Path(__file__).parent.parent
RUNBOOK = ROOT / "docs" / "runbook.md"
SOAK = bool(os.environ.get("ARENA_SOAK"))
GAME = "breakout" if SOAK else "space_invaders"
SHORTER = (
    (r"breakout-quick|script:basic", "script:noop"),
    (r"breakout-taught", "script:random"),
    (r"\bbreakout\b", GAME),
    (r"--best-of \d+", "--best-of 1"),
    (r"--seeds \d+", "--seeds 1"),
)
SETTINGS = """
[stations]
names = ["Station 1"]
[seeds]
entropy = "the lottery of Saturday"
[final]
people = 2
bots = 2
"""
PEOPLE = {"Ada": 0.3, "Ben": 0.6, "Cem": 0.9}


def commands() -> list[str]:
    """Return the commands in their order, those in the table of mishaps included."""
    text = RUNBOOK.read_text(encoding="utf-8")
    found = re.findall(r"^ {4,}(arena .*)$|`(arena [^`]*)`", text[text.index("## Three weeks before") :], re.MULTILINE)
    return [alone or among for alone, among in found]


def shortened(command: str) -> str:
    for pattern, instead in () if SOAK else SHORTER:
        command = re.sub(pattern, instead, command)
    return command


def play(folder: Path, name: str, who: str | None = None) -> None:
    """Let people play what the tournament `name` waits for: everybody, or one."""
    event = open_event(folder)
    with Scoreboard.open(event.database) as board:
        one = TournamentRunner(event, board, name)
        one.take_in()
        state = one.state()
        for slot in one.waiting_for(state):
            if who in (None, slot.player):
                rules, seed = state.plan.rules[slot.game], one.seed_of(state, slot)
                people_play(board, event.recordings, rules, [seed], {slot.player: PEOPLE[slot.player]}, "script:random")
        one.take_in()


def practise(folder: Path) -> None:
    event = open_event(folder)
    with Scoreboard.open(event.database) as board:
        for game in event.settings.games:
            rules = named_rules(game)
            people_play(board, event.recordings, rules, [0], {n: PEOPLE[n] for n in ("Ada", "Ben")}, "script:random")


def served(words: list[str]) -> None:
    """Start the server and end it again; every option but the port is the runbook's."""
    process = start(ARENA, [*words, "--port", "0"], os.environ | {"PYTHONPATH": str(ROOT)}, -3)
    try:
        assert process.stdout is not None
        assert "http://" in process.stdout.readline()
    finally:
        end(process)
    assert process.returncode in (0, 130)  # as after Ctrl-C


def follow(folder: Path) -> list[str]:
    """Follow the runbook in the current folder, whose event folder is `folder`; return what was done.

    Raises:
        AssertionError: a command has failed.
    """
    done = []
    for command in map(shortened, commands()):
        words = shlex.split(command)[1:]
        match words:
            case ["serve", *_]:
                served(words)
            case ["tournament", "play", name, who, *_]:
                play(folder, name, who)
            case ["kiosk" | "stage", *_]:
                continue  # with windows, in `tests/test_first_hour.py`
            case ["tournament", "walk-over"]:
                continue  # named in a sentence, without its arguments
            case _:
                if words[:3] == ["tournament", "run", "battle"] and "--wait" in words:
                    assert cli.main(["tournament", "run", "battle"]) == 0
                    play(folder, "battle")  # what the people do meanwhile
                expected = (0, 1) if words[0] == "doctor" else (0,)  # not every machine is fit to be a station
                assert cli.main(words) in expected, command
        if words[:2] == ["event", "init"]:
            text = (folder / "event.toml").read_text()
            games = "" if SOAK else f'games = ["{GAME}"]\n'
            (folder / "event.toml").write_text(text.split("[dates]")[0] + games + SETTINGS)
        if words == ["scoreboard"]:
            practise(folder)
        if words[:3] == ["tournament", "play", "rehearsal"]:
            cli.main(["tournament", "run", "rehearsal"])
        done.append(command)
    return done


if __name__ == "__main__":
    Path("done.txt").write_text("\n".join(follow(Path("event").absolute())))
