"""What `arena agent check` looks at: everything that would go wrong with an agent on the organizer's machine.

Six steps, each only if the one before went well: the file, the game, the sandbox, the time of a decision, a short game,
whole games on practice seeds. How many of these are played is decided before the first of them, by the time that
decisions take.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from agents.packages import HINTS, AgentPackage, AgentRefused, admit
from agents.player import Player
from agents.sandbox.player import NoSandbox, guarded_player, payload_of_package, probe
from arena.engine.evaluate import play_seeds
from arena.engine.match import PLAYER_ERRORS
from arena.engine.seeds import practice_seeds
from arena.stats.comparison import human_normalized, summary
from envs.environment import ArenaEnv
from envs.errors import ArenaError, tidy
from envs.games import FPS, GAMES, HUMAN, RANDOM, TESTER, Game, find_game
from envs.rules import Rules, named_rules
from envs.step import End
from recordings.recording import Recording

DECISIONS = 61
"""How many are timed."""
ENOUGH_SECONDS = 3.0
"""After so long it is clear how slow an agent is."""
SHORT_FRAMES = 600
"""Of the short game: ten seconds of play."""
FIRST_SEED = 500
"""Practice seeds from here on: training evaluates on those from 0 on."""
MOST_GAMES = 8
CHECK_SECONDS = 50.0
"""What all of it may take; a minute, with the start of the program. The games for the score take what is left."""
FRAME_SECONDS = 1 / 4000
"""What a frame takes besides decisions on a usual machine: emulation, pictures, recording (docs/benchmarks.md)."""
RECORDING = 2
"""A frame of a recorded game may take so many times as long as one of which only the decisions are timed."""
HARDLY_BETTER = 1.5
"""Below so many times the random player's score, an agent is told that something may be wrong."""


class FindingStatus(StrEnum):
    OK = "ok"
    WARN = "warn"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step found."""

    step: str
    status: FindingStatus
    sentence: str
    code: str = ""
    """The refusal's; empty if all is well."""
    mend: str = ""
    game: str = ""
    """ROM name of the game that it is about; empty where it is about the file."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an agent plays."""

    decisions: list[float]
    """Seconds of each decision but the first, which warms up; none if it broke down before."""
    frame: float
    """Seconds of a frame besides decisions."""

    @property
    def decision(self) -> float:
        """Median of `decisions`, in seconds; 0 if there are none."""
        return float(np.median(self.decisions)) if self.decisions else 0.0


def preflight(
    path: Path, games: list[Game] | None = None, rules: str = "5min", seconds: float = CHECK_SECONDS
) -> Iterator[Finding]:
    """Yield what each step finds, as it is done; within a minute in all. After a refusal nothing follows for that game.

    Args:
        path: a package (zip or folder) or an SB3 zip.
        games: which games to check it for; None for those that the package names, or the one that a plain SB3 zip's
            number of actions tells.
        rules: the class of rules that the score is for.
        seconds: what all of it may take.

    Raises:
        RulesError: there are no such rules.
    """
    end = time.monotonic() + seconds
    named_rules(games[0] if games else next(iter(GAMES.values())), rules)  # said before anything else
    try:
        package = admit(path)
    except AgentRefused as refused:
        yield _refused("file", refused)
        return
    yield Finding("file", FindingStatus.OK, _about(package))
    chosen = games or [find_game(name) for name in package.games]
    if not chosen:
        chosen = _fitting(package)
        yield _guessed(chosen)
        if len(chosen) != 1:
            return
    for done, game in enumerate(chosen):
        now = time.monotonic()
        until = now + (end - now) / (len(chosen) - done)
        for finding in _for_game(package, game, named_rules(game, rules), until):
            yield replace(finding, game=game.name)


def _fitting(package: AgentPackage) -> list[Game]:
    """Return the games that an agent can play which doesn't say what it was trained for."""
    found = []
    for game in GAMES.values():
        with suppress(AgentRefused):
            package.check_game(game)
            found.append(game)
    return found


def _guessed(fitting: list[Game]) -> Finding:
    told = "A plain Stable-Baselines3 zip doesn't say which game it plays"
    if len(fitting) == 1:
        return Finding("game", FindingStatus.OK, f"{told}; only {fitting[0].title} has as many actions as this one.")
    titles = ", ".join(game.title for game in fitting) if 0 < len(fitting) < len(GAMES) else ""
    titles = titles or ("every game" if fitting else "no game of the arena")
    return Finding(
        "game",
        FindingStatus.WARN,
        f"{told}, and its number of actions is that of {titles}: only the file was checked.",
        mend="Say it with --game GAME.",
    )


def _for_game(package: AgentPackage, game: Game, rules: Rules, until: float) -> Iterator[Finding]:
    try:
        payload = payload_of_package(package, game)
        yield _fit(package, game)
        yield _sandbox()
        with closing(guarded_player(payload)) as player:
            yield from _with_player(player, package, rules, until)
    except AgentRefused as refused:
        yield _refused("game", refused)
    except ArenaError as error:
        yield Finding("start", FindingStatus.REFUSED, str(error), "load-failed", _sentence(HINTS["load-failed"]))


def _with_player(player: Player, package: AgentPackage, rules: Rules, until: float) -> Iterator[Finding]:
    frame_skip = package.frame_skip_in(find_game(rules.game))
    pace = pace_of(player, rules, frame_skip)
    if pace.decisions:
        speed = _speed(pace.decisions, frame_skip / FPS)
        yield speed
        if speed.status is FindingStatus.REFUSED:
            return
    short = _short_game(player, rules)
    yield short
    if short.status is not FindingStatus.REFUSED:
        seconds = until - time.monotonic()
        yield _score(player, *_planned(rules, pace.decision / frame_skip, pace.frame, seconds))


def _sandbox() -> Finding:
    try:
        return Finding("sandbox", FindingStatus.OK, f"It runs where it can do no harm ({probe().name}).")
    except NoSandbox as error:
        return Finding(
            "sandbox", FindingStatus.WARN, str(error), mend="This is about this machine, not about the agent."
        )


def pace_of(player: Player, rules: Rules, frame_skip: int, count: int = DECISIONS) -> Pace:
    """Time the first `count` decisions of a game, or fewer if the player breaks down or takes too long."""
    env = ArenaEnv(rules, obs_type="ram")
    step = env.start(FIRST_SEED)
    seconds: list[float] = []
    start = time.perf_counter()
    try:
        player.reset(seed=0, action_set=rules.action_set)
        start = time.perf_counter()
        while step.end is None and len(seconds) < count and sum(seconds) < ENOUGH_SECONDS:
            begin = time.perf_counter()
            action = player.act(step)
            if step.t % frame_skip == 0:
                seconds.append(time.perf_counter() - begin)
            step = env.advance(action)
    except PLAYER_ERRORS:  # the short game will say so
        pass
    finally:
        besides = time.perf_counter() - start - sum(seconds)
        env.close()
    return Pace(seconds[1:], RECORDING * besides / max(1, step.t))


def _refused(step: str, refused: AgentRefused) -> Finding:
    return Finding(step, FindingStatus.REFUSED, _sentence(refused.sentence), refused.code, _sentence(refused.hint))


def _sentence(text: str) -> str:
    text = text.rstrip(".")
    return text[:1].upper() + text[1:] + "."


def _about(package: AgentPackage) -> str:
    kind = "an ONNX network" if package.kind == "onnx" else "a network of Stable-Baselines3"
    by = f" by {package.author}" if package.author else ""
    return f"{package.name}{by} is {kind}, {len(package.content) / 1e6:.2g} MB, nothing in it is a program."


def _fit(package: AgentPackage, game: Game) -> Finding:
    from agents.networks.preprocessing import SB3_WRAPPERS  # imports OpenCV

    count = len(package.action_set or named_rules(game).action_set)
    frame_skip = package.frame_skip_in(game)
    told = (
        f"It decides between {count} actions of {game.title} every {_nth(frame_skip)}frame, on "
        f"{package.stack} pictures ({package.preprocessing})."
    )
    if blind := game.hides(frame_skip):
        return Finding(
            "game", FindingStatus.WARN, f"{told} {blind}", mend=f"Train it with frame skip {game.frame_skip}."
        )
    if package.settings:
        return Finding("game", FindingStatus.OK, told)
    return Finding(
        "game",
        FindingStatus.OK,
        f"{told} It doesn't say how it was trained; the arena's own way is assumed.",
        mend="If that was with make_atari_env: arena agent pack FILE "
        f"--game {game.name} --preprocessing {SB3_WRAPPERS}",
    )


def _nth(number: int) -> str:
    return {1: "", 2: "second ", 3: "third "}.get(number, f"{number}th ")


def _speed(times: list[float], limit: float) -> Finding:
    median, worst = float(np.median(times)), float(np.quantile(times, 0.95))
    told = (
        f"A decision takes {1000 * median:.1f} ms here (95 % of them at most {1000 * worst:.1f} ms); the console "
        f"gives it {1000 * limit:.0f} ms."
    )
    if median > limit:
        return Finding("speed", FindingStatus.REFUSED, told, "too-slow", _sentence(HINTS["too-slow"]))
    if worst > limit / 2:
        return Finding("speed", FindingStatus.WARN, told, mend="Leave room for a slower machine.")
    return Finding("speed", FindingStatus.OK, told)


def _short_game(player: Player, rules: Rules) -> Finding:
    """Play ten seconds twice, with the same seed."""
    short = rules.varied(max_frames=SHORT_FRAMES)
    (first,) = play_seeds(player, short, [FIRST_SEED])
    if first.end is End.FAILED:
        return _forfeit("short game", f"It broke down after {first.frames} frames", player)
    (second,) = play_seeds(player, short, [FIRST_SEED])
    if first.actions != second.actions:
        return Finding(
            "short game",
            FindingStatus.WARN,
            "It played the same ten seconds twice and acted differently: its games can't be played again.",
            mend="Leave out random operators and dropout when exporting.",
        )
    return Finding("short game", FindingStatus.OK, "It played ten seconds, twice the same.")


def _forfeit(step: str, what: str, player: Player) -> Finding:
    """`what` went wrong; a player in the sandbox knows why."""
    why = getattr(player, "failure", None)
    told = f"{what}, which would be a forfeit{f': {tidy(why)}' if why else '.'}"
    return Finding(step, FindingStatus.REFUSED, told, "forfeit", _sentence(HINTS["forfeit"]))


def _planned(rules: Rules, deciding: float, frame: float, seconds: float) -> tuple[Rules, Rules, int]:
    """Return the rules, what is played of them, and how many games: as many as fit into `seconds` if all are long.

    Args:
        deciding: what a frame of all games together costs in decisions: they are made for all of them at once.
        frame: what a frame of each game costs besides.
    """
    frame = max(frame, FRAME_SECONDS)
    room = seconds / rules.max_frames - deciding
    if room >= frame:
        return rules, rules, min(MOST_GAMES, int(room / frame))
    frames = int(seconds / (deciding + frame))  # not even one whole game in time
    return rules, rules.varied(max_frames=max(SHORT_FRAMES, frames)), 1


def _score(player: Player, rules: Rules, played: Rules, count: int) -> Finding:
    """Play games on practice seeds."""
    game = find_game(rules.game)
    recordings = list(play_seeds(player, played, practice_seeds(count, FIRST_SEED)))
    failed = sum(recording.end is End.FAILED for recording in recordings)
    if failed:
        return _forfeit("score", f"It broke down in {failed} of {count} games", player)
    whole = played == rules or all(recording.end is End.TERMINATED for recording in recordings)
    told = _told_score(game, recordings, rules if whole else None)
    mean = summary([recording.score for recording in recordings]).mean
    random = game.reference(RANDOM)
    if random is not None and mean < HARDLY_BETTER * random.score and whole:
        return Finding(
            "score",
            FindingStatus.WARN,
            f"{told} That is hardly better than random play ({random.score:,.1f}).",
            mend="If it was better in training, compare preprocessing, stack, frame_skip and the order of action_set.",
        )
    return Finding("score", FindingStatus.OK, told)


def _told_score(game: Game, recordings: list[Recording], rules: Rules | None) -> str:
    """Say what the scores were; `rules` is None where the games were cut short."""
    scores = summary([recording.score for recording in recordings])
    one = scores.n == 1
    games = "one practice game" if one else f"mean of {scores.n} practice games"
    length = recordings[0].rules.max_frames / FPS
    cut = f", the first {length:.0f} seconds of {'it' if one else 'each'}" if rules is None else ""
    points = f"{scores.mean:,.0f} {'point' if round(scores.mean) == 1 else 'points'}"
    told = f"Expect {points} in {game.title} ({games}{cut}"
    if scores.low is not None and scores.high is not None and scores.low < scores.high:
        told += f", 95 % interval {scores.low:,.0f} to {scores.high:,.0f}"
    told += ")."
    random = game.reference(RANDOM)
    human = game.reference(TESTER if rules is not None and rules.label == "5min" else HUMAN)
    if rules is not None and random is not None and human is not None and scores.mean > random.score:
        share = human_normalized(scores.mean, random.score, human.score)
        told += f" That is {100 * share:,.0f} % of the way from random play to the {human.who} ({human.score:,.0f})."
    return told
