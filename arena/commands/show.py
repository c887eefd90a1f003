"""`arena demo`, `arena watch` and `arena export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arena.commands.options import EventOption, RulesOption


def demo(event: EventOption = None) -> None:
    """Play a small real event from start to end, then say what to open and what to type next."""
    from arena.demo import run

    run(event)


def watch(
    what: Annotated[list[str], typer.Argument(help="One or two recordings, or one agent.")],
    game: Annotated[str | None, typer.Option("--game", help="For an agent: what it plays.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="For an agent: the seed.")] = 0,
    rules: RulesOption = "5min",
    mp4: Annotated[Path | None, typer.Option("--mp4", help="Write a film instead of opening a window.")] = None,
) -> None:
    """Show recordings or an agent's game in a window, or write it as MP4."""
    from arena.showing import recordings_to_show
    from arena.video import export as export_video
    from arena.window import watch as watch_window

    recordings = recordings_to_show(what, game, seed, rules)
    if mp4 is not None:
        export_video(recordings, mp4)
        typer.echo(f"Wrote {mp4}.")
    else:
        watch_window(recordings)


def export(
    file: Annotated[list[Path], typer.Argument(help="One recording, or two for a split screen.")],
    mp4: Annotated[Path | None, typer.Option("--mp4", help="Write this MP4 file.")] = None,
    gif: Annotated[Path | None, typer.Option("--gif", help="Write this GIF file.")] = None,
) -> None:
    """Make a film of a recording."""
    from arena.video import export as export_video
    from envs.errors import EventError
    from recordings.codec import read

    recordings = [read(path) for path in file]
    wanted = [path for path in (mp4, gif) if path is not None]
    if not wanted:
        raise EventError("Nothing to write: give --mp4 FILE.mp4 or --gif FILE.gif.")
    for path in wanted:
        export_video(recordings, path)
        typer.echo(f"Wrote {path}.")
