"""Space Invaders: shoot whatever a shot reaches soonest, and be gone when a bomb lands.

The screen shows the player's shot and the bombs in one colour on alternate frames; they are told apart by where they
move. The invaders march in a block, some columns every so many frames, so where a shot will meet them can be worked
out. The cannon is slow (one column in two frames) and dodging needs planning: which columns are safe at which time is
kept in the bits of one whole number and walked backwards from the last bomb's landing.
"""

from __future__ import annotations

import numpy as np

from agents.scripts.simple import Script
from envs.games import ACTION_NAMES, FIRE, LEFT, NOOP, RIGHT
from envs.step import Step

RIGHTFIRE, LEFTFIRE = ACTION_NAMES.index("RIGHTFIRE"), ACTION_NAMES.index("LEFTFIRE")

# Rows, columns and luminances in ALE's grey picture; all measured on screens of 210x160.
CANNON, SHIP = b"\x62", b"\x4a"
INVADER, SHOT = 122, 142
CANNON_ROW, CANNON_TOP, CANNON_HEIGHT = 190, 185, 18
CANNON_LEFT, CANNON_RIGHT = 37, 119  # columns that the cannon's middle reaches
INVADERS_TOP, INVADERS_BOTTOM = 31, 185
MARCH_LEFT, MARCH_RIGHT = 22, 136  # columns between which the block marches
SHOTS_TOP, SHOTS_BOTTOM = 95, 195
SHIP_ROW, SHIP_BOTTOM, SHIP_HALF = 17, 19, 3
MUZZLE = 174  # row of the upper end of a shot when it appears
START_DELAY = 3  # frames from the decision to shoot until then

EVERY = 4  # frames between two decisions
PACE = 2.8  # frames to count on for one column of the cannon's way, sticky actions included
SHOT_SPEED, BOMB_SPEED, SHIP_SPEED = 2.0, 1.0, 0.25  # rows, rows, columns per frame
REACH = 5  # columns from a bomb to the cannon's middle at which it does no harm, with one to spare

EDGE_BONUS = 20  # frames that an outer column is worth: without it the block marches longer before it comes down
SHIP_BONUS = 200  # frames that the mothership is worth
SHIP_NEAR = 40  # frames before it is met in which no other shot is taken
NEVER = 1e9

WIDTH = 160
NOTED, NOTED_EVERY = 15, 3.5  # columns beside the cannon whose bombs a pupil is told of, and how far they are apart
NEAR = 20.0  # rows over which nearness falls to a third
STAKE = 3.0  # by which an error under a bomb costs more

AIMS = np.arange(CANNON_LEFT + 1, CANNON_RIGHT + 2)
"""All columns that shots can have: one to the right of the cannon's middle."""


class SpaceInvadersScript(Script):
    LEAD = 0
    """Frames by which its decisions come earlier than at the second of every four frames."""
    DEAD_ZONE = 0
    """Columns off its goal with which it is content."""

    def begin(self) -> None:
        self._seen: list[dict[int, int]] = [
            {},
            {},
        ]  # per parity of the frame: column and lower end of each shot or bomb
        self._bombs: dict[int, tuple[int, int]] = {}  # column: frame and row of the bomb's lower end
        self._flying = 0  # frame until which the own shot surely flies
        self._aim = int(AIMS[len(AIMS) // 2])
        self._move = 0
        self._fire = False
        self._decided = 0  # frame of the last decision
        self._left = self._right = 0  # outer columns of the block
        self._stride, self._period, self._moved_at = 1, 32, 0
        self._ship: int | None = None
        self._ship_way = 0

    def decide(self, step: Step) -> int:
        beat = (step.t + self.LEAD) % EVERY
        if beat < 2:  # one frame with the own shot, one with the bombs
            grey = step.grayscale()
            self._watch_shots(step.t, grey)
            if beat == 1:
                at = grey[CANNON_ROW].tobytes().rfind(CANNON)
                self._move, self._fire, self._decided = 0, False, step.t
                if at >= 0:
                    self._aim = at
                    self._move = self._dodge(step.t, max(at - 1, CANNON_LEFT), self._goal(step.t, grey) - 1)
        if self._fire:
            return (FIRE, RIGHTFIRE, LEFTFIRE)[self._move]
        return (NOOP, RIGHT, LEFT)[self._move]

    # -- what is where ---------------------------------------------------------------------------------------------

    def _watch_shots(self, t: int, grey: np.ndarray) -> None:
        """Compare with the last picture of the same parity: what rose is the own shot, what fell is a bomb."""
        shots = grey[SHOTS_TOP:SHOTS_BOTTOM] == SHOT
        now = {int(x): SHOTS_BOTTOM - 1 - int(shots[::-1, x].argmax()) for x in shots.any(axis=0).nonzero()[0]}
        before, self._seen[t % 2] = self._seen[t % 2], now
        for x, y in now.items():
            old = before.get(x, y)
            if y < old - 1:
                self._flying = t + EVERY + 1
            elif y > old:
                self._bombs[x] = (t, y)
        self._bombs = {x: bomb for x, bomb in self._bombs.items() if t - bomb[0] <= EVERY}

    def _watch_march(self, t: int, left: int, right: int) -> None:
        """Learn the march: `_stride` columns (negative to the left) every `_period` frames, last at `_moved_at`."""
        moved = left - self._left
        if 0 < abs(moved) <= 7 and moved == right - self._right:  # else an outer column was shot
            self._period = min(max(t - self._moved_at, 2), 40)
            self._stride, self._moved_at = moved, t
        self._left, self._right = left, right

    def _watch_ship(self, grey: np.ndarray) -> None:
        at = grey[SHIP_ROW].tobytes().find(SHIP)
        ship = at + SHIP_HALF if at >= 0 else None
        if ship is None or self._ship is None:
            self._ship_way = 0
        elif ship != self._ship:
            self._ship_way = 1 if ship > self._ship else -1
        self._ship = ship

    # -- where to go -----------------------------------------------------------------------------------------------

    def _goal(self, t: int, grey: np.ndarray) -> int:
        """Return the column of `AIMS` from which a shot hits soonest, and set `_fire` if one from here hits."""
        invaders = grey[INVADERS_TOP:INVADERS_BOTTOM] == INVADER
        columns = invaders.any(axis=0).nonzero()[0]
        if not len(columns):
            return self._aim
        self._watch_march(t, int(columns[0]), int(columns[-1]))
        travel = PACE * np.abs(AIMS - self._aim)
        wait = max(self._flying - t, 0)
        here = np.abs(AIMS - self._aim).argmin()
        best, goal = NEVER, self._aim
        clear = np.ones(len(AIMS), bool)
        groups = np.split(columns, (np.diff(columns) > 2).nonzero()[0] + 1)
        for k, group in enumerate(groups):
            rows = invaders[:, group[0] : group[-1] + 1].any(axis=1)
            lowest = INVADERS_BOTTOM - int(rows[::-1].argmax())
            flight = max(MUZZLE - lowest, 0) / SHOT_SPEED + START_DELAY
            off = np.abs((int(group[0]) + int(group[-1])) / 2 + self._marched(t, travel + flight) - AIMS)
            self._fire |= bool(wait == 0 and off[here] <= 3)
            clear &= off > 5
            cost = np.where(off <= 2, np.maximum(travel, wait) + flight, NEVER)
            first = int(cost.argmin())
            value = cost[first] - EDGE_BONUS * (k in (0, len(groups) - 1))
            if value < best:
                best, goal = value, int(AIMS[first])
        self._watch_ship(grey)
        return goal if self._ship is None else self._ship_goal(self._ship, travel, wait, clear, best, goal)

    def _marched(self, t: int, after: np.ndarray) -> np.ndarray:
        """Return by how many columns the block will have moved in `after` frames; it turns back at both ends."""
        start = self._left - MARCH_LEFT
        room = max(start + MARCH_RIGHT - self._right, 1)
        steps = np.floor((t - self._moved_at + after) / self._period)
        there: np.ndarray = room - np.abs((start + steps * self._stride) % (2 * room) - room)
        return there - start

    def _ship_goal(self, ship: int, travel: np.ndarray, wait: int, clear: np.ndarray, best: float, goal: int) -> int:
        """Return where to shoot the mothership from, if that is better than `best` at `goal`; no invader may be in
        between (`clear`)."""
        flight = (MUZZLE - SHIP_BOTTOM) / SHOT_SPEED + START_DELAY
        off = np.abs(ship + self._ship_way * SHIP_SPEED * (travel + flight) - AIMS)
        cost = np.where((off <= 2) & clear, np.maximum(travel, wait) + flight, NEVER)
        first = int(cost.argmin())
        if cost[first] - SHIP_BONUS >= best:
            return goal
        goal = int(AIMS[first])
        if travel[first] < SHIP_NEAR:
            self._fire = wait == 0 and abs(goal - self._aim) <= 2
        return goal

    def _dodge(self, t: int, here: int, goal: int) -> int:
        """Return -1, 0 or 1: towards the goal as far as the bombs allow. Times count in columns of the cannon's way."""
        wanted = (goal > here) - (goal < here) if abs(goal - here) > self.DEAD_ZONE else 0
        bombs = []
        for x, (seen, y) in self._bombs.items():
            drop = CANNON_TOP - y - BOMB_SPEED * (t - seen)
            bombs.append((x, drop / BOMB_SPEED / PACE - 1, (drop + CANNON_HEIGHT) / BOMB_SPEED / PACE))
        if not bombs:
            return wanted
        everywhere = (1 << (CANNON_RIGHT + 1)) - (1 << CANNON_LEFT)
        for reach in (REACH, REACH - 1, REACH - 2):
            hit = (1 << (2 * reach - 1)) - 1
            safe = later = everywhere
            for k in range(int(max(last for _, _, last in bombs)) + 1, 0, -1):
                later = safe
                safe = (safe | safe << 1 | safe >> 1) & everywhere
                for x, first, last in bombs:
                    if first <= k <= last:
                        safe &= ~(hit << max(x - reach + 1, 0))
            for move in (wanted, 0, -wanted, 1, -1):
                if safe >> (here + move) & later >> (here + 2 * move) & 1:  # two columns until the next decision
                    return move
        nearest = min((abs(x - here), x) for x, _, _ in bombs)[1]
        return 1 if nearest <= here else -1


class SteadySpaceInvadersScript(SpaceInvadersScript):
    """Decides at frames 0, 4, 8 and so on, as trained agents do, and stays where it is if its goal is near: in the
    picture that they see, a column is half a pixel."""

    LEAD = 1
    DEAD_ZONE = 2

    def notes(self) -> np.ndarray:
        """Return what the last decision was made from, float32 (19,), 0 to 1.

        The columns of the cannon and of the block's two ends, as shares of the screen; whether the own shot flies;
        then, for columns from 24 to the left of the cannon to 24 to its right, `NOTED_EVERY` apart, how near the next
        bomb there is (1 when it lands, a third of it for every `NEAR` rows above).
        """
        near = np.zeros(NOTED, np.float32)
        for x, distance in self._falling():
            place = round((x - self._aim) / NOTED_EVERY) + NOTED // 2
            if 0 <= place < NOTED:
                near[place] = max(near[place], np.exp(-distance / NEAR))
        own = (self._aim / WIDTH, self._left / WIDTH, self._right / WIDTH, float(self._flying > self._decided))
        return np.append(np.array(own, np.float32), near)

    def stake(self) -> float:
        """Return how much an error costs here, from 1, with no bomb near, to 1 + `STAKE`."""
        near = [np.exp(-rows / NEAR) for x, rows in self._falling() if abs(x - self._aim) <= NOTED_EVERY * 2]
        return 1.0 + STAKE * max(near, default=0.0)

    def _falling(self) -> list[tuple[int, float]]:
        """Columns of the bombs, and how many rows each is above the cannon."""
        t = self._decided
        return [(x, max(0.0, CANNON_TOP - y - BOMB_SPEED * (t - seen))) for x, (seen, y) in self._bombs.items()]
