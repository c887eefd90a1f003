"""The standings, kept beside the episodes. They start empty: the scoreboard derives them after every upgrade."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    rules = sa.ForeignKey("rules.id", name="fk_standings_rules")
    player = sa.ForeignKey("players.id", name="fk_standings_player")
    op.create_table(
        "standings",
        sa.Column("rules", sa.Integer, rules, primary_key=True),
        sa.Column("player", sa.Integer, player, primary_key=True),
        sa.Column("episodes", sa.Integer, nullable=False),
        sa.Column("mean", sa.Double, nullable=False),
        sa.Column("median", sa.Double, nullable=False),
        sa.Column("low", sa.Double, nullable=True),
        sa.Column("high", sa.Double, nullable=True),
        sa.Column("best", sa.Double, nullable=False),
        sa.Column("last_played", sa.DateTime(timezone=True), nullable=False),
    )
