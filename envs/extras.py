"""Libraries that not everybody needs: the extra of the arena that brings each of them, and the command to get it."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from envs.errors import MissingExtra

EXTRAS = {
    "tensorboard": "train",
    "optuna": "train",
    "matplotlib": "report",
    "fpdf": "report",
    "openskill": "report",
    "choix": "report",
    "fastapi": "server",
    "starlette": "server",
    "uvicorn": "server",
    "python_multipart": "server",
    "minari": "dataset",
    "h5py": "dataset",
    "pyarrow": "dataset",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "distributed": "cluster",
    "psycopg": "postgres",
    "moviepy": "video",
}
"""Extra of `pyproject.toml` by the name under which a library is imported."""


def require(what: str, *modules: str) -> None:
    """Return if all of `modules` can be imported. To be called before any work is done.

    Args:
        what: what needs them; the sentence begins with it.

    Raises:
        MissingExtra: they can't; with the command that brings them.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise missing_extra(what, *missing)


def missing_extra(what: str, *modules: str) -> MissingExtra:
    """Return the error that says that `what` needs `modules`, and how to get them."""
    extras = dict.fromkeys(EXTRAS[name] for name in modules)
    several = len(modules) > 1
    return MissingExtra(
        f"{what} needs {', '.join(modules)}, which {'are' if several else 'is'} not installed; "
        f"get {'them' if several else 'it'} with: {install_command(*extras)}"
    )


def explained(error: ModuleNotFoundError) -> MissingExtra | None:
    """Return what a failed import says to a user, if an extra would have brought the library."""
    name = (error.name or "").partition(".")[0]
    return missing_extra("This", name) if name in EXTRAS else None


def install_command(*extras: str) -> str:
    """Return the command that adds `extras` to the environment of this process."""
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    return f'{python} -m pip install "atari-arena[{",".join(extras)}]"'
