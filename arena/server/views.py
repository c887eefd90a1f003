"""What everybody may see: hidden names are masked, struck-out results left out, and seeds kept back as long as they are
secret. Pages and API read through this and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Select, func, select

from agents.player import Kind
from arena.database import EpisodeRow, PlayerRow, RulesRow, StandingRow, VoidRow
from arena.event import Event
from arena.lifecycle import Phase
from arena.results import RulesClass
from arena.scoreboard import Scoreboard
from arena.seeds import PRACTICE_SEEDS
from arena.server.event_state import event_phase
from arena.server.submissions import Submission, Submissions
from arena.server.tables import HiddenNameRow, ProofRow
from arena.server.trust import Trust


@dataclass(frozen=True, slots=True)
class EventView:
    name: str
    state: str
    """draft, open, frozen, announced or closed; see `arena.lifecycle`."""
    players: int
    episodes: int


@dataclass(frozen=True, slots=True)
class StandingView:
    """One line of the standings; see `arena.results.Standing`."""

    rank: int
    player: str
    kind: Kind
    artifact_sha256: str | None
    game: str
    rules_id: str
    rules_label: str
    episodes: int
    mean: float
    median: float
    low: float | None
    high: float | None
    best: float
    last_played: datetime


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

    def standings(self, game: str, rules_id: str, kind: str | None = None) -> list[StandingView]:
        """Return the standings of one game under one set of rules, best mean first. Its cost grows with the number of
        players, not of episodes.

        Args:
            game: ALE's ROM name.
            rules_id: `Rules.rules_id`.
            kind: only players of this kind, ranked among themselves.
        """
        query = _STANDINGS.where(RulesRow.game == game, RulesRow.rules_id == rules_id)
        if kind is not None:
            query = query.where(PlayerRow.kind == kind)
        with self._board.reading() as session:
            rows = session.execute(query).all()
        return _ranked(rows)

    def player(self, name: str) -> list[StandingView]:
        """Return the lines of a player's name in all standings; a hidden name has none."""
        query = select(PlayerRow.id).where(PlayerRow.name == name)
        query = query.where(~select(HiddenNameRow).where(HiddenNameRow.name == name).exists())
        with self._board.reading() as session:
            ids = set(session.scalars(query))
            classes = session.execute(
                select(RulesRow.game, RulesRow.rules_id)
                .join(StandingRow, StandingRow.rules == RulesRow.id)
                .where(StandingRow.player.in_(ids))
                .distinct()
            ).all()
        return [
            line for one in sorted(classes) for line in self.standings(one.game, one.rules_id) if line.player == name
        ]

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
            query = query.where(func.coalesce(ProofRow.trust, Trust.UNATTESTED.value) == wanted.trust)
        if wanted.before is not None:
            query = query.where(EpisodeRow.id < wanted.before)
        return self._results(query)

    def struck_out(self, limit: int = 200) -> list[ResultView]:
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


_STANDINGS = (
    select(
        PlayerRow.id,
        PlayerRow.name,
        PlayerRow.kind,
        PlayerRow.artifact,
        HiddenNameRow.name.label("hidden"),
        RulesRow.game,
        RulesRow.rules_id,
        RulesRow.label,
        StandingRow.episodes,
        StandingRow.mean,
        StandingRow.median,
        StandingRow.low,
        StandingRow.high,
        StandingRow.best,
        StandingRow.last_played,
    )
    .join_from(RulesRow, StandingRow, StandingRow.rules == RulesRow.id)
    .join(PlayerRow, PlayerRow.id == StandingRow.player)
    .outerjoin(HiddenNameRow, HiddenNameRow.name == PlayerRow.name)
)

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


def _ranked(rows: Any) -> list[StandingView]:
    ordered = sorted(rows, key=lambda row: (-row.mean, row.name, row.kind, row.artifact))
    standings: list[StandingView] = []
    for place, row in enumerate(ordered, start=1):
        tied = bool(standings) and standings[-1].mean == row.mean
        standings.append(
            StandingView(
                rank=standings[-1].rank if tied else place,
                player=row.name if row.hidden is None else masked(row.id),
                kind=Kind(row.kind),
                artifact_sha256=row.artifact or None,
                game=row.game,
                rules_id=row.rules_id,
                rules_label=row.label,
                episodes=row.episodes,
                mean=row.mean,
                median=row.median,
                low=row.low,
                high=row.high,
                best=row.best,
                last_played=row.last_played,
            )
        )
    return standings


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
