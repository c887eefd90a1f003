"""PPO that goes on from an agent: it begins with the agent's policy and is held near it at first.

A policy that was taught (by DAgger, or from recordings) knows nothing of points, and has no critic. Left alone, PPO's
first updates follow the guesses of an untrained critic and undo what was taught. So the critic learns first, alone, and
then a penalty on the distance to the policy at the start falls to zero (kickstarting: Schmitt et al. 2018, arXiv
1803.03835; with PPO: Spigler 2024, arXiv 2407.15134).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticCnnPolicy
from stable_baselines3.common.utils import explained_variance
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn
from torch.nn.functional import mse_loss

CHUNK = 256
"""Observations per pass where no gradients are needed."""


class Kickstart(PPO):
    """PPO from `policy` as it is when `begin` is called.

    Args:
        critic_steps: for so many steps at first, the critic learns and the policy stays as it is.
        critic_learning_rate: of that time.
        kl_coef: weight of the penalty after it: the Kullback-Leibler divergence, in nats, of the policy from the one at
            the start. It falls linearly to zero.
        kl_fraction: of the run, in which it falls.
        critic_share: of the critic's gradient, how much reaches the features that it shares with the policy. A policy
            that is sure of itself has small gradients, and the critic's would move it about (Cobbe et al. 2021,
            "Phasic policy gradient", on how the two interfere).
        sharper: by which the policy's logits are multiplied when it has learned and is packed, as for `DAgger`.
    """

    def __init__(
        self,
        policy: str | type[ActorCriticCnnPolicy],
        env: VecEnv,
        critic_steps: int = 100_000,
        critic_learning_rate: float = 1e-3,
        kl_coef: float = 0.2,
        kl_fraction: float = 0.5,
        critic_share: float = 1.0,
        sharper: float = 1.0,
        **settings: Any,
    ) -> None:
        super().__init__(policy, env, **settings)
        self.critic_steps = critic_steps
        self.critic_learning_rate = critic_learning_rate
        self.kl_coef = kl_coef
        self.kl_fraction = kl_fraction
        self.critic_share = critic_share
        self.sharper = sharper
        self.reference = self._frozen_policy()
        """Features extractor and action head of the policy at the start."""

    def begin(self) -> None:
        """Take the policy as it is now for the start, with a critic that expects nothing."""
        self.reference = self._frozen_policy()
        value_net: Any = self.policy.value_net
        nn.init.zeros_(value_net.weight)
        nn.init.zeros_(value_net.bias)

    def train(self) -> None:
        policy: Any = self.policy
        policy.set_training_mode(True)
        self._update_learning_rate(policy.optimizer)
        batch = _Batch(self)
        if self.num_timesteps <= self.critic_steps:
            self._train_critic(batch)
        else:
            self._train_both(batch)
        self._n_updates += self.n_epochs
        values, returns = self.rollout_buffer.values.flatten(), self.rollout_buffer.returns.flatten()
        self.logger.record("train/explained_variance", explained_variance(values, returns))

    def _train_critic(self, batch: _Batch) -> None:
        policy: Any = self.policy
        features = self._in_chunks(batch.observations, policy.extract_features)  # they stay as they are
        for group in policy.optimizer.param_groups:
            group["lr"] = self.critic_learning_rate
        for chosen in batch.minibatches():
            values = policy.value_net(features[chosen]).flatten()
            loss = mse_loss(values, batch.returns[chosen])
            self._step(loss)
            self.logger.record_mean("train/value_loss", float(loss.detach()))

    def _train_both(self, batch: _Batch) -> None:
        policy: Any = self.policy
        clip: float = self.clip_range(self._current_progress_remaining)  # type: ignore[operator]
        kl_coef = self._kl_coef()
        clip_values: Any = self.clip_range_vf
        wanted = self._in_chunks(batch.observations, self._reference_log_probs) if kl_coef else None
        for chosen in batch.minibatches():
            features = policy.extract_features(batch.observations[chosen])
            log_probs = policy.action_net(features).log_softmax(dim=1)
            log_prob = log_probs.gather(1, batch.actions[chosen, None])[:, 0]
            log_ratio = log_prob - batch.log_probs[chosen]
            ratio = log_ratio.exp()
            moved = float((ratio - 1 - log_ratio).detach().mean())  # divergence from the policy that played
            if self.target_kl is not None and moved > 1.5 * self.target_kl:
                break
            gains = batch.advantages[chosen]
            if self.normalize_advantage and len(gains) > 1:
                gains = (gains - gains.mean()) / (gains.std() + 1e-8)
            policy_loss = -torch.min(gains * ratio, gains * ratio.clamp(1 - clip, 1 + clip)).mean()
            shared = features.detach().lerp(features, self.critic_share)  # the same numbers, and less gradient
            values = policy.value_net(shared).flatten()
            if clip_values is not None:
                most, before = clip_values(self._current_progress_remaining), batch.values[chosen]
                values = before + (values - before).clamp(-most, most)
            value_loss = mse_loss(values, batch.returns[chosen])
            entropy = -(log_probs.exp() * log_probs).sum(dim=1).mean()
            loss = policy_loss + self.vf_coef * value_loss - self.ent_coef * entropy
            if wanted is not None:
                log_wanted = wanted[chosen]
                kl = (log_wanted.exp() * (log_wanted - log_probs)).sum(dim=1).mean()
                loss = loss + kl_coef * kl
                self.logger.record_mean("train/kl_to_start", float(kl.detach()))
            self._step(loss)
            for name, value in (("policy_gradient", policy_loss), ("value", value_loss), ("entropy", -entropy)):
                self.logger.record_mean(f"train/{name}_loss", float(value.detach()))
            clipped = ((ratio.detach() - 1).abs() > clip).float().mean()
            self.logger.record_mean("train/clip_fraction", float(clipped))
        self.logger.record("train/kl_coef", kl_coef)

    def _step(self, loss: Tensor) -> None:
        self.policy.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
        self.policy.optimizer.step()

    def _kl_coef(self) -> float:
        return self.kl_coef * max(0.0, 1 - (1 - self._current_progress_remaining) / self.kl_fraction)

    def _frozen_policy(self) -> nn.ModuleList:
        policy: Any = self.policy
        return copy.deepcopy(nn.ModuleList([policy.features_extractor, policy.action_net])).requires_grad_(False)

    def _reference_log_probs(self, observations: Tensor) -> Tensor:
        extractor, head = self.reference
        out: Tensor = head(self.policy.extract_features(observations, extractor)).log_softmax(dim=1)  # type: ignore[arg-type]
        return out

    def _in_chunks(self, observations: Tensor, function: Any) -> Tensor:
        with torch.no_grad():
            return torch.cat([function(chunk) for chunk in torch.split(observations, CHUNK)])

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "reference"]


class _Batch:
    """A rollout's steps, n in all, on the device; minibatches are drawn from numpy's global generator, as by SB3."""

    def __init__(self, model: PPO) -> None:
        buffer = model.rollout_buffer

        def flat(array: np.ndarray) -> Tensor:
            return torch.from_numpy(buffer.swap_and_flatten(array)).to(model.device)

        self._size, self._epochs = model.batch_size, model.n_epochs
        self.observations = flat(buffer.observations)
        """uint8 (n, stack, 84, 84)"""
        self.actions = flat(buffer.actions).long().flatten()
        self.log_probs = flat(buffer.log_probs).flatten()
        self.advantages = flat(buffer.advantages).flatten()
        self.values = flat(buffer.values).flatten()
        self.returns = flat(buffer.returns).flatten()

    def minibatches(self) -> Iterator[Tensor]:
        """Indices of a minibatch after another, for all epochs."""
        for _ in range(self._epochs):
            order = torch.from_numpy(np.random.permutation(len(self.actions)))
            yield from torch.split(order, self._size)
