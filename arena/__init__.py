"""Matches, scoreboard, event, server, kiosk: everything around the games."""

from importlib.util import find_spec
from pathlib import Path


def _check_neighbours() -> None:
    """Python takes a package from the first folder of its path that has one of this name, and a script's own folder
    comes first: a stranger's `agents` there would be taken for the arena's, and fail somewhere inside.

    Raises:
        ImportError: one of the packages that this one builds on is somebody else's.
    """
    root = Path(__file__).resolve().parent.parent
    for name in ("envs", "agents", "recordings"):
        spec = find_spec(name)
        places = [] if spec is None else [*(spec.submodule_search_locations or [spec.origin or ""])]
        if places and (root / name).is_dir() and Path(places[0]).resolve() != root / name:
            raise ImportError(
                f"{places[0]} stands in the way of the arena's own package of that name, {root / name}; rename it, or "
                "move the script that imports the arena to another folder."
            )


_check_neighbours()
