"""Breakout: work out where the ball comes down, be there, and throw it back towards the best brick.

The ball flies straight and comes back from the side walls as from a mirror, so the column where it comes down follows
from two points of its track. The half of the paddle that meets the ball decides whether it leaves to the left or to
the right: that is how the script aims.
"""

from __future__ import annotations

import numpy as np

from agents.scripts.simple import Script
from envs.games import FIRE, LEFT, NOOP, RIGHT
from envs.step import Step

# Where things are on the 210x160 screen, and their luminance in ALE's grey picture; all measured on screens.
WIDTH = 160
RED = b"\x6e"  # ball, paddle and the top row of bricks
FIELD_LEFT, FIELD_RIGHT = 8, 152
BALL_LEFT, BALL_RIGHT = 8, 150  # the ball is two columns wide
TOP = 32
RED_ROW, BELOW_RED_ROW, BELOW_BRICKS = 57, 63, 93
BRICK_ROWS = range(60, BELOW_BRICKS, 6)
BRICK_POINTS = np.array((7, 7, 4, 4, 1, 1))
PADDLE_ROW = 191
HIT = 186  # row of the ball's top when the paddle throws it back

PUSH = 5.7  # columns that one frame of LEFT or RIGHT moves the paddle, spread over the frames that follow
DEAD_ZONE = 4.0  # a single push would overshoot a nearer goal
LATE_ZONE = 4.5
LATE_ROW = 150
MARGIN = 4.5
BORED_AFTER = 600
GIVE_UP_AFTER = 1000
LOST_AFTER = 45  # frames without a ball: it hides in the rows of bricks, which lend it their colour
FAST_SLOPE = 0.6  # columns per row of a ball at full speed

_FLIGHT = np.arange(HIT - TOP + (BELOW_BRICKS - TOP))
_FLIGHT_ROWS = np.where(_FLIGHT <= HIT - TOP, HIT - _FLIGHT, TOP + _FLIGHT - (HIT - TOP))


class BreakoutScript(Script):
    def begin(self) -> None:
        self._track: list[tuple[int, int]] = []
        self._heading = (0, 0)
        self._unseen = LOST_AFTER
        self._paddle: int | None = None
        self._width = 16
        self._pushed = 0
        self._slope = FAST_SLOPE
        self._goal = 0.0
        self._idle = 0
        self._lives = 1
        self._side = 0.0

    def decide(self, step: Step) -> int:
        grey = step.grayscale()
        self._idle += 1
        if step.lives != self._lives:
            self._unseen = LOST_AFTER
        if step.reward or step.lives != self._lives:
            self._idle = 0
        self._lives = step.lives
        ball = _find_ball(grey[TOP : PADDLE_ROW - 2].tobytes())
        self._unseen = 0 if ball else self._unseen + 1
        if ball:
            self._follow(ball, grey)
        elif self._unseen >= LOST_AFTER:
            self._track.clear()
            self._side = 0.0
            # FIRE only every other frame: pressed all the time it would not start a new ball on some frames
            return FIRE if step.t % 4 < 2 else self._steer(grey)
        return self._steer(grey)

    def _follow(self, ball: tuple[int, int], grey: np.ndarray) -> None:
        """Keep the track of the ball since it last changed its direction, and set the goal."""
        x, y = ball
        track = self._track
        if track:
            dx, dy = x - track[-1][0], y - track[-1][1]
            if abs(dx) > 12 or abs(dy) > 24:  # a new ball
                track.clear()
            if dx * self._heading[0] < 0 or dy * self._heading[1] < 0:
                if track and dy < 0 and track[-1][1] > 170:
                    self._side = 0.0
                del track[:-1]
                self._heading = (sign(dx), sign(dy))
            else:
                self._heading = (sign(dx) or self._heading[0], sign(dy) or self._heading[1])
        track.append(ball)
        x0, y0 = track[0]
        if len(track) < 2 or y == y0:
            return
        slope = (x - x0) / (y - y0)
        falling = y > y0
        if not falling and y < 140:
            self._slope = abs(slope)
        way = HIT - y if falling else -(HIT - BELOW_BRICKS + max(y - BELOW_BRICKS, 0))
        landing = fold(x + slope * way)
        if falling and y > 110 and self._side == 0:
            self._side = self._aim(landing, grey)
        # Within the paddle's half, and far enough from its middle and from its end for the DEAD_ZONE.
        self._goal = landing + 1 - self._side * max(self._width / 2 - MARGIN, 1)
        if self._idle > GIVE_UP_AFTER and self._lives > 1:
            self._goal += 50 if self._goal < WIDTH / 2 else -50

    def _aim(self, landing: float, grey: np.ndarray) -> float:
        """Return -1 to throw the ball back to the left from there, 1 to the right: wherever the better brick is."""
        bricks = grey[BRICK_ROWS[0] : BELOW_BRICKS : 6, FIELD_LEFT + 4 : FIELD_RIGHT : 8] > 0
        values = [_first_brick(bricks, landing, side * self._slope) for side in (-1, 1)]
        if values[0] == values[1] or (self._idle > BORED_AFTER and self.rng.random() < 0.5):
            return float(self.rng.choice((-1, 1)))
        return -1.0 if values[0] > values[1] else 1.0

    def _steer(self, grey: np.ndarray) -> int:
        row = grey[PADDLE_ROW].tobytes()
        left, width = row.find(RED, FIELD_LEFT, FIELD_RIGHT), row.count(RED, FIELD_LEFT, FIELD_RIGHT)
        if left + width < FIELD_RIGHT:
            self._width = width
        rest = left + self._width / 2 + PUSH * self._pushed
        if self._paddle is not None:
            rest += left - self._paddle  # its movement halves every frame: as much again is still to come
        self._paddle = left
        error = self._goal - rest
        self._pushed = (
            0
            if abs(error) <= (DEAD_ZONE if not self._track or self._track[-1][1] < LATE_ROW else LATE_ZONE)
            else 1
            if error > 0
            else -1
        )
        return (NOOP, RIGHT, LEFT)[self._pushed]


def _first_brick(bricks: np.ndarray, start: float, slope: float) -> int:
    """Return the points of the first brick (bool (6, 18)) on the way up from `start` and back from the top, or 0."""
    columns = fold(start + slope * _FLIGHT)
    rows = (_FLIGHT_ROWS - RED_ROW) // 6
    inside = (rows >= 0) & (rows < 6)
    rows = rows[inside]
    hit = bricks[rows, np.minimum((columns[inside].astype(int) - 7) // 8, 17)]
    return int(BRICK_POINTS[rows[hit.argmax()]]) if hit.any() else 0


def _find_ball(field: bytes) -> tuple[int, int] | None:
    """Return column and row of the ball's upper left corner; `field` holds the rows from TOP to above the paddle."""
    at = field.find(RED, (BELOW_RED_ROW - TOP) * WIDTH)
    if at < 0:
        at = field.find(RED, 0, (RED_ROW - TOP) * WIDTH)
    if at < 0:
        return None
    y, x = divmod(at, WIDTH)
    return x, y + TOP


def sign(x: int) -> int:
    return (x > 0) - (x < 0)


def fold(x):
    """Return where a ball is that would be at column `x` (a number or an array) if there were no side walls."""
    span = BALL_RIGHT - BALL_LEFT
    return BALL_LEFT + span - abs((x - BALL_LEFT) % (2 * span) - span)
