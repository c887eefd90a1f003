"""Training checkpoints: everything a run needs to go on as if it had not stopped, written so that a crash, a kill or a
full disk in the middle leaves the one before it whole.

A checkpoint is a folder `step-000100352/` with `state.pt` (weights, optimizer, counters, random states; tensors and
plain values only, read without unpickling code), `model.zip` (for plain SB3: `PPO.load` and so on; `DAgger.load`), and
`replay.npz` where the algorithm has a replay buffer.
"""

from __future__ import annotations

import io
import os
import random
import shutil
from collections import deque
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer

from agents.training.fast import save_plain
from agents.training.packing import write_package
from envs.errors import AgentError

_COUNTERS = (
    "num_timesteps",
    "_n_updates",
    "_episode_num",
    "_current_progress_remaining",
    "_n_calls",
    "exploration_rate",
)
_ARRAYS = (
    *("observations", "next_observations"),  # SB3's own buffer
    *("frames", "next_frames", "history"),  # `FrameReplayBuffer`
    *("actions", "rewards", "dones", "timeouts"),
    *("notes", "stakes"),  # `AnswerBuffer`
)

KEPT = 2
"""Checkpoints that stay; a third one lies beside them while it is written."""
_ASIDE = frozenset({"notes_net", "notes_optimizer", "reference"})
"""What `DAgger` and `Kickstart` learn with, besides the policy."""


def save_checkpoint(folder: Path, model: BaseAlgorithm, about: dict[str, Any], keep: int = KEPT) -> Path:
    """Write a checkpoint of `model` into `folder` and delete all but the newest `keep`.

    Args:
        about: JSON values that `read_checkpoint` gives back, e.g. the run's settings.

    Raises:
        OSError: it could not be written (a full disk, say); what was there before is untouched.
    """
    final = folder / f"step-{model.num_timesteps:09d}"
    part = folder / (final.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        # By way of memory: torch reports a full disk as a RuntimeError without a reason.
        content = io.BytesIO()
        torch.save({"about": about, **_state_of(model)}, content)
        (part / "state.pt").write_bytes(content.getbuffer())
        save_plain(model, part / "model.zip")
        buffer = getattr(model, "replay_buffer", None)
        if isinstance(buffer, ReplayBuffer):
            _save_buffer(buffer, part / "replay.npz")
        for file in part.iterdir():
            _sync(file)
        shutil.rmtree(final, ignore_errors=True)
        part.rename(final)
        _sync(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    for old in checkpoints(folder)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def save_snapshot(folder: Path, model: BaseAlgorithm) -> None:
    """Write the weights of `model` alone, in half precision, as `step-000100352.pt`. Nobody deletes these.

    Raises:
        OSError: it could not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    torch.save({name: tensor.to(torch.float16) for name, tensor in model.policy.state_dict().items()}, content)
    write_package(folder / f"step-{model.num_timesteps:09d}.pt", content.getvalue())


def checkpoints(folder: Path) -> list[Path]:
    """The complete checkpoints in `folder`, oldest first."""
    return sorted(p for p in folder.glob("step-*") if p.is_dir() and p.suffix != ".part")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what `save_checkpoint` wrote; `about` holds what was passed to it.

    Raises:
        AgentError: there is no readable checkpoint at `path`.
    """
    try:
        state = torch.load(path / "state.pt", map_location="cpu", weights_only=True)
    except Exception as error:
        raise AgentError(
            f"{path} is not a readable checkpoint ({type(error).__name__}: {error}); delete that folder to go on from "
            "the one before it."
        ) from error
    assert isinstance(state, dict)
    return state


def restore(model: BaseAlgorithm, path: Path, state: dict[str, Any]) -> None:
    """Put the checkpoint into `model`, which was made with the same settings, and set the random generators."""
    optimizer = model.policy.optimizer
    own = {name: value for name, value in optimizer.param_groups[0].items() if name not in ("params", "fused")}
    try:
        if (stored := state["optimizer"]["param_groups"][0].keys() - {"params", "fused"}) != own.keys():
            raise ValueError(f"its optimizer has {', '.join(sorted(stored))}; that of use_rms_prop is another one.")
        model.policy.load_state_dict(state["policy"])
        optimizer.load_state_dict(state["optimizer"])
        for group in optimizer.param_groups:
            group.update(own)  # adam_eps, say, as the settings are now
        nets = {name for name in _ASIDE if getattr(model, name, None) is not None}
        if nets != (stored := _ASIDE & state.keys()):
            has = "lacks" if nets - stored else "has"
            raise ValueError(
                f"it {has} {' and '.join(sorted(nets ^ stored))}; give notes_weight and --teacher as before."
            )
        for name in nets:
            getattr(model, name).load_state_dict(state[name])
    except (RuntimeError, ValueError, KeyError) as error:
        raise AgentError(f"The checkpoint {path} does not fit this game and algorithm: {error}") from error
    for name, value in state["counters"].items():
        setattr(model, name, value)
    model.ep_info_buffer = deque(state["episodes"], maxlen=model._stats_window_size)
    model.ep_success_buffer = deque(maxlen=model._stats_window_size)
    buffer = getattr(model, "replay_buffer", None)
    if isinstance(buffer, ReplayBuffer):
        _load_buffer(buffer, path / "replay.npz")
    torch.set_rng_state(state["random"]["torch"])
    if "cuda" in state["random"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["random"]["cuda"])
    kind, keys, *rest = state["random"]["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))
    version, numbers, gauss = state["random"]["python"]
    random.setstate((version, tuple(numbers), gauss))
    model.action_space.np_random.bit_generator.state = state["random"]["actions"]


def restart_games(model: BaseAlgorithm, seed: int) -> None:
    """Start every game anew, seeded by the run's seed and the step count.

    A run does so at every checkpoint, whether it goes on or is resumed there: a game's state isn't stored.
    """
    env = model.get_env()
    assert env is not None
    env.seed(int(np.random.SeedSequence([seed, model.num_timesteps]).generate_state(1)[0]))
    model._last_obs = env.reset()  # type: ignore[assignment]
    model._last_episode_starts = np.ones((env.num_envs,), dtype=bool)


def check_sane(model: BaseAlgorithm) -> None:
    """Raise AgentError if a weight is NaN or so large that the network's output can't be a number."""
    if not all(bool((weight.abs() < 1e6).all()) for weight in model.policy.parameters()):
        raise AgentError(
            f"After {model.num_timesteps:,} steps the weights are NaN or beyond all bounds. The last good checkpoint "
            "is kept; lower the learning rate in a copy of train.toml and go on with --resume --config."
        )


def _state_of(model: BaseAlgorithm) -> dict[str, Any]:
    counters = {name: getattr(model, name) for name in _COUNTERS if hasattr(model, name)}
    drawn: Any = np.random.get_state()  # SB3 draws minibatches from numpy's global generator
    name, keys, *rest = drawn
    version, numbers, gauss = random.getstate()
    generators: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": [name, keys.tolist(), *rest],
        "python": [version, list(numbers), gauss],
        "actions": model.action_space.np_random.bit_generator.state,
    }
    if torch.cuda.is_available():
        generators["cuda"] = torch.cuda.get_rng_state_all()
    aside = {name: getattr(model, name).state_dict() for name in _ASIDE if getattr(model, name, None) is not None}
    return aside | {
        "policy": model.policy.state_dict(),
        "optimizer": model.policy.optimizer.state_dict(),
        "counters": counters,
        "episodes": [dict(episode) for episode in model.ep_info_buffer or ()],
        "random": generators,
    }


def _save_buffer(buffer: ReplayBuffer, path: Path) -> None:
    filled = buffer.buffer_size if buffer.full else buffer.pos
    arrays = {name: getattr(buffer, name)[:filled] for name in _ARRAYS if hasattr(buffer, name)}
    np.savez(path, pos=buffer.pos, full=buffer.full, **arrays)


def _load_buffer(buffer: ReplayBuffer, path: Path) -> None:
    names = [name for name in _ARRAYS if hasattr(buffer, name)]
    try:
        with path.open("rb") as file, np.load(file) as stored:  # numpy itself leaves a damaged file open
            if {*names} != {*stored} - {"pos", "full"}:
                raise AgentError(
                    f"{path} was written by a run that differs in --plain, or by an older version; give or leave out "
                    "--plain as then, or choose another --out to begin anew."
                )
            pos, full = int(stored["pos"]), bool(stored["full"])
            rows, games = stored["rewards"].shape
            if games != buffer.n_envs or rows > buffer.buffer_size or (full and rows != buffer.buffer_size):
                raise AgentError(
                    f"{path} remembers {rows * games:,} steps of {games} games side by side, and the settings now have "
                    f"room for {buffer.buffer_size * buffer.n_envs:,} steps of {buffer.n_envs}: give envs and "
                    "buffer_size as before to go on, or choose another --out to begin anew."
                )
            for name in names:
                array = stored[name]
                getattr(buffer, name)[: len(array)] = array
            buffer.pos, buffer.full = pos, full
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise AgentError(
            f"The replay buffer {path} can't be read ({error}); delete the folder {path.parent} to go on from the "
            "checkpoint before it."
        ) from error


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, written to the disk."""
    if os.name == "nt":  # Windows flushes neither folders nor files that are open for reading only
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
