"""The scoreboard's tables, the same on every database.

They are made and changed by `arena.scoreboard.migrations` only; a test compares them with the classes below.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Double, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime, in UTC on both databases: SQLite forgets the zone, PostgreSQL answers in the session's."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.utcoffset() is None:
            raise ValueError(f"A time needs a time zone; {value!r} has none.")
        return value if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    pass


class PlayerRow(Base):
    __tablename__ = "players"
    __table_args__ = (UniqueConstraint("name", "kind", "artifact", name="uq_players_name_kind_artifact"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(16))
    artifact: Mapped[str] = mapped_column(String(64))
    """SHA-256, or empty without an artifact: NULLs would all count as different in the unique constraint."""


class RulesRow(Base):
    __tablename__ = "rules"
    __table_args__ = (UniqueConstraint("game", "rules_id", name="uq_rules_game_rules_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    game: Mapped[str] = mapped_column(String(64))
    rules_id: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(64))


class EpisodeRow(Base):
    __tablename__ = "episodes"
    __table_args__ = (
        UniqueConstraint("recording_sha256", name="uq_episodes_recording_sha256"),
        UniqueConstraint("rules", "player", "seed", "play", name="uq_episodes_play"),
        # Holds all that a line of the standings is made of, so that making it reads this index only.
        Index("ix_episodes_standing", "rules", "player", "score", "started_at"),
        Index("ix_episodes_player", "player"),
        # Finds the same game under another name.
        Index("ix_episodes_digest", "digest"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rules: Mapped[int] = mapped_column(ForeignKey("rules.id", name="fk_episodes_rules"))
    player: Mapped[int] = mapped_column(ForeignKey("players.id", name="fk_episodes_player"))
    seed: Mapped[int] = mapped_column(BigInteger)
    score: Mapped[float] = mapped_column(Double)
    frames: Mapped[int]
    ended: Mapped[str] = mapped_column(String(16))
    recording_sha256: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    play: Mapped[str] = mapped_column(String(64))
    """`Result.play`."""
    recording_name: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    verified_at: Mapped[datetime] = mapped_column(UTCDateTime)


class StandingRow(Base):
    """What is derived from the episodes of one player under one set of rules. It changes in the transaction that adds
    an episode, so that the standings cost as much as there are players, not as there are episodes."""

    __tablename__ = "standings"

    rules: Mapped[int] = mapped_column(ForeignKey("rules.id", name="fk_standings_rules"), primary_key=True)
    player: Mapped[int] = mapped_column(ForeignKey("players.id", name="fk_standings_player"), primary_key=True)
    episodes: Mapped[int]
    mean: Mapped[float] = mapped_column(Double)
    median: Mapped[float] = mapped_column(Double)
    low: Mapped[float | None] = mapped_column(Double)
    high: Mapped[float | None] = mapped_column(Double)
    best: Mapped[float] = mapped_column(Double)
    last_played: Mapped[datetime] = mapped_column(UTCDateTime)


class VoidRow(Base):
    """An episode that an organizer has struck out. It stays where it is and counts nowhere."""

    __tablename__ = "voids"

    episode: Mapped[int] = mapped_column(
        ForeignKey("episodes.id", name="fk_voids_episode"), primary_key=True, autoincrement=False
    )
    reason: Mapped[str] = mapped_column(Text)


class LogRow(Base):
    """One line of the log of an event (`arena.event.log`). Rows are added, never changed."""

    __tablename__ = "log"
    __table_args__ = (UniqueConstraint("stream", "number", name="uq_log_stream_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    at: Mapped[str] = mapped_column(String(27))
    kind: Mapped[str] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Text)
    chain: Mapped[str] = mapped_column(String(64))
