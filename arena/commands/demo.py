"""`arena demo`: a small real event from start to end, with recordings, verification, standings, a page and a film.

Nothing in it is staged: it is what `arena match`, `arena scoreboard` and `arena export` do, one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agents.load import house_bots
from arena.commands.match import play_headless
from arena.commands.opening import fail_on_mismatch, opened, publish_with_progress
from arena.commands.options import EventOption
from arena.commands.progress import progress_bar
from arena.commands.tables import print_standings, scores_of, verdicts
from arena.engine.seeds import PRACTICE_SEEDS, practice_seeds
from arena.event.folder import Event, open_event
from arena.rehearsal.full_event import run as rehearse
from arena.report.event_page import EventPage, sections_of, write_page
from arena.scoreboard.publish import Publication
from arena.scoreboard.store import Scoreboard
from arena.ui.video import export
from envs.games import GAMES, Game
from envs.rules import named_rules
from recordings.recording import Recording

GAMES_SHOWN = ("breakout", "pacman", "space_invaders")
SEEDS = 6
FILM_SECONDS = 20.0


def demo(
    full: Annotated[
        bool,
        typer.Option("--full", help="Run a whole event, from training an agent to the audited report."),
    ] = False,
    event: EventOption = None,
) -> None:
    """Play a small real event from start to end.

    Scripts and house bots play three games, and every recording is verified; then come standings, a page and a film.
    At the end it says what to open and what to type next. Run again, it plays new seeds.

    With --full it runs a whole event in under ten minutes: an agent is trained, submitted and evaluated in the
    sandbox; people (scripted keyboards) and bots practise and meet in a final on hidden seeds; the report and the
    proof follow. It needs its own folder, ./full-demo by default. If stopped, it resumes.
    """
    if full:
        rehearse(event)
    else:
        fail_on_mismatch(run(event))


def run(folder: Path | None, count: int = SEEDS, film_seconds: float = FILM_SECONDS) -> list[Publication]:
    """Play the demo in the event folder and print what comes of it; return what became of every game.

    Args:
        folder: the event folder; None for `arena.event.folder.event_folder`'s default.
        count: seeds of each game.
        film_seconds: length of the film.

    Raises:
        EventError, ScoreboardError: the event folder or its scoreboard can't be used.
    """
    began = time.monotonic()
    console = Console(highlight=False)
    open_event(folder, "Arena demo")
    with opened(folder, None) as (event, board):
        seeds = practice_seeds(count, _first_unplayed(board, count))
        console.print(
            f"Playing {len(GAMES_SHOWN)} games on seeds {seeds[0]} to {seeds[-1]}, the same for every player. "
            "A minute or two.\n"
        )
        publications = [publication for name in GAMES_SHOWN for publication in _play(GAMES[name], seeds, event, board)]
        for name in GAMES_SHOWN:
            rules = named_rules(name)
            print_standings(GAMES[name], rules.label, board.standings(name, rules.rules_id))
            console.print()
            mine = [b for b in publications if b.recording is not None and b.recording.rules == rules]
            for sentence in verdicts(scores_of(mine), list(scores_of(mine)))[:1]:
                console.print(f"{sentence}\n", markup=False)
        good = [publication for publication in publications if publication.verification.ok]
        console.print(f"{len(good)} of {len(publications)} recordings replayed bit for bit on a fresh emulator.")
        if len(good) < len(publications):
            return publications
        film = _film_of_the_best(publications, event, film_seconds)
        page = _write_page(event, board, film)
    _say_what_next(console, event, page, film, time.monotonic() - began, "" if folder is None else f" --event {folder}")
    return publications


def _players(game: Game) -> list[str]:
    return ["script:basic", "script:random", *house_bots(game)]


def _play(game: Game, seeds: Sequence[int], event: Event, board: Scoreboard) -> list[Publication]:
    paths: list[Path] = []
    for agent in _players(game):
        play_headless(agent, named_rules(game), seeds, event, paths)
    return publish_with_progress(paths, board)


def _first_unplayed(board: Scoreboard, count: int) -> int:
    """Return a first seed that leaves earlier runs in the same folder alone: the same game twice proves nothing new.
    When all practice seeds are used up, begin again."""
    played = (result.seed + 1 for result in board.results() if result.seed < PRACTICE_SEEDS)
    first = max(played, default=0)
    return first if first + count <= PRACTICE_SEEDS else 0


def _film_of_the_best(publications: Sequence[Publication], event: Event, seconds: float) -> Path:
    """Film the first seconds of the best game of the first game, beside another player on the same seed."""
    games = [_verified(b) for b in publications if b.verification.ok and _verified(b).rules.game == GAMES_SHOWN[0]]
    best = max(games, key=lambda recording: recording.score)
    opponents = [one for one in games if one.seed == best.seed and one.player.name != best.player.name]
    pair = [best, *sorted(opponents, key=lambda one: one.score, reverse=True)[:1]]
    path = event.report / "demo.mp4"
    with progress_bar("filming", 1, "film") as tick:
        export(pair, path, seconds=(0.0, seconds))
        tick()
    return path


def _verified(publication: Publication) -> Recording:
    assert publication.recording is not None
    return publication.recording


def _write_page(event: Event, board: Scoreboard, film: Path) -> Path:
    path = event.report / "index.html"
    sections = sections_of(board, GAMES_SHOWN)
    text = f"The best {GAMES[GAMES_SHOWN[0]].title} game beside another player on the same seed"
    write_page(EventPage(event.name, date.today(), sections, "../recordings", film.name, text), path)
    return path


def _say_what_next(console: Console, event: Event, page: Path, film: Path, seconds: float, where: str) -> None:
    """`where` is the option that names this event folder, if one is needed."""
    console.print(f"Done in {seconds:.0f} s. Everything lies in {event.folder}.\n", markup=False, soft_wrap=True)
    for first, line in (
        ("Open", f"{page}\n       {film}\n"),
        ("Next", f"arena match breakout --player script:basic --player script:random --seeds 10{where}"),
        ("", "arena watch script:basic --game pacman"),
        ("", f"arena verify {event.recordings}"),
        ("", f"arena scoreboard{where}"),
    ):
        console.print(f"{first:5}  {line}", markup=False, soft_wrap=True)
