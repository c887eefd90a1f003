"""Trained networks in the sandbox: only the network itself is there. The arena's own code looks at the game and chooses
from the scores, outside, as it does for a bot that is trusted; the process gets observations and answers with scores.

So a message goes to and fro once for every decision of all games together, not once a frame, and what an agent's file
gets to see is pictures and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import numpy as np

from agents.networks.player import NetworkPlayer
from agents.networks.preprocessing import PreprocessingSpec
from agents.packages import AgentPackage, admit_bytes
from agents.player import PlayerFailed
from agents.sandbox.bot import GameSeat, SandboxedBot, forfeits
from agents.sandbox.payload import Payload
from envs.games import Game, find_game
from envs.rules import named_rules
from envs.step import Step


class SandboxedNetwork:
    """A `NetworkBot` whose network is in the sandbox. How it sees and acts was read in its file, outside."""

    def __init__(self, process: SandboxedBot, package: AgentPackage, game: Game) -> None:
        self.process = process
        self.action_set = package.action_set
        self.actions = len(package.action_set or named_rules(game).action_set)
        self.draws = package.draws
        self.fires = game.fires
        self.spec = PreprocessingSpec(package.preprocessing, package.frame_skip_in(game), package.stack)

    def scores(self, observations: Sequence[np.ndarray]) -> np.ndarray:
        return self.process.running().score(observations, self.actions)


class SandboxedNetworkPlayer(NetworkPlayer):
    """One game of a network in the sandbox."""

    def __init__(self, network: SandboxedNetwork) -> None:
        super().__init__(network.process.info, network)
        self.seat = GameSeat(network.process)
        self._network = network

    @property
    def failure(self) -> str | None:
        """Why the last game that it began was a forfeit, in a sentence; None if it wasn't."""
        return self.seat.failure

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        with forfeits([self.seat]):
            super().reset(seed=seed, action_set=action_set)
            self.seat.begin()

    def another(self) -> SandboxedNetworkPlayer:
        player = SandboxedNetworkPlayer(self._network)
        player.info = self.info  # whoever runs it may have given it another name
        return player

    def act_many(self, players: Sequence[NetworkPlayer], steps: Sequence[Step]) -> list[int]:
        try:
            return super().act_many(players, steps)
        except PlayerFailed as error:
            for seat in _seats(players):  # those whose decision wasn't due forfeit as well
                seat.failure = str(error)
            raise

    def decide(self, due: Sequence[tuple[NetworkPlayer, Step]]) -> None:
        begin = time.monotonic()
        seats = _seats(player for player, _ in due)
        for seat in seats:
            seat.box()
        super().decide(due)
        share = (time.monotonic() - begin) / len(due)
        for seat, (_, step) in zip(seats, due, strict=True):
            seat.charge(share, step.t)

    def close(self) -> None:
        self.seat.close()


def _seats(players: Iterable[NetworkPlayer]) -> list[GameSeat]:
    return [player.seat for player in players if isinstance(player, SandboxedNetworkPlayer)]


def network_player(process: SandboxedBot, payload: Payload) -> SandboxedNetworkPlayer:
    """Return a player of the network in `payload`, which `process` has loaded."""
    package = admit_bytes(payload.content, payload.name, payload.name)
    return SandboxedNetworkPlayer(SandboxedNetwork(process, package, find_game(payload.game)))
