"""`arena event`: the phases of an event, its proof and its teams."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from arena.archive.audit import audit as check
from arena.archive.export import RECORDINGS
from arena.archive.export import export as write
from arena.commands.opening import lifecycle
from arena.commands.options import DatabaseOption, EventOption, JsonOption, ProcessesOption, whole
from arena.commands.progress import progress_bar
from arena.commands.tables import dump
from arena.event.folder import SETTINGS, event_folder, open_event
from arena.event.lifecycle import plain_settings
from arena.event.log import EVENT
from arena.scoreboard.store import Scoreboard
from arena.tournament.teams import read_people, shuffled_teams
from envs.errors import EventError
from envs.text_files import read_text
from recordings.codec import SUFFIX

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Run an event: open, freeze, close, export and audit it.",
)


@app.command()
def init(
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="The event's name.")] = "Arena",
    event: EventOption = None,
) -> None:
    """Make an event folder with a commented event.toml."""
    folder = event_folder(event)
    if (folder / SETTINGS).exists():
        raise EventError(f"{folder / SETTINGS} is there already; edit it, or choose another folder with --event.")
    found = open_event(folder, name)
    typer.echo(f"Made {found.folder / SETTINGS}. Edit it, then look at it with: arena event status")


@app.command("open")
def open_(event: EventOption = None, db: DatabaseOption = None) -> None:
    """Make the event's secret and publish its hash.

    Copy secret.hex from the event folder to a second safe place: without it there can be no final.
    """
    with lifecycle(event, db) as one:
        state = one.open()
    typer.echo(f"{one.event.name} is open. Publish this hash of the secret now, where nobody can change it later:\n")
    typer.echo(f"    {state.commitment}\n")
    typer.echo(f"Keep a copy of {one.event.folder / 'secret.hex'} in a second safe place, and show it to nobody.")


@app.command()
def freeze(event: EventOption = None, db: DatabaseOption = None) -> None:
    """Close submissions and list the bots by their hashes."""
    with lifecycle(event, db) as one:
        state = one.freeze()
    typer.echo(f"{one.event.name} is frozen with {len(state.agents)} bots, house bots included.")
    source = one.event.settings.seeds.entropy
    typer.echo(f"Next: arena event announce NUMBER{f' ({source})' if source else ''}")


@app.command()
def announce(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The public number, exactly as published.")],
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Fix the seeds of the final with a public number.

    Nobody must have known it when submissions closed: use a lottery, a stock index or a beacon.
    """
    with lifecycle(event, db) as one:
        state = one.announce(number)
    typer.echo(f"The seeds of the final are fixed by {state.entropy!r} and the secret behind {state.commitment}.")


@app.command()
def close(event: EventOption = None, db: DatabaseOption = None) -> None:
    """End the event and reveal the secret.

    Anyone can then compute the seeds.
    """
    with lifecycle(event, db) as one:
        state = one.close()
    if state.secret is None:
        typer.echo(f"{one.event.name} is closed. No public number was announced, so its secret isn't revealed.")
        return
    typer.echo(f"{one.event.name} is closed. The secret, whose hash was published, is:\n\n    {state.secret.hex()}\n")
    typer.echo("Next: arena event export FOLDER, and let anybody run arena event audit FOLDER.")


@app.command()
def reopen(
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason; it is logged.")],
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Undo a closing, or a freeze before a number is announced.

    A revealed secret stays known: a new final then needs a new event.
    """
    with lifecycle(event, db) as one:
        state = one.reopen(reason=reason)
    typer.echo(f"{one.event.name} is {state.phase} again.")


@app.command()
def status(
    log: Annotated[bool, typer.Option("--log", help="Also list every line of the event's log.")] = False,
    event: EventOption = None,
    db: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Check event.toml and show where the event stands."""
    with lifecycle(event, db) as one:
        changes = one.note_settings()
        state = one.state()
        entries = one.log.entries(EVENT)
    settings = plain_settings(one.event.settings)
    if json:
        found = {name: getattr(state, name) for name in ("phase", "commitment", "entropy")}
        dump(found | {"agents": sorted(state.agents), "settings": settings, "log": [asdict(e) for e in entries]})
        return
    typer.echo(f"{one.event.name}: {state.phase}")
    typer.echo(f"  games           {', '.join(settings['games'])}, rules {settings['rules']}")
    for name, when in settings["dates"].items():
        typer.echo(f"  {name:14}  {when or 'not fixed yet'}")
    typer.echo(f"  stations        {', '.join(settings['stations']['names'])}")
    typer.echo(f"  hash of secret  {state.commitment or 'published by: arena event open'}")
    typer.echo(f"  bots            {len(state.agents) if state.agents else 'listed by: arena event freeze'}")
    typer.echo(
        f"  public number   {state.entropy or settings['seeds']['entropy'] or 'named by seeds.entropy in event.toml'}"
    )
    for change in changes:
        typer.echo(f"  changed and logged: {change}")
    for entry in entries if log else []:
        typer.echo(f"{entry.number:4}  {entry.at[:19]}  {entry.kind:10}  {entry.chain[:16]}")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Write everything that proves the event to a folder."""
    with (
        lifecycle(event, db) as one,
        Scoreboard.open(db or one.event.database) as board,
        progress_bar("copying", len(board.results()), "recording") as tick,
    ):
        missing = write(one.event, board, folder, tick)
    typer.echo(f"Written to {folder}. Check it with: arena event audit {folder}")
    if missing:
        typer.echo(
            f"{len(missing)} recordings are on the scoreboard but not in the event folder: {missing[0]}", err=True
        )
        raise typer.Exit(1)


@app.command()
def audit(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder written by arena event export.")],
    processes: ProcessesOption = None,
    json: JsonOption = False,
) -> None:
    """Check an exported event from scratch.

    Computes every seed, replays every recording and rebuilds the standings. The exit code is 1 if a claim is wrong.
    """
    with progress_bar("replaying", len(list((folder / RECORDINGS).glob(f"*{SUFFIX}"))), "recording") as tick:
        found = check(folder, processes, tick)
    if json:
        dump(asdict(found) | {"ok": found.ok})
    else:
        typer.echo(f"log         {found.lines:,} lines, unchanged since they were written")
        typer.echo(f"seeds       {found.seeds:,} computed from the secret, and played")
        typer.echo(f"recordings  {found.recordings:,} replayed bit for bit ({found.frames:,} frames)")
        typer.echo(f"standings   {found.standings} rebuilt, and as claimed")
        typer.echo(f"published   hash of the secret {found.commitment}")
        typer.echo(f"            public number {found.entropy}")
        for line in [*found.remarks[:20], *(f"WRONG: {problem}" for problem in found.problems)]:
            typer.echo(line)
        typer.echo("Everything is as claimed." if found.ok else f"{len(found.problems)} things are not as claimed.")
    if not found.ok:
        raise typer.Exit(1)


@app.command()
def teams(
    people: Annotated[Path, typer.Argument(metavar="CSV", help="A file with the columns name and department.")],
    count: Annotated[int, typer.Option("--teams", metavar="N", parser=whole, help="How many teams.")],
    seed: Annotated[int, typer.Option("--seed", metavar="N", parser=whole, help="Seed of the draw.")] = 0,
    event: EventOption = None,
    db: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Draw teams that mix departments, and log them.

    Team sizes differ by at most one; people of one department share a team only if they outnumber the teams.
    """
    drawn = shuffled_teams(read_people(read_text(people), str(people)), count, seed)
    plain = [[asdict(person) for person in team] for team in drawn]
    with lifecycle(event, db) as one:
        one.log.append(EVENT, [("teams", {"seed": seed, "teams": plain})], one.state().lines)
    if json:
        dump(plain)
        return
    for number, team in enumerate(drawn, start=1):
        typer.echo(f"Team {number}: " + ", ".join(f"{person.name} ({person.department})" for person in team))
