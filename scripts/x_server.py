"""A private X server, for programs with a window where nobody looks: tests and benchmarks."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def x_server(size: str = "1280x800") -> Iterator[str]:
    """Start Xvfb with a screen of `size` pixels on a free number; give what `DISPLAY` has to say, and end it after."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{size}x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise RuntimeError("The X server did not start.")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()
