"""The agent that a training run goes on from: its weights, as far as they can be trained further here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from agents.load import SCRIPT_PREFIX, find_agent_file
from agents.networks.preprocessing import NAME, STACK
from agents.packages import AgentRefused, admit
from agents.packages.architecture import Architecture
from agents.packages.package import Sb3Network
from envs.errors import AgentError, shown
from envs.games import Game
from envs.rules import named_rules


@dataclass(frozen=True, slots=True)
class StartingAgent:
    """A policy to begin with."""

    name: str
    sha256: str
    """Of its file, in hexadecimal."""
    architecture: Architecture
    weights: dict[str, Tensor]
    """Those of its features extractor and its action head, float32, under the names of SB3's `policy.state_dict()`."""

    def softened(self, by: float) -> dict[str, Tensor]:
        """Return the weights with the policy's logits divided by `by`: above 1, it tries out more."""
        return {k: tensor / by if k.startswith("action_net.") else tensor for k, tensor in self.weights.items()}


def check_start(algo: str, agent: str | None, recordings: Path | None) -> None:
    """Check that `algo` can begin as it is told to: from an agent, from recordings, or (both None) from nothing.

    Raises:
        AgentError: it can't; the sentence says what to leave out.
    """
    if agent is not None and recordings is not None:
        raise AgentError("A run starts from an agent or from recordings; leave out --from or --from-recordings.")
    if agent is not None and algo not in ("ppo", "dagger"):
        raise AgentError(f"Only ppo and dagger go on from an agent, not {algo}; leave out --algo, or --from.")
    if recordings is not None and algo not in ("ppo", "a2c"):
        raise AgentError(
            "Only ppo and a2c can start from recordings: dqn and qrdqn learn values, dagger learns from its teacher."
        )


def starting_agent(agent: str, game: Game, frame_skip: int) -> StartingAgent:
    """Return the policy of `agent`: a house bot's name, or the path of a package or of an SB3 zip.

    Args:
        frame_skip: frames per step of the training to come.

    Raises:
        AgentError: there is none, or it can't be trained further for `game` here; the sentence says what can be done.
    """
    pupil = f"let a pupil learn from it with --algo dagger --teacher {agent}, and go on from that"
    if agent.startswith(SCRIPT_PREFIX):
        raise AgentError(f"{shown(agent)} has no network to train further; {pupil}.")
    path = find_agent_file(agent)
    package = admit(path)
    try:
        package.check_game(game)
    except AgentRefused as refused:
        raise refused.at(str(path)) from None
    if not isinstance(package.network, Sb3Network):
        raise AgentError(f"{path} holds an ONNX network, which can't be trained further; {pupil}.")
    architecture = package.network.architecture
    if not architecture.draws:
        raise AgentError(f"{path} holds the values of DQN or QR-DQN, where a policy is needed; {pupil}.")
    if architecture.hidden:
        widths = " and ".join(str(width) for width in architecture.hidden)
        raise AgentError(f"{path} has hidden layers (of {widths}) behind its features, training here none; {pupil}.")
    if package.network.settings.pixels != "unit":
        raise AgentError(f"{path} takes pixels from 0 to 255, training here from 0 to 1; {pupil}.")
    sight, here = (package.preprocessing, package.frame_skip_in(game), package.stack), (NAME, frame_skip, STACK)
    if sight[1] != here[1] and sight[::2] == here[::2]:
        raise AgentError(f"{path} was trained with frame skip {sight[1]}; go on with --frame-skip {sight[1]}.")
    if sight != here:
        raise AgentError(f"{path} was trained with {_sight(*sight)}; training here has {_sight(*here)}: {pupil}.")
    actions = named_rules(game).action_set
    if (package.action_set or actions) != actions:
        raise AgentError(
            f"{path} has the action set {package.action_set}, training here {actions}, in this order: {pupil}."
        )
    wanted = [f"{layer}.{part}" for layer in architecture.layers.values() for part in ("weight", "bias")]
    weights = {name: torch.from_numpy(package.network.tensors[name]) for name in wanted}
    return StartingAgent(package.name, package.sha256, architecture, weights)


def _sight(preprocessing: str, frame_skip: int, stack: int) -> str:
    return f"preprocessing {preprocessing}, frame skip {frame_skip} and stack {stack}"
