"""Pac-Man and Ms. Pac-Man: eat the nearest dot that can be reached before any ghost can be there.

The ghosts flicker, so each one is remembered for some frames. Every place that the player reaches earlier than all
ghosts is safe, and so is the shortest way to it; among the safe places the script goes for what is near and worth
something, as long as it can get away from there again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.scripts.maze_graph import FAR, WAYS, Graph, MazeLayout, read_graph
from agents.scripts.simple import Script
from envs.games import DOWN, GAMES, LEFT, NOOP, RIGHT, UP, Game
from envs.step import Step


@dataclass(frozen=True)
class Look:
    """One game's pictures: where things are, and their luminances in ALE's grey picture (measured on screens)."""

    layout: MazeLayout
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
    layout=MazeLayout(top=2, pitch=12, rows=14, middle=6, wall_rows=(2, 9), gap_row=None, width=3, substeps=3),
    bottom=172,
    wall_at=(4, 1),
    me=167,
    ghosts=(110, 131, 132, 151),
    edible=(109,),
    hunt=25,
    ghost_half=(2, 5),
    my_half=5,
    dot_right=-1,
)
PACMAN = Look(
    layout=MazeLayout(top=25, pitch=22, rows=8, middle=8, wall_rows=(3, 12), gap_row=18, width=2, substeps=5),
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
EVERY = 4  # frames between two decisions
READ_EVERY = 32  # frames between two looks at the walls
MEMORY = 9  # frames for which a ghost that isn't drawn is still believed to be where it was
PELLET_MEMORY = 20  # the same for power pellets, which flicker more slowly
HEIGHT = 210
LOST = 10  # pixels from the nearest node beyond which a ghost is not in the maze (but in its house)

# In steps of four pixels:
MARGIN = 3  # by which the player must be earlier than a ghost
BEHIND = 6  # that a ghost loses by turning round, which it rarely does
TURN = 2  # that the player loses by turning round; without it, it would dither in front of a ghost
ESCAPE = 12  # how far away a safe place must be from a goal
CALM = 6  # to the next ghost, for coming nearer to a dot that can't be had yet
FLEE = 40  # how far away a refuge may be
EARLY = 3  # before a turn, for asking for it
CLOSE = 12  # to the next ghost, for wanting a power pellet
POWER_GAIN, POWER_LOSS = 10, 8  # what a power pellet is worth then, and what wasting it costs otherwise


NOTED = 4  # kinds of things whose nearness a pupil is told
GHOSTS = slice(12, 16)  # of the notes
NEAR = 8.0  # nodes over which nearness falls to a third
STAKE = 3.0  # by which an error beside a ghost costs more


def _back(dx: float, dy: float) -> int:
    """Return the way (index into `WAYS`) from which something comes that moved like this, or -1."""
    if dx == dy == 0:
        return -1
    if abs(dx) > abs(dy):
        return WAYS.index(LEFT if dx > 0 else RIGHT)
    return WAYS.index(UP if dy > 0 else DOWN)


def _way(graph: Graph, node: int, goal: int, ahead: int | None = None) -> int | None:
    """Return the first way (index into `WAYS`) of a shortest path, `ahead` if that is one; None where there is none."""
    steps = graph.distance[node, goal]
    ways = [w for w, n in enumerate(graph.next[node].tolist()) if n >= 0 and graph.distance[n, goal] < steps]
    return ahead if ahead in ways else ways[0] if ways else None


@dataclass
class MazeGhost:
    t: int
    """Frame at which it was last seen, its middle then, and how it had moved."""
    x: float
    y: float
    dx: float = 0.0
    dy: float = 0.0

    def see(self, t: int, x: float, y: float) -> None:
        if self.near(x, y, 16):
            if (x, y) != (self.x, self.y):
                self.dx, self.dy = x - self.x, y - self.y
        else:
            self.dx = self.dy = 0.0
        self.t, self.x, self.y = t, x, y

    def near(self, x: float, y: float, pixels: float) -> bool:
        return abs(x - self.x) + abs(y - self.y) <= pixels


class MazeScript(Script):
    every = EVERY
    """Frames between two decisions."""

    def __init__(self, name: str, look: Look) -> None:
        super().__init__(name)
        self.look = look

    def begin(self) -> None:
        self._graph: Graph | None = None
        self._wall = 0
        self._ghosts: dict[int, MazeGhost] = {}
        self._edible: list[MazeGhost] = []
        self._power: dict[int, int] = {}  # node: frame at which the pellet was last seen
        self._me = self._ahead = (0.0, 0.0)
        self._back = -1  # the way from which the player comes
        self._action = NOOP
        self._dots = np.zeros(0, np.int64)
        self._decided: tuple[int, Graph, int] | None = None  # frame, maze and the player's node, if a decision was made

    def decide(self, step: Step) -> int:
        grey = step.grayscale()
        if step.t % READ_EVERY == 0:
            self._read_maze(grey)
        if self._graph is None:
            return NOOP
        picture = grey[: self.look.bottom].tobytes()
        self._find_ghosts(step.t, picture, self._graph)
        if step.t % self.every:
            return self._action
        self._decided = None
        if self._find_me(grey, picture):
            self._action = self._choose(step.t, grey, self._graph)
        return self._action

    # -- what is where ---------------------------------------------------------------------------------------------

    def _read_maze(self, grey: np.ndarray) -> None:
        wall = int(grey[self.look.wall_at])
        graph = read_graph(grey, wall, self.look.layout)
        if graph is None:  # between two levels
            return
        if graph is not self._graph:
            self._power.clear()
        self._graph, self._wall = graph, wall

    def _find_ghosts(self, t: int, picture: bytes, graph: Graph) -> None:
        look = self.look
        self._edible = [ghost for ghost in self._edible if t - ghost.t <= MEMORY]
        for lum in look.ghosts + look.edible:
            at = picture.find(lum)
            while at >= 0:
                y, x = divmod(at, WIDTH)
                at = picture.find(lum, (y + 2 * look.ghost_half[1]) * WIDTH)
                if (x, y) in look.pellets:
                    self._power[graph.nearest(x + 2, y + 5)[0]] = t
                    continue
                x, y = x + look.ghost_half[0], y + look.ghost_half[1]
                if lum in look.edible:
                    self._see_edible(t, x, y)
                    continue
                key = t % 4 if look.pellets else lum  # all in one colour, but in turns; or each in its own colour
                self._ghosts.setdefault(key, MazeGhost(t, x, y)).see(t, x, y)
                break

    def _see_edible(self, t: int, x: float, y: float) -> None:
        for ghost in self._edible:
            if ghost.near(x, y, 12):
                ghost.see(t, x, y)
                return
        self._edible.append(MazeGhost(t, x, y))

    def _find_me(self, grey: np.ndarray, picture: bytes) -> bool:
        """Find the player's middle, where it comes from and, a little ahead, where it can turn next."""
        at = picture.find(self.look.me)
        if at < 0:
            return False
        top, x = divmod(at, WIDTH)
        left = max(x - 10, 0)
        sprite = grey[top : top + 2 * self.look.my_half, left : x + 10] == self.look.me
        columns = sprite.any(axis=0).nonzero()[0]
        here = (left + (int(columns[0]) + int(columns[-1]) + 1) / 2, float(top + self.look.my_half))
        dx, dy = here[0] - self._me[0], here[1] - self._me[1]
        self._me = self._ahead = here
        if abs(dx) + abs(dy) > 12:  # through the tunnel, or a new life
            self._back = -1
        else:
            self._ahead = (here[0] + 2 * ((dx > 1) - (dx < -1)), here[1] + 2 * ((dy > 1) - (dy < -1)))
            if dx or dy:
                self._back = _back(dx, dy)
        return True

    # -- what a pupil is told ------------------------------------------------------------------------------------

    def notes(self) -> np.ndarray:
        """Return what the last decision was made from, float32 (22,), 0 to 1 (NaN where the player wasn't found).

        For each of `WAYS`: whether it is open; how near the nearest dot, power pellet, ghost and edible ghost is to
        which it is a shortest way (1 for the next node, a third of it for every `NEAR` nodes further, 0 for none). Then
        the player's column and row as shares of the screen's.
        """
        notes = np.zeros((1 + NOTED, len(WAYS)), np.float32)
        if self._decided is None:
            return np.full(notes.size + 2, np.nan, np.float32)
        t, graph, me = self._decided
        neighbours = graph.next[me]
        notes[0] = neighbours >= 0
        pellets = [node for node, seen in self._power.items() if t - seen <= PELLET_MEMORY]
        ghosts, edible = (
            [graph.nearest(ghost.x, ghost.y)[0] for ghost in kind if t - ghost.t <= MEMORY]
            for kind in (self._ghosts.values(), self._edible)
        )
        for row, things in enumerate((self._dots, pellets, ghosts, edible), 1):
            if len(nodes := np.asarray(things, np.int64)):
                steps = graph.distance[np.ix_(neighbours, nodes)]
                on_the_way = (steps < graph.distance[me, nodes]) & (neighbours >= 0)[:, None]
                notes[row] = np.exp(-np.where(on_the_way, steps, FAR).min(axis=1) / NEAR)
        return np.append(notes, np.array((self._me[0] / WIDTH, self._me[1] / HEIGHT), np.float32))

    def stake(self) -> float:
        """Return how much an error costs here, from 1, with no ghost near, to 1 + `STAKE`."""
        ghosts = self.notes()[GHOSTS]
        return 1.0 if np.isnan(ghosts).any() else 1.0 + STAKE * float(ghosts.max())

    # -- where to go -----------------------------------------------------------------------------------------------

    def _choose(self, t: int, grey: np.ndarray, graph: Graph) -> int:
        """Return the action towards the cheapest safe goal, or nearer to one, or away from the ghosts."""
        me, _ = graph.nearest(*self._ahead)
        way_off = graph.distance[me]
        if self._back >= 0 and (back := graph.next[me, self._back]) >= 0:
            way_off = way_off + TURN * (graph.distance[back] < way_off)
        danger = self._danger(t, graph)
        safe = way_off + MARGIN < danger
        wishes = self._costs(t, grey, graph, way_off)
        self._decided = (t, graph, me)
        wishes[me] = FAR
        cost = np.where(safe, wishes, FAR)
        for goal in np.argsort(cost, kind="stable")[:8]:
            if cost[goal] >= FAR:
                break
            beyond = graph.distance[goal]
            refuge = (beyond >= ESCAPE) & (beyond < FAR) & (way_off[goal] + beyond + MARGIN < danger)
            if refuge.any():
                return self._towards(graph, me, int(goal))
        goals = (wishes < FAR).nonzero()[0]
        if len(goals) and danger[me] > CALM:
            nearer = np.where(safe & (danger - way_off > CALM), graph.distance[goals].min(axis=0), FAR)
            best = int(nearer.argmin())
            if nearer[best] < nearer[me]:
                return self._towards(graph, me, best)
        return self._flee(graph, me, way_off, danger, safe)

    def _danger(self, t: int, graph: Graph) -> np.ndarray:
        """Return for every node the steps after which a ghost can be there: int16 (n,)."""
        danger = np.full(len(graph.x), FAR, np.int16)
        for ghost in self._ghosts.values():
            node, off = graph.nearest(ghost.x, ghost.y)
            if t - ghost.t > MEMORY or off > LOST:
                continue
            steps = graph.distance[node]
            way = _back(ghost.dx, ghost.dy)
            if way >= 0 and (back := graph.next[node, way]) >= 0:
                steps = steps + BEHIND * (graph.distance[back] < steps)
            np.minimum(danger, steps, out=danger)
        return danger

    def _costs(self, t: int, grey: np.ndarray, graph: Graph, way_off: np.ndarray) -> np.ndarray:
        """Return for every node how dear it is to get what is there, in steps; FAR where there is nothing."""
        cost = np.full(len(graph.x), FAR, np.int16)
        spots = graph.corridor
        dots = spots[grey[graph.y[spots] - 1, graph.x[spots] + self.look.dot_right] == self._wall]
        self._dots = dots
        cost[dots] = way_off[dots]
        if not self.look.pellets:  # then power pellets are dots that reach higher up
            for node in dots[grey[graph.y[dots] - 4, graph.x[dots] - 1] == self._wall]:
                self._power[int(node)] = t
        ghosts = [graph.nearest(ghost.x, ghost.y)[0] for ghost in self._ghosts.values() if t - ghost.t <= MEMORY]
        close = bool(ghosts) and way_off[ghosts].min() <= CLOSE
        for node, seen in self._power.items():
            if t - seen <= PELLET_MEMORY:
                cost[node] = way_off[node] + (-POWER_GAIN if close else POWER_LOSS)
        for ghost in self._edible:
            node, off = graph.nearest(ghost.x, ghost.y)
            if off <= LOST and way_off[node] <= self.look.hunt:
                cost[node] = min(cost[node], way_off[node] - self.look.hunt - 5)
        return cost

    def _towards(self, graph: Graph, me: int, goal: int) -> int:
        way = _way(graph, me, goal)
        return self._action if way is None else WAYS[way]

    def _flee(self, graph: Graph, me: int, way_off: np.ndarray, danger: np.ndarray, safe: np.ndarray) -> int:
        """Go where the player's lead over the ghosts is largest."""
        lead = np.where(safe & (way_off > 0) & (way_off <= FLEE), danger - way_off, -FAR)
        best = int(lead.argmax())
        if lead[best] > -FAR:
            return self._towards(graph, me, best)
        ways = [(int(danger[node]), code) for code, node in zip(WAYS, graph.next[me], strict=True) if node >= 0]
        return max(ways)[1] if ways else self._action


class SteadyMazeScript(MazeScript):
    """Decides as often as agents do that are trained for the game, and asks for turns early."""

    def __init__(self, name: str, look: Look, game: Game) -> None:
        super().__init__(name, look)
        self.every = game.frame_skip

    def _towards(self, graph: Graph, me: int, goal: int) -> int:
        """Return the way to `goal`; or, shortly before a turn, already the way after it, if it leads nowhere sooner.

        The game takes a turn when it comes to it, and goes straight on until then: asked for early, none is missed.
        """
        ahead = (self._back + 2) % 4 if self._back >= 0 else None
        first = _way(graph, me, goal, ahead)
        if first is None:
            return self._action
        if first == ahead:
            sooner = {way for way in range(4) if graph.next[me, way] >= 0}
            node = me
            for _ in range(EARLY):
                node = int(graph.next[node, first])
                way = _way(graph, node, goal, ahead)
                if way is None:
                    break
                if way != first:
                    return WAYS[first if way in sooner else way]
                sooner |= {way for way in range(4) if graph.next[node, way] >= 0}
        return WAYS[first]


class MsPacmanScript(MazeScript):
    def __init__(self, name: str) -> None:
        super().__init__(name, MS_PACMAN)


class PacmanScript(MazeScript):
    def __init__(self, name: str) -> None:
        super().__init__(name, PACMAN)


class SteadyMsPacmanScript(SteadyMazeScript):
    def __init__(self, name: str) -> None:
        super().__init__(name, MS_PACMAN, GAMES["ms_pacman"])


class SteadyPacmanScript(SteadyMazeScript):
    def __init__(self, name: str) -> None:
        super().__init__(name, PACMAN, GAMES["pacman"])
