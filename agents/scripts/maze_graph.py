"""Mazes of Pac-Man and Ms. Pac-Man as graphs, read from one picture.

Both games draw their mazes from blocks four columns wide. A graph has a node for every place a sprite's middle can
stand, four pixels apart, so that the distance of two nodes is the time between them in steps of four pixels (a little
over five frames).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from envs.games import DOWN, LEFT, RIGHT, UP

BLOCKS, BLOCK = 40, 4
FAR = 999
WAYS = (UP, RIGHT, DOWN, LEFT)
"""Order of the columns of `Graph.next`."""


@dataclass(frozen=True)
class MazeLayout:
    """How one game draws its mazes; rows and columns are pixels."""

    top: int
    """First row of the uppermost corridor."""
    pitch: int
    """Rows from one corridor to the next."""
    rows: int
    """Corridors."""
    middle: int
    """Rows from a corridor's first row to its middle, where the sprites' middle is."""
    wall_rows: tuple[int, int]
    """Rows from a corridor's first row, above and below the dots, at which a wall shows."""
    gap_row: int | None
    """The same for the wall between a corridor and the next one; None where corridors touch."""
    width: int
    """Free blocks side by side that a sprite needs: 3 if its middle is in the middle of a block, else 2."""
    substeps: int
    """Steps of a vertical passage from one corridor to the next."""


@dataclass(frozen=True)
class Graph:
    x: np.ndarray
    """int (n,): column of each node."""
    y: np.ndarray
    """int (n,): row of each node."""
    next: np.ndarray
    """int (n, 4): the neighbour in each of `WAYS`, or -1."""
    distance: np.ndarray
    """int16 (n, n): steps, FAR where there is no way."""
    corridor: np.ndarray
    """int (k,): the nodes within corridors, where dots may lie."""

    def nearest(self, x: float, y: float) -> tuple[int, float]:
        """Return the node nearest to a pixel, and how far it is in pixels (sum of both directions)."""
        off = np.abs(self.x - x) + np.abs(self.y - y)
        node = int(off.argmin())
        return node, float(off[node])


def read_graph(grey: np.ndarray, wall: int, layout: MazeLayout) -> Graph | None:
    """Return the graph of the maze in a grey picture, whose walls have the luminance `wall`; None if there is none."""
    tops = layout.top + layout.pitch * np.arange(layout.rows)
    columns = BLOCK * np.arange(BLOCKS) + 1
    upper, lower = (grey[np.ix_(tops + row, columns)] == wall for row in layout.wall_rows)
    # One single block in the upper row only is a power pellet.
    walls = lower | (upper & (np.roll(upper, 1, axis=1) | np.roll(upper, -1, axis=1)))
    if layout.gap_row is None:
        gaps = ~walls[:-1] & ~walls[1:]
    else:
        gaps = grey[np.ix_(tops[:-1] + layout.gap_row, columns)] != wall
    free = _wide_enough(~walls, layout.width)
    down = _wide_enough(gaps, layout.width) & free[:-1] & free[1:]
    if not 50 <= free.sum() <= 500:
        return None
    return _build(free.tobytes(), down.tobytes(), layout)


def _wide_enough(free: np.ndarray, width: int) -> np.ndarray:
    """Return where a sprite fits; entry c stands for block c (width 3) or the line to the left of block c (width 2)."""
    left = np.roll(free, 1, axis=1)
    fits: np.ndarray = free & left
    if width == 3:
        fits &= np.roll(free, -1, axis=1)
    return fits


@lru_cache(maxsize=32)
def _build(free_bytes: bytes, down_bytes: bytes, layout: MazeLayout) -> Graph:
    free = np.frombuffer(free_bytes, bool).reshape(layout.rows, BLOCKS)
    down = np.frombuffer(down_bytes, bool).reshape(layout.rows - 1, BLOCKS)
    shift = BLOCK // 2 if layout.width == 3 else 0
    at: list[tuple[int, int]] = []
    index = {}
    for r, c in zip(*free.nonzero(), strict=True):
        index[int(r), int(c)] = len(at)
        at.append((BLOCK * int(c) + shift, layout.top + layout.pitch * int(r) + layout.middle))
    corridor = len(at)
    links: list[tuple[int, int, int]] = []  # node, way, node
    for (r, c), node in index.items():
        if (right := index.get((r, (c + 1) % BLOCKS))) is not None:
            links.append((node, 1, right))
    for r, c in zip(*down.nonzero(), strict=True):
        above, below = index[int(r), int(c)], index[int(r) + 1, int(c)]
        x, y = at[above]
        for k in range(1, layout.substeps):
            at.append((x, y + layout.pitch * k // layout.substeps))
            links.append((above, 2, len(at) - 1))
            above = len(at) - 1
        links.append((above, 2, below))
    neighbours = np.full((len(at), 4), -1)
    for a, way, b in links:
        neighbours[a, way] = b
        neighbours[b, (way + 2) % 4] = a
    xy = np.array(at)
    return Graph(xy[:, 0], xy[:, 1], neighbours, _distances(neighbours), np.arange(corridor))


def _distances(neighbours: np.ndarray) -> np.ndarray:
    """Return all shortest distances, by widening all nodes' surroundings at once."""
    n = len(neighbours)
    distance = np.full((n, n), FAR, np.int16)
    edge = np.eye(n, dtype=bool)
    seen = edge.copy()
    for step in range(FAR):
        distance[edge] = step
        wider = np.zeros_like(edge)
        for way in range(4):
            has = neighbours[:, way] >= 0
            wider[:, neighbours[has, way]] |= edge[:, has]
        edge = wider & ~seen
        if not edge.any():
            break
        seen |= edge
    return distance
