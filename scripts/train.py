"""Train an agent: `python scripts/train.py breakout --algo ppo`.

Stable-Baselines3 does the learning; this file says with what. It reads from top to bottom and is meant to be copied and
changed. Everything a run makes lies in one folder (`--out`, by default `runs/GAME-ALGO-SEED`): `agent.zip`, the best
agent so far; `checkpoints/` to go on from; `episodes.csv` with the score of every game played; TensorBoard files.
"""

from __future__ import annotations

import argparse
import csv
import inspect
import json
import os
import shlex
import signal
import sys
import time
import tomllib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv
from tqdm import tqdm

from agents.checkpoints import check_sane, restart_games, restore, save_checkpoint, save_snapshot
from agents.cloning import imitate
from agents.dagger import DAgger, sharpened
from agents.fast import (
    FastActorCriticPolicy,
    FastImpalaCNN,
    FastNatureCNN,
    bfloat16_pays,
    fast_policy_kwargs,
    tune_process,
)
from agents.impala import ImpalaCNN
from agents.kickstart import Kickstart
from agents.lessons import LessonEnv
from agents.load import load_player
from agents.network_player import NetworkPlayer
from agents.networks import build_network, playing_weights
from agents.packages.architecture import EXTRACTORS, Architecture, read_architecture
from agents.packing import pack_agent
from agents.player import Kind, PlayerInfo
from agents.preprocessing import STACK, sight_for
from agents.replay_buffer import AnswerBuffer, FrameReplayBuffer
from agents.room import check_disk, check_memory
from agents.runs import carry_over, commit, curves, go_on, machine, newest_checkpoint, recipe
from agents.sb3 import Sb3Bot
from agents.starting import starting_agent
from arena.demonstrations import demonstrate, recordings_of
from arena.evaluate import play_seeds
from arena.seeds import practice_seeds
from envs import ArenaError, Game, find_game
from envs.rules import named_rules
from envs.training import TrainingEnv

ALGORITHMS: dict[str, type[BaseAlgorithm]] = {"ppo": PPO, "a2c": A2C, "dqn": DQN, "qrdqn": QRDQN, "dagger": DAgger}
DEFAULTS = Path(__file__).with_name("train.toml")
INTERRUPTED = 130
FEATURES = 256  # of an IMPALA network: what its authors chose


# -- settings ----------------------------------------------------------------------------------------------------------


def whole(low: int) -> Callable[[str], int]:
    """What argparse makes of a whole number from `low` on."""

    def read(text: str) -> int:
        number = int(text) if text.lstrip("-").isdecimal() else low - 1
        if not low <= number < 2**32:
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {2**32 - 1}, not {text!r}")
        return number

    return read


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description="Train an agent for one game with Stable-Baselines3.")
    options.add_argument("game", help="breakout, pacman, ms_pacman, space_invaders or another ROM that ale-py ships")
    options.add_argument("--algo", default="ppo", help=f"one of {', '.join(ALGORITHMS)} (default: ppo)")
    options.add_argument(
        "--steps", type=whole(1), help="length of the run; one step is four emulated frames, in Pac-Man three"
    )
    options.add_argument("--seed", type=whole(0), default=0)
    options.add_argument("--frame-skip", type=whole(1), metavar="N", help="frames per step (default: the game's own)")
    options.add_argument("--rules", default="5min", help="length of a game: 5min or 30min (default: 5min)")
    options.add_argument(
        "--config", type=Path, default=DEFAULTS, help="settings (default: train.toml beside this file)"
    )
    options.add_argument("--out", type=Path, help="folder of the run (default: runs/GAME-ALGO-SEED)")
    options.add_argument("--resume", action="store_true", help="go on from the newest checkpoint of the run")
    options.add_argument("--from-recordings", type=Path, metavar="DIR", help="first imitate the games recorded there")
    options.add_argument("--from", dest="start", metavar="AGENT", help="go on from this agent's policy (ppo, dagger)")
    options.add_argument("--teacher", default="script:steady", metavar="AGENT", help="whom --algo dagger learns from")
    options.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    options.add_argument("--threads", type=whole(1), default=os.cpu_count() or 1, help="processor cores to use")
    options.add_argument("--checkpoint-every", type=whole(1), default=100_000, metavar="STEPS")
    options.add_argument("--evaluate-every", type=whole(1), default=200_000, metavar="STEPS")
    options.add_argument("--episodes", type=whole(1), default=10, help="games per evaluation, on practice seeds")
    options.add_argument("--plain", action="store_true", help="SB3's own arithmetic: no bfloat16, no fused optimizer")
    return options


def read_config(path: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # ValueError: not TOML, or not UTF-8
        raise ArenaError(f"The settings in {path} can't be read: {error}.") from error
    for section, values in config.items():
        known = section in {*ALGORITHMS, "kickstart", "imitation", "steps"}
        known = known or (is_game(section) and isinstance(values, dict) and values.keys() <= {*ALGORITHMS, "kickstart"})
        if not known or not isinstance(values, dict):
            raise ArenaError(f"The settings in {path} have a {section!r}, which names no game and no algorithm.")
    return config


def is_game(name: str) -> bool:
    try:
        return find_game(name).name == name
    except ArenaError:
        return False


def check_device(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        raise ArenaError("--device cuda was asked for, but PyTorch finds no GPU here; use --device cpu or auto.")


def settings_for(config: dict[str, Any], algo: str, game: Game, *, kickstart: bool) -> dict[str, Any]:
    """The settings of `algo` for `game`: what it is given in general, then for the game; then, if it goes on from a
    policy, what that changes."""
    if algo not in ALGORITHMS:
        raise ArenaError(f"There is no algorithm {algo!r} here; expected one of {', '.join(ALGORITHMS)}.")
    settings: dict[str, Any] = {"envs": 8} | config.get(algo, {}) | config.get(game.name, {}).get(algo, {})
    known = {*inspect.signature(ALGORITHMS[algo].__init__).parameters, "envs", "extractor", "reward_scale", "adam_eps"}
    if (extractor := settings.get("extractor", "nature")) not in EXTRACTORS:
        raise ArenaError(f"The settings give {algo} the extractor {extractor!r}; known are {', '.join(EXTRACTORS)}.")
    if kickstart and algo == "ppo":
        settings |= {"soften": 1.0} | config.get("kickstart", {}) | config.get(game.name, {}).get("kickstart", {})
        known |= {*inspect.signature(Kickstart.__init__).parameters, "soften"}
    elif kickstart and algo == "dagger":  # it can play already, so the teacher need not show it how at first
        settings |= {"soften": settings.get("sharper", 1.0), "steered_fraction": 0.0, "learning_starts": 10_000}
        known.add("soften")
    elif kickstart:
        settings |= config.get("imitation", {}).get(algo, {})
    refuse_unknown(settings, algo, known)
    return settings


def imitation_settings(config: dict[str, Any]) -> dict[str, Any]:
    """How recordings are imitated, without what changes for the algorithm afterwards."""
    settings = {name: value for name, value in config.get("imitation", {}).items() if name not in ALGORITHMS}
    refuse_unknown(settings, "imitation", {*inspect.signature(imitate).parameters} - {"model", "shown", "seed"})
    return settings


def refuse_unknown(settings: dict[str, Any], whose: str, known: set[str]) -> None:
    if unknown := sorted(set(settings) - known):
        raise ArenaError(f"The settings give {whose} a {unknown[0]!r}, which it does not have.")


def schedule(value: Any) -> Any:
    """A number as it is; "linear 2.5e-4" as SB3's schedule from there to zero."""
    if isinstance(value, str) and value.startswith("linear "):
        start = float(value.removeprefix("linear "))
        return lambda remaining: remaining * start
    return value


# -- the model ---------------------------------------------------------------------------------------------------------


def make_games(args: argparse.Namespace, game: Game, count: int, reward_scale: float | None) -> VecEnv:
    """`count` games side by side; for dagger with a teacher each, who says what it would do."""
    rules = named_rules(game, args.rules)
    if args.algo == "dagger":
        return LessonEnv(
            rules, [load_player(args.teacher, game) for _ in range(count)], seed=args.seed, frame_skip=args.frame_skip
        )
    return TrainingEnv(
        rules, count, seed=args.seed, threads=args.threads, reward_scale=reward_scale, frame_skip=args.frame_skip
    )


def make_model(
    algo: type[BaseAlgorithm],
    env: VecEnv,
    settings: dict[str, Any],
    network: Architecture | None = None,
    *,
    seed: int,
    device: str,
    plain: bool,
) -> BaseAlgorithm:
    """An untrained SB3 model. `settings` are the arguments of its constructor, and `adam_eps`; without a `network`, it
    is SB3's NatureCNN."""
    settings = {name: schedule(value) for name, value in settings.items()}
    policy: Any = "CnnPolicy"
    optimizer = {"eps": settings.pop("adam_eps")} if "adam_eps" in settings else {}
    policy_kwargs: dict[str, Any] = {}
    impala = network is not None and network.extractor == "impala"
    if plain and impala:
        policy_kwargs = {"features_extractor_class": ImpalaCNN, "net_arch": []}
    elif not plain:
        on_gpu = device != "cpu" and torch.cuda.is_available()
        policy_kwargs = fast_policy_kwargs(
            FastImpalaCNN if impala else FastNatureCNN, half=bfloat16_pays(torch.device("cuda" if on_gpu else "cpu"))
        )
        if issubclass(algo, (PPO, A2C, DAgger)):
            policy = FastActorCriticPolicy
    if not plain and not settings.get("use_rms_prop"):
        optimizer["fused"] = True
    if network is not None:
        policy_kwargs.setdefault("features_extractor_kwargs", {})["features_dim"] = network.features
    if optimizer:
        policy_kwargs["optimizer_kwargs"] = optimizer
    if issubclass(algo, (DQN, QRDQN)) and not plain:
        settings["replay_buffer_class"] = FrameReplayBuffer
    return algo(policy, env, seed=seed, device=device, policy_kwargs=policy_kwargs, **settings)


def pictures_kept(algo: str, *, plain: bool) -> int:
    """Pictures that the replay buffer keeps of each step: SB3's own keeps both stacks."""
    return AnswerBuffer.PICTURES if algo == "dagger" else 8 if plain else FrameReplayBuffer.PICTURES


def learned(model: BaseAlgorithm) -> dict[str, torch.Tensor]:
    """The weights that go into a package."""
    state = model.policy.state_dict()
    return sharpened(state, model.sharper) if isinstance(model, DAgger) else state


def evaluate(model: BaseAlgorithm, game: Game, rules: str, episodes: int, frame_skip: int) -> float:
    """Mean score of whole games on practice seeds, by the arena's own engine, with weights as a package has them."""
    weights = playing_weights(learned(model))
    network = build_network(weights, len(named_rules(game).action_set))
    bot = Sb3Bot(network, draws="action_net.weight" in weights, fires=game.fires, sight=sight_for(game, frame_skip))
    player = NetworkPlayer(PlayerInfo("in training", Kind.BOT), bot)
    seeds = practice_seeds(episodes)
    return float(np.mean([recording.score for recording in play_seeds(player, named_rules(game, rules), seeds)]))


# -- what happens while it learns --------------------------------------------------------------------------------------


class Watch(BaseCallback):
    """Writes episodes, checkpoints and the best agent; shows progress.

    At a checkpoint all games start anew, seeded by the run's seed and the step count, in a run that goes on just as in
    one that is resumed there. That makes the two equal, bit for bit, on one machine.
    """

    def __init__(self, args: argparse.Namespace, out: Path, game: Game, about: dict[str, Any]) -> None:
        super().__init__()
        self.args, self.out, self.game, self.about = args, out, game, about
        self.scores: deque[float] = deque(maxlen=100)
        self.rows: list[tuple[float, ...]] = []
        self.stop = False
        """Set from outside: stop after the update that is under way."""
        self.stopped = False
        self.saved = True
        """Whether the last checkpoint could be written."""
        self.began, self.core_began = time.monotonic(), time.process_time()
        self.next_line = 0.0

    def _on_training_start(self) -> None:
        self.first_step = self.num_timesteps
        self.earlier_seconds = float(self.about.get("seconds", 0))
        self.earlier_core_seconds = float(self.about.get("core_seconds", 0))
        self._plan()
        self.bar = tqdm(
            total=self.about["steps"],
            initial=self.num_timesteps,
            unit="step",
            unit_scale=True,
            smoothing=0.05,
            disable=not sys.stderr.isatty(),
        )

    def _plan(self) -> None:
        self.next_checkpoint = (self.num_timesteps // self.args.checkpoint_every + 1) * self.args.checkpoint_every
        self.next_evaluation = (self.num_timesteps // self.args.evaluate_every + 1) * self.args.evaluate_every

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if (episode := info.get("episode")) is not None:
                self.scores.append(episode["r"])
                self.rows.append((self.num_timesteps, episode["r"], episode["l"], round(self.seconds(), 1)))
        return not self.stopped

    def _on_rollout_start(self) -> None:
        steps = self.model.num_timesteps
        if time.monotonic() > self.next_line:
            self.report()
        if steps >= self.next_evaluation:
            self.try_out()
        if steps >= self.next_checkpoint or self.stop:
            self.checkpoint()
            self.stopped = self.stop
        self._plan()

    def seconds(self) -> float:
        """Wall clock of the run so far, over all its resumptions."""
        return self.earlier_seconds + time.monotonic() - self.began

    def report(self) -> None:
        check_sane(self.model)
        score = f"{np.mean(self.scores):.1f}" if self.scores else "none yet"
        self.bar.update(self.num_timesteps - self.bar.n)
        self.bar.set_postfix(score=score + self.agreement())
        self.next_line = time.monotonic() + (60 if self.bar.disable else 1)
        if self.bar.disable and self.num_timesteps > self.first_step:
            pace = (self.num_timesteps - self.first_step) / max(time.monotonic() - self.began, 1e-9)
            left = max(0, self.about["steps"] - self.num_timesteps) / pace / 60
            line = f"{self.num_timesteps:>10,} steps {pace:6.0f}/s  score {score}  {left:.0f} min left"
            print(time.strftime("%H:%M:%S"), line + self.agreement(), flush=True)

    def agreement(self) -> str:
        """How often a pupil decided as its teacher would have, of late and in the moments before lost lives."""
        model = self.model
        if not isinstance(model, DAgger) or not model.agreed or not model.agreed_before_deaths:
            return ""
        return f", agrees in {np.mean(model.agreed):.0%}, before deaths in {np.mean(model.agreed_before_deaths):.0%}"

    def try_out(self) -> None:
        check_sane(self.model)
        score = evaluate(self.model, self.game, self.args.rules, self.args.episodes, self.args.frame_skip)
        self.model.logger.record("eval/score", score)
        best = self.about.get("best")
        better = best is None or score > best["score"]
        if better:
            self.about["best"] = {"score": score, "steps": self.num_timesteps}
            write_agent(self.out / "agent.zip", learned(self.model), self.game, self.about)
        tqdm.write(f"evaluation at {self.num_timesteps:,} steps: {score:.1f} points{', the best so far' * better}")

    def checkpoint(self) -> None:
        check_sane(self.model)
        self.about["seconds"] = round(self.seconds(), 1)
        self.about["core_seconds"] = round(self.earlier_core_seconds + time.process_time() - self.core_began, 1)
        try:
            save_checkpoint(self.out / "checkpoints", self.model, self.about)
            save_snapshot(self.out / "snapshots", self.model)
            (self.out / "run.json").write_text(json.dumps(self.about, indent=2) + "\n")
            with (self.out / "episodes.csv").open("a", newline="") as file:
                csv.writer(file).writerows(self.rows)
            self.rows.clear()
            self.saved = True
        except OSError as error:
            self.saved = False
            steps = f"{self.num_timesteps:,} steps"
            tqdm.write(f"warning: the checkpoint at {steps} can't be written ({error}); the last good one stays.")
        restart_games(self.model, self.about["seed"])

    def _on_training_end(self) -> None:
        if not self.stopped:
            self.try_out()
            self.checkpoint()
        self.report()
        self.bar.close()


def write_agent(path: Path, state: dict[str, torch.Tensor], game: Game, about: dict[str, Any]) -> None:
    training = {what: about[what] for what in ("seed", "rules", "commit", "command")}
    training |= {"steps": about["best"]["steps"], "practice_score": about["best"]["score"]}
    name, skip = f"{game.name}-{about['algo']}", about["frame_skip"]
    pack_agent(path, state, game, name=name, algo=about["algo"], about=training, frame_skip=skip)


# -- the run -----------------------------------------------------------------------------------------------------------


def train(args: argparse.Namespace) -> int:
    game = find_game(args.game)
    args.frame_skip = args.frame_skip or game.frame_skip
    out: Path = args.out or Path("runs") / f"{game.name}-{args.algo}-{args.seed}"
    resumed = newest_checkpoint(out, resume=args.resume)
    before: dict[str, Any] = resumed[1]["about"] if resumed else {}
    imitates: bool = before.get("imitates", args.from_recordings is not None)
    if args.start and args.algo not in ("ppo", "dagger"):
        raise ArenaError(f"Only ppo and dagger go on from an agent, not {args.algo}; leave out --algo, or --from.")
    start = starting_agent(args.start, game, args.frame_skip) if args.start else None
    kickstart = imitates or start is not None or "start" in before
    config = read_config(args.config)
    settings = settings_for(config, args.algo, game, kickstart=kickstart)
    imitation = imitation_settings(config)
    if start is not None and args.from_recordings:
        raise ArenaError("A run starts from an agent or from recordings; leave out --from or --from-recordings.")
    if args.from_recordings and args.algo not in ("ppo", "a2c"):
        raise ArenaError(
            "Only ppo and a2c can start from recordings: dqn and qrdqn learn values, dagger learns from its teacher."
        )
    check_device(args.device)
    about: dict[str, Any] = {
        "game": game.name,
        "algo": args.algo,
        "seed": args.seed,
        "rules": args.rules,
        "frame_skip": args.frame_skip,
        "steps": args.steps or before.get("steps") or config.get("steps", {}).get(game.name, 2_000_000),
        "settings": dict(settings),
        "imitates": imitates,
        "teacher": args.teacher if args.algo == "dagger" else "",
        "plain": args.plain,
        "commit": commit(),
    }
    about["command"] = recipe(args, about["steps"], DEFAULTS)
    if start is not None:
        about["start"] = {"name": start.name, "sha256": start.sha256}
    extractor = settings.pop("extractor", "nature")
    network = start.architecture if start is not None else None
    if network is None and extractor != "nature":
        network = Architecture(extractor, "action_net", STACK, FEATURES, len(named_rules(game).action_set))
    if resumed:
        carry_over(about, before, resumed[0])
        network = read_architecture({name: tuple(t.shape) for name, t in resumed[1]["policy"].items()})
    tune_process(args.threads)
    try:
        if "buffer_size" in settings:
            pictures = pictures_kept(args.algo, plain=args.plain)
            check_memory(settings["buffer_size"], pictures)
            check_disk(settings["buffer_size"], pictures, about["steps"], out)
        env = make_games(args, game, settings.pop("envs"), settings.pop("reward_scale", None))
        soften = settings.pop("soften", 1.0)
        algo = Kickstart if kickstart and args.algo == "ppo" else ALGORITHMS[args.algo]
        model = make_model(algo, env, settings, network, seed=args.seed, device=args.device, plain=args.plain)
    except (TypeError, ValueError, AssertionError) as error:
        raise ArenaError(f"The settings for {args.algo} in {args.config} can't be used: {error}.") from error
    about["machine"] = machine(model.device.type)
    print(f"{args.algo} learns {game.title} on {model.device.type}, {about['steps']:,} steps; Ctrl-C stops and saves.")
    if blind := game.hides(args.frame_skip):
        print(f"warning: {blind}")
    if resumed:
        restore(model, *resumed)
        restart_games(model, args.seed)
        print(f"Going on at {model.num_timesteps:,} steps.")
    elif imitates:
        shown = demonstrate(recordings_of(args.from_recordings, game), args.frame_skip)
        print(f"Imitating {len(shown):,} decisions.", flush=True)
        imitate(model, shown, seed=args.seed, **imitation)
    elif start is not None:
        model.policy.load_state_dict(start.softened(soften), strict=False)
    if isinstance(model, Kickstart) and not resumed:
        model.begin()
    watch = Watch(args, out, game, about)
    stop_politely(watch)
    try:
        out.mkdir(parents=True, exist_ok=True)
        model.set_logger(curves(out / "tensorboard"))
        (out / "run.json").write_text(json.dumps(about, indent=2) + "\n")
        model.learn(max(0, about["steps"] - model.num_timesteps), watch, reset_num_timesteps=not resumed)
    except OSError as error:
        raise ArenaError(f"{out} can't be written ({error}); the last good checkpoint stays for --resume.") from error
    except (ValueError, RuntimeError):
        check_sane(model)  # SB3 stumbles over NaN in its own ways
        raise
    if watch.stopped:
        where = "" if watch.saved else " from the last good checkpoint, if there is one"
        print(f"\nStopped. To go on{where}:\n    {go_on(args, about['steps'], parser())}")
        return INTERRUPTED
    agent = shlex.quote(str(out / "agent.zip"))
    print(f"\nThe best agent is {agent} ({about['best']['score']:.1f} points). What next:")
    print(f"    arena evaluate {agent} --game {game.name} --seeds 100")
    print(f"    arena watch {agent} --game {game.name}")
    print(f"    {go_on(args, 2 * about['steps'], parser())}")
    return 0


def stop_politely(watch: Watch) -> None:
    """On Ctrl-C, finish the update that is under way and write a checkpoint; on a second one, stop at once."""

    def on_signal(number: int, _frame: Any) -> None:
        if watch.stop:
            raise KeyboardInterrupt
        watch.stop = True
        tqdm.write("Stopping after this update; press Ctrl-C again to stop at once.")

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)


def main() -> int:
    try:
        return train(parser().parse_args())
    except ArenaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
