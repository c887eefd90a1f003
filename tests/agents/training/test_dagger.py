"""DAgger: what is learned from are the teacher's answers, and they are learned."""

import json
import re
from pathlib import Path

import numpy as np
import torch

from agents.networks.torch_networks import build_network, playing_weights
from agents.player import Kind, Player, PlayerInfo
from agents.training.dagger import DAgger, sharpened
from agents.training.fast import FastActorCriticPolicy, fast_policy_kwargs
from agents.training.lessons import LessonEnv
from agents.training.replay_buffer import AnswerBuffer
from agents.training.watch import Watch
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


class Explainer(Leaner):
    """Says which way it goes, and that an error costs more where it goes to the left."""

    def notes(self) -> np.ndarray:
        return np.array([self._way == LEFT, np.nan, 0.5], np.float32)

    def stake(self) -> float:
        return 8.0 if self._way == LEFT else 1.0


def learner(teacher: type[Leaner] = Leaner, **settings: object) -> DAgger:
    teachers: list[Player] = [teacher(RIGHT), teacher(LEFT)]
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
    assert buffer is not None
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


def test_what_the_teacher_notes_is_learned_besides() -> None:
    model = learner(Explainer, gradient_steps=8, steered_fraction=1.0, notes_weight=1.0)
    model.learn(1_000)
    assert model.notes_net is not None
    assert isinstance(model.replay_buffer, AnswerBuffer)
    batch = model.replay_buffer.answers(200)
    with torch.no_grad():
        told = model.notes_net(model.policy.extract_features(batch.observations)).sigmoid()  # type: ignore[operator]
    assert batch.notes[:, 1].isnan().all()
    assert ((told[:, 0] > 0.5) == (batch.notes[:, 0] > 0.5)).float().mean() > 0.8
    assert (told[:, 2] - 0.5).abs().mean() < 0.1
    assert "notes_net" not in " ".join(model.policy.state_dict()), "the agent has no such layer"


def test_teachers_that_explain_nothing_teach_as_before() -> None:
    model = learner(notes_weight=1.0, stakes=True)
    model.learn(64)
    assert model.notes_net is None


def test_where_answers_contradict_each_other_the_dearer_error_is_avoided() -> None:
    """Before the paddle has moved, nothing tells the two games apart."""
    model = learner(Explainer, gradient_steps=8, steered_fraction=1.0, stakes=True)
    model.learn(512)
    assert isinstance(model.env, LessonEnv)
    observations = model.env.reset()
    assert isinstance(observations, np.ndarray)
    actions, _ = model.predict(observations, deterministic=True)
    assert [model.env.rules.action_set[action] for action in actions] == [LEFT, LEFT]


def test_the_teacher_steers_the_beginnings_of_some_games() -> None:
    model = learner(steered=0.0, steered_fraction=0.0, prefixes=1.0, longest_prefix=1_000_000)
    model.learn(64)
    assert not model.agreed
    model = learner(steered=0.0, steered_fraction=0.0, prefixes=0.0)
    model.learn(64)
    assert len(model.agreed) == 64


def test_agreement_is_told_before_deaths_too(tmp_path: Path) -> None:
    model = learner(steered=0.0, steered_fraction=0.0, gradient_steps=1)
    model.learn(1_200)
    assert len(model.agreed_before_deaths) > 2
    assert all(0 <= share <= 1 for share in model.agreed_before_deaths)
    watch = Watch(
        tmp_path, {"seed": 0}, [], evaluate=lambda *_: 0.0, write_agent=lambda *_: None, checkpoint_every=64,
        evaluate_every=64,
    )  # fmt: skip
    watch.model = model
    assert re.fullmatch(r"agrees in \d+%, before deaths in \d+%", watch.agreement())
    model.agreed_before_deaths.clear()
    assert re.fullmatch(r"agrees in \d+%", watch.agreement())
    model.agreed.clear()
    assert watch.agreement() == ""
    watch.begin(model)
    assert json.loads((tmp_path / "run.json").read_text())["core_seconds"] >= 0
