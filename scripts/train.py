"""Train an agent: `python scripts/train.py breakout --algo ppo`.

Stable-Baselines3 does the learning; this file says with what. It reads from top to bottom and is meant to be copied and
changed. Everything a run makes lies in one folder (`--out`, by default `runs/GAME-ALGO-SEED`): `agent.zip`, the best
agent so far; `checkpoints/` to go on from; `episodes.csv` with the score of every game played; TensorBoard files.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import activated  # noqa: F401  (first, so that a Python without libraries gets one sentence)
import numpy as np
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from agents.load import load_player
from agents.networks.player import NetworkPlayer
from agents.networks.preprocessing import preprocessing_for
from agents.networks.torch_networks import build_network, playing_weights
from agents.packages.architecture import read_architecture
from agents.player import Kind, PlayerInfo
from agents.training.checkpoints import check_sane, checkpoints, restart_games, restore
from agents.training.cloning import imitate
from agents.training.config import GAMES_SETTINGS, Config, read_config
from agents.training.dagger import DAgger, sharpened
from agents.training.fast import (
    FastActorCriticPolicy,
    FastImpalaCNN,
    FastNatureCNN,
    bfloat16_pays,
    fast_policy_kwargs,
    tune_process,
)
from agents.training.hyperparameters import check_together, schedule, steps_per_update, whole_updates
from agents.training.impala import ImpalaCNN
from agents.training.kickstart import Kickstart
from agents.training.lessons import LessonEnv
from agents.training.options import Options, algorithm, whole
from agents.training.packing import pack_agent
from agents.training.progress import counted
from agents.training.replay_buffer import FrameReplayBuffer
from agents.training.room import check_room
from agents.training.runs import (
    carry_over,
    commit,
    curves,
    go_on,
    held,
    machine,
    name_of,
    newest_checkpoint,
    read_episodes,
    recipe,
    what_next,
    write_about,
)
from agents.training.starting import check_start, starting_agent
from agents.training.watch import Watch, WatchedBot, stop_politely
from arena.archive.demonstrations import demonstrate, recordings_of
from arena.engine.evaluate import play_seeds
from arena.engine.seeds import practice_seeds
from envs import ArenaError, Game, find_game
from envs.errors import tidy
from envs.extras import require
from envs.names import check_name
from envs.rules import named_rules
from envs.training import TrainingEnv

ALGORITHMS: dict[str, type[BaseAlgorithm]] = {"ppo": PPO, "a2c": A2C, "dqn": DQN, "qrdqn": QRDQN, "dagger": DAgger}
DEFAULTS = Path(__file__).with_name("train.toml")
INTERRUPTED = 130


# -- settings ----------------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = Options(description="Train an agent for one game with Stable-Baselines3.")
    options.add_argument("game", help="breakout, pacman, ms_pacman, space_invaders or another ROM that ale-py ships")
    options.add_argument(
        "--algo", type=algorithm(ALGORITHMS), default="ppo", help=f"one of {', '.join(ALGORITHMS)} (default: ppo)"
    )
    options.add_argument(
        "--steps",
        type=whole(1),
        help="length of the run, as in 200000 or 2e5; a step is four emulated frames, in Pac-Man three",
    )
    options.add_argument("--seed", type=whole(0), default=0)
    options.add_argument("--frame-skip", type=whole(1), metavar="N", help="frames per step (default: the game's own)")
    options.add_argument("--rules", default="5min", help="length of a game: 5min or 30min (default: 5min)")
    options.add_argument(
        "--config", type=Path, default=DEFAULTS, help="settings (default: train.toml beside this file)"
    )
    options.add_argument("--out", type=Path, help="folder of the run (default: runs/GAME-ALGO-SEED)")
    options.add_argument("--name", type=check_name, help="the agent's name (default: that of the run's folder)")
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


def check_device(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        raise ArenaError("--device cuda was asked for, but PyTorch finds no GPU here; use --device cpu or auto.")


# -- the model ---------------------------------------------------------------------------------------------------------


def make_games(args: argparse.Namespace, game: Game, count: int, settings: dict[str, Any]) -> VecEnv:
    """`count` games side by side; for dagger with a teacher each, who says what it would do. Takes out of `settings`
    what is for the games."""
    chosen = {name: settings.pop(name) for name in GAMES_SETTINGS.keys() & settings.keys()}
    rules = named_rules(game, args.rules)
    if args.algo == "dagger":
        teachers = [load_player(args.teacher, game) for _ in range(count)]
        return LessonEnv(rules, teachers, seed=args.seed, frame_skip=args.frame_skip)
    return TrainingEnv(rules, count, seed=args.seed, threads=args.threads, frame_skip=args.frame_skip, **chosen)


def make_model(
    algo: type[BaseAlgorithm],
    env: VecEnv,
    settings: dict[str, Any],
    *,
    features: int | None = None,
    seed: int,
    device: str,
    plain: bool,
) -> BaseAlgorithm:
    """An untrained SB3 model. `settings` are the arguments of its constructor, `adam_eps` and `extractor` ("nature" if
    there is none); `features` is how many numbers the extractor hands to the heads, if not as many as usual."""
    impala = settings.get("extractor") == "impala"
    settings = {name: schedule(value) for name, value in settings.items() if name != "extractor"}
    policy: Any = "CnnPolicy"
    optimizer = {"eps": settings.pop("adam_eps")} if "adam_eps" in settings else {}
    policy_kwargs: dict[str, Any] = {}
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
    if features is not None:
        policy_kwargs.setdefault("features_extractor_kwargs", {})["features_dim"] = features
    if optimizer:
        policy_kwargs["optimizer_kwargs"] = optimizer
    if issubclass(algo, (DQN, QRDQN)) and not plain:
        settings["replay_buffer_class"] = FrameReplayBuffer
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        model = algo(policy, env, seed=seed, device=device, policy_kwargs=policy_kwargs, **settings)
    for note in notes:
        print(f"note: {tidy(note.message, 400)}")
    return model


def learned(model: BaseAlgorithm) -> dict[str, torch.Tensor]:
    """The weights that go into a package."""
    state = model.policy.state_dict()
    return sharpened(state, model.sharper) if isinstance(model, (DAgger, Kickstart)) else state


def evaluate(model: BaseAlgorithm, game: Game, args: argparse.Namespace, tell: Callable[[int], None]) -> float:
    """Mean score of whole games on practice seeds, by the arena's own engine, with weights as a package has them.

    `tell` is called at every decision, with the number of games that are over.
    """
    weights = playing_weights(learned(model))
    network = build_network(weights, len(named_rules(game).action_set))
    spec = preprocessing_for(game, args.frame_skip)
    bot = WatchedBot(network, draws="action_net.weight" in weights, fires=game.fires, spec=spec)
    scores: list[int] = []
    bot.decided = lambda: tell(len(scores))
    player = NetworkPlayer(PlayerInfo("in training", Kind.BOT), bot)
    for recording in play_seeds(player, named_rules(game, args.rules), practice_seeds(args.episodes)):
        scores.append(recording.score)
    return float(np.mean(scores))


def write_agent(path: Path, state: dict[str, torch.Tensor], game: Game, about: dict[str, Any]) -> None:
    training = {what: about[what] for what in ("seed", "rules", "commit", "command")}
    training |= {"steps": about["best"]["steps"], "practice_score": about["best"]["score"]}
    skip = about["frame_skip"]
    pack_agent(path, state, game, name=about["name"], algo=about["algo"], about=training, frame_skip=skip)


# -- the run -----------------------------------------------------------------------------------------------------------


def train(args: argparse.Namespace) -> int:
    require("A training run's curves", "tensorboard")
    game = find_game(args.game)
    named_rules(game, args.rules)
    args.frame_skip = args.frame_skip or game.frame_skip
    out: Path = args.out or Path("runs") / f"{game.name}-{args.algo}-{args.seed}"
    check_device(args.device)
    check_start(args.algo, args.start, args.from_recordings)
    config = read_config(args.config, ALGORITHMS)
    config.settings(args.algo, game, kickstart=args.from_recordings is not None or args.start is not None)
    with held(out):
        try:
            return train_in(out, args, game, config)
        except KeyboardInterrupt:
            on = f"To go on:\n    {go_on(args, args.steps, parser())}" if checkpoints(out / "checkpoints") else ""
            print(f"\nStopped at once. {on or 'Nothing has been written; the same command begins again.'}")
            return INTERRUPTED


def train_in(out: Path, args: argparse.Namespace, game: Game, config: Config) -> int:
    resumed = newest_checkpoint(out, resume=args.resume)
    before: dict[str, Any] = resumed[1]["about"] if resumed else {}
    done: int = resumed[1]["counters"]["num_timesteps"] if resumed else 0
    imitates: bool = before.get("imitates", args.from_recordings is not None)
    start = starting_agent(args.start, game, args.frame_skip) if args.start is not None else None
    recordings = recordings_of(args.from_recordings, game) if imitates and not resumed else []
    kickstart = imitates or start is not None or "start" in before
    settings = config.settings(args.algo, game, kickstart=kickstart)
    check_together(settings, args.algo, ALGORITHMS[args.algo], plain=args.plain)
    imitation, planned = config.imitation(), config.steps(game)
    asked = args.steps or before.get("steps") or planned
    update = steps_per_update(settings, ALGORITHMS[args.algo])
    about: dict[str, Any] = {
        "game": game.name,
        "algo": args.algo,
        "name": args.name or before.get("name") or name_of(out, f"{game.name}-{args.algo}-{args.seed}"),
        "seed": args.seed,
        "rules": args.rules,
        "frame_skip": args.frame_skip,
        "steps": whole_updates(asked, done, update),
        "settings": dict(settings),
        "imitates": imitates,
        "teacher": args.teacher if args.algo == "dagger" else "",
        "plain": args.plain,
        "commit": commit(),
    }
    about["command"] = recipe(args, about["steps"], DEFAULTS)
    if start is not None:
        about["start"] = {"name": start.name, "sha256": start.sha256}
    network = start.architecture if start is not None else None
    if resumed:
        network = read_architecture({name: tuple(t.shape) for name, t in resumed[1]["policy"].items()})
    if network is not None and settings.setdefault("extractor", network.extractor) != network.extractor:
        raise ArenaError(
            f"The settings give {args.algo} extractor = {settings['extractor']!r}, but the network that it goes on "
            f"with has {network.extractor!r}; take that setting out."
        )
    if resumed:
        carry_over(about, before, resumed[0])
    check_room(settings, ALGORITHMS[args.algo], plain=args.plain, steps=about["steps"], out=out)
    tune_process(args.threads)
    try:
        env = make_games(args, game, settings.pop("envs"), settings)
        soften = settings.pop("soften", 1.0)
        algo = Kickstart if kickstart and args.algo == "ppo" else ALGORITHMS[args.algo]
        features = network.features if network is not None else None
        how = {"features": features, "seed": args.seed, "device": args.device, "plain": args.plain}
        model = make_model(algo, env, settings, **how)
    except (TypeError, ValueError, AssertionError, MemoryError) as error:
        raise ArenaError(
            f"The settings for {args.algo} in {args.config} can't be used: {str(error).rstrip('.')}."
        ) from error
    about["machine"] = machine(model.device.type)
    print(f"{args.algo} learns {game.title} on {model.device.type}, {about['steps']:,} steps; Ctrl-C stops and saves.")
    if about["steps"] != asked:
        print(f"({asked:,} steps were asked for; with these settings it learns after every {update:,}.)")
    if settings.get("learning_starts", 0) >= about["steps"]:
        print(f"note: it learns nothing before step {settings['learning_starts']:,} (learning_starts in the settings)")
    if blind := game.hides(args.frame_skip):
        print(f"warning: {blind}")
    if resumed:
        restore(model, *resumed)
        restart_games(model, args.seed)
        print(f"Going on at {model.num_timesteps:,} steps.", flush=True)
    elif imitates:
        shown = demonstrate(counted(recordings, "replaying", "recording"), args.frame_skip)
        print(f"Imitating {len(shown):,} decisions.", flush=True)
        imitate(model, shown, seed=args.seed, **imitation)
    elif start is not None:
        model.policy.load_state_dict(start.softened(soften), strict=False)
    if isinstance(model, Kickstart) and not resumed:
        model.begin()
    watch = Watch(
        out,
        about,
        read_episodes(out / "episodes.csv", until=done),
        evaluate=lambda model, tell: evaluate(model, game, args, tell),
        write_agent=lambda path, model: write_agent(path, learned(model), game, about),
        checkpoint_every=args.checkpoint_every,
        evaluate_every=args.evaluate_every,
    )
    stop_politely(watch)
    try:
        if not resumed:
            watch.begin(model)
        model.set_logger(curves(out / "tensorboard"))
        write_about(out, about)
        if before.get("evaluated") == about["steps"] == done:
            print("It has come to its end already; give more --steps to go on.")
        else:
            model.learn(about["steps"] - done, watch, reset_num_timesteps=False)
    except OSError as error:
        raise ArenaError(f"{out} can't be written ({error}); the last good checkpoint stays for --resume.") from error
    except (ValueError, RuntimeError):
        check_sane(model)  # SB3 stumbles over NaN in its own ways
        raise
    if watch.unsaved:
        what = " and ".join(watch.unsaved)
        raise ArenaError(
            f"At the end {what} could not be written; make room, then go on from the last good checkpoint: "
            f"{go_on(args, about['steps'], parser())}"
        )
    if watch.stopped:
        print(f"\nStopped. To go on:\n    {go_on(args, about['steps'], parser())}")
        return INTERRUPTED
    print(f"\n{what_next(args, about, out, parser())}")
    return 0


def main() -> int:
    try:
        return train(parser().parse_args())
    except ArenaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped at once. Nothing has been written.")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
