"""Programs that are started and waited for, and that end when the one that started them ends, however it ends.

They get a session of their own, so that Ctrl-C is heard by the one in front only, who then ends them tidily.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

ARENA = "import sys; from arena.processes.child import follow; follow(); from arena.cli import main; sys.exit(main())"
SCRIPT = (
    "import os, runpy, sys; from arena.processes.child import follow; follow(); del sys.argv[0]; "
    "sys.path.insert(0, os.path.dirname(sys.argv[0])); runpy.run_path(sys.argv[0], run_name='__main__')"
)
GRACE_SECONDS = 10.0
"""How long a program may tidy up before it is ended where it stands."""


def start(code: str, words: Sequence[str], environment: dict[str, str], errors: int) -> subprocess.Popen[str]:
    """Start Python with `code` (ARENA or SCRIPT) and what follows it on the command line.

    Args:
        environment: all of it.
        errors: where standard error goes, as `subprocess.Popen` takes it.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code, *words],  # -P: a folder called `arena` where it is started doesn't matter
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=environment,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    """End a program: tidily, and if that takes too long, where it stands."""
    assert process.stdin is not None
    process.stdin.close()  # it follows
    try:
        process.wait(GRACE_SECONDS + 1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def follow() -> None:
    """To be called first by a program that was started here: end it when the other end of its standard input closes."""
    threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    while os.read(0, 1):  # not sys.stdin: Python can't end while another thread waits in there
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
