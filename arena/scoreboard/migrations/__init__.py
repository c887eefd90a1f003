"""The steps that bring a scoreboard's tables up to date, run by `upgrade` whenever a scoreboard is opened.

A new step is a file in `versions/` (copy the newest one, name its predecessor in `down_revision`) and a new `HEAD`.
Steps are never edited once released, and import nothing of the arena: they must do in ten years what they do today.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from envs.errors import ScoreboardError

HEAD = "0005"
"""The newest step. Alembic itself is imported only where the database isn't there yet."""
VERSION_TABLE = "arena_version"
"""Not Alembic's usual name: another program's database must not look like an old or a new scoreboard."""

_LOCK_KEY = 0x6172656E61
"""Key of the advisory lock on PostgreSQL that lets one program at a time upgrade: `arena` in ASCII."""


def is_current(connection: Connection) -> bool:
    """Return whether the tables are those of this version; reads only."""
    return _version(connection) == HEAD


def upgrade(connection: Connection, target: str = HEAD) -> bool:
    """Bring the tables up to `target` within the transaction of `connection`; return whether anything had to be done.

    The caller commits. On SQLite the transaction must have begun as a writing one (BEGIN IMMEDIATE), on PostgreSQL
    this takes a lock: of several programs that open a new database at once, one makes the tables and the others wait.

    Raises:
        ScoreboardError: the tables were made by a newer arena, or by another program.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    version = _version(connection)
    if version == target:
        return False

    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise ScoreboardError(
            f"This scoreboard was made by a newer arena: its tables have version {version}, this arena knows them up "
            f"to {HEAD}; update the arena."
        )
    if version is None and (tables := sorted(inspect(connection).get_table_names())):
        raise ScoreboardError(
            f"This database belongs to another program: it has the tables {', '.join(tables[:5])}; give the "
            "scoreboard a database of its own."
        )
    command.upgrade(config, target)
    return True


def _version(connection: Connection) -> str | None:
    """The version of the tables; None where there are none of ours."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return version
