"""Secrets stay out of messages, logs and tracebacks."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys

import pytest

from envs.errors import ArenaError, ScoreboardError
from envs.redaction import RedactingFormatter, redact

TOKEN = "arena_Zk3-_9vQm2LrT7xWbN5cYd8HfJ1gKpA4"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"refused: {TOKEN}.", "refused: arena_***."),
        ("postgresql+psycopg://ada:pa@ss/w:rd@db:5432/arena is gone", "postgresql+psycopg://***@db:5432/arena is gone"),
        ("'http://u:p@10.0.0.5/x'", "'http://***@10.0.0.5/x'"),
        (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer ***"),
        ("?user=a&password=hunter2&x=1", "?user=a&password=***&x=1"),
        ("expected postgresql+psycopg://USER:PASSWORD@HOST/DATABASE.",) * 2,
        ("arena_evaluation of ada@example.org, http://10.0.0.5:8000/submit",) * 2,
    ],
)
def test_secrets_are_left_out_and_nothing_else(text: str, left: str) -> None:
    assert redact(text) == left
    assert str(ArenaError(text)) == left
    record = logging.LogRecord("x", logging.WARNING, "x", 1, "%s", (text,), None)
    assert RedactingFormatter("%(message)s").format(record) == left


def test_an_error_keeps_its_kind_and_text_when_it_is_sent_elsewhere() -> None:
    sent = pickle.loads(pickle.dumps(ScoreboardError(f"No {TOKEN}")))
    assert (type(sent), str(sent)) == (ScoreboardError, "No arena_***")


@pytest.mark.parametrize("thread", [False, True])
def test_a_traceback_shows_no_secret(thread: bool) -> None:
    code = (
        "import threading; from envs.redaction import hide, start_logging\n"
        "start_logging('%(message)s'); hide('hush-hush')\n"
        f"def fail(): raise RuntimeError('{TOKEN} and hush-hush')\n"
    ) + ("t = threading.Thread(target=fail); t.start(); t.join()" if thread else "fail()")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert "Traceback" in ended.stderr
    assert "RuntimeError: arena_*** and ***" in ended.stderr
    assert "hush" not in ended.stderr.splitlines()[-1]
