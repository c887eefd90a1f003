"""`arena match` and `arena evaluate`: play, record, verify, book."""

from __future__ import annotations

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
    from recordings.recording import Recording


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
    from agents.load import load_player
    from arena.commands.tables import print_json, print_match
    from arena.event import open_event
    from arena.match import Match, RecordingObserver
    from arena.seeds import practice_seeds
    from envs.games import find_game
    from envs.rules import named_rules
    from recordings.storage import save

    chosen = find_game(game)
    the_rules = named_rules(chosen, rules)
    the_seeds = practice_seeds(seeds, first_seed)
    the_event = open_event(event)
    players = [load_player(agent, chosen) for agent in player]
    paths: list[Path] = []

    with progress_bar("playing", len(the_seeds) * len(players), quiet=json) as tick:

        def keep(recording: Recording) -> None:
            paths.append(save(recording, the_event.recordings))
            tick()

        observe = RecordingObserver(the_rules, players, keep, the_event.recordings)
        turns = Match(the_rules, the_seeds, players).play()
        if watch:
            from arena.window import watch_turns

            turns = watch_turns(turns, chosen, [one.info.name for one in players])
        try:
            for turn in turns:
                observe(turn)
        finally:
            observe.close()
            for one in players:
                one.close()
    bookings = book_with_progress(paths, the_event, db, quiet=json)
    names = [one.info.name for one in players]
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
    from agents.load import load_player
    from arena.commands.tables import print_evaluation, print_json
    from arena.evaluate import evaluate as evaluate_agent
    from arena.event import open_event
    from arena.seeds import practice_seeds
    from envs.games import find_game
    from envs.rules import named_rules
    from recordings.storage import save

    chosen = find_game(game)
    the_rules = named_rules(chosen, rules)
    the_seeds = practice_seeds(seeds, first_seed)
    the_event = open_event(event)
    load_player(agent, chosen).close()  # what is wrong with the agent is said before any process starts
    paths = []
    with progress_bar("playing", len(the_seeds), quiet=json) as tick:
        for recording in evaluate_agent(agent, the_rules, the_seeds, processes):
            paths.append(save(recording, the_event.recordings))
            tick()
    bookings = book_with_progress(paths, the_event, db, quiet=json)
    names = [recording.player.name for recording in _recordings(bookings)[:1]]
    if json:
        print_json(chosen, the_rules, names, bookings)
    else:
        print_evaluation(chosen, the_rules, bookings)
    _fail_on_mismatch(bookings)


def book_with_progress(paths: list[Path], event: Event, db: str | None, *, quiet: bool) -> list[Booking]:
    """Verify and book `paths` on the event's scoreboard under a progress bar."""
    from arena.book import book
    from arena.scoreboard import Scoreboard

    with (
        Scoreboard.open(db or event.database) as scoreboard,
        progress_bar("verifying", len(paths), quiet=quiet) as tick,
    ):
        return book(paths, scoreboard, lambda booking: tick())


def _recordings(bookings: list[Booking]) -> list[Recording]:
    return [booking.recording for booking in bookings if booking.recording is not None]


def _fail_on_mismatch(bookings: list[Booking]) -> None:
    bad = [booking for booking in bookings if not booking.verification.ok]
    for booking in bad:
        typer.echo(f"arena: {booking.path.name} does not verify: {booking.verification.reason}", err=True)
    if bad:
        raise typer.Exit(1)
