"""From the scoreboard to the final: who qualifies, and how places changed between practice and the hidden seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from agents.delay import is_delayed
from agents.load import ZOO
from agents.player import Kind
from arena.scoreboard.results import Result, Standing
from arena.scoreboard.server_tables import SubmissionRow, TokenRow
from arena.scoreboard.store import Scoreboard
from arena.stats.comparison import first_by_seed
from arena.tournament.model import Entrant
from envs.errors import EventError
from envs.rules import Rules


def qualified(
    board: Scoreboard, rules: Mapping[str, Rules], people: int, bots: int, folder: Path, each: int | None = None
) -> list[Entrant]:
    """Return the best `people` people and `bots` bots of each game, in the order of the seeding: who is better placed
    in any game comes first.

    Args:
        board: the scoreboard.
        rules: by game.
        people: how many of each game.
        bots: how many of each game; scripts count as bots, bots with a reaction delay are left out.
        folder: the event folder's `agents/`, where the bots' files are looked for.
        each: how many different bots of one person, handed in at the server, over all games; None for any number.

    Raises:
        EventError: a bot's file can't be found.
    """
    files = files_by_hash(folder)
    owners = owners_of_bots(board)
    taken: dict[str, set[str]] = {}
    found: dict[tuple[str, Kind, str | None], tuple[int, Standing, list[str]]] = {}
    for game, one in rules.items():
        standings = board.standings(game, one.rules_id)
        humans = [s for s in standings if s.kind is Kind.HUMAN][:people]
        machines: list[Standing] = []
        for standing in standings:
            if standing.kind is Kind.HUMAN or is_delayed(standing.player) or len(machines) == bots:
                continue
            artifact = standing.artifact_sha256 or ""
            if artifact in owners:
                mine = taken.setdefault(owners[artifact], set())
                if each is not None and len(mine | {artifact}) > each:
                    continue
                mine.add(artifact)
            machines.append(standing)
        for place, standing in [*enumerate(humans), *enumerate(machines)]:
            key = (standing.player, standing.kind, standing.artifact_sha256)
            best, _, games = found.get(key, (place, standing, []))
            found[key] = (min(best, place), standing, [*games, game])
    ordered = sorted(found.values(), key=lambda one: (one[0], one[1].player))
    return [entrant_of(standing, tuple(games), rules, files) for _, standing, games in ordered]


def owners_of_bots(board: Scoreboard) -> dict[str, str]:
    """Return who handed in which bot at the server: the owner's name by SHA-256 of the bot's file."""
    query = select(SubmissionRow.artifact_sha256, TokenRow.name).join(TokenRow, TokenRow.id == SubmissionRow.token)
    with board.reading() as session:
        # Of several who sent the same file the first one counts: it comes last here.
        return {row.artifact_sha256: row.name for row in session.execute(query.order_by(SubmissionRow.id.desc()))}


def files_by_hash(folder: Path) -> dict[str, str]:
    """Return what `agents.load.load_player` takes for every bot in `folder` and every house bot, by SHA-256."""
    found = {}
    if folder.is_dir():
        paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
        found = {hashlib.sha256(path.read_bytes()).hexdigest(): str(path) for path in paths}
    return found | {hashlib.sha256(path.read_bytes()).hexdigest(): path.stem for path in sorted(ZOO.glob("*.zip"))}


def entrant_of(
    standing: Standing, games: tuple[str, ...], rules: Mapping[str, Rules], files: Mapping[str, str]
) -> Entrant:
    """Return the entrant behind a line of the standings.

    Args:
        games: those that it plays.
        rules: all games of the tournament.
        files: as from `files_by_hash`.

    Raises:
        EventError: a bot's file can't be found.
    """
    some = None if len(games) == len(rules) else games
    if standing.kind is Kind.HUMAN:
        return Entrant(name=standing.player, kind=standing.kind, games=some)
    agent = standing.player if standing.kind is Kind.SCRIPT else files.get(standing.artifact_sha256 or "")
    if agent is None:
        raise EventError(
            f"{standing.player} qualifies, but its file ({(standing.artifact_sha256 or '')[:12]}...) is not in the "
            "event's folder agents; put it there."
        )
    return Entrant(
        name=standing.player, kind=standing.kind, agent=agent, artifact_sha256=standing.artifact_sha256, games=some
    )


@dataclass(frozen=True, slots=True)
class Move:
    """A player on both leaderboards of one game."""

    player: str
    kind: Kind
    public: int | None
    """Place on practice seeds; None if it played none."""
    private: int
    """Place on the hidden seeds."""
    public_mean: float | None
    private_mean: float

    @property
    def change(self) -> int | None:
        """Places gained on the hidden seeds; negative if lost."""
        return None if self.public is None else self.public - self.private


def moves(results: Iterable[Result], hidden: Mapping[str, Sequence[float]], practice: int) -> list[Move]:
    """Return the leaderboard on hidden seeds, the best mean first, with the places on practice seeds beside it. Both
    places are among those who played the hidden seeds.

    Args:
        results: the game's, under the same rules, the latest first.
        hidden: scores on hidden seeds by player.
        practice: practice seeds 0 to this, exclusive, count; a player's first game on each.
    """
    plays: dict[str, list[tuple[int, float]]] = {}
    kinds: dict[str, Kind] = {}
    for result in reversed(list(results)):
        kinds[result.player] = result.kind
        if result.seed < practice and result.player in hidden:
            plays.setdefault(result.player, []).append((result.seed, result.score))
    public = {name: _mean(first_by_seed(played).values()) for name, played in plays.items()}
    private = {name: _mean(scores) for name, scores in hidden.items() if scores}
    public_place, private_place = _places(public), _places(private)
    found = [
        Move(name, kinds.get(name, Kind.HUMAN), public_place.get(name), private_place[name], public.get(name), mean)
        for name, mean in private.items()
    ]
    return sorted(found, key=lambda move: (move.private, move.player))


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def _places(means: Mapping[str, float]) -> dict[str, int]:
    return {name: 1 + sum(other > mean for other in means.values()) for name, mean in means.items()}
