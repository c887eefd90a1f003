"""The command line, `arena`. It starts at once: what a command needs is imported when it runs.

Exit codes: 0 done, 1 the thing checked is not so, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import sys

import typer

from arena.commands import doctor, play, results, show

app = typer.Typer(
    name="arena",
    help="People and bots play the same Atari games under identical seeds; every score is proved by a recording.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(show.demo)
app.command()(play.match)
app.command()(play.evaluate)
app.command()(show.watch)
app.command()(show.export)
app.command()(results.verify)
app.command()(results.scoreboard)
app.command()(doctor.doctor)


def main() -> None:
    """Run the command line; an `ArenaError` becomes its one sentence and exit code 2."""
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        app()
    except KeyboardInterrupt:
        print("\nInterrupted. What was finished is kept.", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        from envs.errors import ArenaError  # not at the top: it brings gymnasium and numpy

        if not isinstance(error, ArenaError):
            raise
        print(f"arena: {error}", file=sys.stderr)
        sys.exit(2)
