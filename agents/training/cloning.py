"""Behaviour cloning: before it plays a single step, a policy learns to do what was shown to it."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from tqdm import tqdm

from agents.training.progress import Progress


class Shown(Protocol):
    """Decisions of somebody who plays; n in all."""

    def __len__(self) -> int: ...

    @property
    def actions(self) -> np.ndarray:
        """int64 (n,): indices into the action set."""

    @property
    def returns(self) -> np.ndarray:
        """float32 (n,): what came of them, discounted."""

    def observations(self, indices: np.ndarray) -> np.ndarray:
        """Return uint8 (len(indices), stack, 84, 84)."""


def imitate(
    model: BaseAlgorithm,
    shown: Shown,
    *,
    seed: int,
    epochs: int = 6,
    batch_size: int = 128,
    learning_rate: float = 7e-4,
) -> None:
    """Make the actor-critic policy of `model` do what was shown, and its value head predict what came of it.

    Args:
        seed: of the order in which the decisions are learned from.
        learning_rate: at first; it falls to zero.
    """
    policy: Any = model.policy
    updates = epochs * math.ceil(len(shown) / batch_size)
    done = 0
    policy.set_training_mode(True)
    rng = np.random.default_rng(seed)
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(shown))
        progress = Progress(f"imitation {epoch}/{epochs}", len(order), "decision")
        surprise = right = 0.0
        for start in range(0, len(order), batch_size):
            progress.show(start)
            log_prob, loss = _losses(policy, shown, order[start : start + batch_size])
            for group in policy.optimizer.param_groups:
                group["lr"] = learning_rate * (1 - done / updates)
            done += 1
            policy.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            policy.optimizer.step()
            surprise -= float(log_prob.sum())
            right += float(log_prob.exp().sum())
        progress.close(len(order))
        tqdm.write(f"imitation {epoch}/{epochs}: loss {surprise / len(order):.3f}, agrees in {right / len(order):.0%}")


def _losses(policy: Any, shown: Shown, chosen: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the log-probabilities of the chosen decisions, float32 (len(chosen),), and what is to be made smaller."""
    observations = torch.from_numpy(shown.observations(chosen)).to(policy.device)
    actions = torch.from_numpy(shown.actions[chosen]).to(policy.device)
    returns = torch.from_numpy(shown.returns[chosen]).to(policy.device)
    hidden = policy.extract_features(observations)
    log_prob = policy.action_net(hidden).log_softmax(dim=1).gather(1, actions[:, None])[:, 0]
    values = policy.value_net(hidden.detach()).flatten()  # what is seen is learned from the actions alone
    return log_prob.detach(), -log_prob.mean() + 0.5 * (values - returns).pow(2).mean()
