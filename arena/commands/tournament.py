"""`arena tournament`: the final."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console

from arena.commands.opening import lifecycle, runner
from arena.commands.options import DatabaseOption, EventOption, JsonOption, ProcessesOption, whole
from arena.commands.tables import dump, new_table, plain_text, print_table
from arena.commands.tournament_play import play
from arena.event.log import EVENT, TOURNAMENT
from arena.stats.ratings import ladder as rated
from arena.stats.verdicts import ALPHA
from arena.tournament.model import Entrant, Format, TournamentState, state_of
from arena.tournament.qualification import files_by_hash, qualified
from arena.tournament.runner import TournamentRunner, check_runs, machine
from arena.tournament.runner import person as entered
from arena.tournament.sides import meetings_of, shown_states, sides_of, verdict_of
from arena.tournament.standings import How, is_over, is_proven, round_title, rounds, standings
from arena.tournament.teams import drawn_teams, team_entries, team_standings
from envs.errors import EventError
from envs.extras import require
from envs.games import find_game
from envs.rules import Rules, check_switches, named_rules

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Run a tournament; if killed, it resumes."
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The tournament's name.")]
POLL_SECONDS = 2.0


@app.command()
def new(
    name: NameArgument,
    game: Annotated[
        list[str],
        typer.Option("--game", metavar="GAME", help="A game; once for each.", default_factory=list, show_default=False),
    ],
    player: Annotated[
        list[str],
        typer.Option(
            "--player", metavar="AGENT", help="A bot, once for each.", default_factory=list, show_default=False
        ),
    ],
    person: Annotated[
        list[str],
        typer.Option(
            "--person", metavar="NAME", help="A person, once for each.", default_factory=list, show_default=False
        ),
    ],
    format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="duel, round-robin, knockout or team-battle.")
    ] = "duel",
    best_of: Annotated[
        int | None, typer.Option("--best-of", metavar="N", parser=whole, help="Seeds per game.", show_default=False)
    ] = None,
    until_decided: Annotated[
        bool, typer.Option("--until-decided", help="Play until a sequential test decides, at 5 % error.")
    ] = False,
    cap: Annotated[int, typer.Option("--cap", metavar="N", parser=whole, help="Most seeds of --until-decided.")] = 30,
    qualify: Annotated[
        bool, typer.Option("--qualify", help="Enter the scoreboard's best people and bots (event.toml: final).")
    ] = False,
    teams: Annotated[
        bool, typer.Option("--teams", help="Enter each team's best player and best bot (arena event teams).")
    ] = False,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="Title in the report.", show_default=False)
    ] = None,
    rules: Annotated[
        str | None,
        typer.Option("--rules", metavar="NAME", help="5min or 30min; default: event.toml's.", show_default=False),
    ] = None,
    mode: Annotated[
        int | None,
        typer.Option("--mode", metavar="N", parser=whole, help="Surprise round: the game's mode.", show_default=False),
    ] = None,
    difficulty: Annotated[
        int | None,
        typer.Option(
            "--difficulty", metavar="N", parser=whole, help="Surprise round: the game's difficulty.", show_default=False
        ),
    ] = None,
    practice: Annotated[bool, typer.Option("--practice", help="Rehearse on practice seeds.")] = False,
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Start a tournament.

    Players are seeded in the order given. For a surprise round (--mode, --difficulty) every bot is first checked to run
    there.
    """
    with runner(name, event, db) as one:
        games, rules = game or list(one.event.settings.games), rules or one.event.settings.rules
        the_rules = _rules(games, rules, mode, difficulty)
        entrants: list[Entrant] = _qualified(one, list(the_rules), rules) if qualify else []
        entrants += _of_teams(one, list(the_rules), rules) if teams else []
        entrants += [entered(human) for human in person]
        entrants += [machine(agent, list(the_rules)) for agent in player]
        if mode is not None or difficulty is not None:
            _check_all_run(entrants, the_rules)
        n = best_of or one.event.settings.final.seeds
        state = one.create(
            {
                "title": title or name,
                "format": format.replace("-", " "),
                "rules": the_rules,
                "entrants": [entrant.model_dump(mode="json") for entrant in entrants],
                "series": _until_decided(len(the_rules), cap) if until_decided else {"kind": "best of", "n": n},
                "practice": practice,
            }
        )
        typer.echo(f"{state.plan.title}: {state.plan.format}, {state.plan.series.text()}, {len(entrants)} players.")
        typer.echo(f"Next: arena tournament run {name}")


@app.command()
def run(
    name: NameArgument,
    wait: Annotated[bool, typer.Option("--wait", help="Also wait for the people's games.")] = False,
    delays: Annotated[
        bool, typer.Option("--delays", help="Then repeat the bots' games with reaction delays, for the report.")
    ] = False,
    processes: ProcessesOption = None,
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Play the bots' games and collect the people's.

    It may be killed and restarted at any time. At the end it lists the games that people still have to play.
    """
    with runner(name, event, db) as one:
        state = one.run(typer.echo, processes)
        told: set[Any] = set()
        while wait and (slots := one.waiting_for(state)):
            new_ones = [slot for slot in slots if slot not in told]
            told.update(new_ones)
            for line in _waiting(one, state, new_ones):
                typer.echo(line)
            time.sleep(POLL_SECONDS)
            state = one.run(typer.echo, processes)
        if delays:
            one.play_delayed(typer.echo, processes)
        _print(one, state)


app.command()(play)


@app.command()
def status(
    name: NameArgument,
    log: Annotated[bool, typer.Option("--log", help="Also list every line of the log.")] = False,
    event: EventOption = None,
    db: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Show the standings, what is decided and who has to play."""
    with runner(name, event, db) as one:
        one.take_in()
        entries = one.entries()
        state = one.state()
        if json:
            waiting = [slot.model_dump() | {"seed": one.seed_of(state, slot)} for slot in one.waiting_for(state)]
            found = {
                "plan": state.plan.model_dump(mode="json"),
                "standings": [line.plain() for line in standings(state)],
                "teams": [line.plain() for line in team_standings(standings(state), state.entrants)],
                "rounds": [[asdict(duel) for duel in duels] for duels in rounds(state)],
                "waiting_for": waiting,
            }
            dump(found | ({"log": [entry.as_dict() for entry in entries]} if log else {}))
            return
        _print(one, state)
        for entry in entries if log else []:
            typer.echo(f"{entry.number:5}  {entry.at[:19]}  {entry.kind:9}  {_told(entry.kind, entry.body)}")


@app.command()
def undo(
    name: NameArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason; it is logged.")],
    line: Annotated[
        int | None,
        typer.Option(
            "--line", metavar="N", parser=whole, help="Undo this line of the log instead.", show_default=False
        ),
    ] = None,
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Undo the last change made by a person.

    That is a person's game, a walk-over or a late entry. The line stays in the log; the undo and its reason are added.
    """
    with runner(name, event, db) as one:
        entry = one.undo(reason, line)
        typer.echo(f"Undone: line {entry.number}, {_told(entry.kind, entry.body)}")


@app.command("walk-over")
def walk_over(
    name: NameArgument,
    player: Annotated[str, typer.Argument(metavar="PLAYER", help="The player who drops out.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason.")] = "did not appear",
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Award a player's remaining games to the others."""
    with runner(name, event, db) as one:
        one.walk_over(player, reason)
        typer.echo(f"{player} plays no more ({reason}).")


@app.command()
def late(
    name: NameArgument,
    player: Annotated[str | None, typer.Option("--player", metavar="AGENT", help="A bot.", show_default=False)] = None,
    person: Annotated[
        str | None, typer.Option("--person", metavar="NAME", help="A person.", show_default=False)
    ] = None,
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Add a late entrant."""
    if (player is None) == (person is None):
        raise EventError("Name one who came late: --player AGENT or --person NAME.")
    with runner(name, event, db) as one:
        plan = one.state().plan
        entrant = machine(player, plan.games) if player is not None else entered(person or "")
        one.arrive(entrant)
        typer.echo(f"{entrant.name} plays in {plan.title}.")


def _rules(games: list[str], name: str, mode: int | None, difficulty: int | None) -> dict[str, Rules]:
    found = {}
    for game in games:
        chosen = find_game(game)
        rules = named_rules(chosen, name)
        changes = {key: value for key, value in (("mode", mode), ("difficulty", difficulty)) if value is not None}
        rules = rules.varied(**changes) if changes else rules
        check_switches(rules)
        found[chosen.name] = rules
    return found


def _until_decided(games: int, cap: int) -> dict[str, Any]:
    """Share the error rate among the games, so that equal players are told apart in at most 5 % of duels."""
    return {"kind": "sequential", "cap": cap, "alpha": ALPHA / games}


def _qualified(one: TournamentRunner, games: list[str], rules: str) -> list[Entrant]:
    final = one.event.settings.final
    usual = _rules(games, rules, None, None)
    each = one.event.settings.quotas.bots
    return qualified(one.board, usual, final.people, final.bots, one.event.agents, each)


def _of_teams(one: TournamentRunner, games: list[str], rules: str) -> list[Entrant]:
    drawn = drawn_teams(one.log.entries(EVENT))
    found = team_entries(one.board, _rules(games, rules, None, None), drawn, files_by_hash(one.event.agents))
    for team in drawn:
        mine = [entrant for entrant in found if entrant.team == team]
        lacking = [what for what, human in (("player", True), ("bot", False)) if human not in [e.human for e in mine]]
        without = f" (no {' and no '.join(lacking)} on the scoreboard)" if lacking else ""
        typer.echo(f"{team}: {' and '.join(entrant.name for entrant in mine) or 'nobody'}{without}")
    return found


def _check_all_run(entrants: list[Entrant], rules: dict[str, Rules]) -> None:
    wrong = [
        f"{entrant.name} in {game}: {problem}"
        for entrant in entrants
        if not entrant.human
        for game, one in rules.items()
        if entrant.plays(game) and (problem := check_runs(entrant, one)) is not None
    ]
    if wrong:
        raise EventError(f"Not every bot runs in this mode and difficulty: {'; '.join(wrong)}.")
    typer.echo("Every bot runs in this mode and difficulty.")


def _waiting(one: TournamentRunner, state: TournamentState, slots: list[Any]) -> list[str]:
    games: dict[tuple[str, str, str], list[str]] = {}
    for slot in slots:
        games.setdefault((slot.player, slot.game, slot.stage), []).append(str(one.seed_of(state, slot)))
    return [
        f"Waiting for {player} in {find_game(game).title}, {stage}: {'seed' if len(seeds) == 1 else 'seeds'} "
        f"{', '.join(seeds)}"
        for (player, game, stage), seeds in games.items()
    ]


def _print(one: TournamentRunner, state: TournamentState) -> None:
    """Print the duels of small tournaments, the standings and what is waited for."""
    console = Console(highlight=False)
    plan = state.plan
    kind = ", a rehearsal on practice seeds" if plan.practice else ""
    console.print(plain_text(f"{plan.title}: {plan.format}, {plan.series.text()}{kind}", "bold"))
    if plan.format in (Format.DUEL, Format.KNOCKOUT):
        for number, duels in enumerate(rounds(state)):
            for duel in duels:
                mine, others = duel.seeds_won
                how = "" if duel.how is How.PLAYED else f", {duel.how}"
                result = f"{mine}:{others} seeds" if duel.b else "bye"
                wins = "wins" if is_proven(state, duel) else "is ahead, not decided"
                said = (
                    f"{duel.winner} {wins}{how}" if duel.winner and duel.b else "draw" if duel.over and duel.b else ""
                )
                line = f"  {round_title(state, number)}: {duel.a} - {duel.b or '-'}  {result}  {said}"
                console.print(plain_text(line.rstrip()), soft_wrap=True)
    table = new_table(("#", "right"), ("player", "left"), ("kind", "left"), ("won", "right"), ("drawn", "right"),
                   ("lost", "right"), ("seeds", "right"), ("", "left"))  # fmt: skip
    for line_ in standings(state):
        table.add_row(
            str(line_.place), plain_text(line_.player), line_.kind.value, str(line_.won), str(line_.drawn),
            str(line_.lost), f"{line_.seeds_won:,}", plain_text(line_.note),
        )  # fmt: skip
    print_table(console, table, "kind", "drawn", "lost", "seeds")
    teams = team_standings(standings(state), state.entrants)
    if teams:
        table = new_table(
            ("#", "right"), ("team", "left"), ("players", "left"), ("points", "right"), ("seeds", "right")
        )
        for one_ in teams:
            row = (str(one_.place), one_.team, ", ".join(one_.members), f"{one_.points:,}", f"{one_.seeds_won:,}")
            table.add_row(*map(plain_text, row))
        print_table(console, table, "seeds")
    for text in [*_waiting(one, state, one.waiting_for(state)), *_verdicts(state)]:
        console.print(plain_text(text), soft_wrap=True)


def _verdicts(state: TournamentState) -> list[str]:
    """Return what came out in a team battle that is over: overall, then in each game."""
    if state.plan.format is not Format.TEAM or not state.scores or not is_over(state):
        return []
    outcome = verdict_of(state, sides_of(state))
    return [outcome.sentence, *(one.sentence for one in outcome.games)]


def _told(kind: str, body: dict[str, Any]) -> str:
    """Say a line of the log in words."""
    match kind:
        case "score":
            return f"{body['player']}: {body['score']:,} in {body['game']}, {body['stage']}, seed {body['index'] + 1}"
        case "walk-over":
            return f"{body['player']} plays no more: {body['reason']}"
        case "late":
            return f"{body['name']} came late"
        case "undo":
            return f"line {body['number']} undone: {body['reason']}"
        case _:
            return str(body.get("title", ""))


@app.command()
def ladder(event: EventOption = None, db: DatabaseOption = None, json: JsonOption = False) -> None:
    """Print the event's ladder of people and bots.

    Rated by openskill over all tournaments so far, updated after each seed that two or more played; overall and for
    each game. Needs the extra report.
    """

    require("The ladder", "openskill")
    with lifecycle(event, db) as one:
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
        console.print(plain_text(title, "bold"))
        table = new_table(("#", "right"), ("player", "left"), ("ladder", "right"), ("seeds", "right"))
        for place, line in enumerate(lines, start=1):
            table.add_row(*map(plain_text, (str(place), line.player, f"{line.shown:.1f}", f"{line.meetings:,}")))
        console.print(table)
