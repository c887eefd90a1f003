"""DAgger (Ross, Gordon and Bagnell, 2011) as an SB3 algorithm: the agent plays, a teacher says what it would have done.

Imitating recordings alone fails where the agent's own mistakes lead: nothing shows how to get back from there. Here the
agent meets its mistakes, and every situation it was ever in, with the teacher's answer, stays in the replay buffer to
learn from. The policy is that of PPO and A2C, so its agents play and are packed like theirs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticCnnPolicy, BasePolicy
from stable_baselines3.common.type_aliases import RolloutReturn, Schedule
from stable_baselines3.common.utils import update_learning_rate
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from agents.training.lessons import ASK_TEACHER, LessonEnv
from agents.training.replay_buffer import AnswerBuffer

BEFORE_DEATH = 15
"""Decisions before a lost life, for which agreement is told apart: most errors there can't be made good."""


def sharpened(state: Mapping[str, torch.Tensor], by: float) -> dict[str, torch.Tensor]:
    """Return a pupil's weights (`policy.state_dict()`) with its logits multiplied by `by`.

    Players of an actor-critic policy draw from it. For one that has learned from points, the chances are part of what
    it has learned; a pupil's only say how sure it is of the teacher's answer.
    """
    return {name: by * tensor if name.startswith("action_net.") else tensor for name, tensor in state.items()}


class DAgger(OffPolicyAlgorithm):
    """Learns to answer as the teachers of a `LessonEnv` do.

    Args:
        learning_starts: steps before the first bout of learning: few answers would be learned by heart.
        train_freq: steps of each game between two bouts of learning; for that long, the teacher steers a game or not.
        gradient_steps: minibatches per bout.
        steered: share of the games that the teacher steers at the end. It falls from 1 to this over `steered_fraction`
            of the run.
        temperature: by which the policy's logits are divided while learning, so that an agent which draws from the
            undivided ones nearly always takes the likeliest action.
        prefixes: share of the games whose beginning the teacher steers besides, for a random number of decisions up to
            `longest_prefix`: so the agent meets later levels before it gets there by itself (JSRL, Uchendu et al.
            2022).
        notes_weight: of the loss for telling, from the same features, what the teacher made its answer from
            (`agents.training.lessons.Explains`); 0 for learning from answers alone. An answer says little: one of a few
            actions. What it was made from (how near the ghosts are, which way) says what to look at. The layer that
            tells it is not part of the agent.
        stakes: whether an answer counts as often as the teacher says an error costs (Verma et al. 2018, VIPER).
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
        learning_starts: int = 0,
        batch_size: int = 256,
        train_freq: int = 32,
        gradient_steps: int = 8,
        steered: float = 0.1,
        steered_fraction: float = 0.2,
        temperature: float = 3.0,
        prefixes: float = 0.0,
        longest_prefix: int = 2_000,
        notes_weight: float = 0.0,
        stakes: bool = False,
        sharper: float = 1.0,
        _init_setup_model: bool = True,
        replay_buffer_kwargs: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.notes_net: torch.nn.Linear | None = None
        super().__init__(
            policy,
            env,
            learning_rate,
            buffer_size,
            learning_starts=learning_starts,
            batch_size=batch_size,
            train_freq=train_freq,
            gradient_steps=gradient_steps,
            support_multi_env=True,
            sde_support=False,
            replay_buffer_class=AnswerBuffer,
            replay_buffer_kwargs=replay_buffer_kwargs,
            **settings,
        )
        self.steered = steered
        self.steered_fraction = steered_fraction
        self.temperature = temperature
        self.prefixes = prefixes
        self.longest_prefix = longest_prefix
        self.notes_weight = notes_weight
        self.stakes = stakes
        self.sharper = sharper
        self._by_teacher: np.ndarray | None = None
        if _init_setup_model:
            self._setup_model()

    def _setup_model(self) -> None:
        notes = 0
        if isinstance(self.env, LessonEnv) and self.notes_weight:
            self.env.reset()
            notes = self.env.notes.shape[1]
        self.replay_buffer_kwargs = {**self.replay_buffer_kwargs, "notes": notes}
        super()._setup_model()
        # SB3 begins with all actions equally likely: good for exploring, but here it would have to be unlearned.
        action_net: Any = self.policy.action_net
        torch.nn.init.orthogonal_(action_net.weight, self.temperature)
        self._prefix = np.zeros(self.n_envs, np.int64)
        self.agreed: deque[float] = deque(maxlen=10_000)
        """Whether the last decisions that it made itself were the teacher's, 0 or 1."""
        self.agreed_before_deaths: deque[float] = deque(maxlen=100)
        """Share of the last 15 decisions before each of the last lost lives that were the teacher's."""
        self._agreed = np.full((self.n_envs, BEFORE_DEATH), np.nan)
        if notes:
            self.notes_net = torch.nn.Linear(action_net.in_features, notes).to(self.device)
            self.notes_optimizer = torch.optim.Adam(self.notes_net.parameters(), lr=self.lr_schedule(1.0))

    def _excluded_save_params(self) -> list[str]:
        return [
            *super()._excluded_save_params(),
            "notes_net",
            "notes_optimizer",
            "agreed",
            "agreed_before_deaths",
            "_agreed",
        ]

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
            done = 1 - self._current_progress_remaining
            at_first = 1 - done / self.steered_fraction if self.steered_fraction else 0.0
            self._by_teacher = np.random.random(n_envs) < max(self.steered, at_first)
        began = self.env.decisions == 0
        self._prefix[began] = np.where(
            np.random.random(began.sum()) < self.prefixes, np.random.randint(0, self.longest_prefix, began.sum()), 0
        )
        answers = self.env.answers
        assert isinstance(self.replay_buffer, AnswerBuffer)
        self.replay_buffer.remember(self.env.notes if self.notes_net else np.zeros(0), self.env.stakes)
        actions, _ = self.predict(self._last_obs)
        steered = self._by_teacher | (self.env.decisions < self._prefix)
        self._agreed = np.roll(self._agreed, -1, axis=1)
        self._agreed[:, -1] = np.where(steered, np.nan, actions == answers)
        self.agreed.extend((actions == answers)[~steered].astype(float))
        return np.where(steered, ASK_TEACHER, actions), answers

    def _store_transition(
        self,
        replay_buffer: ReplayBuffer,
        buffer_action: np.ndarray,
        new_obs: np.ndarray | dict[str, np.ndarray],
        reward: np.ndarray,
        dones: np.ndarray,
        infos: list[dict[str, Any]],
    ) -> None:
        super()._store_transition(replay_buffer, buffer_action, new_obs, reward, dones, infos)
        for agreed in self._agreed[dones]:
            if not np.isnan(agreed).any():
                self.agreed_before_deaths.append(float(agreed.mean()))
        self._agreed[dones] = np.nan

    def train(self, gradient_steps: int, batch_size: int) -> None:
        policy: Any = self.policy
        assert isinstance(self.replay_buffer, AnswerBuffer)
        policy.set_training_mode(True)
        self._update_learning_rate(policy.optimizer)
        for name in ("agreed", "agreed_before_deaths"):
            if getattr(self, name):
                self.logger.record(f"rollout/{name}", float(np.mean(getattr(self, name))))
        optimizers = [policy.optimizer]
        if self.notes_net is not None:
            optimizers.append(self.notes_optimizer)
            update_learning_rate(self.notes_optimizer, self.lr_schedule(self._current_progress_remaining))
        for _ in range(gradient_steps):
            batch = self.replay_buffer.answers(batch_size)
            features = policy.extract_features(batch.observations)
            logits = policy.action_net(features) / self.temperature
            losses = cross_entropy(logits, batch.actions.flatten(), reduction="none")
            loss = (losses * batch.stakes).sum() / batch.stakes.sum() if self.stakes else losses.mean()
            self.logger.record_mean("train/loss", float(loss.detach()))
            if self.notes_net is not None:
                told = ~batch.notes.isnan()
                off = binary_cross_entropy_with_logits(self.notes_net(features)[told], batch.notes[told])
                self.logger.record_mean("train/notes_loss", float(off.detach()))
                loss = loss + self.notes_weight * off
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()
        self._n_updates += gradient_steps
