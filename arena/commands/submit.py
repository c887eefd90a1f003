"""`arena submit` and `arena sync`: from here to the server."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Annotated, Any

import stamina
import typer

from agents.load import find_agent_file
from agents.packages import admit
from arena.client.api import Client, ConnectionMistake, ServerRefused, ServerUnreachable
from arena.client.outbox import Contents, Outbox
from arena.client.station import read_news
from arena.commands.options import (
    EventOption,
    JsonOption,
    RulesOption,
    ServerOption,
    TokenFileOption,
    TokenOption,
    token_of,
)
from arena.commands.tables import dump
from arena.event.folder import open_event
from envs.games import find_game

FOLLOW_SECONDS = 2.0
ATTEMPT_SECONDS = 60.0
OVER = ("done", "failed", "rejected", "withdrawn")


def submit(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="A house bot's name, or the path of an agent's file.")],
    game: Annotated[str, typer.Option("--game", metavar="GAME", help="The game it plays.")],
    server: ServerOption = "",
    token: TokenOption = "",
    token_file: TokenFileOption = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="Name on the scoreboard; default: the one in its file.", show_default=False
        ),
    ] = None,
    rules: RulesOption = "5min",
    no_follow: Annotated[bool, typer.Option("--no-follow", help="Don't wait for the result.")] = False,
    json: JsonOption = False,
) -> None:
    """Send an agent to the server and follow it.

    A file that would be refused isn't sent. Sent twice, it is evaluated once. Ctrl-C only stops following it.
    """
    token = token_of(token, token_file)
    _check_given(server, token)
    path = find_agent_file(agent)
    package = admit(path)
    found = find_game(game)
    package.check_game(found)
    chosen, called = found.name, name or package.name
    content = package.content
    key = hashlib.sha256(f"{called}\n{chosen}\n{rules}\n".encode() + content).hexdigest()[:40]
    with Client(server, token) as client:
        sent: dict[str, Any] = _patiently(
            lambda: client.send_agent(content, key, name=called, game=chosen, rules=rules)
        )
        if not json:
            typer.echo(f"{called} is agent {sent['id']} on {client.url}: {_state(sent)}.")
        if not no_follow:
            sent = _follow(client, sent, quiet=json)
    if json:
        dump(sent)
    if sent["state"] in ("failed", "rejected"):
        raise typer.Exit(1)


def sync(
    recordings: Annotated[
        list[Path] | None, typer.Argument(metavar="[RECORDING]...", help="Put these into the outbox first.")
    ] = None,
    server: ServerOption = "",
    token: TokenOption = "",
    token_file: TokenFileOption = None,
    status: Annotated[bool, typer.Option("--status", help="Send nothing; only report.")] = False,
    event: EventOption = None,
    json: JsonOption = False,
) -> None:
    """Send what is waiting in the event folder's outbox.

    Stations do this by themselves while they run. With --status it only reports what is waiting, what the server has
    and what it refused. The exit code is 1 while something is waiting.
    """
    token = token_of(token, token_file)
    folder = open_event(event).folder
    outbox = Outbox(folder)
    for path in recordings or []:
        outbox.add(path)
    if not status:
        _check_given(server, token)
        with Client(server, token) as client:
            for key in outbox.waiting():
                _patiently(lambda key=key: outbox.send_one(key, client))
    contents = outbox.contents()
    decided = _decided(contents, server, token)
    if json:
        dump({"waiting": contents.waiting, "sent": decided, "refused": contents.refused})
    else:
        _print(contents, decided)
        _print_station(folder)
    if contents.waiting:
        raise typer.Exit(1)


def _check_given(server: str, token: str) -> None:
    for name, value in (("--server", server), ("--token", token)):
        if not value:
            raise typer.BadParameter(f"{name} is missing (or ARENA_{name[2:].upper()})")


def _patiently(attempt: Any) -> Any:
    """Do something that may meet a network in trouble, again and again with growing pauses, up to a minute."""
    told = False

    def may_pass(error: Exception) -> bool:
        nonlocal told
        if not isinstance(error, ServerUnreachable) or isinstance(error, ConnectionMistake):
            return False
        if not told:
            typer.echo(f"{error} Trying again for up to {ATTEMPT_SECONDS:.0f} seconds (Ctrl-C ends) ...", err=True)
        told = True
        return True

    stamina.instrumentation.set_on_retry_hooks(())  # it would log in its own words
    for one in stamina.retry_context(on=may_pass, attempts=None, timeout=ATTEMPT_SECONDS, wait_max=10.0):
        with one:
            return attempt()


def _follow(client: Client, agent: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Print the agent's log and what else changes until its evaluation is over."""
    shown, lines = _state(agent), 0
    while True:
        seen: dict[str, Any] = _patiently(lambda number=agent["id"]: client.get(f"/agents/{number}"))
        agent, log = seen["agent"], seen["log"]
        if not quiet:
            for line in log[lines:]:
                typer.echo(f"  {line['at'][11:19]} UTC  {line['text']}")
            if _state(agent) != shown:
                shown = _state(agent)
                typer.echo(shown)
        lines = len(log)
        if agent["state"] in OVER:
            return agent
        time.sleep(FOLLOW_SECONDS)


def _state(agent: dict[str, Any]) -> str:
    match agent["state"]:
        case "queued":
            return f"place {agent['place']} in the queue"
        case "running":
            return f"playing, {agent['played']} of {agent['planned']} games"
        case "held":
            return "waits for an organizer"
        case state:
            return f"{state}: {agent['reason']}".rstrip(": ")


def _decided(contents: Contents, server: str, token: str) -> dict[str, dict[str, Any]]:
    """Return the receipts, as new as the server gives them; as old as they are where it can't be reached."""
    if not server or not contents.sent:
        return contents.sent
    found = dict(contents.sent)
    with Client(server, token or None) as client:
        try:
            for key, receipt in contents.sent.items():
                found[key] = client.get(f"/uploads/{receipt['id']}")
        except (ServerRefused, ServerUnreachable) as error:
            typer.echo(f"What became of them can't be asked: {error}", err=True)
    return found


def _print(contents: Contents, decided: dict[str, dict[str, Any]]) -> None:
    states = [receipt["state"] for receipt in decided.values()]
    typer.echo(
        f"{len(contents.waiting)} wait, {len(states)} sent ({states.count('verified')} verified, "
        f"{states.count('received')} not yet, {states.count('refused')} refused on replay), "
        f"{len(contents.refused)} refused at once."
    )
    for key, receipt in decided.items():
        if receipt["state"] == "refused":
            typer.echo(f"  {key[:12]}  {receipt['reason']}")
    for key, reason in contents.refused.items():
        typer.echo(f"  {key[:12]}  {reason}")


def _print_station(folder: Path) -> None:
    """Say what a kiosk that runs here has last heard of its server."""
    news = read_news(folder)
    if not news:
        return
    ago = f"{max(0.0, time.time() - news['heard']):,.0f} s ago" if "heard" in news else "never"
    name = news.get("name", "This station")
    typer.echo(f"{name} has heard of {news['server']} {ago}.{' ' + news['trouble'] if news['trouble'] else ''}")
