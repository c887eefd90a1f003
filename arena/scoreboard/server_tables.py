"""The server's tables, beside the scoreboard's in one database."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Double, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger

from arena.scoreboard.tables import Base, UTCDateTime

HELD, QUEUED, RUNNING = "held", "queued", "running"
DONE, FAILED, REJECTED, WITHDRAWN = "done", "failed", "rejected", "withdrawn"


class TokenRow(Base):
    """Who may do what. Of a token only its hash is kept."""

    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("hash", name="uq_tokens_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the token. A token has 192 random bits: nothing slower is needed."""
    role: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(32))
    """Whose it is: a participant's name on the scoreboard, a station's, an organizer's."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class SessionRow(Base):
    """An organizer's browser."""

    __tablename__ = "sessions"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    token: Mapped[int] = mapped_column(ForeignKey("tokens.id", name="fk_sessions_token"))
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class TicketRow(Base):
    """The right to play one ranked game, and what became of it."""

    __tablename__ = "tickets"
    __table_args__ = (
        Index("ix_tickets_state", "state"),
        Index("ix_tickets_seed", "rules_id", "seed"),
        Index("ix_tickets_player", "player", "rules_id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    token: Mapped[int] = mapped_column(ForeignKey("tokens.id", name="fk_tickets_token"))
    player: Mapped[str] = mapped_column(String(32))
    station: Mapped[str] = mapped_column(String(32))
    game: Mapped[str] = mapped_column(String(64))
    rules_id: Mapped[str] = mapped_column(String(64))
    rules: Mapped[str] = mapped_column(Text)
    """Canonical JSON."""
    seed: Mapped[int] = mapped_column(BigInteger)
    shared: Mapped[bool]
    """Whether others play this seed too; then no answer names it before the event is closed."""
    state: Mapped[str] = mapped_column(String(16))
    """issued, started, finished, abandoned."""
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    recording_sha256: Mapped[str | None] = mapped_column(String(64))


class HeadRow(Base):
    """What a station sends of a running game every 60 frames."""

    __tablename__ = "heads"

    ticket: Mapped[str] = mapped_column(ForeignKey("tickets.id", name="fk_heads_ticket"), primary_key=True)
    frame: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Frames played when it was made."""
    head: Mapped[str] = mapped_column(String(64))
    actions: Mapped[bytes] = mapped_column(LargeBinary)
    """The actions since the head before it."""
    seconds: Mapped[float] = mapped_column(Double)
    """When it came, in seconds after the ticket's start, by the server's clock."""


class UploadRow(Base):
    """A recording that was sent in. It is acknowledged when this is on the disk, and verified later."""

    __tablename__ = "uploads"
    __table_args__ = (
        UniqueConstraint("token", "key", name="uq_uploads_key"),
        Index("ix_uploads_state", "state"),
        Index("ix_uploads_recording", "recording_sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[int] = mapped_column(ForeignKey("tokens.id", name="fk_uploads_token"))
    key: Mapped[str] = mapped_column(String(128))
    body_sha256: Mapped[str] = mapped_column(String(64))
    """Of everything the request said: recording and ticket."""
    recording_sha256: Mapped[str] = mapped_column(String(64))
    ticket: Mapped[str | None] = mapped_column(ForeignKey("tickets.id", name="fk_uploads_ticket"))
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The recording, until it is verified and lies in the recordings folder, or is refused; one that organizers have
    refused is kept, so that they can take that back."""
    state: Mapped[str] = mapped_column(String(16))
    """received, verified, refused."""
    reason: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ProofRow(Base):
    """How far a result may be trusted, and why."""

    __tablename__ = "proofs"
    __table_args__ = (Index("ix_proofs_opening", "opening"),)

    recording_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    trust: Mapped[str] = mapped_column(String(16))
    """witnessed, attested, unattested."""
    reason: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(16))
    """upload, abandoned, evaluation, folder."""
    ticket: Mapped[str | None] = mapped_column(String(32))
    hidden_seed: Mapped[bool]
    """Whether seed and recording are kept back until the event is closed."""
    opening: Mapped[str] = mapped_column(String(64))
    """The digest of the game's first ten seconds, or of all of a shorter one: games that began alike have the same."""


class SubmissionRow(Base):
    """An agent that was sent in, and its evaluation."""

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("token", "key", name="uq_submissions_key"),
        Index("ix_submissions_state", "state", "id"),
        Index("ix_submissions_owner", "token"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[int] = mapped_column(ForeignKey("tokens.id", name="fk_submissions_token"))
    key: Mapped[str] = mapped_column(String(128))
    body_sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(32))
    game: Mapped[str] = mapped_column(String(64))
    rules_id: Mapped[str] = mapped_column(String(64))
    rules: Mapped[str] = mapped_column(Text)
    artifact_sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    """held, queued, running, done, failed, rejected, withdrawn."""
    reason: Mapped[str] = mapped_column(Text)
    played: Mapped[int]
    planned: Mapped[int]
    attempts: Mapped[int]
    worker: Mapped[str] = mapped_column(String(64))
    """Who has it; empty if nobody."""
    beat: Mapped[int]
    """Rises with every sign of life of its worker."""
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class SubmissionLogRow(Base):
    """What its owner may read about a submission."""

    __tablename__ = "submission_log"
    __table_args__ = (Index("ix_submission_log", "submission"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    submission: Mapped[int] = mapped_column(ForeignKey("submissions.id", name="fk_submission_log_submission"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    text: Mapped[str] = mapped_column(Text)


class HiddenNameRow(Base):
    """A name that is not shown."""

    __tablename__ = "hidden_names"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)


class AuditRow(Base):
    """What organizers did. Nothing is ever deleted here; what is undone says by which entry."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor: Mapped[str] = mapped_column(String(32))
    action: Mapped[str] = mapped_column(String(32))
    """void, hide, approve, refuse, state, token, revoke, undo."""
    subject: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(Text)
    before: Mapped[str] = mapped_column(Text)
    """What it was before, so that it can be undone."""
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("audit.id", name="fk_audit_undone_by"))


class Role(StrEnum):
    SPECTATOR = "spectator"
    PARTICIPANT = "participant"
    STATION = "station"
    ORGANIZER = "organizer"
