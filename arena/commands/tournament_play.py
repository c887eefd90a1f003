"""`arena tournament play`: where a person plays what a tournament waits for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arena.client.api import Client, RankedTicket, ServerRefused, ServerUnreachable
from arena.client.station import station
from arena.commands.opening import fail_on_mismatch, publish_with_progress, runner
from arena.commands.options import DatabaseOption, EventOption, ServerOption, TokenFileOption, TokenOption, token_of
from arena.engine.env_pool import borrowed
from arena.event.folder import open_event
from arena.play.limits import RANKED
from arena.play.session import play_game
from arena.play.waiting_room import wait_together
from arena.tournament.model import ScoreSlot, TournamentState
from arena.tournament.runner import TournamentRunner
from arena.ui.window import open_stage
from envs.errors import EventError
from envs.games import find_game
from envs.step import End

if TYPE_CHECKING:
    from arena.ui.window import Stage


VERDICT_SECONDS = 60.0
"""So long the server may take to replay a game before the next one is asked for."""
LOOK_SECONDS = 0.2


def play(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The tournament's name.")],
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The person who plays here.")],
    others: Annotated[
        list[str],
        typer.Option(
            "--with",
            metavar="NAME",
            help="Start every game together with this person at another station.",
            default_factory=list,
            show_default=False,
        ),
    ],
    window: Annotated[bool, typer.Option("--window", help="Start in a window instead of full screen.")] = False,
    event: EventOption = None,
    db: DatabaseOption = None,
    server: ServerOption = "",
    token: TokenOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Play a person's games of a tournament.

    One game after another, on the tournament's seeds, until none is left or the person leaves; a game left early counts
    with the score reached. At a station, give the server and the station's token; on the organizers' machine, neither.
    """
    if server:
        _at_a_station(name, person, others, event, server, token_of(token, token_file), full_screen=not window)
    elif others:
        raise EventError("People begin together at stations: --with needs --server.")
    else:
        _here(name, person, event, db, full_screen=not window)


# -- on the machine that has the event folder ------------------------------------------------------------------------


def _here(name: str, person: str, event: Path | None, db: str | None, *, full_screen: bool) -> None:
    with runner(name, event, db) as one:
        one.take_in()
        while slots := _slots(one, one.state(), person):
            paths, left = _at_the_window(one, slots, person, full_screen=full_screen)
            publications = publish_with_progress(paths, one.board)
            one.take_in(typer.echo)
            fail_on_mismatch(publications)
            if left or any(publication.unranked for publication in publications):
                break
        left_over = len(_slots(one, one.state(), person))
    typer.echo(f"{left_over} games are left for {person}." if left_over else f"{person} has nothing to play now.")


def _slots(one: TournamentRunner, state: TournamentState, person: str) -> list[ScoreSlot]:
    """Return the open games of a person.

    Raises:
        EventError: nobody of that name plays there, or it is a bot.
    """
    if not state.entrant(person).human:
        raise EventError(f"{person} is a bot; arena tournament run lets it play.")
    return [slot for slot in one.waiting_for(state) if slot.player == person]


def _at_the_window(
    one: TournamentRunner, slots: Sequence[ScoreSlot], person: str, *, full_screen: bool
) -> tuple[list[Path], bool]:
    """Play `slots`; return the recordings, and whether the person has left."""
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


# -- at a station ----------------------------------------------------------------------------------------------------


def _at_a_station(
    name: str, person: str, others: Sequence[str], event: Path | None, server: str, token: str, *, full_screen: bool
) -> None:
    the_event = open_event(event)
    with Client(server, token) as client:
        ticket = _next(client, name, person)
        if ticket is None:
            return
        with (
            station(the_event, (), "", server, token) as one,
            open_stage(f"{name} – {person}", full_screen=full_screen) as stage,
        ):
            while ticket is not None:
                if others and not _all_there(stage, client, ticket, name, others):
                    break
                rules, title = ticket.rules, f"{person}: {find_game(ticket.rules.game).title}"
                played = play_game(
                    stage, rules, ticket.seed, person, the_event.recordings, title=title, limits=RANKED,
                    begin=partial(one.begin, ticket),
                ).person  # fmt: skip
                _wait_for_verdict(client, ticket)
                if played.unranked is not None:
                    typer.echo(f"This game is not ranked: {played.unranked}.", err=True)
                if played.unranked is not None or played.recording.end is End.QUIT or stage.closed:
                    break
                ticket = _next(client, name, person)


def _all_there(stage: Stage, client: Client, ticket: RankedTicket, name: str, others: Sequence[str]) -> bool:
    """Wait until the others are ready at their stations; False if the person leaves."""

    def ask() -> tuple[Sequence[str], float | None]:
        try:
            return client.begin_together(name, ticket.player, others)
        except ServerUnreachable:  # asked again
            return others, None

    with borrowed(ticket.rules, 1):  # loaded before, so that all begin equally soon
        return wait_together(stage, ask)


def _next(client: Client, name: str, person: str) -> RankedTicket | None:
    """Return the ticket of the person's next game; None, after saying why, if there is none."""
    try:
        return client.seat(name, person)
    except ServerRefused as refused:
        if refused.status != 404:
            raise
        typer.echo(str(refused))
        return None


def _wait_for_verdict(client: Client, ticket: RankedTicket) -> None:
    """Wait until the server has taken a game; only then it knows which one comes next. If it doesn't answer in time,
    the game stays in the outbox, and counts when it arrives."""
    until = time.monotonic() + VERDICT_SECONDS
    while time.monotonic() < until:
        try:
            if client.get(f"/tickets/{ticket.id}")["state"] not in ("issued", "started"):
                return
        except ServerUnreachable:
            pass
        time.sleep(LOOK_SECONDS)
