"""`arena stage`, `arena watch` and `arena export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from agents.load import load_player
from arena.commands.kiosk import checked_size
from arena.commands.options import DatabaseOption, EventOption, RulesOption, whole
from arena.commands.progress import progress_lines
from arena.engine.evaluate import play_seeds
from arena.event.folder import SETTINGS, event_folder
from arena.processes.watchdog import keep_alive
from envs.environment import ale_seed_of
from envs.errors import EventError, RecordingError
from envs.games import find_game
from envs.rules import named_rules
from recordings.codec import SUFFIX, read
from recordings.recording import Recording


def stage(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="The tournament; the latest by default."),
    ] = None,
    event: EventOption = None,
    size: Annotated[
        str | None,
        typer.Option(
            "--size", metavar="WxH", help="Open a window of this size instead of full screen.", show_default=False
        ),
    ] = None,
    screen: Annotated[
        int, typer.Option("--screen", metavar="N", parser=whole, help="Which of the machine's screens to use.")
    ] = 1,
    db: DatabaseOption = None,
) -> None:
    """Show a tournament on the hall's projector.

    It follows the tournament by itself: the next match, both games side by side with the lead, the winner, the
    standings, and so on. Space pauses, the right arrow skips ahead, the left arrow goes back, Esc leaves.
    """
    folder, window = event_folder(event), checked_size(size)
    if not (folder / SETTINGS).is_file():
        raise EventError(f"There is no event in {folder} yet; make one with arena event init, or name it with --event.")
    words = [str(folder), db or "", f"{window[0]}x{window[1]}" if window else "", name or "", str(screen - 1)]
    keep_alive("stage", "arena.stage", words)


def watch(
    what: Annotated[list[str], typer.Argument(metavar="WHAT...", help="One or two recordings, or one agent.")],
    game: Annotated[
        str | None, typer.Option("--game", metavar="GAME", help="For an agent: the game.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", parser=whole, help="For an agent: the seed.")] = 0,
    rules: RulesOption = "5min",
    mp4: Annotated[
        Path | None,
        typer.Option("--mp4", metavar="FILE", help="Write a film instead of opening a window.", show_default=False),
    ] = None,
) -> None:
    """Show recordings or an agent's game in a window.

    An agent's game is played first and is not recorded. In the window, space pauses, left and right skip, up and down
    change the speed, Esc leaves.
    """
    _check_suffix(mp4, ".mp4")
    recordings = _to_show(what, game, seed, rules)
    if mp4 is not None:
        _film(recordings, mp4)
        return
    from arena.ui.viewer import watch_recordings

    watch_recordings(recordings)


def export(
    file: Annotated[
        list[Path], typer.Argument(metavar="RECORDING...", help="One recording, or two for a split screen.")
    ],
    mp4: Annotated[
        Path | None, typer.Option("--mp4", metavar="FILE", help="Write this MP4 file.", show_default=False)
    ] = None,
    gif: Annotated[
        Path | None, typer.Option("--gif", metavar="FILE", help="Write this GIF file.", show_default=False)
    ] = None,
    start: Annotated[float, typer.Option("--start", metavar="S", help="Start here, in seconds of play.")] = 0,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", metavar="S", help="How many seconds to show; all by default.", show_default=False),
    ] = None,
) -> None:
    """Make a film of a recording.

    An MP4 has sound and every frame; a GIF has 15 pictures per second and lasts at most 60 seconds.
    """
    _check_suffix(mp4, ".mp4")
    _check_suffix(gif, ".gif")
    wanted = [path for path in (mp4, gif) if path is not None]
    if not wanted:
        raise EventError("Nothing to write: give --mp4 FILE.mp4 or --gif FILE.gif.")
    recordings = [read(path) for path in file]
    part = (start, start + seconds) if seconds is not None else (start, float("inf")) if start else None
    for path in wanted:
        _film(recordings, path, part)


def _check_suffix(path: Path | None, suffix: str) -> None:
    if path is not None and path.suffix.lower() != suffix:
        raise typer.BadParameter(f"--{suffix[1:]} takes a file that ends in {suffix}, not {path.name!r}")


def _film(recordings: list[Recording], path: Path, part: tuple[float, float] | None = None) -> None:
    from arena.ui.video import export as export_video

    what = f"filming {path.name}"
    with tqdm(desc=what, unit="frame", disable=None, leave=False) as bar, progress_lines(lambda: what):

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        export_video(recordings, path, seconds=part, progress=progress)
    typer.echo(f"Wrote {path}.")


def _to_show(what: list[str], game: str | None, seed: int, rules: str) -> list[Recording]:
    """Read recordings, or let an agent play a game, which is then shown like any other."""
    if all(one.endswith(SUFFIX) for one in what):
        if len(what) > 2:
            raise RecordingError(f"One recording or two can be shown side by side, not {len(what)}.")
        return [read(Path(one)) for one in what]
    if len(what) > 1 or game is None:
        raise RecordingError(
            f"Expected one or two recordings (*{SUFFIX}), or one agent and its --game; what came is {', '.join(what)}."
        )
    return _played(what[0], game, seed, rules)


def _played(agent: str, game: str, seed: int, rules: str) -> list[Recording]:
    chosen = find_game(game)
    the_rules = named_rules(chosen, rules)
    ale_seed_of(seed)  # what is wrong is said before anything is played
    player = load_player(agent, chosen)
    typer.echo(f"{player.info.name} plays {chosen.title} on seed {seed} ...", err=True)
    return list(play_seeds(player, the_rules, [seed]))
