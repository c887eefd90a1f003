"""Programs outside Python that some tests need: where they are, and how to get them."""

import glob
import os
import re
import shutil
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


def find_chromium() -> str | None:
    """Return a Chromium or Chrome that can run without a window, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def find_pdftotext() -> str | None:
    """Return Poppler's `pdftotext`, or None."""
    return shutil.which("pdftotext")


NEEDED = (
    SystemPackage(
        name="PostgreSQL server",
        find=find_postgres,
        tests="the scoreboard's tests against a real PostgreSQL",
        debian="sudo apt-get install postgresql",
        macos="brew install postgresql@17",
    ),
    SystemPackage(
        name="Chromium",
        find=find_chromium,
        tests="pages and reports, opened in a real browser",
        debian="sudo apt-get install chromium",
        macos="brew install chromium",
    ),
    SystemPackage(
        name="Poppler",
        find=find_pdftotext,
        tests="the report's PDF, read by another program",
        debian="sudo apt-get install poppler-utils",
        macos="brew install poppler",
    ),
)


def missing() -> list[SystemPackage]:
    return [package for package in NEEDED if package.find() is None]
