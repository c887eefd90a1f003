"""Alembic's entry: runs the steps on the connection that `arena.scoreboard.migrations.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from arena.scoreboard.migrations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
