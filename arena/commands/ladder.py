"""`arena tournament ladder`: who is how strong so far."""

from __future__ import annotations

from arena.commands.options import DatabaseOption, EventOption, JsonOption


def ladder(event: EventOption = None, db: DatabaseOption = None, json: JsonOption = False) -> None:
    """Print the ladder of the event: people and bots in one pool, over all tournaments so far.

    By openskill, after every seed that two or more have played; overall and for each game. Needs the extra report.
    """
    from dataclasses import asdict

    import typer
    from rich.console import Console

    from arena.commands.event import ceremony
    from arena.commands.tables import _table, _text, dump
    from arena.log import TOURNAMENT
    from arena.ratings import ladder as rated
    from arena.report.gather import meetings_of, shown_states
    from arena.tournament import state_of
    from envs.extras import require

    require("The ladder", "openskill")
    with ceremony(event, db) as one:
        streams = [stream for stream in one.log.streams() if stream.startswith(TOURNAMENT)]
        states = shown_states([state_of(one.log.entries(stream)) for stream in streams])
    found = {title: rated(meetings) for title, meetings in meetings_of(states).items()}
    if json:
        dump({title: [asdict(line) | {"shown": line.shown} for line in lines] for title, lines in found.items()})
        return
    if not found:
        typer.echo("Nothing has been played in a tournament yet.")
    console = Console(highlight=False)
    for title, lines in found.items():
        console.print(_text(title, "bold"))
        table = _table(("#", "right"), ("player", "left"), ("ladder", "right"), ("seeds", "right"))
        for place, line in enumerate(lines, start=1):
            table.add_row(*map(_text, (str(place), line.player, f"{line.shown:.1f}", f"{line.meetings:,}")))
        console.print(table)
