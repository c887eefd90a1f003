"""Running games as moving pictures: the actions that stations send are replayed here, and nobody learns the seed."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from arena.server.web.sse import Stream
from envs.environment import ArenaEnv
from envs.errors import ArenaError

if TYPE_CHECKING:
    import numpy as np

    from arena.server.games.live_games import LiveGame
    from arena.server.services import Server
    from envs.step import Step

SHOWN = 4
"""Games that are shown at once."""
PER_SECOND = 10
"""Pictures of each game a second."""
STRIDE = 6
"""Emulated frames between two pictures: the speed of the game."""
BEHIND = 120
"""Frames that a picture may lie behind what has come; stations send every 60. Then it hurries."""
HURRY = 600
"""Emulated frames per picture while a game is caught up with, as when somebody begins to watch in the middle of it."""


class GamePicture:
    """One running game as it is shown.

    Raises:
        ArenaError: its rules can't be played here.
    """

    def __init__(self, game: LiveGame) -> None:
        self._env = ArenaEnv(game.rules, obs_type="ram")
        self._step: Step = self._env.start(game.seed)
        self._before: np.ndarray | None = None
        self.score = 0

    @property
    def frame(self) -> int:
        """Emulated frames that were shown."""
        return self._step.t

    def advance(self, actions: bytes) -> bool:
        """Move on towards the end of `actions`; False if there is nothing new to see."""
        t = self.frame
        waiting = len(actions) - t
        if waiting <= 0 or self._step.end is not None:
            return t == 0
        count = min(waiting, HURRY if waiting > BEHIND + HURRY else max(STRIDE, waiting - BEHIND))
        for number, action in enumerate(actions[t : t + count], start=1):
            if self._step.end is not None:
                break
            self._before = self._step.screen() if number == count else None
            self._step = self._env.advance(action)
            self.score += int(self._step.reward)
        return True

    def webp(self) -> bytes:
        """Return the picture. Atari games draw some things in every second frame only, so it is the brighter of two."""
        from PIL import Image

        screen = self._step.screen()
        if self._before is not None:
            screen = np.maximum(screen, self._before)
        file = io.BytesIO()
        Image.fromarray(screen).save(file, "WEBP", lossless=True, method=0, quality=0)
        return file.getvalue()


class Screens:
    """The games that are shown. Used by one thread at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._screens: dict[str, GamePicture | None] = {}

    def tick(self) -> list[dict[str, Any]]:
        """Return what is new to be seen; empty if nothing is."""
        games = shown(self._server)
        self._screens = {game.id: self._screens[game.id] for game in games if game.id in self._screens}
        news = []
        for game in games:
            if game.id not in self._screens:
                self._screens[game.id] = _screen(game)
            screen = self._screens[game.id]
            if screen is None:
                continue
            try:
                moved = screen.advance(self._server.live.actions(game.id))
            except ArenaError:  # an action that the rules don't know; the upload will say so
                self._screens[game.id] = None
                continue
            if moved:
                picture = base64.b64encode(screen.webp()).decode()
                news.append({"id": game.id, "score": screen.score, "webp": picture})
        return news


def _screen(game: LiveGame) -> GamePicture | None:
    try:
        return GamePicture(game)
    except ArenaError:
        return None


def shown(server: Server) -> list[LiveGame]:
    """Return the running games that are shown, those that began last."""
    return server.live.games()[-SHOWN:]


def pictures(server: Server) -> Stream:
    """Return the stream of pictures of all games that are shown."""

    async def make(stream: Stream) -> None:
        screens = Screens(server)
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            news = await asyncio.to_thread(screens.tick)
            if news:
                await stream.put("pictures", json.dumps(news, separators=(",", ":")))
            due = max(due + 1 / PER_SECOND, loop.time())
            await asyncio.sleep(due - loop.time())

    return Stream(make)
