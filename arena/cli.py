"""The command line, `arena`. It starts at once: what a command needs is imported when it runs.

Exit codes: 0 done, 1 the thing checked is not so, 2 bad input, 130 interrupted, 141 the reader of the output has left.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Annotated

import typer

from arena.commands import agent, doctor, event, kiosk, match, play, report, results, serve, submit, tournament, watch

DONE, NOT_SO, BAD_INPUT, INTERRUPTED, READER_LEFT = 0, 1, 2, 130, 141

app = typer.Typer(
    name="arena",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: narrow, quick, and it can be copied
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"arena {version('atari-arena')}, ale-py {version('ale-py')}")
        raise typer.Exit


@app.callback()
def arena(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the versions and exit.")
    ] = False,
) -> None:
    """People and bots play the same Atari games under identical seeds; every score is proved by a recording."""


app.command()(watch.demo)
app.command()(play.play)
app.command()(match.match)
app.command()(match.evaluate)
app.command()(kiosk.kiosk)
app.command()(watch.stage)
app.command()(watch.watch)
app.command()(watch.export)
app.command()(results.verify)
app.command()(results.scoreboard)
app.command()(doctor.doctor)
app.add_typer(agent.app)
app.command()(serve.serve)
app.add_typer(serve.token)
app.command()(serve.backup)
app.command()(submit.submit)
app.command()(submit.sync)
app.command()(report.report)
app.command()(report.dataset)
app.command()(report.forget)
app.add_typer(event.app, name="event")
app.add_typer(tournament.app, name="tournament")


class _Redacting(logging.Formatter):
    """As `envs.redaction.RedactingFormatter`, whose import would hold up --help."""

    def format(self, record: logging.LogRecord) -> str:
        from envs.redaction import redact

        return redact(super().format(record))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what a user did wrong becomes one sentence on standard error.

    Args:
        arguments: what follows `arena`; None for those of this process.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Redacting("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A name that this terminal has no letters for shall not stop anything; and a pipe sees each line at once.
            stream.reconfigure(errors="replace", line_buffering=True)
    with _ended_like_ctrl_c():
        code = _run(arguments)
        try:
            if sys.stdout is not None:  # None where it was closed before the start
                sys.stdout.flush()
        except OSError as error:
            code = _output_failed(error)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = app(arguments, standalone_mode=False)
    except typer.TyperException as error:
        return _misused(error)
    except typer.Abort:  # a question, and nobody there to answer it
        print("arena: Nobody has answered; nothing was done.", file=sys.stderr)
        return BAD_INPUT
    except SystemExit:  # how both Typer and Rich end when nobody reads the output any more
        return READER_LEFT
    except OSError as error:
        if error.filename is None and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EPIPE):
            return _output_failed(error)
        raise
    except Exception as error:
        from envs.errors import ArenaError  # not at the top: they are not needed for --help
        from envs.extras import explained

        shown = explained(error) if isinstance(error, ModuleNotFoundError) else error
        if not isinstance(shown, ArenaError):
            from envs.redaction import start_logging

            start_logging("%(message)s")  # the traceback loses its secrets
            raise
        print(f"arena: {shown}", file=sys.stderr)
        return BAD_INPUT
    if code == INTERRUPTED:
        print("arena: Interrupted.", file=sys.stderr)
    return code or DONE


def _misused(error: typer.TyperException) -> int:
    """Say in one sentence what was wrong with the command that was typed."""
    from envs.redaction import redact

    message = redact(getattr(error, "format_message", error.__str__)())
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "arena"
    if "\n" in message:  # nothing was typed at all: this is the help
        print(message)
    else:
        print(f"arena: {message.rstrip('.')}; {command} --help explains.", file=sys.stderr)
    return BAD_INPUT


def _output_failed(error: OSError) -> int:
    """Nothing more can be written to standard output; let the interpreter's own last flush go nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    if isinstance(error, BrokenPipeError):
        return READER_LEFT
    print(f"arena: The output can't be written ({error.strerror}).", file=sys.stderr)
    return BAD_INPUT


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Let a request to end (SIGTERM), or a terminal that closes, do what Ctrl-C does: end what was started, tidy up."""
    signals = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    changed = [one for one in signals if signal.getsignal(one) is signal.SIG_DFL]  # nohup ignores SIGHUP, so do we
    for one in changed:
        signal.signal(one, signal.default_int_handler)
    try:
        yield
    finally:
        for one in changed:
            signal.signal(one, signal.SIG_DFL)
