"""DAgger (Ross, Gordon and Bagnell, 2011) as an SB3 algorithm: the agent plays, a teacher says what it would have done.

Imitating recordings alone fails where the agent's own mistakes lead: nothing shows how to get back from there. Here the
agent meets its mistakes, and every situation it was ever in, with the teacher's answer, stays in the replay buffer to
learn from. The policy is that of PPO and A2C, so its agents play and are packed like theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticCnnPolicy, BasePolicy
from stable_baselines3.common.type_aliases import RolloutReturn, Schedule
from torch.nn.functional import cross_entropy

from agents.lessons import ASK_TEACHER, LessonEnv


def sharpened(state: Mapping[str, torch.Tensor], by: float) -> dict[str, torch.Tensor]:
    """Return a pupil's weights (`policy.state_dict()`) with its logits multiplied by `by`.

    Players of an actor-critic policy draw from it. For one that has learned from points, the chances are part of what
    it has learned; a pupil's only say how sure it is of the teacher's answer.
    """
    return {name: by * tensor if name.startswith("action_net.") else tensor for name, tensor in state.items()}


class DAgger(OffPolicyAlgorithm):
    """Learns to answer as the teachers of a `LessonEnv` do.

    Args:
        train_freq: steps of each game between two bouts of learning; for that long, the teacher steers a game or not.
        gradient_steps: minibatches per bout.
        steered: share of the games that the teacher steers at the end. It falls from 1 to this over `steered_fraction`
            of the run.
        temperature: by which the policy's logits are divided while learning, so that an agent which draws from the
            undivided ones nearly always takes the likeliest action.
        sharper: by which they are multiplied when it has learned and is packed: 10 leaves next to nothing to chance.
            That is better where a game moves on by itself, and worse in mazes, where chance frees who is stuck.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {"CnnPolicy": ActorCriticCnnPolicy}

    def __init__(
        self,
        policy: str | type[ActorCriticCnnPolicy],
        env: LessonEnv,
        learning_rate: float | Schedule = 5e-4,
        buffer_size: int = 300_000,
        batch_size: int = 256,
        train_freq: int = 32,
        gradient_steps: int = 8,
        steered: float = 0.1,
        steered_fraction: float = 0.2,
        temperature: float = 3.0,
        sharper: float = 1.0,
        _init_setup_model: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(
            policy,
            env,
            learning_rate,
            buffer_size,
            learning_starts=0,
            batch_size=batch_size,
            train_freq=train_freq,
            gradient_steps=gradient_steps,
            support_multi_env=True,
            sde_support=False,
            **settings,
        )
        self.steered = steered
        self.steered_fraction = steered_fraction
        self.temperature = temperature
        self.sharper = sharper
        self._by_teacher: np.ndarray | None = None
        if _init_setup_model:
            self._setup_model()

    def _setup_model(self) -> None:
        super()._setup_model()
        # SB3 begins with all actions equally likely: good for exploring, but here it would have to be unlearned.
        action_net: Any = self.policy.action_net
        torch.nn.init.orthogonal_(action_net.weight, self.temperature)

    def collect_rollouts(self, *args: Any, **settings: Any) -> RolloutReturn:
        self._by_teacher = None
        return super().collect_rollouts(*args, **settings)

    def _sample_action(
        self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what is played, and what goes into the replay buffer: the teachers' answers."""
        assert isinstance(self.env, LessonEnv)
        assert isinstance(self._last_obs, np.ndarray)
        if self._by_teacher is None:  # only now: a checkpoint may be written at the start of a rollout
            done = (1 - self._current_progress_remaining) / self.steered_fraction
            self._by_teacher = np.random.random(n_envs) < max(self.steered, 1 - done)
        answers = self.env.answers
        actions, _ = self.predict(self._last_obs)
        self.logger.record_mean("rollout/agreement", float((actions == answers).mean()))
        return np.where(self._by_teacher, ASK_TEACHER, actions), answers

    def train(self, gradient_steps: int, batch_size: int) -> None:
        policy: Any = self.policy
        assert self.replay_buffer is not None
        policy.set_training_mode(True)
        self._update_learning_rate(policy.optimizer)
        for _ in range(gradient_steps):
            batch = self.replay_buffer.sample(batch_size)
            logits = policy.action_net(policy.extract_features(batch.observations))
            loss = cross_entropy(logits / self.temperature, batch.actions.flatten())
            policy.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            policy.optimizer.step()
            self.logger.record_mean("train/loss", float(loss.detach()))
        self._n_updates += gradient_steps
