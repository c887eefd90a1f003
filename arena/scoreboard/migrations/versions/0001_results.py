"""Players, rules and episodes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "players",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("artifact", sa.String(64), nullable=False),
        sa.UniqueConstraint("name", "kind", "artifact", name="uq_players_name_kind_artifact"),
    )
    op.create_table(
        "rules",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("game", sa.String(64), nullable=False),
        sa.Column("rules_id", sa.String(64), nullable=False),
        sa.Column("label", sa.String(64), nullable=False),
        sa.UniqueConstraint("game", "rules_id", name="uq_rules_game_rules_id"),
    )
    op.create_table(
        "episodes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("rules", sa.Integer, sa.ForeignKey("rules.id", name="fk_episodes_rules"), nullable=False),
        sa.Column("player", sa.Integer, sa.ForeignKey("players.id", name="fk_episodes_player"), nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("frames", sa.Integer, nullable=False),
        sa.Column("ended", sa.String(16), nullable=False),
        sa.Column("recording_sha256", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("play", sa.String(64), nullable=False),
        sa.Column("recording_name", sa.String(255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("recording_sha256", name="uq_episodes_recording_sha256"),
        sa.UniqueConstraint("rules", "player", "seed", "play", name="uq_episodes_play"),
    )
    op.create_index("ix_episodes_standing", "episodes", ["rules", "player", "score", "started_at"])
    op.create_index("ix_episodes_player", "episodes", ["player"])
