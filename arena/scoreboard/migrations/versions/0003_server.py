"""What the server keeps: tokens, tickets, uploads, submitted agents, proofs, and what organizers did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _key(table: str, column: str, target: str) -> sa.ForeignKey:
    return sa.ForeignKey(target, name=f"fk_{table}_{column}")


def _time(name: str, *, optional: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=optional)


def _text(name: str, length: int | None = None, *, optional: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length) if length else sa.Text(), nullable=optional)


def upgrade() -> None:
    _create_people()
    _create_games()
    _create_agents()
    _create_organizing()


def _create_people() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        _text("hash", 64),
        _text("role", 16),
        _text("name", 32),
        _time("created_at"),
        _time("revoked_at", optional=True),
        sa.UniqueConstraint("hash", name="uq_tokens_hash"),
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("token", sa.Integer, _key("sessions", "token", "tokens.id"), nullable=False),
        _text("csrf", 64),
        _time("created_at"),
    )


def _create_games() -> None:
    op.create_table(
        "tickets",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("token", sa.Integer, _key("tickets", "token", "tokens.id"), nullable=False),
        _text("player", 32),
        _text("station", 32),
        _text("game", 64),
        _text("rules_id", 64),
        _text("rules"),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        _text("state", 16),
        _time("issued_at"),
        _time("started_at", optional=True),
        _time("ended_at", optional=True),
        _text("recording_sha256", 64, optional=True),
    )
    op.create_index("ix_tickets_state", "tickets", ["state"])
    op.create_index("ix_tickets_seed", "tickets", ["rules_id", "seed"])
    op.create_index("ix_tickets_player", "tickets", ["player", "rules_id"])
    op.create_table(
        "heads",
        sa.Column("ticket", sa.String(32), _key("heads", "ticket", "tickets.id"), primary_key=True),
        sa.Column("frame", sa.Integer, primary_key=True, autoincrement=False),
        _text("head", 64),
        sa.Column("actions", sa.LargeBinary, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("token", sa.Integer, _key("uploads", "token", "tokens.id"), nullable=False),
        _text("key", 128),
        _text("body_sha256", 64),
        _text("recording_sha256", 64),
        sa.Column("ticket", sa.String(32), _key("uploads", "ticket", "tickets.id"), nullable=True),
        sa.Column("content", sa.LargeBinary, nullable=True),
        _text("state", 16),
        _text("reason"),
        sa.Column("attempts", sa.Integer, nullable=False),
        _time("received_at"),
        _time("decided_at", optional=True),
        sa.UniqueConstraint("token", "key", name="uq_uploads_key"),
    )
    op.create_index("ix_uploads_state", "uploads", ["state"])
    op.create_index("ix_uploads_recording", "uploads", ["recording_sha256"])
    op.create_table(
        "proofs",
        sa.Column("recording_sha256", sa.String(64), primary_key=True),
        _text("trust", 16),
        _text("reason"),
        _text("source", 16),
        _text("ticket", 32, optional=True),
        sa.Column("hidden_seed", sa.Boolean, nullable=False),
        _text("opening", 64),
    )
    op.create_index("ix_proofs_opening", "proofs", ["opening"])


def _create_agents() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("token", sa.Integer, _key("submissions", "token", "tokens.id"), nullable=False),
        _text("key", 128),
        _text("body_sha256", 64),
        _text("name", 32),
        _text("game", 64),
        _text("rules_id", 64),
        _text("rules"),
        _text("artifact_sha256", 64),
        _text("state", 16),
        _text("reason"),
        sa.Column("played", sa.Integer, nullable=False),
        sa.Column("planned", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        _text("worker", 64),
        sa.Column("beat", sa.Integer, nullable=False),
        _time("received_at"),
        _time("ended_at", optional=True),
        sa.UniqueConstraint("token", "key", name="uq_submissions_key"),
    )
    op.create_index("ix_submissions_state", "submissions", ["state", "id"])
    op.create_index("ix_submissions_owner", "submissions", ["token"])
    op.create_table(
        "submission_log",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("submission", sa.Integer, _key("submission_log", "submission", "submissions.id"), nullable=False),
        _time("at"),
        _text("text"),
    )
    op.create_index("ix_submission_log", "submission_log", ["submission"])


def _create_organizing() -> None:
    op.create_index("ix_episodes_digest", "episodes", ["digest"])
    op.create_table(
        "voids",
        sa.Column(
            "episode", sa.Integer, _key("voids", "episode", "episodes.id"), primary_key=True, autoincrement=False
        ),
        _text("reason"),
    )
    op.create_table("hidden_names", sa.Column("name", sa.String(32), primary_key=True))
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        _time("at"),
        _text("actor", 32),
        _text("action", 32),
        _text("subject", 128),
        _text("reason"),
        _text("before"),
        sa.Column("undone_by", sa.Integer, _key("audit", "undone_by", "audit.id"), nullable=True),
    )
    op.create_table(
        "event_state", sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), _text("state", 16)
    )
