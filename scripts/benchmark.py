"""The arena's figures: ratios measured side by side in one run, printed and written as JSON.

    python scripts/benchmark.py engine

Each figure alternates what is compared, so that a slow moment of the machine hits both sides. Run it on a machine that
does nothing else.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import traceback
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from benchmarks.figure import Figure

SUITES = ("engine", "final", "learning", "play", "sandbox", "server", "train", "web")
"""Modules of `benchmarks`; one is imported when it runs."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--json", type=Path, help="where to write the figures; default: docs/benchmarks/SUITE.json")
    parser.add_argument("--steps", type=int, help="for learning: steps of each of its runs")
    args = parser.parse_args()
    figures: list[Figure] = []
    target = args.json or Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / f"{args.suite}.json"
    options: dict[str, Any] = {}
    if args.suite == "learning":
        options["kept"] = target.with_name("learning-runs.jsonl")
        options |= {"steps": args.steps} if args.steps else {}
    done = 0
    try:
        for figure in import_module(f"benchmarks.{args.suite}").run(**options):
            figures.append(figure)
            print(figure.line(), flush=True)
    except Exception:  # what was measured until then is kept
        traceback.print_exc()
        done = 1
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"machine": machine(), "figures": [f.as_dict() for f in figures]}, indent=2) + "\n")
    print(f"Written to {target}.")
    return done


def machine() -> dict[str, object]:
    """Return what a reader needs to know of the machine to judge a figure."""
    import os

    return {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "processor": _processor(),
        "packages": {name: version(name) for name in ("ale-py", "gymnasium", "numpy", "torch", "stable-baselines3")},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


if __name__ == "__main__":
    sys.exit(main())
