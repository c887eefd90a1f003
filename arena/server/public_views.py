"""What everybody may see: hidden names are masked, struck-out results left out, and seeds kept back as long as they are
secret. Pages and API read through this and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from agents.player import Kind
from arena.engine.seeds import PRACTICE_SEEDS
from arena.event.folder import Event
from arena.event.lifecycle import Phase
from arena.scoreboard.results import RulesClass, Standing
from arena.scoreboard.server_tables import HiddenNameRow, ProofRow
from arena.scoreboard.store import COUNTS, Scoreboard, ranked, standings_query, stated
from arena.scoreboard.tables import EpisodeRow, PlayerRow, RulesRow, StandingRow, VoidRow
from arena.server.games.phase_gate import event_phase
from arena.server.games.trust import Trust
from arena.server.submissions.queue import Submission, Submissions
from arena.stats.comparison import Summary, summary


@dataclass(frozen=True, slots=True)
class EventView:
    name: str
    state: str
    """draft, open, frozen, announced or closed; see `arena.event.lifecycle`."""
    players: int
    episodes: int


@dataclass(frozen=True, slots=True)
class StandingView(Standing):
    """One line of the standings; a hidden name is masked."""

    game: str
    rules_id: str
    rules_label: str


@dataclass(frozen=True, slots=True)
class ResultView:
    """One episode."""

    id: int
    player: str
    kind: Kind
    artifact_sha256: str | None
    game: str
    rules_id: str
    rules_label: str
    seed: int | None
    """None while it is secret."""
    score: float
    frames: int
    end: str
    recording_sha256: str
    started_at: datetime
    verified_at: datetime
    trust: Trust
    trust_reason: str
    source: str
    """upload, abandoned, evaluation, or folder (played on the server's own machine)."""
    void_reason: str | None
    """Why it was struck out; None if it counts."""
    recording_public: bool
    """Whether its recording may be fetched."""


@dataclass(frozen=True, slots=True)
class ResultFilter:
    """Which episodes; those added last come first."""

    game: str | None = None
    rules_id: str | None = None
    player: str | None = None
    kind: str | None = None
    artifact_sha256: str | None = None
    trust: str | None = None
    before: int | None = None
    """Only those with a smaller `ResultView.id`: the next page."""
    limit: int = 50


class Views:
    """Reads the scoreboard's database for everybody's eyes."""

    def __init__(self, board: Scoreboard, event: Event, submissions: Submissions) -> None:
        self._board = board
        self._event = event
        self._submissions = submissions

    def event(self) -> EventView:
        # Sums over the standings, which are as many as players: episodes are not counted one by one.
        sums = select(func.count(StandingRow.player.distinct()), func.coalesce(func.sum(StandingRow.episodes), 0))
        with self._board.reading() as session:
            players, episodes = session.execute(sums).one()
            return EventView(self._event.name, event_phase(session).value, players, episodes)

    def classes(self) -> list[RulesClass]:
        return self._board.classes()

    def standings(
        self, game: str, rules_id: str, kind: str | None = None, trust: str | None = None
    ) -> list[StandingView]:
        """Return the standings of one game under one set of rules, best mean first.

        Its cost grows with the number of players, not of episodes; with `trust`, also with the episodes.

        Args:
            game: ALE's ROM name.
            rules_id: `Rules.rules_id`.
            kind: only players of this kind, ranked among themselves.
            trust: only episodes of this level count.
        """
        query = standings_lines(game, rules_id)
        if kind is not None:
            query = query.where(PlayerRow.kind == kind)
        with self._board.reading() as session:
            rows: Sequence[Any] = session.execute(query).all()
            if trust is not None:
                rows = _of_level(session, rows, game, rules_id, trust)
        return _lines(rows, game, rules_id)

    def best(self, game: str, rules_id: str, limit: int, kinds: Sequence[Kind] = tuple(Kind)) -> list[StandingView]:
        """Return the first lines of the standings of players of these kinds among themselves."""
        query = standings_lines(game, rules_id).where(PlayerRow.kind.in_([kind.value for kind in kinds]))
        query = query.order_by(StandingRow.mean.desc(), PlayerRow.name, PlayerRow.kind, PlayerRow.artifact)
        with self._board.reading() as session:
            return _lines(session.execute(query.limit(limit)).all(), game, rules_id)

    def results(self, wanted: ResultFilter) -> list[ResultView]:
        """Return episodes that count, those added last first."""
        query = _RESULTS.where(VoidRow.episode.is_(None)).order_by(EpisodeRow.id.desc()).limit(wanted.limit)
        if wanted.game is not None:
            query = query.where(RulesRow.game == wanted.game)
        if wanted.rules_id is not None:
            query = query.where(RulesRow.rules_id == wanted.rules_id)
        if wanted.player is not None:
            query = query.where(PlayerRow.name == wanted.player, HiddenNameRow.name.is_(None))
        if wanted.kind is not None:
            query = query.where(PlayerRow.kind == wanted.kind)
        if wanted.artifact_sha256 is not None:
            query = query.where(PlayerRow.artifact == wanted.artifact_sha256)
        if wanted.trust is not None:
            query = query.where(_level() == wanted.trust)
        if wanted.before is not None:
            query = query.where(EpisodeRow.id < wanted.before)
        return self._results(query)

    def voided(self, limit: int = 200) -> list[ResultView]:
        """Return the episodes that were struck out, with the reasons."""
        query = _RESULTS.where(VoidRow.episode.is_not(None))
        return self._results(query.order_by(EpisodeRow.id.desc()).limit(limit))

    def result(self, recording_sha256: str) -> ResultView | None:
        """Return one episode, also a struck-out one."""
        return next(iter(self._results(_RESULTS.where(EpisodeRow.recording_sha256 == recording_sha256))), None)

    def by_seed(self, game: str, rules_id: str, seed: int) -> list[ResultView]:
        """Return the episodes on one seed that count, best first; nothing of seeds that are secret."""
        query = _RESULTS.where(RulesRow.game == game, RulesRow.rules_id == rules_id, EpisodeRow.seed == seed)
        found = self._results(query.where(VoidRow.episode.is_(None)).limit(1000))
        return sorted((one for one in found if one.seed is not None), key=lambda one: -one.score)

    def recording(self, recording_sha256: str) -> Path | None:
        """Return the file of a recording; None if there is none, or it is kept back: its seed is secret or the name in
        it hidden."""
        query = _RESULTS.where(EpisodeRow.recording_sha256 == recording_sha256)
        with self._board.reading() as session:
            row = session.execute(query).first()
            if row is None or not _is_public(row, event_phase(session) is Phase.CLOSED):
                return None
        path = self._event.recordings / row.EpisodeRow.recording_name
        return path if path.is_file() else None

    def agents(self, limit: int = 200) -> list[Submission]:
        """Return the agents that were sent in, the newest first, without those that an organizer must see first."""
        hidden = self.hidden_names()
        return [
            one
            for one in self._submissions.all(limit=limit)
            if one.state != "held" and one.name not in hidden and one.owner not in hidden
        ]

    def hidden_names(self) -> frozenset[str]:
        with self._board.reading() as session:
            return frozenset(session.scalars(select(HiddenNameRow.name)))

    def _results(self, query: Select[*tuple[Any, ...]]) -> list[ResultView]:
        with self._board.reading() as session:
            closed = event_phase(session) is Phase.CLOSED
            return [_result(row, closed) for row in session.execute(query)]


def standings_lines(game: str, rules_id: str) -> Select[*tuple[Any, ...]]:
    """The query behind `Views.standings`, in no particular order."""
    more = PlayerRow.id, HiddenNameRow.name.label("hidden"), RulesRow.label
    hidden = HiddenNameRow.name == PlayerRow.name
    return standings_query(game, rules_id).add_columns(*more).outerjoin(HiddenNameRow, hidden)


_RESULTS = (
    select(
        EpisodeRow,
        PlayerRow.id.label("player_id"),
        PlayerRow.name,
        PlayerRow.kind,
        PlayerRow.artifact,
        HiddenNameRow.name.label("hidden"),
        RulesRow.game,
        RulesRow.rules_id,
        RulesRow.label,
        ProofRow.trust,
        ProofRow.reason.label("trust_reason"),
        ProofRow.source,
        ProofRow.hidden_seed,
        VoidRow.reason.label("void_reason"),
    )
    .join_from(EpisodeRow, PlayerRow, PlayerRow.id == EpisodeRow.player)
    .join(RulesRow, RulesRow.id == EpisodeRow.rules)
    .outerjoin(HiddenNameRow, HiddenNameRow.name == PlayerRow.name)
    .outerjoin(ProofRow, ProofRow.recording_sha256 == EpisodeRow.recording_sha256)
    .outerjoin(VoidRow, VoidRow.episode == EpisodeRow.id)
)


def masked(player_id: int) -> str:
    """Return what stands in the place of a hidden name."""
    return f"(name hidden, {player_id})"


def _lines(rows: Sequence[Any], game: str, rules_id: str) -> list[StandingView]:
    return [
        StandingView(
            rank=rank,
            player=row.name if row.hidden is None else masked(row.id),
            game=game,
            rules_id=rules_id,
            rules_label=row.label,
            **stated(row),
        )
        for rank, row in ranked(rows)
    ]


def _of_level(session: Session, rows: Sequence[Any], game: str, rules_id: str, trust: str) -> list[Any]:
    """Return the lines as they are if only episodes of one level count."""
    of_class = select(RulesRow.id).where(RulesRow.game == game, RulesRow.rules_id == rules_id).scalar_subquery()
    counts = (
        select(EpisodeRow.player, func.count())
        .outerjoin(ProofRow, ProofRow.recording_sha256 == EpisodeRow.recording_sha256)
        .where(EpisodeRow.rules == of_class, COUNTS, _level() == trust)
    )
    found: dict[int, int] = dict(iter(session.execute(counts.group_by(EpisodeRow.player))))
    mixed = [row.id for row in rows if 0 < found.get(row.id, 0) < row.episodes]
    played: dict[int, list[Any]] = {}
    episodes = counts.with_only_columns(EpisodeRow.player, EpisodeRow.score, EpisodeRow.started_at)
    for one in session.execute(episodes.where(EpisodeRow.player.in_(mixed))):
        played.setdefault(one.player, []).append(one)
    return [_restated(row, played[row.id]) if row.id in played else row for row in rows if found.get(row.id, 0) > 0]


def _restated(row: Any, played: Sequence[Any]) -> Any:
    """Return a line of the standings made of some of its player's episodes."""
    found = _summary(tuple(sorted(one.score for one in played)))
    return SimpleNamespace(
        **row._asdict()
        | {"episodes": found.n, "mean": found.mean, "median": found.median, "low": found.low, "high": found.high}
        | {"best": found.maximum, "last_played": max(one.started_at for one in played)}
    )


@lru_cache(2048)
def _summary(scores: tuple[float, ...]) -> Summary:
    """The same scores give the same interval, which takes a millisecond and more to find."""
    return summary(scores)


def _level() -> ColumnElement[str]:
    """What is known of an episode's trust; of one that was played on the server's own machine, nothing."""
    return func.coalesce(ProofRow.trust, Trust.UNATTESTED.value)


def _is_public(row: Row[*tuple[Any, ...]], closed: bool) -> bool:
    return row.hidden is None and (closed or not _is_seed_hidden(row))


def _is_seed_hidden(row: Row[*tuple[Any, ...]]) -> bool:
    """Whether others may still play the seed. Of a game that was played on the server's own machine, such as a bot's in
    the final, nothing is known but that practice seeds are no secret."""
    if row.hidden_seed is None:
        return bool(row.EpisodeRow.seed >= PRACTICE_SEEDS)
    return bool(row.hidden_seed)


def _result(row: Row[*tuple[Any, ...]], closed: bool) -> ResultView:
    episode: EpisodeRow = row.EpisodeRow
    return ResultView(
        id=episode.id,
        player=row.name if row.hidden is None else masked(row.player_id),
        kind=Kind(row.kind),
        artifact_sha256=row.artifact or None,
        game=row.game,
        rules_id=row.rules_id,
        rules_label=row.label,
        seed=episode.seed if closed or not _is_seed_hidden(row) else None,
        score=episode.score,
        frames=episode.frames,
        end=episode.ended,
        recording_sha256=episode.recording_sha256,
        started_at=episode.started_at,
        verified_at=episode.verified_at,
        trust=Trust(row.trust or Trust.UNATTESTED),
        trust_reason=row.trust_reason or "it was played on the server's own machine, and no ticket was asked for",
        source=row.source or "folder",
        void_reason=row.void_reason,
        recording_public=_is_public(row, closed),
    )
