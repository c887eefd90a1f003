"""`arena agent`: pack, show and check an agent's file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.load import find_agent_file
from agents.packages import AgentPackage, admit
from agents.packages.onnx_file import OnnxNetwork
from agents.packages.pack import pack as packed
from agents.training.packing import write_package
from arena.commands.options import JsonOption, RulesOption, whole
from arena.commands.tables import dump
from arena.diagnostics.agent_file import Finding, preflight
from envs.errors import AgentError, tidy
from envs.games import find_game

app = typer.Typer(
    name="agent",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Pack, show or check an agent's file.",
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="An agent package, its folder, or an SB3 zip.")]
COLOURS = {"ok": "green", "warn": "yellow", "refused": "bold red"}
NONE = {"show_default": False}


@app.command()
def pack(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A plain SB3 zip, an ONNX file, or a package to change.")
    ],
    game: Annotated[
        list[str] | None,
        typer.Option("--game", metavar="GAME", help="A game it plays; may be given several times.", **NONE),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Output file; default: MODEL.agent.zip here.", **NONE),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="TEXT", help="Name on the scoreboard; default: MODEL's name.", **NONE),
    ] = None,
    author: Annotated[str | None, typer.Option("--author", metavar="TEXT", help="Who made it.", **NONE)] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="TEXT", help="What others may do with it.", **NONE)
    ] = None,
    algo: Annotated[
        str | None, typer.Option("--algo", metavar="TEXT", help="How it learned, e.g. ppo.", **NONE)
    ] = None,
    about: Annotated[
        str | None, typer.Option("--about", metavar="TEXT", help="A sentence about its training.", **NONE)
    ] = None,
    preprocessing: Annotated[
        str | None,
        typer.Option(
            "--preprocessing",
            metavar="NAME",
            help="ale-native-84 (the arena's own, the default) or sb3-wrappers-84 (make_atari_env).",
            **NONE,
        ),
    ] = None,
    frame_skip: Annotated[
        int | None,
        typer.Option("--frame-skip", metavar="N", parser=whole, help="Frames per decision; 4, in Pac-Man 3.", **NONE),
    ] = None,
    stack: Annotated[
        int | None,
        typer.Option(
            "--stack", metavar="N", parser=whole, help="Frames per observation; default: the network's, or 4.", **NONE
        ),
    ] = None,
    action_set: Annotated[
        str | None,
        typer.Option(
            "--action-set",
            metavar="CODES",
            help="ALE action codes of the outputs, e.g. 0,1,3,4; default: the game's order.",
            **NONE,
        ),
    ] = None,
    layout: Annotated[
        str | None, typer.Option("--layout", metavar="NAME", help="ONNX: nchw (the default) or nhwc.", **NONE)
    ] = None,
    pixels: Annotated[
        str | None,
        typer.Option("--pixels", metavar="NAME", help="ONNX: uint8, float (0 to 255) or unit (0 to 1).", **NONE),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", metavar="NAME", help="ONNX: logits, probabilities, values or actions.", **NONE),
    ] = None,
    output_name: Annotated[
        str | None,
        typer.Option("--output-name", metavar="TEXT", help="ONNX: which output, if there are several.", **NONE),
    ] = None,
) -> None:
    """Make a package of a trained network.

    Only what is needed to play goes in: the weights, and agent.toml with these settings.
    """
    said = {
        "games": game, "name": name, "author": author, "licence": licence, "algo": algo,
        "training": {"about": about} if about else None, "preprocessing": preprocessing, "frame_skip": frame_skip,
        "stack": stack, "action_set": _codes(action_set),
    }  # fmt: skip
    onnx = {"layout": layout, "pixels": pixels, "output": output, "output_name": output_name}
    package = packed(model, _given(said), _given(onnx))
    target = out or Path(f"{model.name.removesuffix('.zip').removesuffix('.onnx')}.agent.zip")
    try:
        write_package(target, package.content)
    except OSError as error:
        raise AgentError(f"{target} can't be written ({error.strerror}).") from None
    typer.echo(f"{target} is {package.name}, {len(package.content):,} bytes, sha256 {package.sha256}.")
    typer.echo(f"Check it before it is sent: arena agent check {target}")


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _codes(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(code) for code in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"expected whole numbers with commas, e.g. 0,1,3,4, not {text!r}") from None


@app.command()
def show(file: FileArgument, json: JsonOption = False) -> None:
    """Show what an agent's file says and contains.

    Nothing in it is executed.
    """
    rows = facts(admit(find_agent_file(str(file))))
    if json:
        dump(rows)
        return
    table = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        told = tidy(", ".join(map(str, value)) if isinstance(value, list) else value)
        if isinstance(value, dict):  # somebody else's texts: a terminal obeys control characters
            told = "\n".join(f"{tidy(key)}: {tidy(inner)}" for key, inner in value.items())
        table.add_row(Text(name.replace("_", " ")), Text(told or "not stated", style="" if told else "dim"))
    Console(highlight=False).print(table)


def facts(package: AgentPackage) -> dict[str, Any]:
    """Return what is known of an agent, as plain values."""
    network = package.network
    if isinstance(network, OnnxNetwork):
        batch = "any number of" if network.batch is None else str(network.batch)
        told = f"ONNX, {batch} pictures at once"
    else:
        count = sum(tensor.size for tensor in network.tensors.values())
        kind = {"nature": "NatureCNN", "impala": "IMPALA"}[network.architecture.extractor]
        hidden = "".join(f", {width} hidden" for width in network.architecture.hidden)
        told = f"{kind}{hidden}, {count:,} numbers"
    return {
        "name": package.name,
        "author": package.author,
        "licence": package.licence,
        "games": list(package.games),
        "kind": package.kind,
        "network": told,
        "algorithm": package.algorithm,
        "preprocessing": package.preprocessing,
        "frame_skip": package.frame_skip or "the game's own",
        "stack": package.stack,
        "actions": package.actions,
        "action_set": list(package.action_set or ()),
        "training": dict(package.training),
        "bytes": len(package.content),
        "sha256": package.sha256,
    }


@app.command()
def check(
    file: FileArgument,
    game: Annotated[
        list[str] | None,
        typer.Option("--game", metavar="GAME", help="A game to check; default: the package's games.", **NONE),
    ] = None,
    rules: RulesOption = "5min",
    json: JsonOption = False,
) -> None:
    """Check within a minute whether an agent will run.

    Checks the file, the game, the speed of its decisions and a short game, and estimates its score. Every problem comes
    with a fix. The exit code is 1 if it would be refused.
    """
    path = find_agent_file(str(file))
    found = []
    for finding in preflight(path, [find_game(name) for name in game or ()], rules):
        found.append(finding)
        if not json:
            _print(finding)
    refused = any(finding.status == "refused" for finding in found)
    if json:
        dump({"file": str(path), "accepted": not refused, "findings": [asdict(finding) for finding in found]})
    else:
        typer.echo(_verdict(found))
    if refused:
        raise typer.Exit(1)


def _verdict(found: list[Finding]) -> str:
    if any(finding.status == "refused" for finding in found):
        return "It would be refused."
    if found[-1].step != "score":
        return "Its file would be accepted; whether it plays was not checked."
    return "It would be accepted."


def _print(finding: Finding) -> None:
    """Print a step as soon as it is done: status, name and what was found, below it what to do."""
    line = Table.grid(padding=(0, 2))
    for width in (7, 10, None):
        line.add_column(width=width)
    sentences = Text(finding.sentence)
    if finding.code:
        sentences.append(f" [{finding.code}]", style="dim")
    if finding.mend:
        sentences.append(f"\n{finding.mend}", style="italic")
    line.add_row(Text(finding.status.value, style=COLOURS[finding.status.value]), Text(finding.step), sentences)
    Console(highlight=False).print(line)
