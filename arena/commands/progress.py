"""Progress bars on standard error, where they disturb nobody who reads the output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(what: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[], None]]:
    """Yield a function to be called once for each of `total` things done."""
    from tqdm import tqdm

    with tqdm(total=total, desc=what, unit="game", disable=quiet or None, leave=False) as bar:
        yield lambda: bar.update() and None
