"""Space Invaders: stand under an invader, shoot when the shot will hit, and be gone when a bomb lands.

The screen shows the player's shot and the bombs in the same colour on alternate frames, so both are told apart by
where they move. The cannon is slow (one column in two frames), so dodging needs planning: which columns are safe at
which time is kept as the bits of one whole number, and walked backwards from the last bomb's landing.
"""

from __future__ import annotations

import numpy as np

from agents.scripts.simple import Script
from envs.games import ACTION_NAMES, FIRE, LEFT, NOOP, RIGHT
from envs.step import Step

# Rows, columns and luminances (ALE's grey picture) measured on screens.
CANNON, INVADER, SHIELD, SHOT = b"\x62", 122, 107, 142
CANNON_ROW = 190
INVADERS_TOP, INVADERS_BOTTOM = 31, 185
SHIELDS_TOP, SHIELDS_BOTTOM = 157, 175
SHOTS_TOP, SHOTS_BOTTOM = 95, 195
CANNON_TOP = 185
LEFT_END, RIGHT_END = 38, 120  # columns that the cannon's middle can reach

MARCH_LEFT, MARCH_RIGHT = 22, 136
MIDDLE = 79
AIMS = np.arange(LEFT_END + 1, RIGHT_END + 2)
EDGE_BONUS = 20
SHIP = b"\x4a"
SHIP_ROW, SHIP_BOTTOM = 17, 19
SHIP_HALF = 3
SHIP_SPEED = 0.25
SHIP_BONUS = 200
LOW_BONUS = 0
URGENT_BONUS = 0
EVERY = 4  # frames between two decisions
SHOT_SPEED, BOMB_SPEED = 2.0, 1.0  # rows per frame
PACE = 2.8  # frames to count on for one column, sticky actions included
REACH = 5  # columns from a bomb to the cannon's middle at which it is no longer hit
RIGHTFIRE, LEFTFIRE = ACTION_NAMES.index("RIGHTFIRE"), ACTION_NAMES.index("LEFTFIRE")


class SpaceInvadersScript(Script):
    def begin(self) -> None:
        self._seen: list[dict[int, int]] = [{}, {}]
        self._bombs: dict[int, tuple[int, int]] = {}  # column: frame and row of the bomb's lower end
        self._flying = 0  # frame until which our shot surely flies
        self._left = self._right = 0
        self._ship_seen: float | None = None
        self._ship_way = 0
        self._step, self._period, self._moved_at = 1, 32, 0
        self._move = 0
        self._fire = False
        self._cannon = 60

    def decide(self, step: Step) -> int:
        beat = step.t % EVERY
        if beat < 2:  # one frame with our shot, one with the bombs
            grey = step.grayscale()
            self._watch_shots(step.t, grey)
            if beat == 1:
                at = grey[CANNON_ROW].tobytes().rfind(CANNON)
                if at < 0:
                    self._move, self._fire = 0, False
                    return FIRE
                self._cannon = at
                self._plan(step.t, grey)
        if self._fire:
            return (FIRE, RIGHTFIRE, LEFTFIRE)[self._move]
        return (NOOP, RIGHT, LEFT)[self._move]

    def _watch_shots(self, t: int, grey: np.ndarray) -> None:
        """Compare with the frame before last: what moved up is our shot, what moved down is a bomb."""
        shots = grey[SHOTS_TOP:SHOTS_BOTTOM] == SHOT
        now = {int(x): SHOTS_BOTTOM - 1 - int(shots[::-1, x].argmax()) for x in shots.any(axis=0).nonzero()[0]}
        before, self._seen[t % 2] = self._seen[t % 2], now
        for x, y in now.items():
            old = before.get(x)
            if old is None:
                continue
            if y < old - 1:
                self._flying = t + EVERY + 1
            elif y > old:
                self._bombs[x] = (t, y)
        for x in [x for x, (seen, _) in self._bombs.items() if t - seen > EVERY]:
            del self._bombs[x]

    def _plan(self, t: int, grey: np.ndarray) -> None:
        here = self._cannon
        invaders = grey[INVADERS_TOP:INVADERS_BOTTOM] == INVADER
        xs = invaders.any(axis=0).nonzero()[0]
        self._fire = False
        goal = MIDDLE
        if len(xs):
            self._follow(t, int(xs[0]), int(xs[-1]))
            goal = self._goal(t, grey, invaders, xs)
        self._move = self._dodge(t, here - 1, goal - 1)

    def _follow(self, t: int, left: int, right: int) -> None:
        """Learn how the block of invaders marches: so many columns every so many frames."""
        moved = left - self._left
        if (left, right) == (self._left, self._right):
            return
        if moved == right - self._right and 0 < abs(moved) <= 7:
            self._period = min(max(t - self._moved_at, 2), 40)
            self._step = moved
            self._moved_at = t
        self._left, self._right = left, right

    def _goal(self, t: int, grey: np.ndarray, invaders: np.ndarray, xs: np.ndarray) -> int:
        """Return the column from which a shot hits soonest, and say in `self._fire` whether to shoot right here."""
        here = self._cannon
        room_left, room_right = self._left - MARCH_LEFT, MARCH_RIGHT - self._right
        room = max(room_left + room_right, 1)
        travel = PACE * np.abs(AIMS - here)
        forward = self._step > 0
        since = t - self._moved_at
        wait = max(self._flying - t, 0)
        best, goal = 1e9, here
        clear = np.ones(len(AIMS), bool)
        cuts = (np.diff(xs) > 2).nonzero()[0] + 1
        groups = np.split(xs, cuts)
        for k, group in enumerate(groups):
            middle = (int(group[0]) + int(group[-1])) / 2
            rows = invaders[:, group[0] : group[-1] + 1].any(axis=1)
            low = INVADERS_BOTTOM - int(rows[::-1].argmax())
            flight = max(174 - low, 0) / SHOT_SPEED + 3
            ahead = np.floor((since + travel + flight) / self._period) * abs(self._step)
            # where the block's left edge will be, thrown back at the ends of its march
            at = room_left + (ahead if forward else -ahead)
            at = room - np.abs(at % (2 * room) - room)
            off = np.abs(middle + at - room_left - AIMS)
            if not self._fire and wait == 0 and AIMS[0] <= here <= AIMS[-1] and off[here - AIMS[0]] <= 3:
                self._fire = True
            clear &= off > 5
            cost = np.where(off <= 2, np.maximum(travel, wait) + flight, 1e9)
            first = int(cost.argmin())
            value = (
                cost[first]
                - EDGE_BONUS * (k in (0, len(groups) - 1))
                - LOW_BONUS * low
                - URGENT_BONUS * max(low - 150, 0)
            )
            if value < best:
                best, goal = value, int(AIMS[first])
        ship = self._ship(t, grey)
        if ship is not None:
            flight = (174 - SHIP_BOTTOM) / SHOT_SPEED + 3
            off = np.abs(ship + self._ship_way * SHIP_SPEED * (travel + flight) - AIMS)
            fits = (off <= 2) & clear
            cost = np.where(fits, np.maximum(travel, wait) + flight, 1e9)
            first = int(cost.argmin())
            if cost[first] - SHIP_BONUS < best:
                goal = int(AIMS[first])
                if travel[first] < 40:
                    self._fire = wait == 0 and abs(goal - here) <= 2
        return goal

    def _ship(self, t: int, grey: np.ndarray) -> float | None:
        """Return the column of the mothership's middle, or None; keeps the way that it goes."""
        at = grey[SHIP_ROW, :].tobytes().find(SHIP)
        if at < 0:
            self._ship_seen = None
            return None
        middle = at + SHIP_HALF
        if self._ship_seen is None:
            self._ship_seen, self._ship_way = middle, 0
        elif middle != self._ship_seen:
            self._ship_way = 1 if middle > self._ship_seen else -1
        return middle

    def _dodge(self, t: int, here: int, goal: int) -> int:
        """Return -1, 0 or 1: towards the goal as far as the bombs allow."""
        wanted = (goal > here) - (goal < here)
        bombs = []
        for x, (seen, y) in self._bombs.items():
            low = y + BOMB_SPEED * (t - seen)
            first = (CANNON_TOP - low) / BOMB_SPEED / PACE
            last = (CANNON_TOP + 18 - low) / BOMB_SPEED / PACE
            bombs.append((x, first, last))
        if not bombs:
            return wanted
        everywhere = (1 << (RIGHT_END + 1)) - (1 << LEFT_END)
        for reach in (REACH, REACH - 1, REACH - 2):
            safe = later = everywhere
            for k in range(int(max(last for _, _, last in bombs)) + 1, 0, -1):
                later = safe
                safe = (safe | safe << 1 | safe >> 1) & everywhere
                for x, first, last in bombs:
                    if first - 1 <= k <= last:
                        safe &= ~(((1 << (2 * reach - 1)) - 1) << (x - reach + 1))
            for move in (wanted, 0, -wanted, 1, -1):
                if safe >> (here + move) & later >> (here + 2 * move) & 1:
                    return move
        near = min(bombs, key=lambda bomb: abs(bomb[0] - here))[0]
        return 1 if near <= here else -1
