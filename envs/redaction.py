"""Secrets stay out of whatever a person may read: messages, logs, tracebacks and the files that quote them.

Every `ArenaError` and every line of a log passes `redact`. It knows passwords in addresses, bearer tokens and the
arena's own tokens by their form, and any other secret once it was given to `hide`.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from types import TracebackType

MARK = "***"
_SHORTEST = 6
"""Characters of a secret that `hide` takes; a shorter one would blot out half of every message."""
_FORMS = (
    # Up to the last @ of the word: a password may hold any sign. The words of our own advice are none.
    (re.compile(r"://(?!USER:PASSWORD@)[^\s'\"]*@"), f"://{MARK}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {MARK}"),
    (re.compile(r"(?i)\b(password|passwd|sslpassword|token)=[^\s&'\"]+"), rf"\1={MARK}"),
    (re.compile(r"\barena_[\w-]{20,}"), f"arena_{MARK}"),
)
_hidden: set[str] = set()


def hide(secret: str) -> None:
    """Let `redact` know a secret of this process, whatever it looks like."""
    _hidden.update(word for word in secret.split() if len(word) >= _SHORTEST)


def redact(text: str) -> str:
    """Return `text` without the secrets in it."""
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, MARK)
    for form, instead in _FORMS:
        text = form.sub(instead, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Formats a line of the log, and the traceback below it, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def start_logging(form: str) -> None:
    """Log warnings to standard error in the format `form`; also the tracebacks of this process lose their secrets."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(form))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if sys.excepthook is sys.__excepthook__:  # else somebody looks after tracebacks already
        sys.excepthook = _print_redacted
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _print_of_thread


def _print_redacted(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    print(redact("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr)


def _print_of_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None and not isinstance(arguments.exc_value, SystemExit):
        _print_redacted(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
