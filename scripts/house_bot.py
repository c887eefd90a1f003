"""Make a house bot of a training run: its package, its card and its learning curve, in `agents/zoo/`.

    python scripts/house_bot.py runs/breakout-ppo-0 --name breakout-quick --step 300000

The card's scores are of games that had no say in choosing the bot: practice seeds from 1,000 on, where training
evaluates on those from 0 on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.load import ZOO
from agents.training.dagger import sharpened
from agents.training.packing import pack_agent
from agents.training.runs import read_episodes
from arena.engine.evaluate import evaluate
from arena.engine.seeds import practice_seeds
from arena.stats.comparison import Summary, summary
from envs import ArenaError, End, Game, find_game
from envs.extras import require
from envs.games import FPS, HUMAN, TESTER
from envs.rules import CLASSES, named_rules

FIRST_SEED = 1_000
BASELINES = ("script:random", "script:basic")
BASELINE_EPISODES = 20
LIMITS = ((0.0, 0.842), (0.013, 0.987), (0.158, 1.0))
"""Clopper and Pearson's 95 % bounds for 0, 1 and 2 of 2."""
MOST_DOTS, MOST_POINTS = 120, 100
"""Of the games and of their mean in the curve: the picture stays small and looks the same."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder that scripts/train.py made")
    parser.add_argument("--name", required=True, help="the bot's name: its game, a dash and a word")
    parser.add_argument("--step", type=int, help="take the snapshot nearest to this step (default: the newest)")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--out", type=Path, default=ZOO, help="folder to write to (default: agents/zoo)")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    args = parser.parse_args()
    snapshots = {int(path.stem.removeprefix("step-")): path for path in (args.run / "snapshots").glob("step-*.pt")}
    if not snapshots:
        parser.error(f"{args.run} holds no snapshots of a run of scripts/train.py")
    about = json.loads((args.run / "run.json").read_text())
    game = find_game(about["game"])
    step = max(snapshots) if args.step is None else min(snapshots, key=lambda s: abs(s - args.step))
    state = torch.load(snapshots[step], weights_only=True)
    state = sharpened(state, about["settings"].get("sharper", 1.0))
    curve = read_episodes(args.run / "episodes.csv")
    seconds = max((row[3] for row in curve if row[0] <= step), default=0.0)
    training = {key: about[key] for key in ("command", "commit", "seed", "rules")}
    skip = about.get("frame_skip", 4)
    training |= {"steps": step, "emulated_frames": skip * step, "seconds": round(seconds)}
    if "core_seconds" in about:  # of the whole run; at an earlier step, its share of the wall clock
        training["core_hours"] = round(about["core_seconds"] / 3600 * min(1, seconds / about["seconds"]), 3)
    package = args.out / f"{args.name}.zip"
    pack_agent(package, state, game, name=args.name, algo=about["algo"], about=training, frame_skip=skip)
    scores = play_both(str(package), game, args)
    draw(curve, step, game, package.with_suffix(".svg"))
    package.with_suffix(".md").write_text(card(args.name, game, about, training, scores, baselines(game, args)))
    print(package.with_suffix(".md").read_text())


def play_both(agent: str, game: Game, args: argparse.Namespace) -> dict[str, tuple[Summary, int]]:
    """Scores under both lengths of a game, with the number of games that reached the frame limit.

    A game that was over within five minutes is the same game under the thirty-minute rules, so only the others are
    played again.
    """
    seeds = practice_seeds(args.episodes, FIRST_SEED)
    short = {r.seed: r for r in evaluate(agent, named_rules(game, "5min"), seeds, args.processes)}
    cut = [seed for seed in seeds if short[seed].end is End.TRUNCATED]
    long = dict(short)
    if cut:
        long |= {r.seed: r for r in evaluate(agent, named_rules(game, "30min"), cut, args.processes)}
    played = {"5min": short, "30min": long}
    limit = CLASSES
    return {
        name: (
            summary([r.score for r in games.values()]),
            sum(r.frames >= limit[name] for r in games.values()),
        )
        for name, games in played.items()
    }


def baselines(game: Game, args: argparse.Namespace) -> dict[str, list[float]]:
    """Mean scores and intervals of the scripts under the five-minute rules, played once per game and kept in a file."""
    path = ZOO / "baselines.json"
    known: dict[str, dict[str, list[float]]] = json.loads(path.read_text()) if path.exists() else {}
    mine = known.setdefault(game.name, {})
    for agent in [one for one in BASELINES if one not in mine]:
        seeds = practice_seeds(BASELINE_EPISODES, FIRST_SEED)
        games = evaluate(agent, named_rules(game, "5min"), seeds, args.processes)
        one = summary([recording.score for recording in games])
        mine[agent] = [one.mean, one.low or one.mean, one.high or one.mean]
        path.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
    return mine


def draw(curve: list[tuple[float, ...]], step: int, game: Game, path: Path) -> None:
    """The score of every game played in training, and its running mean."""
    require("The curve on the card", "matplotlib")
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = path.stem  # the same curve gives the same bytes
    matplotlib.rcParams["svg.fonttype"] = "none"  # text as text, not as outlines
    steps, scores = np.array([row[:2] for row in curve if row[0] <= step]).reshape(-1, 2).T
    figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    if len(scores):  # else no game was over yet
        window = min(len(scores), max(10, len(scores) // 50))
        mean = np.convolve(scores, np.ones(window) / window, mode="valid")
        dots, line = (slice(None, None, -(-len(scores) // most)) for most in (MOST_DOTS, MOST_POINTS))
        axes.plot(steps[dots], scores[dots], ".", markersize=2, color="#9db4c8", label="one game")
        axes.plot(steps[window - 1 :][line], mean[line], color="#1f4e79", label=f"mean of {window} games")
        axes.legend(frameon=False)
    axes.set(title=f"{game.title}: games played in training", xlabel="steps", ylabel="points")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def card(
    name: str,
    game: Game,
    about: dict[str, Any],
    training: dict[str, Any],
    scores: dict[str, tuple[Summary, int]],
    others: dict[str, list[float]],
) -> str:
    frames = training["emulated_frames"]
    falls = "; the learning rate falls to zero at that point" * (
        "linear" in str(about["settings"].get("learning_rate"))
    )
    settings = ", ".join(f"{name} {value}" for name, value in about["settings"].items())
    lines = [
        f"# {name}",
        "",
        f"Plays {game.title}. {learned(about)} It sees the picture alone and plays by the arena's rules: sticky "
        "actions, whole games, no hidden no-ops.",
        "",
        "| | |",
        "|---|---|",
        f"| command | `python scripts/{about['command']}` |",
        f"| commit | {about['commit']} |",
        f"| seed | {about['seed']} |",
        f"| training | {training['steps']:,} steps, {frames:,} emulated frames ({frames / FPS / 3600:.1f} hours) |",
        f"| planned length | {about['steps']:,} steps{falls} |",
        f"| wall clock | {training['seconds'] / 60:.0f} minutes, evaluations and checkpoints included |",
        *([f"| processor time | {training['core_hours']:.2f} core-hours |"] if "core_hours" in training else []),
        f"| machine | {about['machine']} |",
        f"| settings | {settings} |",
        "",
        f"Scores of {scores['5min'][0].n} games on practice seeds {FIRST_SEED:,} to "
        f"{FIRST_SEED + scores['5min'][0].n - 1:,}:",
        "",
        "| rules | mean | 95 % interval | median | best | games cut off |",
        "|---|---|---|---|---|---|",
    ]
    for rules, (one, cut) in scores.items():
        low, high = one.low or one.mean, one.high or one.mean
        lines.append(
            f"| {rules} | {one.mean:,.1f} | {low:,.1f} to {high:,.1f} | {one.median:,.0f} | {one.maximum:,.0f} "
            f"| {cut} |"
        )
    lines += ["", f"The scripts, on the first {BASELINE_EPISODES} of these seeds under the five-minute rules:", ""]
    lines += [f"- {agent}: {mean:,.1f} ({low:,.1f} to {high:,.1f})" for agent, (mean, low, high) in others.items()]
    lines += ["", people(game, scores["5min"][0].mean)]
    if game.references:
        lines += ["", "Scores of others, under their own conditions:", ""]
        lines += [f"- {r.who}: {r.score:,} ({r.conditions}; {r.source})" for r in game.references]
    else:
        lines += ["", f"No published scores of people or agents in ALE's {game.title} were found."]
    lines += ["", f"![learning curve]({name}.svg)", ""]
    return "\n".join(lines)


def people(game: Game, mean: float) -> str:
    """Return a sentence about people: what the published scores of two allow to say, and no more.

    If `below` of two are below the bot, the share of such people who are lies between Clopper and Pearson's bounds with
    95 % confidence; people who have practised less than those two are not among them.
    """
    known = [r for who in (HUMAN, TESTER) if (r := game.reference(who)) is not None]
    if not known:
        return "How many people it beats isn't known: nobody's score is published."
    below = sum(r.score < mean for r in known)
    low, high = LIMITS[below]
    return (
        f"Of the {len(known)} people whose mean is published (both had practised), it is above {below}. Two say "
        f"little: with 95 % confidence, {low:.0%} to {high:.0%} of people like them score less than it."
    )


def learned(about: dict[str, Any]) -> str:
    """Return in a sentence how it learned."""
    likeliest = " It nearly always takes the action that it holds most likely." * (
        about["settings"].get("sharper", 1.0) > 1
    )
    if about["algo"] == "dagger":
        began = f" It went on from the house bot {about['start']['name']}." if "start" in about else ""
        besides = " Besides, it learned to tell what that player had seen." * bool(
            about["settings"].get("notes_weight")
        )
        steered = "one in ten" if "start" in about else "at first all, later one in ten"
        steered += ", and the beginnings of one in four" * bool(about["settings"].get("prefixes"))
        return (
            f"Taught by `{about['teacher']}` with DAgger: in every situation that it came into it learned what that "
            "player would have done, and nothing from the score (Stable-Baselines3 `CnnPolicy`)."
            f"{besides}{began}{likeliest} While it learned, the teacher steered some of the games that the curve "
            f"shows: {steered}."
        )
    before = "after imitating recordings " * bool(about.get("imitates"))
    if start := about.get("start"):
        before = f"going on from `{start['name']}` (SHA-256 {start['sha256'][:12]}), to which it was held at first "
    return f"Trained with {about['algo'].upper()} {before}(Stable-Baselines3 `CnnPolicy`).{likeliest}"


if __name__ == "__main__":
    try:
        main()
    except ArenaError as error:
        sys.exit(f"error: {error}")
