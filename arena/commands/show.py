"""`arena demo`, `arena watch` and `arena export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arena.commands.options import EventOption, RulesOption

if TYPE_CHECKING:
    from recordings.recording import Recording


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
    recordings = _to_show(what, game, seed, rules)
    if mp4 is not None:
        _film(recordings, mp4)
        return
    from arena.window import watch_recordings

    watch_recordings(recordings)


def export(
    file: Annotated[list[Path], typer.Argument(help="One recording, or two for a split screen.")],
    mp4: Annotated[Path | None, typer.Option("--mp4", help="Write this MP4 file.")] = None,
    gif: Annotated[Path | None, typer.Option("--gif", help="Write this GIF file.")] = None,
    start: Annotated[float, typer.Option("--start", min=0, help="Begin here, in seconds of play.")] = 0,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1, help="Show so many; default: all.")] = None,
) -> None:
    """Make a film of a recording."""
    from envs.errors import EventError
    from recordings.codec import read

    recordings = [read(path) for path in file]
    wanted = [path for path in (mp4, gif) if path is not None]
    if not wanted:
        raise EventError("Nothing to write: give --mp4 FILE.mp4 or --gif FILE.gif.")
    part = (start, start + seconds) if seconds is not None else (start, float("inf")) if start else None
    for path in wanted:
        _film(recordings, path, part)


def _film(recordings: list[Recording], path: Path, part: tuple[float, float] | None = None) -> None:
    from tqdm import tqdm

    from arena.video import export as export_video

    with tqdm(desc=f"filming {path.name}", unit="frame", disable=None, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        export_video(recordings, path, seconds=part, progress=progress)
    typer.echo(f"Wrote {path}.")


def _to_show(what: list[str], game: str | None, seed: int, rules: str) -> list[Recording]:
    """Read recordings, or let an agent play a game, which is then shown like any other."""
    from agents.load import load_player
    from arena.evaluate import play_seeds
    from envs.errors import RecordingError
    from envs.games import find_game
    from envs.rules import named_rules
    from recordings.codec import SUFFIX, read

    if all(one.endswith(SUFFIX) for one in what):
        if len(what) > 2:
            raise RecordingError(f"One recording or two can be shown side by side, not {len(what)}.")
        return [read(Path(one)) for one in what]
    if len(what) > 1 or game is None:
        raise RecordingError(
            f"Give one or two recordings (*{SUFFIX}), or one agent with --game; what came is {', '.join(what)}."
        )
    chosen = find_game(game)
    return list(play_seeds(load_player(what[0], chosen), named_rules(chosen, rules), [seed]))
