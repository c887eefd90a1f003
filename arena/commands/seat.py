"""`arena tournament play`: where a person plays what a tournament waits for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arena.commands.options import EventOption

if TYPE_CHECKING:
    from arena.conduct import Conductor
    from arena.tournament import Slot, State


def play(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The tournament's name.")],
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Who sits down here.")],
    window: Annotated[bool, typer.Option("--window", help="Begin in a window instead of the whole screen.")] = False,
    event: EventOption = None,
) -> None:
    """Let a person play what a tournament waits for.

    One game after the other, on the tournament's seeds, until nothing is left or the person leaves; leaving a game
    scores what was played. The machine must reach the event folder.
    """
    from arena.commands.play import book_with_progress, fail_on_mismatch
    from arena.commands.tournament import conductor

    with conductor(name, event) as one:
        one.take_in()
        while slots := _slots(one, one.state(), person):
            paths, left = _at_the_window(one, slots, person, full_screen=not window)
            bookings = book_with_progress(paths, one.board)
            one.take_in(typer.echo)
            fail_on_mismatch(bookings)
            if left or any(booking.unranked for booking in bookings):
                break
        left_over = len(_slots(one, one.state(), person))
    typer.echo(f"{left_over} games are left for {person}." if left_over else f"{person} has nothing to play now.")


def _slots(one: Conductor, state: State, person: str) -> list[Slot]:
    """Return the open games of a person.

    Raises:
        EventError: nobody of that name plays there, or it is a bot.
    """
    from envs.errors import EventError

    if not state.entrant(person).human:
        raise EventError(f"{person} is a bot; arena tournament run lets it play.")
    return [slot for slot in one.waiting_for(state) if slot.player == person]


def _at_the_window(one: Conductor, slots: Sequence[Slot], person: str, *, full_screen: bool) -> tuple[list[Path], bool]:
    """Play `slots`; return the recordings, and whether the person has left."""
    from arena.play.conductor import RANKED
    from arena.play.session import play_game
    from arena.play.stage import open_stage
    from envs.games import find_game
    from envs.step import End

    state = one.state()
    paths: list[Path] = []
    with open_stage(f"{state.plan.title} – {person}", full_screen=full_screen) as stage:
        for number, slot in enumerate(slots, start=1):
            rules, seed = state.plan.rules[slot.game], one.seed_of(state, slot)
            title = f"{state.plan.title}: {find_game(slot.game).title}, {number} / {len(slots)}"
            played = play_game(stage, rules, seed, person, one.event.recordings, title=title, limits=RANKED).person
            paths += [] if played.path is None else [played.path]
            if played.recording.end is End.QUIT or stage.closed:
                return paths, True
    return paths, False
