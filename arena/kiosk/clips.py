"""What attract mode shows of games: recordings, and bots that play live while nobody has played yet."""

from __future__ import annotations

import secrets

import numpy as np

from agents.player import Kind
from arena.engine.match import Lane, play_lanes
from arena.engine.seeds import PRACTICE_SEEDS
from arena.play.opponent_loading import LoadingOpponent
from arena.ui.show import Panel, Show, replay
from envs.environment import ArenaEnv
from envs.games import FPS
from envs.rules import Rules
from recordings.recording import Recording

CLIP_SECONDS = 24.0
SKIP_FRAMES = 480
"""A recorded clip begins so far into its game: the opening is dull."""
LATE_FRAMES = 6
"""Emulated frames that a clip makes good at most; on a slower machine it runs slower."""


class AttractClip:
    """A game while it is shown, at the console's speed.

    Args:
        show: the game.
        kind: of who plays it.
        now: when it begins.
        skip: frames that are passed over at the beginning.
    """

    live = False

    def __init__(self, show: Show, kind: Kind, now: float, skip: int = 0) -> None:
        self.kind = kind
        self._show = show
        self._running = show.advance()
        self._owed = float(skip)
        self._last = now

    def update(self, now: float) -> bool:
        """Play what is due; False when the game is over."""
        self._owed += (now - self._last) * FPS
        self._last = now
        jump = self._owed if self._show.ticks <= 1 else LATE_FRAMES
        for _ in range(min(int(self._owed), int(jump))):
            self._running = self._running and self._show.advance()
        self._owed = min(self._owed % 1, 1.0) if self._owed < jump + 1 else 0.0
        return self._running

    @property
    def name(self) -> str:
        return self._show.panels[0].name

    @property
    def score(self) -> int:
        return self._show.panels[0].score

    def picture(self) -> np.ndarray:
        return self._show.panels[0].picture()

    def close(self) -> None:
        """Nothing is held open."""


def recorded_clip(recording: Recording, now: float) -> AttractClip:
    """Return a clip of a recording.

    Raises:
        UnknownGame, RomError, RulesError: it can't be replayed here.
    """
    skip = min(SKIP_FRAMES, max(0, recording.frames - int(CLIP_SECONDS * FPS)))
    return AttractClip(replay([recording]), Kind(recording.player.kind), now, skip)


class AttractBot:
    """A bot that gets ready, in its own process, to play a game for whoever looks. Nothing is kept of it.

    Args:
        agent: as `agents.load.load_player` takes it.
        rules: what it plays.
    """

    def __init__(self, agent: str, rules: Rules) -> None:
        self.agent = agent
        self.rules = rules
        self._seed = secrets.randbelow(PRACTICE_SEEDS)
        self._at_work = LoadingOpponent(agent, rules)
        self._begun = False

    def ready(self) -> bool:
        """Whether `clip` may be called. To be asked again and again: it lets the game begin.

        Raises:
            AgentError: its process has died.
        """
        opponent = self._at_work.opponent
        if opponent is None:
            return False
        if not self._begun:
            self._begun = True
            opponent.begin(self.rules, self._seed)
        return opponent.ready()

    def clip(self, now: float) -> AttractClip:
        """Return the game; ends with `close`."""
        opponent = self._at_work.opponent
        assert opponent is not None
        player = opponent.player
        lane = Lane(ArenaEnv(self.rules, obs_type="ram"), player, iter((self._seed,)))
        show = Show(play_lanes([lane]), [Panel(player.info.name, self.rules)])
        return _LiveAttractClip(self, show, player.info.kind, now)

    def close(self) -> None:
        self._at_work.close()


class _LiveAttractClip(AttractClip):
    live = True

    def __init__(self, game: AttractBot, show: Show, kind: Kind, now: float) -> None:
        super().__init__(show, kind, now)
        self._game = game

    def close(self) -> None:
        self._game.close()
