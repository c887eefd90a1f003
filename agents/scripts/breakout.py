"""Breakout: work out where the ball comes down, be there, and throw it back towards the best brick.

The ball flies straight and comes back from the side walls as from a mirror, so the column where it comes down follows
from its track since it last turned. The half of the paddle that meets the ball decides whether it leaves to the left
or to the right: that is how the script aims.
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
TOP, RED_ROW, BELOW_RED_ROW, BELOW_BRICKS = 32, 57, 63, 93
BRICK_ROW, BRICK_WIDTH = 6, 8
BRICK_POINTS = np.array((7, 7, 4, 4, 1, 1))
PADDLE_ROW = 191
HIT = 186  # row of the ball's top when the paddle throws it back
BOUNCE_LOW = 170  # a ball that turns upwards below this row has met the paddle

PUSH = 5.7  # columns that one frame of LEFT or RIGHT moves the paddle, spread over the frames that follow
DEAD_ZONE, LATE_ZONE = 4.0, 4.5  # a push would overshoot a goal nearer than that; soon before the hit, be calmer still
LATE_ROW = 150
MARGIN = 4.5  # columns to stay away from the paddle's end when aiming
AIM_ROW = 110  # a falling ball's landing is known well enough from here on
FAST_SLOPE = 0.6  # columns per row of a ball at full speed

LOST_AFTER = 45  # frames without a ball: it hides in the rows of bricks, which lend it their colour
BORED_AFTER = 600  # frames without a point after which the aim is left to chance half of the time
GIVE_UP_AFTER = 1000  # and after which a life is worth less than a new ball: at full speed the ball can fly in circles

# For the script that decides every four frames:
HOLD = 4
AT_REST = 16  # frames after which a pushed paddle stands still
SAFE, CALM = 4.0, 1.0  # the paddle stays if the ball meets it that far from its end, or that near to its middle
STICKY = 0.25  # share of frames in which the action before counts

_FLIGHT = np.arange(HIT - TOP + (BELOW_BRICKS - TOP))
_FLIGHT_ROWS = np.where(_FLIGHT <= HIT - TOP, HIT - _FLIGHT, TOP + _FLIGHT - (HIT - TOP))


class BreakoutScript(Script):
    def begin(self) -> None:
        self._track: list[tuple[int, int]] = []  # columns and rows of the ball since it last turned
        self._heading = (0, 0)
        self._unseen = LOST_AFTER
        self._idle = 0
        self._lives = 0
        self._paddle: int | None = None
        self._width = 16
        self._pushed = 0
        self._slope = FAST_SLOPE
        self._goal = WIDTH / 2
        self._side = 0

    def decide(self, step: Step) -> int:
        grey = step.grayscale()
        self._idle += 1
        if step.lives != self._lives:
            self._unseen = LOST_AFTER
        if step.reward or step.lives != self._lives:
            self._idle = 0
        self._lives = step.lives
        ball = _find_ball(grey[TOP : PADDLE_ROW - 2].tobytes())
        if ball is not None:
            self._unseen = 0
            self._follow(ball, grey)
            return self._steer(grey)
        self._unseen += 1
        if self._unseen < LOST_AFTER:
            return self._steer(grey)
        self._track.clear()
        self._side = 0
        return FIRE if step.t % 4 < 2 else self._steer(grey)

    def _follow(self, ball: tuple[int, int], grey: np.ndarray) -> None:
        """Keep the track of the ball, and set the goal."""
        self._add_to_track(ball)
        (x0, y0), (x, y) = self._track[0], ball
        if y == y0:
            return
        slope = (x - x0) / (y - y0)
        if y > y0:
            landing = float(fold(x + slope * (HIT - y)))
            if y > AIM_ROW and self._side == 0:
                self._side = self._aim(landing, grey)
        else:
            # It will come back from the bricks, or from higher up: then there is time to correct.
            landing = float(fold(x - slope * (HIT - BELOW_BRICKS + max(y - BELOW_BRICKS, 0))))
            if y < LATE_ROW:
                self._slope = abs(slope)
        self._goal = landing + 1 - self._side * max(self._width / 2 - MARGIN, 1)
        if self._idle > GIVE_UP_AFTER and self._lives > 1:
            self._goal += 50 if self._goal < WIDTH / 2 else -50

    def _add_to_track(self, ball: tuple[int, int]) -> None:
        track = self._track
        if track:
            x, y = track[-1]
            dx, dy = ball[0] - x, ball[1] - y
            if abs(dx) > 12 or abs(dy) > 24:  # another ball
                track.clear()
                self._heading = (0, 0)
            elif dx * self._heading[0] < 0 or dy * self._heading[1] < 0:
                if dy < 0 and y > BOUNCE_LOW:
                    self._side = 0
                del track[:-1]
                self._heading = (_sign(dx), _sign(dy))
            else:
                self._heading = (_sign(dx) or self._heading[0], _sign(dy) or self._heading[1])
        track.append(ball)

    def _aim(self, landing: float, grey: np.ndarray) -> int:
        """Return -1 to throw the ball back to the left from there, 1 to the right: wherever the better brick is."""
        rows = slice(RED_ROW + BRICK_ROW // 2, BELOW_BRICKS, BRICK_ROW)
        bricks = grey[rows, FIELD_LEFT + BRICK_WIDTH // 2 : FIELD_RIGHT : BRICK_WIDTH] > 0
        left, right = (_first_brick(bricks, landing, side * self._slope) for side in (-1, 1))
        if left == right or (self._idle > BORED_AFTER and self.rng.random() < 0.5):
            return int(self.rng.choice((-1, 1)))
        return -1 if left > right else 1

    def _steer(self, grey: np.ndarray) -> int:
        row = grey[PADDLE_ROW].tobytes()
        left, width = row.find(RED, FIELD_LEFT, FIELD_RIGHT), row.count(RED, FIELD_LEFT, FIELD_RIGHT)
        if left + width < FIELD_RIGHT:  # else its end hides in the right wall
            self._width = width
        rest = left + self._width / 2 + PUSH * self._pushed
        if self._paddle is not None:
            rest += left - self._paddle  # its movement halves every frame: as much again is still to come
        self._paddle = left
        late = self._track and self._track[-1][1] >= LATE_ROW
        error = self._goal - rest
        self._pushed = 0 if abs(error) <= (LATE_ZONE if late else DEAD_ZONE) else _sign(error)
        return (NOOP, RIGHT, LEFT)[self._pushed]


class SteadyBreakoutScript(BreakoutScript):
    """Decides every four frames and holds its action in between, as trained agents do.

    A push of four frames moves the paddle further than its own width, so the goal can't be met exactly. Of the three
    actions it takes the one after which the paddle is nearest to it when the ball arrives, and none where that will do
    or while the ball rises: there is time enough when it falls.
    """

    def begin(self) -> None:
        super().begin()
        self._columns = (0, 0, 0)  # left end of the paddle in the last three frames
        self._due = True
        self._held = NOOP

    def decide(self, step: Step) -> int:
        self._due = step.t % HOLD == 0
        wish = super().decide(step)
        if self._due:
            self._held = wish
        return self._held

    def _steer(self, grey: np.ndarray) -> int:
        row = grey[PADDLE_ROW].tobytes()
        left, width = row.find(RED, FIELD_LEFT, FIELD_RIGHT), row.count(RED, FIELD_LEFT, FIELD_RIGHT)
        if left + width < FIELD_RIGHT:
            self._width = width
        self._columns = (*self._columns[1:], left)
        if not self._due:
            return NOOP
        goal = self._goal + self._side * max(self._width / 2 - MARGIN, 1)  # the middle: there is no aiming like this
        frames = self._frames_left()
        errors = [abs(self._paddle_at(frames, way) - goal) for way in (0, 1, -1)]
        if frames == 0 or errors[0] < max(self._width / 2 - SAFE, CALM):
            return NOOP
        return (NOOP, RIGHT, LEFT)[errors.index(min(errors))]

    def _paddle_at(self, frames: int, way: int) -> float:
        """Return the column of the paddle's middle after `frames`, if it is pushed that way (-1, 0, 1) for four."""
        before, last, now = self._columns
        speed, place = float(now - last), now + self._width / 2
        push = max(-1.0, min(1.0, (speed - (last - before) / 2) / (PUSH / 2)))  # the action before; it still counts
        for frame in range(frames):
            speed = speed / 2 + push * PUSH / 2
            place += speed
            wanted = way if frame < HOLD else 0
            push += (wanted - push) * (1 - STICKY)
        return place

    def _frames_left(self) -> int:
        """Return the frames until the ball comes down, but no more than the paddle needs to come to rest; 0 while the
        ball rises."""
        if len(self._track) < 2:
            return AT_REST
        (_, first), (_, last) = self._track[0], self._track[-1]
        if last <= first:
            return 0
        return max(1, min(AT_REST, round((HIT - last) * (len(self._track) - 1) / (last - first))))


def _first_brick(bricks: np.ndarray, start: float, slope: float) -> int:
    """Return the points of the first brick (bool (6, 18)) on the way up from `start` and back from the top, or 0."""
    columns = fold(start + slope * _FLIGHT)
    rows = (_FLIGHT_ROWS - RED_ROW) // BRICK_ROW
    inside = (rows >= 0) & (rows < len(bricks))
    rows = rows[inside]
    middles = columns[inside].astype(int) + 1
    hit = bricks[rows, np.minimum((middles - FIELD_LEFT) // BRICK_WIDTH, bricks.shape[1] - 1)]
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


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)


def fold(x: float | np.ndarray) -> np.ndarray:
    """Return where a ball is that would be at column `x` (one or many) if there were no side walls."""
    span = BALL_RIGHT - BALL_LEFT
    folded: np.ndarray = BALL_LEFT + span - np.abs((np.asarray(x) - BALL_LEFT) % (2 * span) - span)
    return folded
