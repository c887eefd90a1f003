"""Progress bars on standard error, where they disturb nobody who reads the output; only a terminal gets them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(what: str, total: int, unit: str = "game") -> Iterator[Callable[[], None]]:
    """Yield a function to be called once for each of `total` things done."""
    from tqdm import tqdm

    with tqdm(total=total, desc=what, unit=unit, disable=None, leave=False) as bar:
        yield lambda: bar.update() and None
