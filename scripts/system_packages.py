"""Programs outside Python that some tests need: where they are, and how to get them."""

import glob
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class SystemPackage:
    name: str
    find: Callable[[], str | None]
    """Returns where it is, or None."""
    tests: str
    """Which tests need it."""
    debian: str
    macos: str


def find_postgres() -> str | None:
    """Return the folder with the newest PostgreSQL server's `initdb` and `postgres`, or None."""
    # Debian and Homebrew keep the server's programs of each version out of the search path.
    folders = [
        *glob.glob("/usr/lib/postgresql/*/bin"),
        *glob.glob("/opt/homebrew/opt/postgresql@*/bin"),
        *glob.glob("/usr/local/opt/postgresql@*/bin"),
    ]
    folders.sort(key=lambda folder: int((re.findall(r"\d+", folder) or ["0"])[-1]), reverse=True)
    if in_path := shutil.which("initdb"):
        folders.append(os.path.dirname(in_path))
    return next(
        (f for f in folders if all(shutil.which(p, path=f) for p in ("initdb", "postgres", "pg_isready"))), None
    )


def find_bubblewrap() -> str | None:
    """Return the path of `bwrap`, or None; elsewhere than on Linux there is none, and nothing asks for it."""
    return shutil.which("bwrap") if sys.platform == "linux" else "not needed"


def find_chromium() -> str | None:
    """Return the browser's program, or None."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome", "chrome"))
    apps = (
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    )
    return next((path for path in (*found, *apps) if path is not None and os.path.exists(path)), None)


def find_pdftotext() -> str | None:
    """Return Poppler's `pdftotext`, or None."""
    return shutil.which("pdftotext")


def find_faketime() -> str | None:
    """Return the library that gives a program another system clock, or None; Linux only."""
    if sys.platform != "linux":
        return "not needed"
    folders = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/lib64/faketime")
    return next((path for folder in folders for path in sorted(glob.glob(f"{folder}/libfaketimeMT.so.1"))), None)


NEEDED = (
    SystemPackage(
        name="PostgreSQL server",
        find=find_postgres,
        tests="the scoreboard's tests against a real PostgreSQL",
        debian="sudo apt-get install postgresql",
        macos="brew install postgresql@17",
    ),
    SystemPackage(
        name="bubblewrap",
        find=find_bubblewrap,
        tests="the sandbox's tests",
        debian="sudo apt-get install bubblewrap",
        macos="not needed there",
    ),
    SystemPackage(
        name="Chromium",
        find=find_chromium,
        tests="the web pages' tests in a real browser",
        debian="sudo apt-get install chromium",
        macos="brew install --cask chromium",
    ),
    SystemPackage(
        name="Poppler",
        find=find_pdftotext,
        tests="the report's PDF, read by another program",
        debian="sudo apt-get install poppler-utils",
        macos="brew install poppler",
    ),
    SystemPackage(
        name="libfaketime",
        find=find_faketime,
        tests="the server under a system clock that is set by a day",
        debian="sudo apt-get install libfaketime",
        macos="not needed there",
    ),
)


def missing() -> list[SystemPackage]:
    return [package for package in NEEDED if package.find() is None]
