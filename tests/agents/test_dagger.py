"""DAgger: what is learned from are the teacher's answers, and they are learned."""

import numpy as np
import torch

from agents.dagger import DAgger, sharpened
from agents.fast import FastActorCriticPolicy, fast_policy_kwargs
from agents.lessons import LessonEnv
from agents.networks import build_network, playing_weights
from agents.player import Kind, Player, PlayerInfo
from agents.replay_buffer import AnswerBuffer
from envs.games import LEFT, RIGHT
from envs.rules import named_rules
from envs.step import Step


class Leaner:
    """Always goes the same way, to the left or to the right: where the paddle is tells which."""

    info = PlayerInfo("leaner", Kind.SCRIPT)

    def __init__(self, way: int) -> None:
        self._way = way

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None: ...

    def act(self, step: Step) -> int:
        return self._way

    def close(self) -> None:
        pass


def learner(**settings: object) -> DAgger:
    teachers: list[Player] = [Leaner(RIGHT), Leaner(LEFT)]
    env = LessonEnv(named_rules("breakout"), teachers, seed=0)
    return DAgger(
        FastActorCriticPolicy,
        env,
        policy_kwargs=fast_policy_kwargs(half=False),
        buffer_size=1_000,
        batch_size=32,
        seed=0,
        device="cpu",
        **settings,  # type: ignore[arg-type]
    )


def agreement(model: DAgger) -> float:
    """Share of the buffer's decisions that the policy would take as the teacher did."""
    buffer = model.replay_buffer

    assert isinstance(buffer, AnswerBuffer)
    batch = buffer.answers(500)
    with torch.no_grad():
        logits = model.policy.action_net(model.policy.extract_features(batch.observations))  # type: ignore[operator]
    return float((logits.argmax(dim=1) == batch.actions.flatten()).float().mean())


def test_answers_are_learned() -> None:
    model = learner(gradient_steps=8, steered_fraction=1.0)
    model.learn(64)
    before = agreement(model)
    model.learn(1_000)
    assert agreement(model) > max(0.9, before)


def test_the_buffer_holds_the_answers_and_not_what_was_played() -> None:
    model = learner(gradient_steps=1, steered=0.0, steered_fraction=1e-9)
    model.learn(256)
    buffer = model.replay_buffer

    assert (buffer.actions[: buffer.pos, :, 0] == [2, 3]).all()


def test_at_first_the_teacher_steers_all_games_and_later_fewer() -> None:
    model = learner(gradient_steps=1, steered=0.25, steered_fraction=0.5)
    model.learn(64)
    shares = []
    for remaining in (1.0, 0.75, 0.5, 0.0):
        steered = []
        for _ in range(200):
            model._current_progress_remaining = remaining
            model._by_teacher = None
            actions, _ = model._sample_action(0, n_envs=2)
            steered.append((actions == -1).mean())
        shares.append(np.mean(steered))
    np.testing.assert_allclose(shares, [1.0, 0.5, 0.25, 0.25], atol=0.08)


def test_a_sharpened_pupil_takes_its_likeliest_action() -> None:
    model = learner(gradient_steps=8, steered_fraction=1.0)
    model.learn(256)
    observations = torch.randint(0, 256, (32, 4, 84, 84), dtype=torch.uint8)

    def chances(state: dict[str, torch.Tensor]) -> torch.Tensor:
        network = build_network(playing_weights(state), 4)
        return torch.softmax(network(observations), dim=1)

    state = model.policy.state_dict()
    before, after = chances(state), chances(sharpened(state, 10.0))
    sure = before.sort(dim=1).values[:, -2:].diff(dim=1)[:, 0] > 0.3  # else rounding to half precision may decide
    assert sure.any()
    assert (before.argmax(dim=1) == after.argmax(dim=1))[sure].all()
    assert (after.max(dim=1).values[sure] > 0.99).all()
