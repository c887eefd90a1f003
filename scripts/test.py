"""Set the arena up in this folder, if it isn't yet, and check lint, format, types and tests: `python3 scripts/test.py`.

Packages that are named first are checked alone, with the tests that mirror them: `python3 scripts/test.py arena/kiosk`
runs `tests/arena/kiosk`. Options are passed on to pytest, e.g. `python3 scripts/test.py -k verify -x`; they are read in
the top folder. All four checks run even if one fails; the exit code is 0 if all passed, else 1. With `CI=true` in the
environment nothing may be skipped: a missing system package is an error, and so is a test that skips itself.
"""

import os
import re
import subprocess
import sys
import time

from bootstrap import ROOT, Checkout, prepare, say

PACKAGES = ("agents", "arena", "envs", "recordings", "scripts")
CHECKS = {
    "lint": ("ruff", "check"),
    "format": ("ruff", "format", "--check"),
    "types": ("mypy",),
}


def main(options: list[str]) -> int:
    if options in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    packages, options = packages_in(options)
    tests = [os.path.join("tests", package) for package in packages]
    for folder in tests:
        if not os.path.isdir(os.path.join(ROOT, folder)):
            say(f"There is no {folder}; name a package that has tests of its own, or none for all tests.")
            return 1
    checkout = prepare(developing=True)
    if not check_system_packages():
        return 1
    results = {
        name: check(checkout, name, *command, *packages, *(() if name == "types" else tests))
        for name, command in CHECKS.items()
    }
    results["tests"], last_line = run_pytest(checkout, [*tests, *options])

    print()
    for name, (passed, seconds) in results.items():
        print(f"{name:8}{'passed' if passed else 'FAILED'} {seconds:6.1f} s")
    skipped = re.search(r"\d+ skipped", last_line)
    if skipped:
        print(f"{skipped[0]}: the reasons are listed above")
    print(last_line or "pytest ended without a summary")
    return 0 if all(passed for passed, _ in results.values()) else 1


def packages_in(options: list[str]) -> tuple[list[str], list[str]]:
    """Part what was typed into the packages at its beginning and the options for pytest."""
    count = 0
    while count < len(options):
        path = os.path.normpath(options[count])
        if path.split(os.sep)[0] not in PACKAGES or not os.path.isdir(os.path.join(ROOT, path)):
            break
        count += 1
    return [os.path.normpath(path) for path in options[:count]], options[count:]


def check_system_packages() -> bool:
    """Say what is missing and how to get it; return whether the tests may go on without it."""
    from system_packages import missing

    required = os.environ.get("CI", "").lower() in ("1", "true")
    packages = missing()
    for package in packages:
        say(
            f"No {package.name} here; {'needed for' if required else 'skipping'} {package.tests}.\n"
            f"      Debian: {package.debian}\n      macOS:  {package.macos}"
        )
    return not (packages and required)


def check(checkout: Checkout, name: str, *command: str) -> tuple[bool, float]:
    say(f"Checking {name}: {' '.join(command)}")
    started = time.monotonic()
    code = subprocess.call([str(checkout.python), "-m", *command], cwd=ROOT)
    return code == 0, time.monotonic() - started


def run_pytest(checkout: Checkout, options: list[str]) -> tuple[tuple[bool, float], str]:
    """Run pytest, passing its output on, and return with the result its last line: how many passed, failed, skipped."""
    command = ["pytest", "-n", "2", *(["--color=yes"] if sys.stdout.isatty() else []), *options]
    say(f"Running the tests: {' '.join(command)}")
    started = time.monotonic()
    tail = b""
    # The tests share the cores already; torch's threads of two of them at once would wait for each other.
    environment = {"OMP_NUM_THREADS": "1"} | os.environ
    with subprocess.Popen(
        [str(checkout.python), "-m", *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        while True:
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                break
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            tail = (tail + chunk)[-4096:]
    lines = tail.decode(errors="replace").strip().splitlines()
    return (process.returncode == 0, time.monotonic() - started), lines[-1] if lines else ""


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
