"""`arena match` and `arena evaluate`: play, record, verify, book."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arena.commands.options import (
    DatabaseOption,
    EventOption,
    FirstSeedOption,
    GameArgument,
    JsonOption,
    RulesOption,
    SeedsOption,
)
from arena.commands.progress import progress_bar

if TYPE_CHECKING:
    from arena.book import Booking
    from arena.event import Event
    from envs.games import Game
    from envs.rules import Rules


def match(
    game: GameArgument,
    player: Annotated[list[str], typer.Option("--player", help="An agent; give it once per player.")],
    seeds: SeedsOption = 10,
    first_seed: FirstSeedOption = 0,
    rules: RulesOption = "5min",
    watch: Annotated[bool, typer.Option("--watch", help="Show the games in a window while they are played.")] = False,
    event: EventOption = None,
    db: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Let players meet on identical seeds; prints scores, the paired comparison and a verdict."""
    from arena.commands.tables import print_json, print_match

    chosen, the_rules, the_seeds, the_event = _agreed(game, rules, seeds, first_seed, event)
    names = [_name_of(agent, chosen) for agent in player]  # what is wrong with an agent is said before any game starts
    _book_what_was_left(the_event, db, quiet=json)
    if watch:
        paths = _play_live(player, chosen, the_rules, the_seeds, the_event)
    else:
        paths = []
        for agent in dict.fromkeys(player):
            paths += play_headless(agent, the_rules, the_seeds, the_event, quiet=json)
    bookings = book_with_progress(paths, the_event, db, quiet=json)
    if json:
        print_json(chosen, the_rules, names, bookings)
    else:
        print_match(chosen, the_rules, names, bookings)
    _fail_on_mismatch(bookings)


def evaluate(
    agent: Annotated[str, typer.Argument(help="script:NAME, a house bot's name, or the path of an agent's file.")],
    game: Annotated[str, typer.Option("--game", help="The game to play.")],
    seeds: SeedsOption = 20,
    first_seed: FirstSeedOption = 0,
    rules: RulesOption = "5min",
    processes: Annotated[int | None, typer.Option("--processes", min=1, help="Default: all cores.")] = None,
    event: EventOption = None,
    db: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Play many seeds with one agent; prints its score with interval, beside the reference scores."""
    from arena.commands.tables import print_evaluation, print_json

    chosen, the_rules, the_seeds, the_event = _agreed(game, rules, seeds, first_seed, event)
    name = _name_of(agent, chosen)
    paths = play_headless(agent, the_rules, the_seeds, the_event, processes=processes, quiet=json)
    bookings = book_with_progress(paths, the_event, db, quiet=json)
    if json:
        print_json(chosen, the_rules, [name], bookings)
    else:
        print_evaluation(chosen, the_rules, bookings)
    _fail_on_mismatch(bookings)


def play_headless(
    agent: str, rules: Rules, seeds: Sequence[int], event: Event, *, processes: int | None = None, quiet: bool = False
) -> list[Path]:
    """Play `seeds` with `agent` under a progress bar; return the saved recordings."""
    from arena.evaluate import evaluate as evaluate_agent
    from recordings.storage import save

    paths = []
    with progress_bar(f"{agent} plays {rules.game}", len(seeds), quiet=quiet) as tick:
        for recording in evaluate_agent(agent, rules, seeds, processes):
            paths.append(save(recording, event.recordings))
            tick()
    return paths


def _book_what_was_left(event: Event, db: str | None, *, quiet: bool) -> None:
    """Games of a process that was killed count as far as they were played."""
    from arena.recover import recover

    left = recover(event.recordings) if event.recordings.exists() else []
    if left:
        book_with_progress(left, event, db, quiet=quiet)
        typer.echo(f"{len(left)} games that were broken off earlier are now recorded as left.", err=True)


def _play_live(agents: Sequence[str], game: Game, rules: Rules, seeds: Sequence[int], event: Event) -> list[Path]:
    """Play side by side in a window, at the speed of the console."""
    from agents.load import load_player
    from arena.match import Match, RecordingObserver, observed
    from arena.screen import Panel, Show
    from arena.window import watch
    from recordings.storage import save

    players = [load_player(agent, game) for agent in agents]
    paths: list[Path] = []
    observe = RecordingObserver(
        rules, players, lambda recording: paths.append(save(recording, event.recordings)), event.recordings
    )
    turns = observed(Match(rules, seeds, players).play(), observe)
    try:
        watch(Show(turns, [Panel(player.info.name, rules) for player in players]))
    finally:
        observe.close()
        for player in players:
            player.close()
    return paths


def _agreed(
    game: str, rules: str, seeds: int, first_seed: int, event: Path | None
) -> tuple[Game, Rules, tuple[int, ...], Event]:
    """Check what was typed, all of it before anything is written."""
    from arena.event import open_event
    from arena.seeds import practice_seeds
    from envs.games import find_game
    from envs.rules import named_rules

    chosen = find_game(game)
    the_rules = named_rules(chosen, rules)
    return chosen, the_rules, practice_seeds(seeds, first_seed), open_event(event)


def _name_of(agent: str, game: Game) -> str:
    from agents.load import load_player

    player = load_player(agent, game)
    player.close()
    return player.info.name


def book_with_progress(paths: list[Path], event: Event, db: str | None, *, quiet: bool) -> list[Booking]:
    """Verify and book `paths` on the event's scoreboard under a progress bar."""
    from arena.book import book
    from arena.scoreboard import Scoreboard

    with (
        Scoreboard.open(db or event.database) as scoreboard,
        progress_bar("verifying", len(paths), quiet=quiet) as tick,
    ):
        return book(paths, scoreboard, lambda booking: tick())


def _fail_on_mismatch(bookings: list[Booking]) -> None:
    bad = [booking for booking in bookings if not booking.verification.ok]
    for booking in bad:
        typer.echo(f"arena: {booking.path.name} does not verify: {booking.verification.reason}", err=True)
    if bad:
        raise typer.Exit(1)
