"""What `arena agent check` looks at: everything that would go wrong with an agent on the organizer's machine.

Five steps, each only if the one before went well: the file, the game, the time of a decision, a short game, whole games
on practice seeds. How many of these are played is decided before the first of them, by the time that decisions take.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from agents.packages import MENDS, AgentPackage, Refused, admit
from arena.preflight_game import decision_seconds, play_short
from arena.seeds import practice_seeds
from arena.statistics import human_normalized, summary
from envs.errors import ArenaError
from envs.games import FPS, HUMAN, RANDOM, TESTER, Game, find_game
from envs.rules import Rules, named_rules
from envs.step import End
from recordings.recording import Recording

DECISION_SECONDS = 0.05
"""What a decision may take: three frames of the console, so that an agent with frame skip 4 keeps up with it."""
DECISIONS = 60
"""How many are timed."""
SHORT_FRAMES = 600
"""Of the short game: ten seconds of play."""
FIRST_SEED = 500
"""Practice seeds from here on: training evaluates on those from 0 on."""
MOST_GAMES = 8
SCORE_SECONDS = 35.0
"""What the games for the score may take."""
FRAME_SECONDS = 1 / 4000
"""What a frame takes besides decisions: emulation, pictures, recording (docs/benchmarks.md)."""
HARDLY_BETTER = 1.5
"""Below so many times the random player's score, an agent is told that something may be wrong."""


class Status(StrEnum):
    OK = "ok"
    WARN = "warn"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step found."""

    step: str
    status: Status
    sentence: str
    code: str = ""
    """The refusal's; empty if all is well."""
    mend: str = ""


def preflight(path: Path, games: list[Game] | None = None, rules: str = "5min") -> Iterator[Finding]:
    """Yield what each step finds, as it is done; within a minute in all. After a refusal nothing follows for that game.

    Args:
        path: a package (zip or folder) or an SB3 zip.
        games: which games to check it for; None for those that the package names.
        rules: the class of rules that the score is for.

    Raises:
        RulesError: there are no such rules.
    """
    try:
        package = admit(path)
    except Refused as refused:
        yield _refused("file", refused)
        return
    yield Finding("file", Status.OK, _about(package))
    if not games and not package.games:
        yield Finding(
            "game",
            Status.WARN,
            "A plain Stable-Baselines3 zip doesn't say which game it plays, so only the file was checked.",
            mend="Say it with --game GAME.",
        )
        return
    chosen = games or [find_game(name) for name in package.games]
    for game in chosen:
        yield from _for_game(package, game, named_rules(game, rules), SCORE_SECONDS / len(chosen))


def _for_game(package: AgentPackage, game: Game, rules: Rules, seconds: float) -> Iterator[Finding]:
    try:
        package.check_game(game)
        yield Finding("game", Status.OK, _fit(package, game))
        times = decision_seconds(package, game, DECISIONS)
        speed = _speed(times)
        yield speed
        if speed.status is Status.REFUSED:
            return
        short = _short_game(package, rules)
        yield short
        if short.status is Status.REFUSED:
            return
        yield _score(package, game, *_planned(rules, float(np.median(times)) / package.frame_skip, seconds))
    except Refused as refused:
        yield _refused("network" if refused.code == "load-failed" else "game", refused)
    except ArenaError as error:
        yield Finding("network", Status.REFUSED, str(error), "load-failed", _sentence(MENDS["load-failed"]))


def _refused(step: str, refused: Refused) -> Finding:
    return Finding(step, Status.REFUSED, _sentence(refused.sentence), refused.code, _sentence(refused.mend))


def _sentence(text: str) -> str:
    text = text.rstrip(".")
    return text[:1].upper() + text[1:] + "."


def _about(package: AgentPackage) -> str:
    kind = "an ONNX network" if package.kind == "onnx" else "a network of Stable-Baselines3"
    by = f" by {package.author}" if package.author else ""
    return f"{package.name}{by} is {kind}, {len(package.content) / 2**20:.1f} MiB, nothing in it is a program."


def _fit(package: AgentPackage, game: Game) -> str:
    count = len(package.action_set or named_rules(game).action_set)
    stated = "" if package.settings else " It says nothing of how it was trained; the arena's own way is assumed."
    return (
        f"It decides between {count} actions of {game.title} every {_nth(package.frame_skip)}frame, on "
        f"{package.stack} pictures ({package.preprocessing}).{stated}"
    )


def _nth(number: int) -> str:
    return {1: "", 2: "second ", 3: "third "}.get(number, f"{number}th ")


def _speed(times: list[float]) -> Finding:
    median, worst = float(np.median(times)), float(np.quantile(times, 0.95))
    told = f"A decision takes {1000 * median:.1f} ms here (95 % of them at most {1000 * worst:.1f} ms)"
    limit = f"the limit is {1000 * DECISION_SECONDS:.0f} ms"
    if median > DECISION_SECONDS:
        return Finding("speed", Status.REFUSED, f"{told}; {limit}.", "too-slow", _sentence(MENDS["too-slow"]))
    if worst > DECISION_SECONDS / 2:
        return Finding("speed", Status.WARN, f"{told}; {limit}.", mend="Leave room for a slower machine.")
    return Finding("speed", Status.OK, f"{told}; {limit}.")


def _short_game(package: AgentPackage, rules: Rules) -> Finding:
    """Play ten seconds twice, with the same seed."""
    short = rules.varied(max_frames=SHORT_FRAMES)
    (first,) = play_short(package, short, [FIRST_SEED])
    (second,) = play_short(package, short, [FIRST_SEED])
    if first.end is End.FAILED:
        return _forfeit("short game", f"It broke down after {first.frames} frames: that would be a forfeit.")
    if first.actions != second.actions:
        return Finding(
            "short game",
            Status.WARN,
            "It played the same ten seconds twice and acted differently: its games can't be played again.",
            mend="Leave out random operators and dropout when exporting.",
        )
    return Finding("short game", Status.OK, "It played ten seconds, twice the same.")


def _forfeit(step: str, sentence: str) -> Finding:
    return Finding(step, Status.REFUSED, sentence, "forfeit", _sentence(MENDS["forfeit"]))


def _planned(rules: Rules, frame_seconds: float, seconds: float) -> tuple[Rules, Rules, int]:
    """Return the rules, what is played of them, and how many games: as many as fit into `seconds` if all are long.

    Args:
        frame_seconds: what a frame of all games together costs in decisions: they are made for all of them at once.
    """
    room = seconds / rules.max_frames - frame_seconds
    if room >= FRAME_SECONDS:
        return rules, rules, min(MOST_GAMES, int(room / FRAME_SECONDS))
    frames = int(seconds / (frame_seconds + FRAME_SECONDS))  # not even one whole game in time
    return rules, rules.varied(max_frames=max(SHORT_FRAMES, frames)), 1


def _score(package: AgentPackage, game: Game, rules: Rules, played: Rules, count: int) -> Finding:
    """Play games on practice seeds."""
    recordings = list(play_short(package, played, practice_seeds(count, FIRST_SEED)))
    failed = sum(recording.end is End.FAILED for recording in recordings)
    if failed:
        return _forfeit("score", f"It broke down in {failed} of {count} games: these would be forfeits.")
    told = _told_score(game, recordings, None if played != rules else rules)
    mean = summary([recording.score for recording in recordings]).mean
    random = game.reference(RANDOM)
    if random is not None and mean < HARDLY_BETTER * random.score and played == rules:
        return Finding(
            "score",
            Status.WARN,
            f"{told} That is hardly better than random play ({random.score:,.1f}).",
            mend="If it was better in training, compare preprocessing, stack, frame_skip and the order of action_set.",
        )
    return Finding("score", Status.OK, told)


def _told_score(game: Game, recordings: list[Recording], rules: Rules | None) -> str:
    """Say what the scores were; `rules` is None where the games were cut short."""
    scores = summary([recording.score for recording in recordings])
    games = "1 practice game" if scores.n == 1 else f"{scores.n} practice games"
    length = f", the first {recordings[0].rules.max_frames / FPS:.0f} seconds of each" if rules is None else ""
    told = f"Expect {scores.mean:,.0f} points in {game.title} (mean of {games}{length}"
    if scores.low is not None and scores.high is not None and scores.low < scores.high:
        told += f", 95 % interval {scores.low:,.0f} to {scores.high:,.0f}"
    told += ")."
    random = game.reference(RANDOM)
    human = game.reference(TESTER if rules is not None and rules.label == "5min" else HUMAN)
    if rules is not None and random is not None and human is not None:
        share = human_normalized(scores.mean, random.score, human.score)
        told += f" That is {100 * share:,.0f} % of the way from random play to the {human.who} ({human.score:,.0f})."
    return told
