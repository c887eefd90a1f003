"""The scoreboard: verified results in, standings out.

It believes what it is given: verification comes before (`arena.engine.verify`). An addition is acknowledged after it is
on the disk, and either wholly there or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, Row, Select, delete, exists, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from agents.player import Kind
from arena.scoreboard import migrations
from arena.scoreboard.database import database_url, make_engine, plain_errors
from arena.scoreboard.results import Result, RulesClass, Standing
from arena.scoreboard.tables import EpisodeRow, PlayerRow, RulesRow, StandingRow, VoidRow
from arena.stats.comparison import summary
from envs.errors import ScoreboardError
from envs.step import End


class Scoreboard:
    """Results in one database; make it with `Scoreboard.open`. May be used by several threads at once, and by any
    number of programs at once. After a fork, open it anew.

    Every method raises ScoreboardError, with one sentence, if the database is locked, full, damaged or gone; then
    nothing of that call is stored. If a server vanishes in the middle of `add`, adding the same result again is safe.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # SQLite lets one write at a time and wakes those that wait in no order; a lock of our own is quicker.
        self._gate: AbstractContextManager[object] = Lock() if engine.dialect.name == "sqlite" else nullcontext()

    @property
    def engine(self) -> Engine:
        """The database, for what lies beside the results: the server's tables, and `arena.event.log`."""
        return self._engine

    @classmethod
    def open(cls, url_or_path: str | Path) -> Self:
        """Open the scoreboard in an SQLite file or at a URL (`postgresql+psycopg://...`); make or upgrade its tables.

        Raises:
            ScoreboardError: it can't be opened, is no scoreboard, or was made by a newer arena.
        """
        url = database_url(url_or_path)
        scoreboard = cls(make_engine(url))
        try:
            scoreboard._bring_up_to_date()
        except BaseException:
            scoreboard.close()
            raise
        return scoreboard

    def close(self) -> None:
        """Close all connections. May be called more than once."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, result: Result) -> bool:
        """Store `result`; return whether it is new. A recording that is there already (by its SHA-256), and a game
        that is not one of its own (`Result.play`), stay as they are; only a machine's game that was broken off gives
        way to one that was not.

        On return the result is on the disk, and the standings count it.
        """
        import scipy.stats  # noqa: F401  # takes seconds, which nobody else should wait for the lock

        with self.writing() as session:
            return self.add_within(session, result)

    def add_within(self, session: Session, result: Result) -> bool:
        """Do what `add` does as a part of the transaction that `writing` gave; nothing is stored before that ends."""
        with session.begin_nested() as attempt:
            rules = _rules_key(session, result)
            player = _player_key(session, result)
            adding = insert_or_ignore(session, EpisodeRow).on_conflict_do_nothing().returning(EpisodeRow.id)
            values = _episode_values(result, rules, player)
            new = session.execute(adding, values).first() is not None
            if not new and _make_way(session, values):
                new = session.execute(adding, values).first() is not None
            if new:
                _restate(session, rules, player)
            else:
                attempt.rollback()
            return new

    def void_within(self, session: Session, recording_sha256: str, reason: str | None) -> str | None:
        """Strike out an episode (with a reason) or let it count again (without), as a part of the transaction that
        `writing` gave. Return the reason it was struck out for before, or None if it counted.

        Raises:
            ScoreboardError: there is no such episode.
        """
        query = select(EpisodeRow.id, EpisodeRow.rules, EpisodeRow.player).filter_by(recording_sha256=recording_sha256)
        episode = session.execute(query).first()
        if episode is None:
            raise ScoreboardError(f"There is no episode with the recording {recording_sha256[:12]} to strike out.")
        session.execute(select(PlayerRow.id).filter_by(id=episode.player).with_for_update(key_share=True))
        before = session.scalar(select(VoidRow.reason).filter_by(episode=episode.id))
        session.execute(delete(VoidRow).filter_by(episode=episode.id))
        if reason is not None:
            session.execute(insert(VoidRow).values(episode=episode.id, reason=reason))
        _restate(session, episode.rules, episode.player)
        return before

    def results(
        self,
        *,
        game: str | None = None,
        rules_id: str | None = None,
        player: str | None = None,
        limit: int | None = None,
    ) -> list[Result]:
        """Return the results that fit every filter given, those added last first; without those struck out.

        Args:
            game: ALE's ROM name.
            rules_id: `Rules.rules_id`.
            player: a player's name, whatever its kind and artifact.
            limit: at most so many.
        """
        query = _RESULTS.where(COUNTS).order_by(EpisodeRow.id.desc()).limit(limit)
        if game is not None:
            query = query.where(RulesRow.game == game)
        if rules_id is not None:
            query = query.where(RulesRow.rules_id == rules_id)
        if player is not None:
            query = query.where(PlayerRow.name == player)
        with self.reading() as session:
            return [_result(row) for row in session.execute(query)]

    def voided(self) -> list[Result]:
        """Return the results that were struck out; they are still there."""
        with self.reading() as session:
            return [_result(row) for row in session.execute(_RESULTS.where(~COUNTS))]

    def standings(self, game: str, rules_id: str) -> list[Standing]:
        """Return the standings of one game under one set of rules, best mean first; empty if nobody has played.

        Its cost grows with the number of players, not of episodes.
        """
        with self.reading() as session:
            rows = session.execute(standings_query(game, rules_id)).all()
        return [Standing(rank=rank, player=row.name, **stated(row)) for rank, row in ranked(rows)]

    def classes(self) -> list[RulesClass]:
        """Return everything that was played, sorted by game and label."""
        played = select(StandingRow.rules).distinct()
        query = select(RulesRow.game, RulesRow.rules_id, RulesRow.label).where(RulesRow.id.in_(played))
        with self.reading() as session:
            found = [RulesClass(row.game, row.rules_id, row.label) for row in session.execute(query)]
        return sorted(found, key=lambda c: (c.game, c.label, c.rules_id))

    def _bring_up_to_date(self) -> None:
        with self.reading() as session:
            if migrations.is_current(session.connection()):
                return
        with self.writing() as session:
            if migrations.upgrade(session.connection()):
                _restate_all(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with plain_errors(self._engine.url), Session(self._engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that is committed at the end, or undone by any exception. On SQLite it takes the write lock at
        once: a transaction that reads first and writes later can be refused without waiting."""
        engine = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        with plain_errors(self._engine.url), self._gate, Session(engine) as session, session.begin():
            yield session


def standings_query(game: str, rules_id: str) -> Select[*tuple[Any, ...]]:
    """The query behind `Scoreboard.standings`, in no particular order."""
    return (
        select(
            PlayerRow.name,
            PlayerRow.kind,
            PlayerRow.artifact,
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
        .where(RulesRow.game == game, RulesRow.rules_id == rules_id)
    )


def ranked(rows: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    """Yield what `standings_query` finds with the ranks, best mean first; equal means share a rank."""
    rank, mean = 0, None
    for place, row in enumerate(sorted(rows, key=lambda row: (-row.mean, row.name, row.kind, row.artifact)), start=1):
        if row.mean != mean:
            rank, mean = place, row.mean
        yield rank, row


def stated(row: Any) -> dict[str, Any]:
    """Return what a row of `standings_query` says, as `Standing` names it; without rank and name."""
    return {
        "kind": Kind(row.kind),
        "artifact_sha256": row.artifact or None,
        "episodes": row.episodes,
        "mean": row.mean,
        "median": row.median,
        "low": row.low,
        "high": row.high,
        "best": row.best,
        "last_played": row.last_played,
    }


COUNTS = ~exists().where(VoidRow.episode == EpisodeRow.id)
"""The condition that an episode is not struck out."""

_RESULTS = (
    select(
        EpisodeRow, PlayerRow.name, PlayerRow.kind, PlayerRow.artifact, RulesRow.game, RulesRow.rules_id, RulesRow.label
    )
    .join_from(EpisodeRow, PlayerRow, PlayerRow.id == EpisodeRow.player)
    .join(RulesRow, RulesRow.id == EpisodeRow.rules)
)


def insert_or_ignore(session: Session, table: type) -> sqlite.Insert | postgresql.Insert:
    """An INSERT with ON CONFLICT, which both databases have and SQLAlchemy spells once for each."""
    return postgresql.insert(table) if session.get_bind().dialect.name == "postgresql" else sqlite.insert(table)


def _rules_key(session: Session, result: Result) -> int:
    query = select(RulesRow.id, RulesRow.label).where(
        RulesRow.game == result.game, RulesRow.rules_id == result.rules_id
    )
    found = session.execute(query).first()
    if found is None:
        values = {"game": result.game, "rules_id": result.rules_id, "label": result.rules_label}
        session.execute(insert_or_ignore(session, RulesRow).on_conflict_do_nothing(), values)
        found = session.execute(query).one()
    if found.label != result.rules_label:
        session.execute(update(RulesRow).where(RulesRow.id == found.id).values(label=result.rules_label))
    return int(found.id)


def _player_key(session: Session, result: Result) -> int:
    """The player's id; on PostgreSQL its row stays locked to the end of the transaction, so that two additions for one
    player come one after the other and the second one's standing counts the first."""
    values = {"name": result.player, "kind": result.kind.value, "artifact": result.artifact_sha256 or ""}
    query = select(PlayerRow.id).filter_by(**values).with_for_update(key_share=True)
    found = session.scalar(query)
    if found is None:
        session.execute(insert_or_ignore(session, PlayerRow).on_conflict_do_nothing(), values)
        found = session.scalars(query).one()
    return found


def _episode_values(result: Result, rules: int, player: int) -> dict[str, Any]:
    return {
        "rules": rules,
        "player": player,
        "seed": result.seed,
        "score": result.score,
        "frames": result.frames,
        "ended": result.end.value,
        "recording_sha256": result.recording_sha256,
        "digest": result.digest,
        "play": result.play,
        "recording_name": result.recording_name,
        "started_at": result.started_at,
        "verified_at": result.verified_at,
    }


def _make_way(session: Session, values: dict[str, Any]) -> bool:
    """Remove a machine's broken-off game on the seed of a new one that was not broken off; False if there is none."""
    if values["play"] or values["ended"] == End.QUIT.value:
        return False
    same = {name: values[name] for name in ("rules", "player", "seed", "play")}
    query = delete(EpisodeRow).filter_by(**same, ended=End.QUIT.value).where(COUNTS).returning(EpisodeRow.id)
    removed = session.scalars(query.execution_options(synchronize_session=False)).all()
    return bool(removed)


def _restate_all(session: Session) -> None:
    """Derive all standings from the episodes, as after an upgrade, which may have changed what is derived."""
    session.execute(delete(StandingRow))
    for rules, player in session.execute(select(EpisodeRow.rules, EpisodeRow.player).distinct()).all():
        _restate(session, rules, player)


def _restate(session: Session, rules: int, player: int) -> None:
    """Derive the standing of one player under one set of rules from the episodes."""
    played = session.execute(
        select(EpisodeRow.score, EpisodeRow.started_at).where(
            EpisodeRow.rules == rules, EpisodeRow.player == player, COUNTS
        )
    ).all()
    if not played:
        session.execute(delete(StandingRow).filter_by(rules=rules, player=player))
        return
    found = summary([row.score for row in played])
    session.merge(
        StandingRow(
            rules=rules,
            player=player,
            episodes=found.n,
            mean=found.mean,
            median=found.median,
            low=found.low,
            high=found.high,
            best=found.maximum,
            last_played=max(row.started_at for row in played),
        )
    )


def _result(row: Row[*tuple[Any, ...]]) -> Result:
    episode: EpisodeRow = row.EpisodeRow
    return Result(
        player=row.name,
        kind=Kind(row.kind),
        artifact_sha256=row.artifact or None,
        game=row.game,
        rules_id=row.rules_id,
        rules_label=row.label,
        seed=episode.seed,
        score=episode.score,
        frames=episode.frames,
        end=End(episode.ended),
        recording_sha256=episode.recording_sha256,
        digest=episode.digest,
        recording_name=episode.recording_name,
        started_at=episode.started_at,
        verified_at=episode.verified_at,
    )
