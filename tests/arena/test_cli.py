"""The command line as a user meets it: what it prints, what it refuses, and what is left when it is broken off."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from rich.cells import cell_len

from agents.load import ZOO
from agents.player import Kind
from arena import cli
from arena.commands.tables import dump, print_evaluation, print_json, print_match, print_standings
from arena.engine.verify import verify_file
from arena.scoreboard.migrations import VERSION_TABLE
from arena.scoreboard.publish import unpublished
from arena.scoreboard.results import Standing
from arena.scoreboard.store import Scoreboard
from envs.games import GAMES
from envs.rules import named_rules
from recordings.codec import SUFFIX, encode, read
from recordings.recording import RecordedPlayer
from recordings.storage import FileJournal, Header

ROOT = Path(__file__).parent.parent.parent
GAME = "space_invaders"
"""In which a game of `script:random` and of `script:noop` is over soon."""


posix = pytest.mark.skipif(sys.platform == "win32", reason="signals, process groups and limits of POSIX")


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Arena = Callable[..., Outcome]


@pytest.fixture
def arena(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Arena:
    """Run the command line in this process, in an empty folder and a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("ARENA_EVENT", raising=False)

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Outcome(code, out, re.sub(r".*, \d+ s \.\.\.\n", "", err))  # how far it is, on a slow machine

    return run


def process(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start the command line in a process of its own, the leader of a process group."""
    command = [sys.executable, "-W", "error", "-c", "import sys; from arena.cli import main; sys.exit(main())"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(
        [*command, *map(str, arguments)], env=environment, text=True, start_new_session=True, **pipes
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An event folder in which two scripts have played two seeds."""
    folder = tmp_path_factory.mktemp("played") / "event"
    for script in ("random", "noop"):
        command = ["evaluate", f"script:{script}", "--game", GAME, "--seeds", "2", "--processes", "1"]
        assert cli.main([*command, "--event", str(folder)]) == 0
    return folder


@pytest.fixture
def event(played: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(played, tmp_path / "event"))


def recordings(event: Path) -> list[Path]:
    return sorted((event / "recordings").glob(f"*{SUFFIX}"))


def on_board(event: Path) -> int:
    with Scoreboard.open(event / "arena.sqlite") as board:
        return len(board.results())


# -- starting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("then", ["", "; arena.cli.main(['--help'])"])
def test_it_starts_without_anything_heavy(then: str) -> None:
    heavy = {"torch", "numpy", "gymnasium", "sqlalchemy", "scipy", "pygame", "av", "cv2"}
    code = f"import sys, arena.cli{then}; print(sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command(arena: Arena) -> None:
    code, out, err = arena("--help")
    assert (code, err) == (0, "")
    for command in ("demo", "match", "evaluate", "watch", "export", "verify", "scoreboard", "doctor"):
        assert f"\n  {command} " in out
    assert "..." not in out.split("Commands:")[1]
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_list_of_commands_says_what_their_own_help_says(name: str) -> None:
    group: Any = typer.main.get_command(cli.app)
    command = group.get_command(group.make_context("arena", [], resilient_parsing=True), name)
    assert command.get_short_help_str(200) == cli.COMMANDS[name][1]
    assert command.get_short_help_str(66) == cli.COMMANDS[name][1], "it has to fit into one line"


def test_no_command_gives_the_help(arena: Arena) -> None:
    code, out, _ = arena()
    assert code == 2
    assert "Commands:" in out


def test_version(arena: Arena) -> None:
    code, out, _ = arena("--version")
    assert code == 0
    assert out.startswith("arena ")
    assert "ale-py" in out


# -- match, evaluate, scoreboard -------------------------------------------------------------------------------------


def test_a_match_says_what_came_of_it_and_the_second_time_that_nothing_is_new(arena: Arena, tmp_path: Path) -> None:
    command = ("match", GAME, "--player", "script:random", "--player", "script:noop", "--seeds", 1)
    code, out, err = arena(*command)
    assert (code, err) == (0, "")
    assert out.startswith("Space Invaders, rules 5min")
    assert "2 of 2 recordings in event/recordings replayed bit for bit." in out
    assert "Not decided yet between" in out
    assert "already" not in out
    files = recordings(tmp_path / "event")
    assert len(files) == on_board(tmp_path / "event") == 2

    code, out, err = arena(*command)
    assert (code, err) == (0, "")
    assert "All of these games were on the scoreboard already" in out
    assert recordings(tmp_path / "event") == files
    assert on_board(tmp_path / "event") == 2


def test_evaluate_prints_the_agent_beside_all_references_and_their_sources(arena: Arena, event: Path) -> None:
    code, out, err = arena("evaluate", "script:noop", "--game", GAME, "--seeds", 1, "--event", event)
    assert (code, err) == (0, "")
    said = " ".join(out.split())
    assert "script:noop 1 " in said
    for reference in GAMES[GAME].references:
        assert reference.who in said
        assert reference.conditions in said
        assert reference.source in said
    assert f"1 of 1 recording in {event}/recordings replayed bit for bit." in said
    assert "This game was on the scoreboard already" in said


def test_json_is_all_that_stands_on_standard_output(arena: Arena, event: Path) -> None:
    code, out, err = arena(
        "evaluate", "script:noop", "--game", GAME, "--seeds", 2, "--processes", 1, "--event", event, "--json"
    )  # fmt: skip
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["game"] == GAME
    (player,) = found["players"]
    assert player["name"] == "script:noop"
    assert player["summary"]["n"] == 2
    assert [score["seed"] for score in player["scores"]] == [0, 1]
    assert all(one["verified"] and not one["new_on_scoreboard"] for one in found["recordings"])


def test_the_scoreboard_of_a_game(arena: Arena, event: Path) -> None:
    code, out, err = arena("scoreboard", "--event", event, "--game", "Space Invaders")
    assert (code, err) == (0, "")
    assert "script:random" in out
    assert "professional tester" in out
    assert "Rainbow" not in out

    found = json.loads(arena("scoreboard", "--event", event, "--json").out)
    assert [standing["rank"] for standing in found[0]["standings"]] == [1, 2]
    assert datetime.fromisoformat(found[0]["standings"][0]["last_played"]).tzinfo is not None

    assert arena("scoreboard", "--event", event, "--game", "pacman").out == "No results yet for pacman.\n"
    assert json.loads(arena("scoreboard", "--event", event, "--game", "pacman", "--json").out) == []


def test_who_only_looks_makes_no_scoreboard(arena: Arena, tmp_path: Path) -> None:
    for place in (("--event", tmp_path / "none"), ("--db", tmp_path / "typo.sqlite"), ()):
        code, out, err = arena("scoreboard", *place)
        assert (code, out) == (2, "")
        assert "There is no scoreboard at" in err
    assert list(tmp_path.iterdir()) == []


def test_two_agents_of_one_name_are_refused(arena: Arena, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(ZOO / "breakout-quick.zip", tmp_path / folder / "agent.zip")
    code, out, err = arena("match", "breakout", "--player", "a/agent.zip", "--player", "b/agent.zip")
    assert (code, out) == (2, "")
    assert "a/agent.zip and b/agent.zip are both called" in err
    assert not (tmp_path / "event").exists()


# -- tables ----------------------------------------------------------------------------------------------------------

NAMES = ("twenty characters it", "[red]not markup[/red]", "名前の長い人", "d" * 32)


def standing(player: str, mean: float, artifact: str | None = None) -> Standing:
    return Standing(
        rank=1, player=player, kind=Kind.SCRIPT, artifact_sha256=artifact, episodes=100, mean=mean, median=mean,
        low=mean * 0.9, high=mean * 1.1, best=mean * 3, last_played=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize("mean", [0.25, 431.5, 15_432.0])
def test_standings_fit_into_80_columns_with_nothing_cut(
    mean: float, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_standings(GAMES["ms_pacman"], "5min", [standing(NAMES[0], mean), standing(NAMES[1][:20], mean)])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    (row,) = [line for line in lines if NAMES[0] in line]
    digits = 0  # the references of this game are above 1,000
    assert f"{mean * 0.9:,.{digits}f} - {mean * 1.1:,.{digits}f}" in row
    assert row.rstrip().endswith(f"{mean * 3:,.0f}")
    assert any(NAMES[1][:20] in line for line in lines)
    assert len(lines) == 3 + 2 + 3  # no line is folded
    assert all(len(line) <= 120 for line in lines)


def test_a_long_name_is_folded_and_never_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_standings(GAMES["ms_pacman"], "5min", [standing("d" * 32, 54_321.0)])
    out = capsys.readouterr().out
    assert "…" not in out
    assert out.count("d") - out.count("kind") - out.count("median") - out.count("random") == 32


def test_two_versions_of_a_bot_can_be_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    print_standings(GAMES["breakout"], "5min", [standing("bot", 2, "ab" * 32), standing("bot", 1, "cd" * 32)])
    out = capsys.readouterr().out
    assert "bot ababab" in out
    assert "bot cdcdcd" in out


def test_many_players_are_lettered(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_match(GAMES["breakout"], named_rules("breakout"), NAMES, [])
    out = capsys.readouterr().out
    assert all(name in out for name in NAMES)
    assert "A  twenty characters it" in out
    assert "nan" not in out


def test_without_any_verified_game_nothing_is_invented(capsys: pytest.CaptureFixture[str]) -> None:
    rules = named_rules("breakout")
    print_json(GAMES["breakout"], rules, ["nobody"], [])
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["players"][0]["summary"]["mean"] is None
    print_evaluation(GAMES["breakout"], rules, "nobody", [])
    assert "nan" not in capsys.readouterr().out


def test_json_has_no_nan_and_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    dump({"a": [float("nan"), float("inf"), 1.5], "é": datetime(2026, 1, 1, tzinfo=UTC)})
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out, parse_constant=pytest.fail) == {"a": [None, None, 1.5], "é": "2026-01-01T00:00:00+00:00"}


# -- what is refused -------------------------------------------------------------------------------------------------

MATCH = ("match", "breakout", "--player", "script:random")
BAD = [
    (("frob",), "No such command 'frob'"),
    ((*MATCH, "--frob"), "No such option: --frob"),
    (("match", "breakout"), "Missing option '--player'"),
    (("match", "brekout", "--player", "script:random"), "did you mean breakout"),
    (("match", "breakout", "--player", "nobody"), "There is no agent 'nobody'"),
    (("match", "breakout", "--player", "script:best"), "script"),
    (("evaluate", "garbage.zip", "--game", "breakout"), "garbage.zip: this is neither an agent package nor"),
    (("evaluate", "space_invaders-quick", "--game", "breakout"), "space_invaders-quick"),
    ((*MATCH, "--rules", "7min"), "expected one of 5min, 30min"),
    ((*MATCH, "--seeds", "0"), "what came is 0 from 0 on"),
    ((*MATCH, "--seeds", "many"), "expected a whole number, not 'many'"),
    ((*MATCH, "--seeds", "99999999999999999999"), "Practice seeds are 0 to 1,048,575"),
    ((*MATCH, "--first-seed", "1048576"), "what came is 10 from 1,048,576 on"),
    ((*MATCH, "--first-seed", "-1"), "what came is 10 from -1 on"),
    (("evaluate", "script:random", "--game", "breakout", "--processes", "0"), "expected 1 or more, not 0"),
    (("verify",), "Missing argument"),
    (("verify", "nowhere"), "nowhere is not there"),
    (("verify", "a" * 300), "can't be read (File name too long)"),
    (("verify", "."), "There is no recording"),
    (("watch", "nobody"), "or one agent and its --game"),
    (("watch", "nowhere.arena.zip"), "nowhere.arena.zip: can't be read"),
    (("watch", "a.arena.zip", "b.arena.zip", "c.arena.zip"), "not 3"),
    (("watch", "script:random", "--game", "breakout", "--seed", "-1"), "what came is -1"),
    (("watch", "script:random", "--game", "breakout", "--mp4", "film.avi"), "ends in .mp4, not 'film.avi'"),
    (("export", "x.arena.zip"), "Nothing to write"),
    (("export", "x.arena.zip", "--gif", "film.mp4"), "ends in .gif, not 'film.mp4'"),
    (("export", "x.arena.zip", "--gif", "film.gif"), "x.arena.zip: can't be read"),
    (("scoreboard", "--db", "mysql://x/y"), "mysql is no database the scoreboard knows"),
    (("scoreboard", "--game", "chess_"), "There is no game called"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD, ids=[" ".join(a)[:50] for a, _ in BAD])
def test_bad_input_is_one_sentence_and_leaves_nothing(
    arena: Arena, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "garbage.zip").write_bytes(b"garbage")
    code, out, err = arena(*arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.startswith("arena: ")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["garbage.zip"]


def make_file(folder: Path) -> None:
    folder.write_text("")


def make_settings(text: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        folder.mkdir()
        (folder / "event.toml").write_text(text)

    return make


def make_damaged(folder: Path) -> None:
    folder.mkdir()
    (folder / "arena.sqlite").write_bytes(b"no database" * 100)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (make_file, "is a file"),
        (make_settings('nmae = "x"'), "nmae is no setting"),
        (make_settings("name = "), "can't be read as TOML"),
        (make_settings("name = 3"), "should be a valid string, not 3"),
        (make_settings(""), "name is missing"),
        (make_damaged, "is no SQLite database"),
    ],
)
def test_an_event_folder_that_cant_be_used_is_found_before_anything_is_played(
    arena: Arena, tmp_path: Path, make: Callable[[Path], None], sentence: str
) -> None:
    make(tmp_path / "event")
    code, out, err = arena(*MATCH)
    assert (code, out) == (2, "")
    assert sentence in err
    assert not (tmp_path / "event" / "recordings").exists()


def test_a_locked_scoreboard(arena: Arena, event: Path) -> None:
    holder = sqlite3.connect(event / "arena.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        url = f"sqlite:///{event / 'arena.sqlite'}?timeout=0.1"
        before = recordings(event)
        code, out, err = arena("verify", "--book", event / "recordings", "--event", event, "--db", url)
    finally:
        holder.close()
    assert (code, out) == (2, "")
    assert "locked by another program" in err
    assert recordings(event) == before


def test_a_scoreboard_of_a_newer_arena(arena: Arena, event: Path) -> None:
    with sqlite3.connect(event / "arena.sqlite") as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    connection.close()
    code, out, err = arena(*MATCH, "--event", event)
    assert (code, out) == (2, "")
    assert "newer" in err
    assert len(recordings(event)) == 4


def test_a_server_that_isnt_there_costs_no_game_and_shows_no_password(arena: Arena, tmp_path: Path) -> None:
    code, out, err = arena(*MATCH, "--db", "postgresql://me:secret@127.0.0.1:1/arena")
    assert (code, out) == (2, "")
    assert "postgresql://127.0.0.1:1/arena can't be reached" in err
    assert "secret" not in err
    assert not (tmp_path / "event" / "recordings").exists()


@pytest.mark.parametrize("content", [None, b"something else"])
def test_a_missing_or_foreign_rom(
    arena: Arena, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    roms = tmp_path / "roms"
    roms.mkdir()
    if content is not None:
        (roms / "breakout.bin").write_bytes(content)
    monkeypatch.setenv("ALE_ROMS_DIR", str(roms))
    code, out, err = arena(*MATCH)
    assert (code, out) == (2, "")
    assert "ALE_ROMS_DIR" in err
    assert not (tmp_path / "event").exists()


def test_no_display(arena: Arena, event: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "x11")
    monkeypatch.delenv("DISPLAY", raising=False)
    code, out, err = arena("watch", recordings(event)[0])
    assert (code, out) == (2, "")
    assert "No window can be shown here" in err


def small_files() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@posix
def test_a_full_disk(tmp_path: Path) -> None:
    running = process(*MATCH, "--event", tmp_path / "event", preexec_fn=small_files)
    out, err = running.communicate()
    assert (running.returncode, out) == (2, "")
    assert err.startswith("arena: ")
    assert err.count("\n") == 1
    assert [path for path in (tmp_path / "event").rglob("*") if path.is_file()] == []


# -- verify ----------------------------------------------------------------------------------------------------------


def forge(event: Path, **changes: Any) -> Path:
    """Change a recording of `script:noop` so that it can be read but is not true."""
    path = recordings(event)[0]
    assert "noop" in path.name
    path.write_bytes(encode(read(path).model_copy(update=changes)))
    return path


def test_good_and_bad_recordings_are_told_apart(arena: Arena, event: Path) -> None:
    forged = forge(event, score=10_000)
    cut = recordings(event)[1]
    cut.write_bytes(cut.read_bytes()[:-100])
    other = event / "recordings" / f"other{SUFFIX}"
    other.write_bytes(recordings(event)[2].read_bytes().replace(b"arena-recording/1", b"arena-recording/9"))
    code, out, err = arena("verify", event / "recordings", "--processes", 1)
    assert (code, err) == (1, "")
    failed = [line for line in out.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 3
    for path in (forged, cut, other):
        assert any(str(path) in line for line in failed)
    assert "not 10000" in out
    assert "2 of 5 recordings verified" in out

    code, out, _ = arena("verify", event / "recordings", "--processes", 1, "--json")
    assert code == 1
    assert [one["ok"] for one in json.loads(out)].count(False) == 3


def test_verify_books_only_when_told_and_each_game_once(arena: Arena, event: Path) -> None:
    (event / "arena.sqlite").unlink()
    forge(event, score=10_000)
    arena("verify", event / "recordings", "--processes", 1)
    assert not (event / "arena.sqlite").exists()
    command = ("verify", event / "recordings", "--processes", 1, "--book", "--event", event)
    assert "3 of them are new on the scoreboard." in arena(*command).out
    assert on_board(event) == 3
    code, out, _ = arena(*command)
    assert code == 1
    assert "0 of them are new on the scoreboard." in out
    assert on_board(event) == 3


# -- broken off ------------------------------------------------------------------------------------------------------

EVALUATE = ("evaluate", "script:random", "--game", GAME, "--seeds", 1, "--processes", 1)


def wait_for_games(event: Path, running: subprocess.Popen[str]) -> None:
    while len(recordings(event)) < 2:
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)


def wait_for_end(group: int) -> None:
    """Wait until no process of the group is left; the test's time limit ends a wait in vain."""
    while True:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)


@posix
@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_finished_games_are_kept_and_booked_by_the_next_run(arena: Arena, tmp_path: Path, how: str) -> None:
    event = tmp_path / "event"
    long = ("evaluate", "script:random", "--game", GAME, "--seeds", 5000, "--first-seed", 10, "--processes", 2)
    running = process(*long, "--event", event)
    wait_for_games(event, running)
    if how == "Ctrl-C":
        os.killpg(running.pid, signal.SIGINT)  # a terminal sends it to all
    else:
        running.send_signal(signal.SIGTERM)
    out, err = running.communicate()
    assert (running.returncode, out) == (130, "")
    wait_for_end(running.pid)
    kept = recordings(event)
    assert f"{len(kept)} of 5,000 games were finished and are kept in {event}/recordings" in err
    assert err.endswith("arena: Interrupted.\n")
    assert "Traceback" not in err
    assert sorted(path.suffix for path in (event / "recordings").iterdir()) == [".zip"] * len(kept)

    code, _, err = arena(*EVALUATE, "--event", event)
    assert code == 0
    assert f"Booked {len(kept)} games that an earlier run had left" in err
    assert on_board(event) == len(kept) + 1
    assert arena(*EVALUATE, "--event", event).err == ""


@posix
def test_after_kill_9_of_a_match_the_next_run_books_what_was_finished(arena: Arena, tmp_path: Path) -> None:
    event = tmp_path / "event"
    running = process(
        "match", GAME, "--player", "script:random", "--player", "script:noop", "--seeds", 5000, "--first-seed", 10,
        "--event", event,
    )  # fmt: skip
    wait_for_games(event, running)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    wait_for_end(running.pid)
    kept = recordings(event)
    assert all(verify_file(path)[1].ok for path in kept[:1])
    code, _, err = arena(*EVALUATE, "--event", event)
    assert code == 0
    assert f"Booked {len(kept)} games" in err
    assert on_board(event) == len(kept) + 1


@posix
def test_ctrl_c_before_any_game_is_over(tmp_path: Path) -> None:
    event = tmp_path / "event"
    running = process("evaluate", "script:noop", "--game", "breakout", "--rules", "30min", "--event", event)
    while not (event / "arena.sqlite").exists():
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    time.sleep(1)  # nothing is measured: it is somewhere in the game, or before it
    running.send_signal(signal.SIGINT)
    out, err = running.communicate()
    assert (running.returncode, out) == (130, "")
    assert err.endswith("arena: Interrupted.\n")
    assert "Traceback" not in err
    wait_for_end(running.pid)


@posix
def test_a_bots_game_that_the_spectator_leaves_does_not_count(
    arena: Arena, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")

    def close_window(*_: object) -> None:
        import pygame

        if pygame.display.get_init():
            pygame.event.post(pygame.event.Event(pygame.QUIT))

    before = signal.signal(signal.SIGALRM, close_window)
    signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
    try:
        code, out, err = arena("match", "space_invaders", "--player", "script:basic", "--seeds", 1, "--watch")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert code == 0
    assert err == "Played 0 of 1 game; what was left early does not count.\n"
    assert "nan" not in out
    assert not (tmp_path / "event" / "recordings").exists()
    assert on_board(tmp_path / "event") == 0


def left_by_a_person(event: Path) -> None:
    """Leave the journal of a game that somebody was playing when the program was killed."""
    game = read(recordings(event)[0])
    person = RecordedPlayer(name="Ada", kind="human")
    journal = FileJournal(event / "recordings", Header(game.rules, 7, person, datetime.now(UTC)))
    journal.append(bytes(200))
    journal.close()


def test_the_game_of_a_killed_program_is_recovered_and_counts(arena: Arena, event: Path) -> None:
    left_by_a_person(event)
    code, _, err = arena(*EVALUATE, "--event", event)
    assert code == 0
    assert "Recovered 1 game that broke off when a program was ended." in err
    assert "Booked 1 game that an earlier run had left" in err
    assert on_board(event) == 5
    assert "Ada" in arena("scoreboard", "--event", event).out


def test_another_scoreboard_gets_only_what_was_played_for_it(arena: Arena, event: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    code, _, err = arena(*EVALUATE, "--event", event, "--db", other)
    assert (code, err) == (0, "")
    with Scoreboard.open(other) as board:
        assert len(board.results()) == 1
        assert len(unpublished(event / "recordings", board)) == 3


def test_a_bad_file_among_the_recordings_is_named_and_disturbs_nothing(arena: Arena, event: Path) -> None:
    bad = event / "recordings" / f"bad{SUFFIX}"
    bad.write_bytes(b"")
    code, out, err = arena(*EVALUATE, "--event", event)
    assert code == 0
    assert f"{bad} does not verify" in err
    assert "1 of 1 recording" in out


# -- output ----------------------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("option", [[], ["--json"]])
def test_a_reader_that_leaves_early_is_no_error(event: Path, option: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    running = process("scoreboard", "--event", event, *option, stdout=writing)
    os.close(writing)
    _, err = running.communicate()
    assert (running.returncode, err) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cant_be_written(event: Path) -> None:
    with Path("/dev/full").open("w") as full:
        running = process("scoreboard", "--event", event, stdout=full)
        _, err = running.communicate()
    assert running.returncode == 2
    assert err == "arena: The output can't be written (No space left on device).\n"


# -- film, doctor ----------------------------------------------------------------------------------------------------


def test_films(arena: Arena, event: Path, tmp_path: Path) -> None:
    one, *_, other = recordings(event)
    part = ("--start", 1, "--seconds", 1)
    code, out, err = arena("export", one, other, "--gif", "both.gif", "--mp4", "both.mp4", *part)
    assert (code, err) == (0, "")
    assert out == "Wrote both.mp4.\nWrote both.gif.\n"
    assert (tmp_path / "both.gif").read_bytes().startswith(b"GIF89a")
    assert b"ftyp" in (tmp_path / "both.mp4").read_bytes()[:16]

    code, out, err = arena("export", one, "--mp4", "x.mp4", "--start", 1000)
    assert (code, out) == (2, "")
    assert "can't be shown" in err
    assert not list(tmp_path.glob(".writing*"))


def test_an_agents_game_as_a_film_is_not_recorded(arena: Arena, tmp_path: Path) -> None:
    code, out, err = arena("watch", "script:random", "--game", "breakout", "--seed", 1, "--mp4", "game.mp4")
    assert (code, out) == (0, "Wrote game.mp4.\n")
    assert err == "script:random plays Breakout on seed 1 ...\n"
    assert [path.name for path in tmp_path.iterdir()] == ["game.mp4"]


def test_doctor(arena: Arena, tmp_path: Path) -> None:
    code, out, err = arena("doctor", "--event", tmp_path / "none")
    assert (code, err) == (0, "")
    assert "ok    emulator" in out
    assert out.splitlines()[-1].startswith("Ready")
    assert max(map(len, out.splitlines())) <= 80

    (tmp_path / "file").write_text("")
    code, out, _ = arena("doctor", "--event", tmp_path / "file" / "event", "--json")
    assert code == 1
    found = {check["name"]: check["status"] for check in json.loads(out)}
    assert found["event folder"] == "fail"


@pytest.mark.parametrize("columns", [40, 50, 60, 80, 200])
def test_names_stay_whole_words_in_a_narrow_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    names = ["日本" * 16, "A" * 32, "script:steady"]
    print_standings(GAMES["ms_pacman"], "5min", [standing(name, 290_090.5) for name in names])
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert max(map(cell_len, lines)) <= columns
    assert "290,09" in printed  # the mean, uncut
    cells = "".join(line[3:].split("  ")[0].strip() for line in lines)
    assert all(name in cells for name in names)
    assert ("Too narrow for median" in printed) == (columns < 80)
