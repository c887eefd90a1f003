"""Train an agent: `python scripts/train.py breakout --algo ppo`.

Stable-Baselines3 does the learning; this file says with what. It reads from top to bottom and is meant to be copied and
changed. Everything a run makes lies in one folder (`--out`, by default `runs/GAME-ALGO-SEED`): `agent.zip`, the best
agent so far; `checkpoints/` to go on from; `episodes.csv` with the score of every game played; TensorBoard files.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from agents.checkpoints import check_sane, checkpoints, restart_games, restore
from agents.cloning import imitate
from agents.dagger import DAgger, sharpened
from agents.fast import FastActorCriticPolicy, bfloat16_pays, fast_policy_kwargs, tune_process
from agents.hyperparameters import (
    check_settings,
    check_together,
    falling,
    schedule,
    steps_per_update,
    whole_updates,
)  # fmt: skip
from agents.lessons import LessonEnv
from agents.load import load_player
from agents.network_player import NetworkPlayer
from agents.networks import build_network, playing_weights
from agents.options import Options, algorithm, whole
from agents.packing import pack_agent
from agents.player import Kind, PlayerInfo
from agents.progress import Progress
from agents.replay_buffer import AnswerBuffer, FrameReplayBuffer
from agents.runs import (
    begin_anew,
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
    write_about,
)
from agents.watch import Watch, WatchedBot, stop_politely
from arena.demonstrations import demonstrate, recordings_of
from arena.evaluate import play_seeds
from arena.seeds import practice_seeds
from envs import ArenaError, Game, find_game
from envs.errors import tidy
from envs.names import check_name
from envs.rules import named_rules
from envs.text_files import read_toml
from envs.training import TrainingEnv
from recordings.recording import Recording

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
    options.add_argument("--steps", type=whole(1), help="length of the run, as in 200000 or 2e5; a step is 4 frames")
    options.add_argument("--seed", type=whole(0), default=0)
    options.add_argument("--rules", default="5min", help="length of a game: 5min or 30min (default: 5min)")
    options.add_argument(
        "--config", type=Path, default=DEFAULTS, help="settings (default: train.toml beside this file)"
    )
    options.add_argument("--out", type=Path, help="folder of the run (default: runs/GAME-ALGO-SEED)")
    options.add_argument("--name", type=check_name, help="the agent's name (default: that of the run's folder)")
    options.add_argument("--resume", action="store_true", help="go on from the newest checkpoint of the run")
    options.add_argument("--from-recordings", type=Path, metavar="DIR", help="first imitate the games recorded there")
    options.add_argument("--teacher", default="script:steady", metavar="AGENT", help="whom --algo dagger learns from")
    options.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    options.add_argument("--threads", type=whole(1), default=os.cpu_count() or 1, help="processor cores to use")
    options.add_argument("--checkpoint-every", type=whole(1), default=100_000, metavar="STEPS")
    options.add_argument("--evaluate-every", type=whole(1), default=200_000, metavar="STEPS")
    options.add_argument("--episodes", type=whole(1), default=10, help="games per evaluation, on practice seeds")
    options.add_argument("--plain", action="store_true", help="SB3's own arithmetic: no bfloat16, no fused optimizer")
    return options


def read_config(path: Path) -> dict[str, Any]:
    config = read_toml(path)
    for section, values in config.items():
        known = section in {*ALGORITHMS, "imitation", "steps"}
        known = known or (is_game(section) and isinstance(values, dict) and values.keys() <= ALGORITHMS.keys())
        if not known:
            raise ArenaError(f"The settings in {path} have a {section!r}, which names no game and no algorithm.")
        tables = [values, *(values.get(algo, {}) for algo in ALGORITHMS if isinstance(values, dict))]
        if not all(isinstance(table, dict) for table in tables):
            raise ArenaError(f"The settings in {path} have a value for {section}; expected a section of settings.")
    return config


def is_game(name: str) -> bool:
    try:
        return find_game(name).name == name
    except ArenaError:
        return False


def check_device(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        raise ArenaError("--device cuda was asked for, but PyTorch finds no GPU here; use --device cpu or auto.")


def settings_for(config: dict[str, Any], algo: str, game: Game, *, imitates: bool) -> dict[str, Any]:
    """The settings of `algo` for `game`: what it is given in general, then for the game, then after imitation."""
    parts = [config.get(algo, {}), config.get(game.name, {}).get(algo, {})]
    if imitates:
        parts.append(config.get("imitation", {}).get(algo, {}))
    settings: dict[str, Any] = {"envs": 8}
    for part in parts:
        settings |= check_settings(part, algo, ALGORITHMS[algo].__init__, envs=int, adam_eps=float)
    return settings


def planned_steps(config: dict[str, Any], game: Game) -> int:
    """The length of a run if nobody says another."""
    lengths = config.get("steps", {})
    games = {name: int for name in lengths if is_game(name)} or {game.name: int}
    return int(check_settings(lengths, "steps", **games).get(game.name, 2_000_000))


def imitation_settings(config: dict[str, Any]) -> dict[str, Any]:
    """How recordings are imitated, without what changes for the algorithm afterwards."""
    settings = {name: value for name, value in config.get("imitation", {}).items() if name not in ALGORITHMS}
    return check_settings(settings, "imitation", imitate)


# -- the model ---------------------------------------------------------------------------------------------------------


def make_games(args: argparse.Namespace, game: Game, count: int) -> VecEnv:
    """`count` games side by side; for dagger with a teacher each, who says what it would do."""
    rules = named_rules(game, args.rules)
    if args.algo == "dagger":
        return LessonEnv(rules, [load_player(args.teacher, game) for _ in range(count)], seed=args.seed)
    return TrainingEnv(rules, count, seed=args.seed, threads=args.threads)


def make_model(
    algo: str, env: VecEnv, settings: dict[str, Any], *, seed: int, device: str, plain: bool
) -> BaseAlgorithm:
    """An untrained SB3 model. `settings` are the arguments of its constructor, and `adam_eps`."""
    settings = {name: schedule(value) for name, value in settings.items()}
    policy: Any = "CnnPolicy"
    optimizer = {"eps": settings.pop("adam_eps")} if "adam_eps" in settings else {}
    policy_kwargs: dict[str, Any] = {}
    if not plain:
        on_gpu = device != "cpu" and torch.cuda.is_available()
        policy_kwargs = fast_policy_kwargs(half=bfloat16_pays(torch.device("cuda" if on_gpu else "cpu")))
        if algo in ("ppo", "a2c", "dagger"):
            policy = FastActorCriticPolicy
        if not settings.get("use_rms_prop"):
            optimizer["fused"] = True
    if optimizer:
        policy_kwargs["optimizer_kwargs"] = optimizer
    if algo in ("dqn", "qrdqn") and not plain:
        settings["replay_buffer_class"] = FrameReplayBuffer
    if algo == "dagger":
        settings["replay_buffer_class"] = AnswerBuffer
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        model = ALGORITHMS[algo](policy, env, seed=seed, device=device, policy_kwargs=policy_kwargs, **settings)
    for note in notes:
        print(f"note: {tidy(note.message, 400)}")
    return model


def learned(model: BaseAlgorithm) -> dict[str, torch.Tensor]:
    """The weights that go into a package."""
    state = model.policy.state_dict()
    return sharpened(state, model.sharper) if isinstance(model, DAgger) else state


def evaluate(model: BaseAlgorithm, game: Game, args: argparse.Namespace, tell: Callable[[int], None]) -> float:
    """Mean score of whole games on practice seeds, by the arena's own engine, with weights as a package has them.

    `tell` is called at every decision, with the number of games that are over.
    """
    weights = playing_weights(learned(model))
    network = build_network(weights, len(named_rules(game).action_set))
    bot = WatchedBot(network, draws="action_net.weight" in weights, fires=game.fires)
    scores: list[int] = []
    bot.decided = lambda: tell(len(scores))
    player = NetworkPlayer(PlayerInfo("in training", Kind.BOT), bot)
    for recording in play_seeds(player, named_rules(game, args.rules), practice_seeds(args.episodes)):
        scores.append(recording.score)
    return float(np.mean(scores))


def write_agent(path: Path, state: dict[str, torch.Tensor], game: Game, about: dict[str, Any]) -> None:
    training = {what: about[what] for what in ("seed", "rules", "commit", "command")}
    training |= {"steps": about["best"]["steps"], "practice_score": about["best"]["score"]}
    pack_agent(path, state, game, name=about["name"], algo=about["algo"], about=training)


# -- the run -----------------------------------------------------------------------------------------------------------


def train(args: argparse.Namespace) -> int:
    game = find_game(args.game)
    named_rules(game, args.rules)
    out: Path = args.out or Path("runs") / f"{game.name}-{args.algo}-{args.seed}"
    check_device(args.device)
    config = read_config(args.config)
    settings_for(config, args.algo, game, imitates=args.from_recordings is not None)
    with held(out):
        try:
            return train_in(out, args, game, config)
        except KeyboardInterrupt:
            on = f"To go on:\n    {go_on(args, args.steps, parser())}" if checkpoints(out / "checkpoints") else ""
            print(f"\nStopped at once. {on or 'Nothing has been written; the same command begins again.'}")
            return INTERRUPTED


def train_in(out: Path, args: argparse.Namespace, game: Game, config: dict[str, Any]) -> int:
    resumed = newest_checkpoint(out, resume=args.resume)
    before: dict[str, Any] = resumed[1]["about"] if resumed else {}
    done: int = resumed[1]["counters"]["num_timesteps"] if resumed else 0
    imitates: bool = before.get("imitates", args.from_recordings is not None)
    settings = settings_for(config, args.algo, game, imitates=imitates)
    check_together(settings, args.algo, ALGORITHMS[args.algo], plain=args.plain)
    imitation = imitation_settings(config)
    if args.from_recordings and args.algo not in ("ppo", "a2c"):
        raise ArenaError(
            "Only ppo and a2c can start from recordings: dqn and qrdqn learn values, dagger learns from its teacher."
        )
    planned = planned_steps(config, game)
    asked = args.steps or before.get("steps") or planned
    update = steps_per_update(settings, ALGORITHMS[args.algo])
    about: dict[str, Any] = {
        "game": game.name,
        "algo": args.algo,
        "name": args.name or before.get("name") or name_of(out, f"{game.name}-{args.algo}-{args.seed}"),
        "seed": args.seed,
        "rules": args.rules,
        "steps": whole_updates(asked, done, update),
        "settings": dict(settings),
        "imitates": imitates,
        "teacher": args.teacher if args.algo == "dagger" else "",
        "plain": args.plain,
        "commit": commit(),
    }
    about["command"] = recipe(args, about["steps"], DEFAULTS)
    if resumed:
        carry_over(about, before, resumed[0])
    tune_process(args.threads)
    try:
        env = make_games(args, game, settings.pop("envs"))
        model = make_model(args.algo, env, settings, seed=args.seed, device=args.device, plain=args.plain)
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
    if resumed:
        restore(model, *resumed)
        restart_games(model, args.seed)
        print(f"Going on at {model.num_timesteps:,} steps.", flush=True)
    elif imitates:
        shown = demonstrate(told(recordings_of(args.from_recordings, game)))
        print(f"Imitating {len(shown):,} decisions.", flush=True)
        imitate(model, shown, seed=args.seed, **imitation)
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
    agent = shlex.quote(str(out / "agent.zip"))
    print(f"\nThe best agent is {agent} ({about['best']['score']:.1f} points). What next:")
    print(f"    arena evaluate {agent} --game {game.name} --seeds 100")
    print(f"    arena watch {agent} --game {game.name}")
    if names := falling(settings):
        print(f"{' and '.join(names)} fell to zero: a longer run is better begun anew than gone on with.")
        print(f"    {begin_anew(args, 2 * about['steps'], out.with_name(out.name + '-longer'), parser())}")
    else:
        print(f"    {go_on(args, 2 * about['steps'], parser())}")
    return 0


def told(recordings: list[Recording]) -> Iterator[Recording]:
    """The recordings, while it is shown how many have been replayed."""
    progress = Progress("replaying", len(recordings), "recording")
    for count, recording in enumerate(recordings):
        progress.show(count)
        yield recording
    progress.close(len(recordings))


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
