"""Pac-Man and Ms. Pac-Man: eat the nearest dot that can be reached before any ghost can be there.

The ghosts flicker, so each one is remembered for some frames. Every place that the player reaches earlier than all
ghosts is safe, and so is the shortest way to it; among the safe places the script goes for what is near and worth
something, as long as it can get away from there again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.scripts.maze_graph import FAR, WAYS, Graph, Layout, read_graph
from agents.scripts.simple import Script
from envs.games import NOOP
from envs.step import Step


@dataclass(frozen=True)
class Look:
    """One game's pictures: where things are, and their luminances in ALE's grey picture (measured on screens)."""

    layout: Layout
    bottom: int
    """Row below the maze."""
    wall_at: tuple[int, int]
    """A pixel that is wall in every maze."""
    me: int
    ghosts: tuple[int, ...]
    edible: tuple[int, ...]
    hunt: int
    """Steps that the way to an edible ghost may have."""
    ghost_half: tuple[int, int]
    """From the first pixel of a ghost to its middle: columns and rows."""
    my_half: int
    """Half the rows of the player's sprite."""
    dot_right: int
    """Columns from a node to the first pixel of its dot."""
    pellets: tuple[tuple[int, int], ...] = ()
    """Upper left pixels of power pellets that are drawn in a ghost's colour."""


MS_PACMAN = Look(
    layout=Layout(top=2, pitch=12, rows=14, middle=6, dot=5, wall_rows=(2, 9), gap_row=None, width=3, substeps=3),
    bottom=172,
    wall_at=(4, 1),
    me=167,
    ghosts=(110, 131, 132, 151),
    edible=(109,),
    hunt=15,
    ghost_half=(2, 5),
    my_half=5,
    dot_right=-1,
)
PACMAN = Look(
    layout=Layout(top=25, pitch=22, rows=8, middle=8, dot=7, wall_rows=(3, 12), gap_row=18, width=2, substeps=5),
    bottom=200,
    wall_at=(28, 1),
    me=223,
    ghosts=(183, 124),
    edible=(156,),
    hunt=45,
    ghost_half=(4, 8),
    my_half=7,
    dot_right=1,
    pellets=((6, 39), (150, 39), (6, 171), (150, 171)),
)

WIDTH = 160
EVERY = 4
MEMORY = 9  # frames for which a ghost that isn't drawn is still believed to be where it was
MARGIN = 3  # steps by which the player must be earlier than a ghost
BEHIND = 6  # steps that a ghost loses by turning round, which it rarely does
NO_ESCAPE = 12
TURN = 2
CALM = 6
POWER_NEAR = 12
POWER_GAIN, POWER_LOSS = 10, 8


@dataclass
class Ghost:
    t: int
    x: float
    y: float
    dx: float = 0.0
    dy: float = 0.0

    @property
    def back(self) -> int:
        return _back(self.dx, self.dy)

    def see(self, t: int, x: float, y: float) -> None:
        if abs(x - self.x) + abs(y - self.y) > 16:
            self.dx = self.dy = 0.0
        elif (x, y) != (self.x, self.y):
            self.dx, self.dy = x - self.x, y - self.y
        self.t, self.x, self.y = t, x, y


def _back(dx: float, dy: float) -> int:
    """Return the way (index into `WAYS`) from which something comes that moved like this, or -1."""
    if dx == dy == 0:
        return -1
    if abs(dx) > abs(dy):
        return 3 if dx > 0 else 1
    return 0 if dy > 0 else 2


class MazeScript(Script):
    def __init__(self, name: str, look: Look) -> None:
        super().__init__(name)
        self.look = look

    def begin(self) -> None:
        self._graph: Graph | None = None
        self._wall = 0
        self._ghosts: dict[int, Ghost] = {}
        self._blue: list[Ghost] = []
        self._power: dict[int, int] = {}  # node: frame at which the pellet was last seen
        self._me = (0.0, 0.0)
        self._ahead = (0.0, 0.0)
        self._back = -1
        self._action = NOOP

    def decide(self, step: Step) -> int:
        grey = step.grayscale()
        if step.t % 32 == 0:
            self._read_maze(grey)
        if self._graph is None:
            return NOOP
        picture = grey[: self.look.bottom].tobytes()
        self._watch(step.t, picture)
        if step.t % EVERY == 0 and self._find_me(grey, picture):
            self._action = self._choose(step.t, grey, self._graph)
        return self._action

    def _read_maze(self, grey: np.ndarray) -> None:
        wall = int(grey[self.look.wall_at])
        graph = read_graph(grey, wall, self.look.layout)
        if graph is not None and graph is not self._graph:
            self._graph, self._wall = graph, wall
            self._power.clear()
        if graph is not None:
            self._wall = wall

    # -- what is where ---------------------------------------------------------------------------------------------

    def _watch(self, t: int, picture: bytes) -> None:
        look = self.look
        right, down = look.ghost_half
        for lum in look.ghosts:
            at = picture.find(lum)
            while at >= 0:
                y, x = divmod(at, WIDTH)
                if (x, y) in look.pellets:
                    self._see_power(t, x + 2, y + 5)
                    at = picture.find(lum, at + 12 * WIDTH)
                    continue
                key = t % 4 if look.pellets else lum  # in turns, or each in its own colour
                ghost = self._ghosts.setdefault(key, Ghost(t, x + right, y + down))
                ghost.see(t, x + right, y + down)
                break
        for lum in look.edible:
            at = picture.find(lum)
            while at >= 0:
                y, x = divmod(at, WIDTH)
                if (x, y) in look.pellets:
                    self._see_power(t, x + 2, y + 5)
                else:
                    self._see_blue(t, x + right, y + down)
                at = picture.find(lum, (y + 2 * down + 1) * WIDTH)

    def _see_power(self, t: int, x: int, y: int) -> None:
        assert self._graph is not None
        self._power[self._graph.nearest(x, y)[0]] = t

    def _see_blue(self, t: int, x: int, y: int) -> None:
        self._blue = [ghost for ghost in self._blue if t - ghost.t <= MEMORY]
        for ghost in self._blue:
            if abs(ghost.x - x) + abs(ghost.y - y) <= 12:
                ghost.see(t, x, y)
                return
        self._blue.append(Ghost(t, x, y))

    def _find_me(self, grey: np.ndarray, picture: bytes) -> bool:
        at = picture.find(self.look.me)
        if at < 0:
            return False
        y, x = divmod(at, WIDTH)
        left = max(x - 10, 0)
        near = grey[y : y + 2 * self.look.my_half, left : x + 10] == self.look.me
        columns = near.any(axis=0).nonzero()[0]
        x = left + (int(columns[0]) + int(columns[-1]) + 1) / 2
        y += self.look.my_half
        dx, dy = x - self._me[0], y - self._me[1]
        self._me = (x, y)
        if abs(dx) + abs(dy) <= 12:
            # a turn is pressed before it can be made
            self._ahead = (x + 2 * ((dx > 1) - (dx < -1)), y + 2 * ((dy > 1) - (dy < -1)))
            if dx or dy:
                self._back = _back(dx, dy)
        else:
            self._ahead = self._me
            self._back = -1
        return True

    # -- where to go -----------------------------------------------------------------------------------------------

    def _choose(self, t: int, grey: np.ndarray, graph: Graph) -> int:
        me, _ = graph.nearest(*self._ahead)
        way_off = graph.distance[me]
        back = graph.next[me, self._back] if self._back >= 0 else -1
        if back >= 0:
            way_off = way_off + TURN * (graph.distance[back] < way_off)
        danger = self._danger(t, graph)
        safe = way_off + MARGIN < danger
        wishes = self._costs(t, grey, graph, way_off)
        cost = np.where(safe, wishes, FAR)
        cost[me] = FAR
        for target in np.argsort(cost, kind="stable")[:8]:
            if cost[target] >= FAR:
                break
            later = graph.distance[target]
            fine = (later >= NO_ESCAPE) & (way_off[target] + later + MARGIN < danger) & (later < FAR)
            if fine.any():
                return self._towards(graph, me, int(target))
        dots = (wishes < FAR).nonzero()[0]
        if len(dots) and danger[me] > CALM:
            nearer = np.where(safe & (danger - way_off > CALM), graph.distance[dots].min(axis=0), FAR)
            best = int(nearer.argmin())
            if nearer[best] < nearer[me]:
                return self._towards(graph, me, best)
        return self._flee(graph, me, way_off, danger, safe)

    def _danger(self, t: int, graph: Graph) -> np.ndarray:
        """Return for every node the steps in which a ghost can be there."""
        danger = np.full(len(graph.x), FAR, np.int16)
        for ghost in self._ghosts.values():
            if t - ghost.t > MEMORY:
                continue
            node, off = graph.nearest(ghost.x, ghost.y)
            if off > 10:
                continue
            steps = graph.distance[node]
            back = graph.next[node, ghost.back]
            if ghost.back >= 0 and back >= 0:
                behind = graph.distance[back] < steps
                steps = steps + BEHIND * behind
            np.minimum(danger, steps, out=danger)
        return danger

    def _costs(self, t: int, grey: np.ndarray, graph: Graph, way_off: np.ndarray) -> np.ndarray:
        """Return for every node how dear it is to go there, in steps; FAR where there is nothing to get."""
        cost = np.full(len(graph.x), FAR, np.int16)
        spots = graph.corridor
        x, y = graph.x[spots] + self.look.dot_right, graph.y[spots] - 1
        dots = spots[grey[y, x] == self._wall]
        cost[dots] = way_off[dots]
        if not self.look.pellets:
            for node in dots[grey[graph.y[dots] - 4, graph.x[dots] - 1] == self._wall]:
                self._power[int(node)] = t
        hunted = min(
            (int(way_off[graph.nearest(g.x, g.y)[0]]) for g in self._ghosts.values() if t - g.t <= MEMORY), default=FAR
        )
        for node, seen in self._power.items():
            if t - seen <= 20:
                cost[node] = way_off[node] + (-POWER_GAIN if hunted <= POWER_NEAR else POWER_LOSS)
        for ghost in self._blue:
            node, off = graph.nearest(ghost.x, ghost.y)
            if t - ghost.t <= MEMORY and off <= 10 and way_off[node] <= self.look.hunt:
                cost[node] = min(cost[node], way_off[node] - self.look.hunt - 5)
        return cost

    def _towards(self, graph: Graph, me: int, target: int) -> int:
        steps = graph.distance[me, target]
        for way, code in enumerate(WAYS):
            node = graph.next[me, way]
            if node >= 0 and graph.distance[node, target] < steps:
                return code
        return self._action

    def _flee(self, graph: Graph, me: int, way_off: np.ndarray, danger: np.ndarray, safe: np.ndarray) -> int:
        """Go where the ghosts are latest."""
        lead = np.where(safe & (way_off > 0) & (way_off <= 40), danger - way_off, -FAR)
        best = int(lead.argmax())
        if lead[best] > -FAR:
            return self._towards(graph, me, best)
        ways = [(int(danger[node]), code) for node, code in zip(graph.next[me], WAYS, strict=True) if node >= 0]
        return max(ways)[1] if ways else self._action


class MsPacmanScript(MazeScript):
    def __init__(self, name: str) -> None:
        super().__init__(name, MS_PACMAN)


class PacmanScript(MazeScript):
    def __init__(self, name: str) -> None:
        super().__init__(name, PACMAN)
