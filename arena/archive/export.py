"""The folder that proves an event: settings, log, recordings and standings, for anybody to check
(`arena.archive.audit`)."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from arena.event.folder import SETTINGS, Event
from arena.event.lifecycle import state_of as phases_of
from arena.event.log import EVENT, TOURNAMENT, Log
from arena.scoreboard.store import Scoreboard
from arena.tournament.model import state_of
from arena.tournament.standings import standings
from envs.errors import EventError
from recordings.storage import write_atomically

FORMAT = "arena-event/1"
LOG, STANDINGS, RECORDINGS, README = "log.jsonl", "standings.json", "recordings", "README.txt"

_README = """\
This folder proves the results of the event "{name}". Anybody can check it, without trusting who made it:

    pip install atari-arena            (made with arena {arena}, ale-py {ale_py})
    arena event audit .

The audit reads nothing but this folder. It
  - checks that no line of {log} was changed (each carries a hash over itself and the line before),
  - checks that the secret, revealed at the end, is the one whose SHA-256 was published when the event opened,
  - computes every seed of the final from that secret and the public number announced after submissions had closed,
  - replays every recording on a fresh emulator, and compares score, length and digest,
  - rebuilds all standings from that, and compares them with {standings}.

Compare two things with what was published during the event, on paper or wherever you have noted it:
  hash of the secret   {commitment}
  public number        {entropy}
"""


def export(event: Event, board: Scoreboard, folder: Path, each: Callable[[], None] = lambda: None) -> list[str]:
    """Write everything that proves an event into the new folder `folder`; return the names of recordings that are on
    the scoreboard but no longer in the event folder.

    Args:
        event: the event.
        board: its scoreboard.
        folder: must not exist, or be empty.
        each: called for every recording copied.

    Raises:
        EventError: the folder can't be written, or isn't empty.
    """
    log = Log(board.engine)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise EventError(f"{folder} must be a new or an empty folder.")
        (folder / RECORDINGS).mkdir(parents=True)
        entries = [entry for stream in log.streams() for entry in log.entries(stream)]
        lines = [json.dumps(entry.as_dict(), sort_keys=True, ensure_ascii=True) for entry in entries]
        write_atomically(folder / LOG, "".join(line + "\n" for line in lines).encode())
        write_atomically(folder / SETTINGS, (event.folder / SETTINGS).read_bytes())
        missing = _copy(event, board, folder / RECORDINGS, each)
        write_atomically(folder / STANDINGS, (json.dumps(_standings(log, board), indent=1) + "\n").encode())
        state = phases_of(log.entries(EVENT))
        text = _README.format(
            name=event.name, arena=version("atari-arena"), ale_py=version("ale-py"), log=LOG, standings=STANDINGS,
            commitment=state.commitment or "none: the event was never opened", entropy=state.entropy or "none",
        )  # fmt: skip
        write_atomically(folder / README, text.encode())
    except OSError as error:
        raise EventError(f"{folder} can't be written ({error.strerror or error}).") from None
    return missing


def _copy(event: Event, board: Scoreboard, folder: Path, each: Callable[[], None]) -> list[str]:
    missing = []
    for result in board.results():
        source = event.recordings / result.recording_name
        if source.is_file():
            shutil.copyfile(source, folder / result.recording_name)
        else:
            missing.append(result.recording_name)
        each()
    return sorted(missing)


def _standings(log: Log, board: Scoreboard) -> dict[str, Any]:
    """Return all standings as plain JSON: of the tournaments, and the means of the scoreboard."""
    names = [stream.removeprefix(TOURNAMENT) for stream in log.streams() if stream.startswith(TOURNAMENT)]
    return {
        "format": FORMAT,
        "tournaments": {name: plain_standings(log, name) for name in names},
        "scoreboard": plain_means(
            (r.game, r.rules_id, r.player, r.kind.value, r.artifact_sha256, r.score) for r in board.results()
        ),
    }


def plain_standings(log: Log, name: str) -> list[dict[str, object]]:
    """Return a tournament's standings as plain JSON."""
    return [line.plain() for line in standings(state_of(log.entries(TOURNAMENT + name)))]


def plain_means(played: Any) -> list[dict[str, Any]]:
    """Return games and mean of every player in every class, sorted.

    Args:
        played: game, rules_id, player, kind, artifact and score of every episode.
    """
    scores: dict[tuple[str, ...], list[float]] = {}
    for game, rules_id, player, kind, artifact, score in played:
        scores.setdefault((game, rules_id, player, kind, artifact or ""), []).append(float(score))
    keys = ("game", "rules_id", "player", "kind", "artifact")
    return [
        dict(zip(keys, key, strict=True)) | {"episodes": len(found), "mean": math.fsum(found) / len(found)}
        for key, found in sorted(scores.items())
    ]


def rows(lines: Sequence[dict[str, Any]]) -> str:
    """Return plain JSON lines as one comparable text."""
    return json.dumps(lines, sort_keys=True)
