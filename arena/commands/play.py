"""`arena play`: a person at the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arena.client.offline import Kept, keep_here
from arena.commands.options import (
    DatabaseOption,
    EventOption,
    GameArgument,
    JsonOption,
    RulesOption,
    TokenFileOption,
    TokenOption,
    token_of,
    whole,
)
from arena.commands.ranked import followed
from arena.engine.recover import recover
from arena.engine.seeds import practice_seeds
from arena.event.folder import Event, open_event
from arena.play.limits import PRACTICE, RANKED
from arena.play.opponent import NOBODY, GhostOpponent, Opponent, check_agent
from arena.play.opponent_loading import LoadingOpponent
from arena.play.remap import choose_keys
from arena.play.session import Round, play_match
from arena.ui.lines import draw_lines, hint, line
from arena.ui.strings import text
from arena.ui.window import open_stage
from envs.errors import AgentError, PlayerNameError, RecordingError
from envs.games import Game, find_game
from envs.names import check_name
from envs.rules import Rules, named_rules
from recordings.codec import read

if TYPE_CHECKING:
    from arena.ui.window import Stage


def play(
    game: GameArgument,
    player: Annotated[
        str | None, typer.Option("--player", metavar="NAME", help="Your name on the scoreboard.", show_default=False)
    ] = None,
    opponent_agent: Annotated[
        str | None,
        typer.Option("--versus", metavar="AGENT", help="Play against this agent.", show_default=False),
    ] = None,
    ghost: Annotated[
        Path | None,
        typer.Option(
            "--ghost", metavar="FILE", help="Play against this recording, on its seed and rules.", show_default=False
        ),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", parser=whole, help="How many games.")] = 1,
    seed: Annotated[int, typer.Option("--seed", metavar="N", parser=whole, help="The first game's seed.")] = 0,
    rules: RulesOption = "5min",
    practice: Annotated[bool, typer.Option("--practice", help="Play without a record; pauses are free.")] = False,
    full_screen: Annotated[bool, typer.Option("--full-screen", help="Start in full screen.")] = False,
    remap: Annotated[bool, typer.Option("--remap", help="Choose your keys and buttons first.")] = False,
    event: EventOption = None,
    db: DatabaseOption = None,
    server: Annotated[
        str, typer.Option("--server", metavar="URL", help="Play ranked games for this server.")
    ] = "",  # ARENA_SERVER doesn't count here: who has it set for arena submit still practises at home
    token: TokenOption = "",
    token_file: TokenFileOption = None,
    json: JsonOption = False,
) -> None:
    """Play a game yourself.

    Arrows or WASD move, space fires; a pad does both. P pauses, Esc leaves, M mutes, plus and minus change the
    volume, F10 smooths flicker, F11 toggles full screen. Every game is recorded, verified and put on the scoreboard.
    """
    chosen = find_game(game)
    the_rules = named_rules(chosen, rules)
    the_seeds: Sequence[int] = practice_seeds(seeds, seed)
    if player is None and not practice:
        raise PlayerNameError("Say who plays with --player NAME, or play without a record with --practice.")
    name = check_name("practice" if player is None else player)
    if opponent_agent is not None and ghost is not None:
        raise AgentError("Only one can play beside you: give --versus or --ghost, not both.")
    if opponent_agent is not None:
        check_agent(opponent_agent, the_rules)
    shade = None if ghost is None else _ghost(ghost, chosen)
    if shade is not None:
        the_rules, the_seeds = shade.recording.rules, (shade.recording.seed,)
    the_event = None if practice else _opened(event)
    ranked = server != "" and the_event is not None
    if ranked and shade is not None:
        raise AgentError(
            "A ghost's seed isn't the one that the server chooses; play without --server, or without --ghost."
        )
    with ExitStack() as stack:
        begin: Callable[[int], Kept] = lambda number: keep_here  # noqa: E731
        if ranked:
            assert the_event is not None
            secret = token_of(token, token_file)
            games = followed(the_event, name, the_rules, len(the_seeds), server, secret)
            the_seeds, begin = stack.enter_context(games)
        rounds = _at_the_window(
            chosen, the_rules, the_seeds, name, the_event, shade or opponent_agent, full_screen, remap, begin
        )
    if the_event is not None:
        _publish(chosen, the_rules, rounds, the_event, db, json)


def _ghost(path: Path, game: Game) -> GhostOpponent:
    """Read the recording that plays beside the person.

    Raises:
        RecordingError: it can't be read, or is of another game.
    """
    recording = read(path)
    if recording.rules.game != game.name:
        raise RecordingError(f"{path} is a recording of {recording.rules.game}, not of {game.name}.")
    return GhostOpponent(recording)


def _opened(event: Path | None) -> Event:
    """Open the event folder, and recover what a program was playing there when it was killed. (The scoreboard is opened
    after the game: that takes a second, which nobody wants to wait before it.)"""
    the_event = open_event(event)
    if the_event.recordings.exists() and (recovered := recover(the_event.recordings)):
        typer.echo(f"Recovered what broke off when a program was ended: {len(recovered)}.", err=True)
    return the_event


def _at_the_window(
    game: Game,
    rules: Rules,
    seeds: Sequence[int],
    name: str,
    event: Event | None,
    source: GhostOpponent | str | None,
    full_screen: bool,
    remap: bool,
    begin: Callable[[int], Kept],
) -> list[Round]:
    """Open the window, play, and close it."""
    with open_stage(f"{game.title} – {name}", full_screen=full_screen) as stage:
        if remap:
            choose_keys(stage)
        with _open_opponent(stage, source, rules) as opponent:
            if opponent is None:
                return []
            folder = None if event is None else event.recordings
            limits = PRACTICE if event is None else RANKED
            return play_match(stage, rules, seeds, name, folder, opponent=opponent, limits=limits, begin=begin)


@contextmanager
def _open_opponent(stage: Stage, source: GhostOpponent | str | None, rules: Rules) -> Iterator[Opponent | None]:
    """Give who plays beside the person; an agent's name is shown while it loads. None if the person left meanwhile.

    Raises:
        AgentError: it can't play.
    """
    if not isinstance(source, str):
        yield NOBODY if source is None else source
        return
    with closing(LoadingOpponent(source, rules)) as at_work:
        _show_loading(stage, at_work, Path(source).name)
        if at_work.problem is not None:
            raise at_work.problem
        yield at_work.opponent


def _show_loading(stage: Stage, at_work: LoadingOpponent, name: str) -> None:
    """Return when it has loaded, or the person closes the window or presses Esc."""
    clock = stage.pygame.time.Clock()
    while at_work.loading and not stage.closed:
        if any(press.key == "escape" or press.pad == "back" for press in stage.poll()):
            return
        stage.clear()
        lines = [line(text("play.loading", name=name)), hint(text("play.loading_keys"))]
        draw_lines(stage, lines, stage.surface.get_height() // 14)
        stage.show()
        clock.tick(30)


def _publish(game: Game, rules: Rules, rounds: Sequence[Round], event: Event, db: str | None, json: bool) -> None:
    """Put what was played on the scoreboard, and after it what earlier programs left; print the scores."""
    # Not at the top: SQLAlchemy takes a second, which nobody wants to wait before the game.
    from arena.commands.opening import fail_on_mismatch, publish_leftovers, publish_with_progress
    from arena.commands.tables import print_json, print_match
    from arena.scoreboard.store import Scoreboard

    played = [one for round_ in rounds for one in (round_.person, round_.opponent) if one is not None]
    paths = [one.path for one in played if one.path is not None]
    with Scoreboard.open(db or event.database) as board:
        publications = publish_with_progress(paths, board)
        publish_leftovers(event, board, db)
    names = list(dict.fromkeys(one.recording.player.name for one in played if one.path is not None))
    if json:
        print_json(game, rules, names, publications)
    elif publications:
        print_match(game, rules, names, publications)
    fail_on_mismatch(publications)
