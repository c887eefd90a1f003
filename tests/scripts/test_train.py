"""scripts/train.py as people run it: every algorithm, resuming, and what goes wrong."""

import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, NatureCNN
from tensorboard.backend.event_processing import event_accumulator
from train import main

from agents.load import load_player
from agents.packages import admit
from agents.packages.package import Sb3Network
from agents.training.checkpoints import checkpoints, read_checkpoint
from agents.training.dagger import DAgger
from agents.training.impala import ImpalaCNN
from agents.training.packing import pack_agent
from arena.engine.evaluate import play_seeds
from envs import find_game
from envs.rules import named_rules
from envs.training import TrainingEnv

ROOT = Path(__file__).resolve().parents[2]
SMALL = """
[ppo]
envs = 2
n_steps = 32
batch_size = 32
n_epochs = 2
learning_rate = "linear 2.5e-4"
clip_range = "linear 0.1"
adam_eps = 1e-5
[kickstart]
critic_steps = 64
ent_coef = 0.01
kl_fraction = 1.0
batch_size = 32
reward_scale = 10.0
[a2c]
envs = 2
n_steps = 5
use_rms_prop = true
[dqn]
envs = 2
buffer_size = 500
learning_starts = 40
batch_size = 8
target_update_interval = 30
train_freq = 4
gradient_steps = 2
[qrdqn]
envs = 2
buffer_size = 500
learning_starts = 40
batch_size = 8
train_freq = 4
gradient_steps = 2
[dagger]
envs = 2
buffer_size = 500
batch_size = 8
train_freq = 4
gradient_steps = 2
prefixes = 0.5
longest_prefix = 60
notes_weight = 1.0
stakes = true
"""
CLASSES = {"ppo": PPO, "a2c": A2C, "dqn": DQN, "qrdqn": QRDQN, "dagger": DAgger}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def command(config: Path, out: Path, *more: str, game: str = "pacman") -> list[str]:
    settings = ["--config", str(config), "--out", str(out), "--threads", "1", "--episodes", "1", "--device", "cpu"]
    return [sys.executable, "-W", "error", str(ROOT / "scripts" / "train.py"), game, *settings, *more]


def train(config: Path, out: Path, *more: str, game: str = "pacman", expect: int = 0) -> str:
    """What a run says, here in this process, since starting one takes longer than most of these runs."""
    said = io.StringIO()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.setattr("sys.argv", command(config, out, *more, game=game)[3:])
        patch.setattr("threading.excepthook", threading.excepthook)  # put back afterwards, too
        try:
            code = main()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    assert code == expect, said.getvalue()
    return said.getvalue()


def package(folder: Path, network: type[BaseFeaturesExtractor] = NatureCNN, seed: int = 0) -> str:
    """The path of an agent for Pac-Man that has learned nothing."""
    env = TrainingEnv(named_rules("pacman"), 2, threads=1)
    policy_kwargs = {"features_extractor_class": network, "features_extractor_kwargs": {"features_dim": 32}}
    model = PPO("CnnPolicy", env, n_steps=32, seed=seed, device="cpu", policy_kwargs=policy_kwargs | {"net_arch": []})
    path = folder / f"{network.__name__}-{seed}.zip"
    pack_agent(path, model.policy.state_dict(), find_game("pacman"), name=path.stem, algo="ppo", about={})
    return str(path)


def curve(folder: Path, tag: str) -> list[Any]:
    events = event_accumulator.EventAccumulator(str(folder))
    events.Reload()
    return events.Scalars(tag)


def length_of(out: Path) -> int:
    return json.loads((out / "run.json").read_text())["steps"]


@pytest.mark.parametrize("algo", CLASSES)
def test_a_run_leaves_an_agent_that_plays_and_a_model_that_plain_sb3_loads(
    algo: str, config: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    said = train(config, out, "--algo", algo, "--steps", "128", "--seed", "3")
    assert f"arena evaluate {out / 'agent.zip'} --game pacman" in said
    player = load_player(str(out / "agent.zip"), find_game("pacman"))
    rules = named_rules("pacman").varied(max_frames=400)
    assert [r.frames for r in play_seeds(player, rules, [1])] == [400]
    package = admit(out / "agent.zip")
    assert package.algorithm == algo
    assert package.training["seed"] == 3
    assert package.name == "run", "that of the folder"
    assert (out / "episodes.csv").read_text().splitlines()[0] == "steps,score,length,seconds"
    (score,) = curve(out / "tensorboard", "eval/score")
    assert score.step == package.training["steps"] == length_of(out)
    assert score.value == pytest.approx(package.training["practice_score"])
    assert (out / "agent.zip").stat().st_size <= 4 * 2**20 or algo == "qrdqn"
    plain = CLASSES[algo].load(checkpoints(out / "checkpoints")[-1] / "model.zip", device="cpu")
    assert type(plain.policy).__module__.split(".")[0] in ("stable_baselines3", "sb3_contrib")
    assert plain.num_timesteps >= 128


@contextmanager
def started(config: Path, out: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own, as people start it."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command(config, out, *more), env=environment, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("algo", [*CLASSES, "kickstart"])
def test_resuming_equals_not_having_stopped(algo: str, config: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    common = ["--checkpoint-every", "128", "--evaluate-every", "100000", "--steps", "256"]
    common += ["--from", package(tmp_path)] if algo == "kickstart" else ["--algo", algo]
    train(config, whole, *common)
    shutil.copytree(whole, parts)  # what a run leaves that is killed after 128 steps, with more games in its list
    last = checkpoints(parts / "checkpoints")[-1]
    assert len(checkpoints(parts / "checkpoints")) == 2
    shutil.rmtree(last)
    train(config, parts, *common, "--resume")
    assert_equal(whole, parts)


def test_a_killed_run_goes_on_as_if_nothing_had_been(config: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    common = ["--checkpoint-every", "128", "--evaluate-every", "100000", "--steps", "256"]
    train(config, whole, *common)
    with started(config, parts, *common, "--episodes", "1000") as process:
        while "128" not in str(checkpoints(parts / "checkpoints")):
            assert process.poll() is None
            time.sleep(0.01)
    train(config, parts, *common, "--resume")
    assert_equal(whole, parts)


def assert_equal(*runs: Path) -> None:
    """The two runs end with the same weights, counters and random states, and have played the same games."""
    ends = [read_checkpoint(checkpoints(run / "checkpoints")[-1]) for run in runs]
    assert ends[0]["counters"] == ends[1]["counters"]
    assert ends[0]["random"]["numpy"] == ends[1]["random"]["numpy"]
    games = [(run / "episodes.csv").read_text().splitlines() for run in runs]
    assert [row.rsplit(",", 1)[0] for row in games[0]] == [row.rsplit(",", 1)[0] for row in games[1]]
    for part in {"policy", "reference", "notes_net"} & ends[0].keys():
        for name, tensor in ends[0][part].items():
            torch.testing.assert_close(ends[1][part][name], tensor, rtol=0, atol=0, msg=name)


def test_ctrl_c_saves_and_says_how_to_go_on(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with started(config, out, "--steps", "100000", "--checkpoint-every", "64") as process:
        while not checkpoints(out / "checkpoints"):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Stopped. To go on:" in said
    stopped = int(checkpoints(out / "checkpoints")[-1].name.removeprefix("step-"))
    words = shlex.split(said.splitlines()[-1])
    assert words[0] == "python"
    assert words[-3:] == ["--resume", "--steps", "100032"]
    assert words[words.index("--checkpoint-every") + 1] == "64"
    assert words[1] == str(ROOT / "scripts" / "train.py")
    said = train(config, out, *words[3:-1], str(stopped + 64))
    assert f"Going on at {stopped:,} steps." in said


def test_ctrl_c_in_the_last_evaluation_leaves_it_to_the_next_run(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "Läufe von Ada" / "run"
    said = ""
    with started(config, out, "--steps", "50", "--episodes", "1000", "--name", "Ada's") as process:
        assert process.stdout is not None
        while "evaluating" not in said:
            said += (line := process.stdout.readline())
            assert line, said
        assert "Another run is under way in" in train(config, out, "--resume", expect=2)
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=120)[0]
    assert process.returncode == 130
    assert "(50 steps were asked for; with these settings it learns after every 64.)" in said
    assert "Stopped. To go on:" in said
    assert not (out / "agent.zip").exists()
    words = shlex.split(said.splitlines()[-1])
    assert words[-3:] == ["--resume", "--steps", "64"]
    said = train(config, out, *words[words.index("--name") :], "--episodes", "1")
    assert "evaluation at 64 steps" in said
    assert admit(out / "agent.zip").name == "Ada's"
    assert "learning_rate and clip_range fell to zero: a longer run is better begun anew" in said
    assert shlex.split(said.splitlines()[-1])[-4:] == ["--steps", "128", "--out", str(out) + "-longer"]
    assert "It has come to its end already" in train(config, out, "--resume")


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_good_one(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(config, out, "--steps", "64")
    before = {p: p.read_bytes() for p in sorted((out / "checkpoints").rglob("*")) if p.is_file()}
    # Files over 8 MB can't be written any more, as on a full disk: a checkpoint has 20.
    limited = f"ulimit -f 8192; exec {' '.join(command(config, out, '--steps', '128', '--resume'))}"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "warning: the checkpoint at 128 steps can't be written (" in done.stdout + done.stderr
    assert "error: At the end the checkpoint could not be written; make room, then go on from the" in done.stderr
    assert {p: p.read_bytes() for p in sorted((out / "checkpoints").rglob("*")) if p.is_file()} == before


def test_weights_that_become_nan_stop_the_run(config: Path, tmp_path: Path) -> None:
    wild = tmp_path / "wild.toml"
    wild.write_text(SMALL.replace('"linear 2.5e-4"', "1e30").replace("clip_range", "max_grad_norm = 1e30\nclip_range"))
    out = tmp_path / "run"
    train(config, out, "--steps", "64")
    good = {p: p.read_bytes() for p in sorted((out / "checkpoints").rglob("*")) if p.is_file()}
    said = train(wild, out, "--steps", "640", "--resume", expect=2)
    assert "the weights are NaN or beyond all bounds" in said
    assert "Traceback" not in said
    assert {p: p.read_bytes() for p in sorted((out / "checkpoints").rglob("*")) if p.is_file()} == good


def refusal(config: Path, out: Path, *more: str, game: str = "pacman") -> str:
    """The sentence with which a run is refused; it leaves no folder."""
    said = train(config, out, *more, game=game, expect=2)
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert not out.exists()
    return said


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--algo", "sac"), "no algorithm 'sac' here; expected one of ppo, a2c, dqn, qrdqn, dagger"),
        (("--algo", "dagger", "--teacher", "script:professor"), "no script 'professor'"),
        (("--algo", "dagger", "--teacher", "nobody"), "no agent 'nobody'"),
        (("--algo", "dagger", "--teacher", "breakout-quick"), "breakout-quick.zip"),
        (("--from", "script:steady"), "'script:steady' has no network to train further; let a pupil learn from it"),
        (("--from", "breakout-taught"), "this agent was trained for breakout, not for pacman (game-other)"),
        (("--from", "nobody"), "no agent 'nobody'"),
        (("--from", ""), "no agent ''"),
        (("--from", "pacman-taught", "--algo", "dqn"), "Only ppo and dagger go on from an agent, not dqn"),
        (("--from", "pacman-taught", "--frame-skip", "7"), "was trained with frame skip 4; go on with --frame-skip 4"),
        (("--from", "pacman-taught", "--from-recordings", "nowhere"), "leave out --from or --from-recordings"),
        (("--algo", "dagger", "--from-recordings", "nowhere"), "Only ppo and a2c can start from recordings"),
        (("--algo", "dqn", "--from-recordings", "nowhere"), "Only ppo and a2c can start from recordings"),
        (("--from-recordings", "nowhere"), "no recordings of pacman in nowhere"),
        (("--frame-skip", "0"), "Argument --frame-skip: expected a whole number from 1 to 4294967295, not '0'"),
        (("--device", "cuda"), "PyTorch finds no GPU here"),
        (("--resume",), "no checkpoint in"),
        (("--rules", "2min"), "no rules called '2min'"),
        (("--config", "nowhere.toml"), r"nowhere.toml can't be read"),
        (("--steps", "0"), "Argument --steps: expected a whole number from 1 to 4294967295, not '0'"),
        (("--seed", "-1"), "Argument --seed: expected a whole number from 0 to 4294967295, not '-1'"),
    ],
)
def test_bad_input_is_answered_in_one_sentence(more: tuple[str, ...], says: str, config: Path, tmp_path: Path) -> None:
    if "cuda" in more and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert says in refusal(config, tmp_path / "run", *more)


def test_an_unknown_game_is_answered_in_one_sentence(config: Path, tmp_path: Path) -> None:
    said = refusal(config, tmp_path / "run", game="packman")
    assert "packman" in said
    assert "ms_pacman" in said


@pytest.mark.parametrize(
    ("algo", "settings", "says"),
    [
        ("ppo", "[pacman.ppo]\nlearning_speed = 3\n", "give pacman.ppo a 'learning_speed', which it does not have"),
        ("ppo", "[imitation]\nepoch = 3\n", "The settings give imitation an 'epoch'"),
        ("ppo", "[pppo]\nn_steps = 64\n", "have a 'pppo', which names no game and no algorithm"),
        ("ppo", "[ppo]\nenvs = 0\n", "The settings give ppo envs = 0"),
        ("ppo", "[ppo]\nn_steps = 1\nenvs = 1\n", "more than envs times n_steps, which is 1"),
        ("ppo", "[ppo]\nuse_sde = true\n", "The settings for ppo"),
        ("ppo", "[steps]\npacman = -5\n", "The settings give steps pacman = -5"),
        ("ppo", '[ppo]\nextractor = "vgg"\n', "expected one of nature, impala"),
        ("dagger", "[dagger]\nbuffer_size = 900_000_000\n", "of memory are free. "),
        ("dqn", "[dqn]\nbuffer_size = 900_000_000\n", "of memory are free. "),
        ("ppo", "[ppo]\nn_steps = 900_000_000\n", "of memory are free. "),
    ],
)
def test_settings_that_cannot_be_used_are_refused(
    algo: str, settings: str, says: str, config: Path, tmp_path: Path
) -> None:
    config.write_text(settings)
    assert says in refusal(config, tmp_path / "run", "--algo", algo)


def test_a_run_in_the_way_is_refused_and_another_run_is_not_gone_on_with(config: Path, tmp_path: Path) -> None:
    train(config, tmp_path / "run", "--steps", "64")
    assert "already holds a run" in train(config, tmp_path / "run", "--steps", "64", expect=2)
    said = train(config, tmp_path / "run", "--steps", "128", "--resume", "--algo", "a2c", expect=2)
    assert "is of a run with the algo ppo, not a2c" in said
    config.write_text(SMALL.replace("[ppo]", '[ppo]\nextractor = "impala"'))
    said = train(config, tmp_path / "run", "--steps", "128", "--resume", expect=2)
    assert "give ppo extractor = 'impala', but the network that it goes on with has 'nature'" in said
    config.write_text(SMALL)
    said = train(config, tmp_path / "run", "--resume")
    assert "steps was" not in said, "a run keeps the length that was planned"


def test_a_checkpoint_from_before_there_were_frame_skips_goes_on(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(config, out, "--steps", "64", "--frame-skip", "4")
    (path,) = [folder / "state.pt" for folder in checkpoints(out / "checkpoints")[-1:]]
    state = torch.load(path, weights_only=True)
    known = {"game", "algo", "name", "seed", "rules", "steps", "settings", "imitates", "plain", "commit", "command"}
    state["about"] = {what: value for what, value in state["about"].items() if what in {*known, "best", "seconds"}}
    torch.save(state, path)
    said = train(config, out, "--steps", "128", "--resume", expect=2)
    assert "is of a run with frame skip 4; go on with --frame-skip 4." in said
    assert "Going on at 64 steps" in train(config, out, "--steps", "128", "--resume", "--frame-skip", "4")
    about = json.loads((out / "run.json").read_text())
    assert about["frame_skip"] == 4
    assert about["core_seconds"] > 0


@pytest.mark.parametrize("network", [NatureCNN, ImpalaCNN])
def test_going_on_from_an_agent(network: type[BaseFeaturesExtractor], config: Path, tmp_path: Path) -> None:
    start, out = package(tmp_path, network), tmp_path / "run"
    train(config, out, "--from", start, "--steps", "192", "--checkpoint-every", "64")
    before, after = admit(Path(start)), admit(out / "agent.zip")
    assert after.network.architecture == before.network.architecture  # type: ignore[union-attr]
    about = json.loads((out / "run.json").read_text())
    assert about["start"] == {"name": before.name, "sha256": before.sha256}
    critic_alone = torch.load(out / "snapshots" / "step-000000064.pt", weights_only=True)
    learned = torch.load(out / "snapshots" / "step-000000192.pt", weights_only=True)
    for name, tensor in before.network.tensors.items():  # type: ignore[union-attr]
        assert torch.equal(critic_alone[name].float(), torch.from_numpy(tensor)), name
        assert not torch.equal(learned[name], critic_alone[name]), name
    plain = PPO.load(checkpoints(out / "checkpoints")[-1] / "model.zip", device="cpu")
    assert type(plain.policy.features_extractor) is network
    said = train(config, out, "--from", package(tmp_path, seed=1), "--steps", "256", "--resume", expect=2)
    assert f"is of a run that began from another agent, {before.name}; leave out --from" in said
    assert "Going on at 192 steps" in train(config, out, "--steps", "256", "--resume")


def test_learning_from_recordings(config: Path, tmp_path: Path) -> None:
    from recordings.storage import save

    out = tmp_path / "run"
    train(config, out, "--steps", "64")
    rules = named_rules("pacman")
    player = load_player(str(out / "agent.zip"), find_game("pacman"))
    for recording in play_seeds(player, rules, [5, 6]):
        save(recording, tmp_path / "recorded")
    said = train(config, tmp_path / "taught", "--from-recordings", str(tmp_path / "recorded"), "--steps", "64")
    assert "imitation 6/6" in said
    about = json.loads((tmp_path / "taught" / "run.json").read_text())
    assert "--from-recordings" in about["command"]
    assert about["settings"]["critic_steps"] == 64, "then it goes on as from an agent"


def test_a_frame_skip_that_hides_something_is_warned_of_and_kept(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    said = train(config, out, "--steps", "64", "--frame-skip", "4")
    assert "warning: Pac-Man draws the ghosts by turns, in 4 frames; with frame skip 4, what is drawn in 2 of" in said
    assert admit(out / "agent.zip").frame_skip == 4
    again = ("--algo", "dagger", "--frame-skip", "4", "--from", str(out / "agent.zip"))
    train(config, tmp_path / "again", "--steps", "64", *again)
    assert "--frame-skip 4" in admit(tmp_path / "again" / "agent.zip").training["command"]


def test_a_pupil_with_an_impala_network(config: Path, tmp_path: Path) -> None:
    config.write_text(SMALL.replace("[dagger]", '[dagger]\nextractor = "impala"'))
    train(config, tmp_path / "run", "--algo", "dagger", "--steps", "16", "--rules", "5min")
    package = admit(tmp_path / "run" / "agent.zip")
    assert isinstance(package.network, Sb3Network)
    assert package.network.architecture.extractor == "impala"
    model = DAgger.load(checkpoints(tmp_path / "run" / "checkpoints")[-1] / "model.zip", device="cpu")
    assert type(model.policy.features_extractor).__name__ == "ImpalaCNN"
