"""Recordings as data for others: a Minari dataset for offline learning, and a table of results as Parquet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from arena.engine.replay import replay
from arena.scoreboard.results import Result
from envs.errors import ArenaError, EventError, RecordingError
from envs.extras import require
from envs.step import End, Step
from recordings.recording import Recording

if TYPE_CHECKING:
    from minari.data_collector import EpisodeBuffer

LIBRARIES = ("minari", "h5py", "pyarrow")
"""What this needs of the extra `dataset`."""
PICTURES = ("ram", "screen")
"""What an observation may be: the console's memory, uint8 (128,), or the picture, uint8 (height, width, 3)."""


def write_minari(
    recordings: Sequence[Recording], folder: Path, observe: str = "ram", each: Callable[[], None] = lambda: None
) -> int:
    """Write recordings of one game as a Minari dataset; return its steps, one per emulated frame.

    Nothing is lost: observations are stored as they are (no JPEG), actions as indices into the rules' action set, which
    stands in the description beside the rules. Who played, and what the score was, stands with every episode.

    Args:
        recordings: all under the same rules.
        folder: a new folder; `minari.MinariDataset(folder / "data")` reads it.
        observe: one of `PICTURES`; pictures take 100 kB per frame in memory, 1.8 GB for five minutes.
        each: called for every recording replayed.

    Raises:
        MissingExtra: minari isn't installed.
        ArenaError: the recordings are of different rules.
        RecordingError: a replay doesn't arrive at the recorded score.
        EventError: the folder can't be written.
    """
    require("A dataset", *LIBRARIES)
    import gymnasium
    from minari.dataset.minari_storage import MinariStorage

    if len({recording.rules for recording in recordings}) != 1 or observe not in PICTURES:
        raise ArenaError(f"A dataset holds recordings under the same rules, observed as one of {', '.join(PICTURES)}.")
    rules = recordings[0].rules
    path = (folder / "data").absolute()  # minari loses a path that begins where the program is
    try:
        if folder.exists() and any(folder.iterdir()):
            raise EventError(f"{folder} must be a new or an empty folder.")
        path.mkdir(parents=True)
        first = _episode(recordings[0], observe, 0)
        shape = first.observations[0].shape
        storage = MinariStorage.new(
            path,
            observation_space=gymnasium.spaces.Box(0, 255, shape, np.uint8),
            action_space=gymnasium.spaces.Discrete(len(rules.action_set)),
            jpeg_encoding=False,
        )
        storage.update_metadata(
            {
                "dataset_id": f"arena/{rules.game}/{rules.label}-v0",
                "minari_version": version("minari"),
                "algorithm_name": "people and agents of an arena event",
                "description": f"One step per emulated frame; rules {rules.canonical_json()}",
            }
        )
        for number, recording in enumerate(recordings):
            storage.update_episodes([first if number == 0 else _episode(recording, observe, number)])
            each()
        storage.update_episode_metadata(
            [
                {"player": r.player.name, "kind": r.player.kind, "score": r.score, "end": r.end.value, "seed": r.seed}
                for r in recordings
            ],
            range(len(recordings)),
        )
    except OSError as error:
        raise EventError(f"{folder} can't be written ({error.strerror or error}).") from None
    return sum(recording.frames for recording in recordings)


def _episode(recording: Recording, observe: str, number: int) -> EpisodeBuffer:
    from minari.data_collector import EpisodeBuffer

    observations: list[np.ndarray] = []
    rewards: list[float] = []
    for action, step in replay(recording.rules, recording.seed, recording.actions):
        if action is None and step.t > 0:  # the replay has run out of actions: nothing new was emulated
            continue
        observations.append(_seen(step, observe))
        if action is not None:
            rewards.append(step.reward)
    if int(sum(rewards)) != recording.score or len(rewards) != recording.frames:
        raise RecordingError(
            f"Seed {recording.seed}: the replay doesn't arrive at {recording.score} points; verify it."
        )
    index = {code: i for i, code in enumerate(recording.rules.action_set)}
    over = np.zeros(len(rewards), bool)
    cut = over.copy()
    if len(rewards):
        over[-1] = recording.end is End.TERMINATED
        cut[-1] = not over[-1]
    actions: Any = np.array([index[code] for code in recording.actions], np.int64)
    return EpisodeBuffer(
        id=number, seed=recording.seed, observations=np.array(observations), actions=actions,
        rewards=rewards, terminations=list(over), truncations=list(cut),
    )  # fmt: skip


def _seen(step: Step, observe: str) -> np.ndarray:
    if observe == "screen":
        return step.screen().copy()
    memory = np.zeros(128, np.uint8)
    step.read_ram(memory)
    return memory


def write_parquet(results: Sequence[Result], path: Path) -> int:
    """Write results as a Parquet table, one row for each episode; return how many.

    Raises:
        MissingExtra: pyarrow isn't installed.
        EventError: the file can't be written.
    """
    require("A dataset", *LIBRARIES)
    import pyarrow
    from pyarrow import parquet

    names = (
        "player", "kind", "artifact_sha256", "game", "rules_id", "rules_label", "seed", "score", "frames", "end",
        "recording_sha256", "recording_name", "started_at", "verified_at",
    )  # fmt: skip
    utc = pyarrow.timestamp("us", "UTC")
    types = dict.fromkeys(names, pyarrow.string()) | {
        "seed": pyarrow.int64(), "score": pyarrow.float64(), "frames": pyarrow.int32(), "started_at": utc,
        "verified_at": utc,
    }  # fmt: skip
    table = pyarrow.table(
        {name: [_plain(getattr(one, name)) for one in results] for name in names},
        schema=pyarrow.schema(list(types.items())),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, path)
    except OSError as error:
        raise EventError(f"{path} can't be written ({error.strerror or error}).") from None
    return len(results)


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)
