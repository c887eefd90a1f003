"""A small real event from start to end: players, identical seeds, recordings, verification, standings, a page, a film.

Nothing in it is staged: it is what `arena match`, `arena scoreboard` and `arena export` do, one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rich.console import Console

from agents.load import house_bots
from arena.book import Booking, book
from arena.commands.progress import progress_bar
from arena.commands.tables import print_standings, scores_of, verdicts
from arena.evaluate import evaluate
from arena.event import Event, open_event
from arena.scoreboard import Scoreboard
from arena.seeds import practice_seeds
from envs.games import GAMES, Game
from envs.rules import named_rules
from recordings.recording import Recording
from recordings.storage import save

GAMES_SHOWN = ("breakout", "pacman", "space_invaders")
SEEDS = 6
FILM_SECONDS = 20.0


def run(folder: Path | None) -> Event:
    """Play the demo in the event folder and print what comes of it; return the event.

    Raises:
        EventError, ScoreboardError: the event folder or its scoreboard can't be used.
    """
    began = time.monotonic()
    console = Console(highlight=False)
    event = open_event(folder, "Arena demo")
    with Scoreboard.open(event.database) as board:
        first = _first_unplayed(board)
        seeds = practice_seeds(SEEDS, first)
        console.print(
            f"Playing {len(GAMES_SHOWN)} games on seeds {seeds[0]} to {seeds[-1]}, the same for every player."
        )
        bookings = [booking for name in GAMES_SHOWN for booking in _play(GAMES[name], seeds, event, board)]
        good = sum(booking.verification.ok for booking in bookings)
        console.print(f"{good} of {len(bookings)} recordings replayed bit for bit on a fresh emulator.\n")
        for name in GAMES_SHOWN:
            rules = named_rules(name)
            print_standings(GAMES[name], rules.label, board.standings(name, rules.rules_id))
            mine = [b for b in bookings if b.recording is not None and b.recording.rules == rules]
            for sentence in verdicts(scores_of(mine), list(scores_of(mine))):
                console.print(sentence, markup=False)
            console.print()
        film = _film_of_the_best(bookings, event)
        page = _write_page(event, board, film)
    _say_what_next(console, event, page, film, time.monotonic() - began)
    return event


def _players(game: Game) -> list[str]:
    return ["script:basic", "script:random", *house_bots(game)]


def _play(game: Game, seeds: Sequence[int], event: Event, board: Scoreboard) -> list[Booking]:
    rules = named_rules(game)
    paths = []
    for agent in _players(game):
        with progress_bar(f"{game.title}: {agent}", len(seeds)) as tick:
            for recording in evaluate(agent, rules, seeds):
                paths.append(save(recording, event.recordings))
                tick()
    with progress_bar(f"{game.title}: verifying", len(paths)) as tick:
        return book(paths, board, lambda booking: tick())


def _first_unplayed(board: Scoreboard) -> int:
    """Return a first seed that leaves earlier runs in the same folder alone: the same game twice proves nothing new."""
    return max((result.seed + 1 for result in board.results()), default=0)


def _film_of_the_best(bookings: Sequence[Booking], event: Event) -> Path:
    """Film the last seconds of the best game of the first game, beside another player on the same seed."""
    from arena.video import export

    games = [_verified(b) for b in bookings if b.verification.ok and _verified(b).rules.game == GAMES_SHOWN[0]]
    best = max(games, key=lambda recording: recording.score)
    rivals = [one for one in games if one.seed == best.seed and one.player.name != best.player.name]
    pair = [best, *sorted(rivals, key=lambda one: one.score, reverse=True)[:1]]
    path = event.report / "demo.mp4"
    with progress_bar("filming", 1) as tick:
        export(pair, path, seconds=(0.0, FILM_SECONDS))
        tick()
    return path


def _verified(booking: Booking) -> Recording:
    assert booking.recording is not None
    return booking.recording


def _write_page(event: Event, board: Scoreboard, film: Path) -> Path:
    from arena.page import EventPage, sections_of, write_page

    path = event.report / "index.html"
    sections = sections_of(board, GAMES_SHOWN)
    text = f"The best {GAMES[GAMES_SHOWN[0]].title} game beside another player on the same seed"
    write_page(EventPage(event.name, date.today(), sections, "../recordings", film.name, text), path)
    return path


def _say_what_next(console: Console, event: Event, page: Path, film: Path, seconds: float) -> None:
    console.print(f"Done in {seconds:.0f} s. Everything lies in {event.folder}.\n")
    console.print(f"Open   {page}\n       {film}\n", soft_wrap=True)
    console.print("Next   arena match breakout --player script:basic --player script:random --seeds 10")
    console.print("       arena watch script:basic --game pacman")
    console.print(f"       arena verify {event.recordings}", soft_wrap=True)
    console.print("       arena scoreboard")
