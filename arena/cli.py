"""The command line, `arena`. It starts at once: a command is imported when it is called.

Exit codes: 0 done, 1 the check failed, 2 bad input, 130 interrupted, 141 the reader of the output has left.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

DONE, CHECK_FAILED, BAD_INPUT, INTERRUPTED, READER_LEFT = 0, 1, 2, 130, 141

PLAIN: dict[str, Any] = {
    "no_args_is_help": True,
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,  # plain help: narrow, quick, and it can be copied
}

COMMANDS = {
    "demo": ("demo:demo", "Play a small real event from start to end."),
    "play": ("play:play", "Play a game yourself."),
    "match": ("match:match", "Play a match between players on the same seeds."),
    "evaluate": ("match:evaluate", "Play one agent on many seeds."),
    "kiosk": ("kiosk:kiosk", "Run the arena as an arcade machine for guests."),
    "stage": ("watch:stage", "Show a tournament on the hall's projector."),
    "watch": ("watch:watch", "Show recordings or an agent's game in a window."),
    "export": ("watch:export", "Make a film of a recording."),
    "verify": ("results:verify", "Replay recordings and check their scores."),
    "scoreboard": ("results:scoreboard", "Print the standings."),
    "doctor": ("doctor:doctor", "Check this machine and say what to fix."),
    "serve": ("serve:serve", "Run the shared scoreboard: its API and its pages."),
    "backup": ("serve:backup", "Copy the event to another folder; the server may be running."),
    "submit": ("submit:submit", "Send an agent to the server and follow it."),
    "sync": ("submit:sync", "Send what is waiting in the event folder's outbox."),
    "report": ("report:report", "Write the report of an event: one HTML file and a PDF."),
    "dataset": ("report:dataset", "Export results and recordings as data."),
    "forget": ("report:forget", "Remove a player who withdraws consent."),
    "agent": ("agent:app", "Pack, show or check an agent's file."),
    "token": ("serve:token", "Manage tokens: who may do what on the server."),
    "event": ("event:app", "Run an event: open, freeze, close, export and audit it."),
    "tournament": ("tournament:app", "Run a tournament; if killed, it resumes."),
}
"""Where each command stands, and the first sentence of its help: `arena --help` imports none of them."""


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are called, as Click's documentation describes it."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=sentence) for name, (_, sentence) in COMMANDS.items()}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found = getattr(import_module(f"arena.commands.{module}"), attribute)
        if not isinstance(found, typer.Typer):
            function, found = found, typer.Typer(**PLAIN | {"no_args_is_help": False})
            found.command(cmd_name)(function)
        return typer.main.get_command(found)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


app = typer.Typer(name="arena", cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, **PLAIN)


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
