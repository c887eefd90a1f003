"""`arena match` and `arena evaluate`: play, record, verify, book."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, cast

import typer

from agents.delay import delayed, delayed_name
from agents.load import load_player
from agents.player import PlayerInfo
from arena.commands.evaluation import Checks, as_json, classes_of, print_classes
from arena.commands.opening import fail_on_mismatch, games_text, opened, publish_with_progress
from arena.commands.options import (
    DatabaseOption,
    EventOption,
    FirstSeedOption,
    GameArgument,
    JsonOption,
    ProcessesOption,
    RulesOption,
    SeedsOption,
    whole,
)
from arena.commands.progress import progress_bar
from arena.commands.tables import print_evaluation, print_json, print_match, verified
from arena.diagnostics.integrity import open_loop, rerun
from arena.engine.cluster import evaluate_on
from arena.engine.evaluate import PLAIN, Handling, load
from arena.engine.evaluate import evaluate as evaluate_agent
from arena.engine.match import Match, RecordingObserver, observed
from arena.engine.seeds import fresh_seeds, practice_seeds
from arena.event.evaluation_plan import write_plan
from arena.event.folder import Event
from arena.scoreboard.publish import Publication, keep
from envs.errors import AgentError, ArenaError
from envs.extras import require
from envs.games import Game, find_game
from envs.rules import Rules, named_rules
from recordings.codec import SUFFIX
from recordings.recording import Recording


def match(
    game: GameArgument,
    player: Annotated[
        list[str],
        typer.Option(
            "--player",
            metavar="AGENT",
            help="script:NAME, a house bot's name, or the path of an agent's file; once per player.",
        ),
    ],
    seeds: SeedsOption = 10,
    first_seed: FirstSeedOption = 0,
    rules: RulesOption = "5min",
    watch: Annotated[bool, typer.Option("--watch", help="Show the games in a window as they are played.")] = False,
    event: EventOption = None,
    db: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Play a match between players on the same seeds.

    Prints the scores, each player's mean with its interval, and for every pair who is better, or that this is still
    undecided. Every game is recorded, verified and put on the scoreboard.
    """
    chosen, the_rules, the_seeds = _agreed(game, rules, seeds, first_seed)
    agents = list(dict.fromkeys(player))
    names = _names_of(agents, chosen)
    with opened(event, db) as (the_event, board):
        planned = len(agents) * len(the_seeds)
        with _told_if_broken_off(the_event, planned, db) as paths:
            if watch:
                _play_live(agents, chosen, the_rules, the_seeds, the_event, paths)
            else:
                for agent in agents:
                    play_headless(agent, the_rules, the_seeds, the_event, paths)
            publications = publish_with_progress(paths, board)
    if json:
        print_json(chosen, the_rules, names, publications)
    else:
        print_match(chosen, the_rules, names, publications)
    if len(paths) < planned:
        typer.echo(f"Played {len(paths)} of {games_text(planned)}; what was left early does not count.", err=True)
    fail_on_mismatch(publications)


def evaluate(
    agent: Annotated[
        str,
        typer.Argument(metavar="AGENT", help="script:NAME, a house bot's name, or the path of an agent's file."),
    ],
    game: Annotated[str, typer.Option("--game", metavar="GAME", help="The game to play.")],
    seeds: SeedsOption = 20,
    first_seed: FirstSeedOption = 0,
    rules: RulesOption = "5min",
    hidden: Annotated[
        bool, typer.Option("--hidden", help="Draw seeds that nobody has seen, and write the plan first.")
    ] = False,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Run the agent in the sandbox. For other people's files.")
    ] = False,
    delay: Annotated[
        list[int] | None,
        typer.Option(
            "--delay",
            metavar="MS",
            parser=whole,
            help="Reaction delay: 0, 100, 200 or 350 ms; once per class; 0 by default.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Also replay its best game blindly, and repeat some games.")
    ] = False,
    processes: ProcessesOption = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help="Play on the machines of a Dask scheduler, such as tcp://10.0.0.1:8786.",
        ),
    ] = None,
    event: EventOption = None,
    db: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Play one agent on many seeds.

    Prints its mean score with its interval, and below it the reference scores of people and other machines, with how
    they were measured. Every game is recorded, verified and put on the scoreboard.
    """
    chosen, the_rules, the_seeds = _agreed(game, rules, seeds, first_seed, hidden)
    if cluster is not None:
        require("A cluster", "distributed")
    handlings = [Handling(sandbox or cluster is not None, ms) for ms in dict.fromkeys(delay or [0])]
    info = _player_of(agent, chosen, handlings)
    names = {handling.delay_ms: delayed_name(info.name, handling.delay_ms) for handling in handlings}
    planned = len(the_seeds) * len(handlings)
    with opened(event, db) as (the_event, board), _told_if_broken_off(the_event, planned, db) as paths:
        if hidden:
            plans = the_event.folder / "evaluations"
            plan = write_plan(plans, info.name, info.artifact_sha256, the_rules, the_seeds, list(names))
            typer.echo(f"{games_text(planned)} on seeds drawn just now; the plan is in {plan}.", err=True)
        for handling in handlings:
            play_headless(agent, the_rules, the_seeds, the_event, paths, processes, handling, cluster)
        publications = publish_with_progress(paths, board, processes)
    first = names[handlings[0].delay_ms]
    checks = _checks(agent, first, handlings[0], publications) if check else Checks()
    classes = classes_of(names, publications)
    if json:
        print_json(chosen, the_rules, list(names.values()), publications, as_json(chosen, classes, checks))
    else:
        print_evaluation(chosen, the_rules, first, publications)
        print_classes(chosen, classes, checks)
    fail_on_mismatch(publications)


def _player_of(agent: str, game: Game, handlings: Sequence[Handling]) -> PlayerInfo:
    """Return who plays, undelayed; what is wrong with the agent or the delays is said before any game starts."""
    with closing(load(agent, game, Handling(handlings[0].sandbox))) as player:
        for handling in handlings:
            delayed(player, handling.delay_ms)
        return player.info


def _checks(agent: str, name: str, handling: Handling, publications: Sequence[Publication]) -> Checks:
    played = [recording for recording in verified(publications) if recording.player.name == name]
    return Checks(open_loop(played) if len(played) > 1 else None, rerun(agent, played, handling) if played else None)


def play_headless(
    agent: str,
    rules: Rules,
    seeds: Sequence[int],
    event: Event,
    paths: list[Path],
    processes: int | None = None,
    handling: Handling | None = None,
    cluster: str | None = None,
) -> None:
    """Play `seeds` with `agent` under a progress bar; add each game's recording to `paths` as soon as it is safe."""
    how = handling or PLAIN
    if cluster is None:
        games = evaluate_agent(agent, rules, seeds, processes, how)
    else:
        games = evaluate_on(cluster, agent, rules, seeds, how)
    late = f" {how.delay_ms} ms late" if how.delay_ms else ""
    with (
        progress_bar(f"{agent} plays {rules.game}{late}", len(seeds)) as tick,
        closing(cast("Generator[Recording]", games)) as recordings,
    ):
        for recording in recordings:  # closed, its processes end
            paths.append(keep(recording, event.recordings))
            tick()


def _play_live(
    agents: Sequence[str], game: Game, rules: Rules, seeds: Sequence[int], event: Event, paths: list[Path]
) -> None:
    """Play side by side in a window, at the speed of the console. A game that the spectator leaves doesn't count: that
    is not the bot's doing."""
    from arena.ui.show import Panel, Show
    from arena.ui.viewer import watch

    players = [load_player(agent, game) for agent in agents]
    observe = RecordingObserver(rules, players, lambda recording: paths.append(keep(recording, event.recordings)))
    try:
        watch(
            Show(
                observed(Match(rules, seeds, players).play(), observe),
                [Panel(player.info.name, rules) for player in players],
            )
        )
    finally:
        observe.close()
        for player in players:
            player.close()


@contextmanager
def _told_if_broken_off(event: Event, planned: int, db: str | None) -> Iterator[list[Path]]:
    """Give the list of what was played; if what runs inside breaks off, say on standard error where that is now."""
    paths: list[Path] = []
    before = {*event.recordings.glob(f"*{SUFFIX}")}
    try:
        yield paths
    except (KeyboardInterrupt, ArenaError):
        # The last game may have been saved just before it was broken off, and not be in the list yet.
        finished = {*paths} | ({*event.recordings.glob(f"*{SUFFIX}")} - before)
        if finished:
            then = (
                "what is not on the scoreboard yet is booked when the next match or evaluation there starts."
                if db is None
                else f"book them with: arena verify --book {event.recordings} --db URL"
            )
            typer.echo(
                f"{len(finished)} of {games_text(planned)} were finished and are kept in {event.recordings}; {then}",
                err=True,
            )
        else:
            typer.echo("No game was finished.", err=True)
        raise


def _agreed(
    game: str, rules: str, seeds: int, first_seed: int, hidden: bool = False
) -> tuple[Game, Rules, tuple[int, ...]]:
    """Check what was typed, before anything is written."""
    chosen = find_game(game)
    the_rules = named_rules(chosen, rules)
    return chosen, the_rules, fresh_seeds(seeds) if hidden else practice_seeds(seeds, first_seed)


def _names_of(agents: Sequence[str], game: Game) -> list[str]:
    """Return the players' names; what is wrong with an agent is said before any game starts."""
    agent_of: dict[str, str] = {}
    for agent in agents:
        player = load_player(agent, game)
        player.close()
        twin = agent_of.setdefault(player.info.name, agent)
        if twin != agent:
            raise AgentError(
                f"{twin} and {agent} are both called {player.info.name!r}, so nobody could tell their scores apart; "
                "give one of them another name."
            )
    return list(agent_of)
