"""Make the golden recordings anew: `python scripts/golden.py`.

They fix what the emulator does under the arena's rules: `arena verify recordings/golden` must replay all of them, on
every machine and with every version of ale-py that the arena accepts. Script players make them, so running this again
changes nothing unless a script player, the rules or the format changed.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from agents.load import load_player
from arena.engine.evaluate import play_seeds
from envs.games import GAMES
from envs.rules import named_rules
from recordings.storage import save

FOLDER = Path(__file__).resolve().parent.parent / "recordings" / "golden"
PLAYERS = {"script:basic": (1, 2, 3), "script:random": (1,), "script:noop": (1,)}
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
"""Stands in all of them, so that the same game gives the same file."""


def main() -> int:
    for old in FOLDER.glob("*.zip"):
        old.unlink()
    for game in GAMES.values():
        for name, seeds in PLAYERS.items():
            for recording in play_seeds(load_player(name, game), named_rules(game), seeds):
                path = save(recording.model_copy(update={"started_at": STARTED}), FOLDER)
                print(f"{path.name}  {recording.score:,} points, {recording.frames:,} frames, {recording.end}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
