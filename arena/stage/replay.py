"""Two games side by side, replayed by the one engine as their actions come in, frame by frame in step."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.player import Kind, PlayerInfo, PlayerQuit
from arena.engine.env_pool import borrowed
from arena.engine.match import Lane, play_lanes
from arena.stage.live_games import Running, RunningGame, recording_of
from arena.stage.schedule import Bout, scores_of
from arena.tournament.model import TournamentState
from arena.ui.show import Panel, Show
from envs.games import FPS
from envs.rules import Rules
from envs.step import End, Step

CUSHION = round(3 * FPS)
"""Frames of a running game that are known before it begins or goes on: stations tell of theirs once a second."""


@dataclass(frozen=True, slots=True)
class GameSource:
    """What is known of one game."""

    actions: bytes
    complete: bool
    end: End | None = None
    """How it ended, if it is complete."""


def sources_of(state: TournamentState, bout: Bout, running: Running, seed: int, folder: Path) -> list[GameSource]:
    """Return what there is of both games of a bout; nothing at all yet for one that is neither booked nor running.

    Raises:
        ArenaError: a recording is gone or broken.
    """
    rules = state.plan.rules[bout.game]
    found = []
    for entrant, score in zip((bout.a, bout.b), scores_of(state, bout), strict=True):
        if score is not None:
            recording = recording_of(score, entrant, rules, folder)
            found.append(GameSource(recording.actions, True, recording.end))
        else:
            found.append(GameSource(running.get(RunningGame(entrant.name, rules.rules_id, seed), b""), False))
    return found


class _Following:
    """A player that does what has come in so far."""

    def __init__(self, name: str) -> None:
        self.info = PlayerInfo(name, Kind.REPLAY)
        self.source = GameSource(b"", False)

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        pass

    def act(self, step: Step) -> int:
        if step.t < len(self.source.actions):
            return self.source.actions[step.t]
        raise PlayerQuit

    def close(self) -> None:
        pass


class SideBySide:
    """Both games of a bout. Close it at the end.

    Args:
        names: who plays.
        rules: what is played.
        seed: of both games.

    Raises:
        ArenaError: the game can't be played here.
    """

    def __init__(self, names: Sequence[str], rules: Rules, seed: int) -> None:
        self._players = [_Following(name) for name in names]
        self._stack = ExitStack()
        envs = self._stack.enter_context(borrowed(rules, len(names)))
        lanes = [Lane(env, player, iter((seed,))) for env, player in zip(envs, self._players, strict=True)]
        self.panels = tuple(Panel(name, rules) for name in names)
        self._show = Show(play_lanes(lanes), self.panels)
        self._leads = np.zeros(rules.max_frames + 2, np.int64)
        self.ticks = 0
        """Frames shown."""
        self.starved = True
        """Whether it has stopped until more is known of a running game."""
        self._waited = 0
        """Calls of `advance` for which it has."""

    def feed(self, sources: Sequence[GameSource]) -> bool:
        """Take what is known now; False if that is another game than the one that was replayed so far."""
        for player, panel, source in zip(self._players, self.panels, sources, strict=True):
            played = self._played(panel)
            if source.complete or len(source.actions) > len(player.source.actions):
                if source.actions[:played] != player.source.actions[:played]:
                    return False
                player.source = source
                panel.recorded_end = source.end
        return True

    def advance(self) -> bool:
        """Emulate one frame of each game that isn't over; False if nothing has moved."""
        if self.over:
            return False
        spare = self._spare()
        self._waited += self.starved
        # The last frames of a game may be fewer than a cushion: they are shown when nothing more has come for long.
        if spare < (CUSHION if self.starved and self._waited < CUSHION else 1):
            self.starved = True
            return False
        self.starved, self._waited = False, 0
        moved = self._show.advance()
        self.ticks += moved
        self._leads[self.ticks] = self.lead
        return moved

    @property
    def over(self) -> bool:
        return all(panel.step is not None and not panel.running for panel in self.panels)

    @property
    def live(self) -> bool:
        """Whether one of the games is still being played."""
        pairs = zip(self._players, self.panels, strict=True)
        return any(not player.source.complete and (panel.step is None or panel.running) for player, panel in pairs)

    @property
    def behind(self) -> int:
        """How many frames of a running game are known and not shown yet."""
        return max(
            (
                len(player.source.actions) - self._played(panel)
                for player, panel in zip(self._players, self.panels, strict=True)
                if not player.source.complete and (panel.step is None or panel.running)
            ),
            default=0,
        )

    @property
    def lead(self) -> int:
        """Points by which the first is ahead of the second."""
        return self.panels[0].score - self.panels[1].score

    @property
    def leads(self) -> np.ndarray:
        """The lead after every frame, from 0 at the beginning: int64 (ticks + 1,)."""
        return self._leads[: self.ticks + 1]

    def picture(self, index: int) -> np.ndarray | None:
        """Return the picture of one game, uint8 (height, 160, 3), RGB; None before the beginning."""
        panel = self.panels[index]
        return None if panel.step is None else panel.picture()

    def sound(self) -> np.ndarray:
        """Return what both games sound like together: uint8 (512,)."""
        both = [panel.sound().astype(np.int16) - 128 for panel in self.panels]
        return np.asarray(np.clip(both[0] + both[1], -128, 127) + 128).astype(np.uint8)

    def close(self) -> None:
        self._stack.close()

    def _played(self, panel: Panel) -> int:
        return 0 if panel.step is None else panel.step.t

    def _spare(self) -> int:
        """Return how many frames can be emulated before more must come in; many if all has come."""
        spare = 1 << 30
        for player, panel in zip(self._players, self.panels, strict=True):
            if not player.source.complete and (panel.step is None or panel.running):
                spare = min(spare, len(player.source.actions) - self._played(panel))
        return spare
