"""Agents of any framework, as ONNX networks run by onnxruntime.

`agents.packages` has looked through the file first: standard operators only, weights inside, one input, a known output.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.networks.player import BLOCK, NetworkPlayer, blocks_of
from agents.networks.preprocessing import PreprocessingSpec
from agents.packages.onnx_file import SIDE, OnnxNetwork
from agents.packages.package import AgentPackage
from agents.packages.refusals import AgentRefused
from agents.player import PlayerFailed
from envs.errors import MissingExtra, tidy
from envs.extras import require
from envs.games import Game
from envs.rules import named_rules

try:
    require("An ONNX agent", "onnxruntime")
    import onnxruntime
except MissingExtra:
    raise AgentRefused("extra-missing", "to play ONNX agents, onnxruntime is needed, which isn't installed") from None


class OnnxBot:
    """An ONNX network, shared by all games that it plays. It runs on one thread."""

    def __init__(self, package: AgentPackage, game: Game) -> None:
        assert isinstance(package.network, OnnxNetwork)
        self._network = package.network
        self._settings = package.onnx
        self._batch = package.network.batch or BLOCK
        self.actions = package.network.actions or len(package.action_set or named_rules(game).action_set)
        self.action_set = package.action_set
        self.draws = package.draws
        self.fires = game.fires
        self.spec = PreprocessingSpec(package.preprocessing, package.frame_skip_in(game), package.stack)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is raised
        self._session = onnxruntime.InferenceSession(
            package.network.content, options, providers=["CPUExecutionProvider"]
        )
        shape = self.scores([np.zeros((package.stack, SIDE, SIDE), np.uint8)]).shape
        if shape != (1, self.actions):
            raise AgentRefused(
                "onnx-output", f"the network answers with shape {shape}, not {(1, self.actions)} as it says"
            )

    def scores(self, observations: Sequence[np.ndarray]) -> np.ndarray:
        """Return logits or values, float32 (n, actions), for n uint8 (stack, 84, 84) observations."""
        rows = [self._run(block)[:count] for block, count in blocks_of(observations, self._batch)]
        scores: np.ndarray = np.concatenate(rows)
        if self._settings.output == "probabilities":
            scores = np.log(np.maximum(scores, 1e-30))
        if self._settings.output == "actions":
            scores = self._as_values(scores)
        return scores

    def _as_values(self, chosen: np.ndarray) -> np.ndarray:
        """Return what makes `chosen`, int64 (n,), the best: 1 for that action and 0 for the others."""
        strange = [int(action) for action in chosen if not 0 <= action < self.actions]
        if strange:
            raise PlayerFailed(f"the network chose action {strange[0]}; there are 0 to {self.actions - 1}")
        values: np.ndarray = np.eye(self.actions, dtype=np.float32)[chosen]
        return values

    def _run(self, block: np.ndarray) -> np.ndarray:
        if self._settings.layout == "nhwc":
            block = np.ascontiguousarray(block.transpose(0, 2, 3, 1))
        if self._settings.pixels != "uint8":
            block = block.astype(np.float32)
        if self._settings.pixels == "unit":
            block /= 255
        (answer,) = self._session.run([self._network.output_name], {self._network.input_name: block})
        result: np.ndarray = answer
        return result


def onnx_player(package: AgentPackage, game: Game) -> NetworkPlayer:
    """Return a player of `package`, which fits `game` and holds an ONNX network.

    Raises:
        Refused: onnxruntime is missing, or can't run it.
    """
    try:
        bot = OnnxBot(package, game)
    except AgentRefused:
        raise
    except Exception as error:  # onnxruntime has a class of its own for every kind of trouble
        raise AgentRefused("load-failed", f"onnxruntime can't run the network: {tidy(error, 160)}") from None
    return NetworkPlayer(package.info, bot)
