"""A final from start to end on real games: conducted, killed and gone on with, exported, audited, told, forgotten."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from system_packages import find_chromium, find_pdftotext

from arena import cli
from arena.archive.dataset import write_minari, write_parquet
from arena.archive.erase import forget
from arena.event.folder import Event, open_event
from arena.event.lifecycle import EventLifecycle
from arena.event.log import Log, check_chain
from arena.report.write import write_report
from arena.scoreboard.store import Scoreboard
from arena.tournament.model import Format
from arena.tournament.qualification import qualified
from arena.tournament.runner import TournamentRunner, check_runs, machine, person
from arena.tournament.standings import rounds, standings
from envs.errors import AgentError, EventError
from envs.rules import named_rules
from recordings.codec import read
from tests.pretend import people_play

ROOT = Path(__file__).parents[3]
RULES = named_rules("space_invaders").varied(max_frames=360)
PLAIN = {"space_invaders": RULES.as_dict()}
SOAK = bool(os.environ.get("ARENA_SOAK"))


def entrants(*agents: str, people: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    found = [person(name) for name in people] + [machine(agent, ["space_invaders"]) for agent in agents]
    return [one.model_dump(mode="json") for one in found]


def values(format: str, players: list[dict[str, Any]], n: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "title": format.title(), "format": format, "rules": PLAIN, "entrants": players,
        "series": {"kind": "best of", "n": n}, **more,
    }  # fmt: skip


def finish(one: TournamentRunner, people: dict[str, float]) -> None:
    """Play to the end: the bots here, the people by pretending."""
    state = one.run(processes=1)
    while slots := one.waiting_for(state):
        for slot in slots:
            seeds = [one.seed_of(state, slot)]
            people_play(
                one.board, one.event.recordings, state.plan.rules[slot.game], seeds, {slot.player: people[slot.player]}
            )
        state = one.run(processes=1)


PRACTISED = 2
SECRET = "5a" * 32
"""Of the event that most tests share. With it Mia wins; in games of six seconds luck could have it otherwise."""
PEOPLE = {"Mia": 0.1, "José Ángel": 0.6}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An event with practice games, a team battle and a knockout, closed."""
    event = open_event(tmp_path_factory.mktemp("final") / "event", "The last evening")
    with Scoreboard.open(event.database) as board:
        lifecycle = EventLifecycle(event, Log(board.engine))
        # Written before as if an opening had been broken off: every run plays the same games.
        (event.folder / "secret.hex").write_text(SECRET + "\n")
        lifecycle.open()
        people_play(board, event.recordings, RULES, list(range(PRACTISED)), PEOPLE)
        lifecycle.freeze()
        lifecycle.announce("4 8 15 16 23 42")
        for name, format, n in (("battle", "team battle", 3), ("cup", "knockout", 1)):
            one = TournamentRunner(event, board, name)
            one.create(values(format, entrants("script:random", "script:noop", people=tuple(PEOPLE)), n))
            finish(one, PEOPLE)
            if name == "battle":
                assert one.play_delayed(processes=1) == 2 * 3 * 3
                assert one.play_delayed(processes=1) == 0
        lifecycle.close()
    return event.folder


@pytest.fixture
def folder(played: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(played, tmp_path / "event"))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[Event, Scoreboard, EventLifecycle]]:
    event = open_event(tmp_path / "fresh", "Fresh")
    with Scoreboard.open(event.database) as board:
        yield event, board, EventLifecycle(event, Log(board.engine))


# -- conducting ------------------------------------------------------------------------------------------------------


def test_people_and_bots_play_the_same_seeds_and_the_log_is_whole(played: Path) -> None:
    event = open_event(played)
    with Scoreboard.open(event.database) as board:
        one = TournamentRunner(event, board, "battle")
        state = one.state()
        check_chain(one.entries())
        by_index: dict[int, set[int]] = {}
        for (_, _, index, _), score in state.scores.items():
            by_index.setdefault(index, set()).add(score.seed)
        assert [len(seeds) for _, seeds in sorted(by_index.items())] == [1, 1, 1]
        assert len(state.scores) == 12
        assert standings(state)[0].player == "Mia"
        cup = TournamentRunner(event, board, "cup").state()
        assert [len(duels) for duels in rounds(cup)] == [2, 1]
        assert {score.seed for score in cup.scores.values()}.isdisjoint({s.seed for s in state.scores.values()})


def test_a_bot_that_was_not_handed_in_stays_out(
    fresh: tuple[Event, Scoreboard, EventLifecycle], tmp_path: Path
) -> None:
    from agents.load import ZOO

    event, board, lifecycle = fresh
    late = tmp_path / "late.zip"
    shutil.copyfile(ZOO / "space_invaders-quick.zip", late)
    late.write_bytes(late.read_bytes())
    one = TournamentRunner(event, board, "x")
    with pytest.raises(EventError, match="announced"):
        one.create(values("duel", entrants("script:random", "script:noop")))
    lifecycle.open()
    lifecycle.freeze()
    lifecycle.announce("1")
    players = entrants("script:random")
    players.append({"name": "Late", "kind": "bot", "agent": str(late), "artifact_sha256": "ab" * 32})
    with pytest.raises(EventError, match="Late wasn't among the bots"):
        one.create(values("duel", players))
    one.create(values("duel", players, practice=True))
    state = one.run(processes=1)
    assert "its file has changed" in state.withdrawn["Late"]
    assert rounds(state)[0][0].winner == "script:random"


def test_a_persons_first_game_counts_and_undo_takes_the_next(fresh: tuple[Event, Scoreboard, EventLifecycle]) -> None:
    event, board, _ = fresh
    one = TournamentRunner(event, board, "x")
    state = one.create(values("duel", entrants("script:noop", people=("Mia",)), 1, practice=True))
    seed = one.seed_of(state, one.waiting_for(state)[0])
    people_play(board, event.recordings, RULES, [seed], {"Mia": 0.2})
    first = {score.sha256 for score in one.run(processes=1).scores.values()}
    people_play(board, event.recordings, RULES, [seed], {"Mia": 0.9})
    assert {score.sha256 for score in one.run(processes=1).scores.values()} == first
    assert one.undo("the pad was broken").body["player"] == "Mia"
    assert len({score.sha256 for score in one.run(processes=1).scores.values()} - first) == 1


def test_late_arrivals_walk_overs_and_names(fresh: tuple[Event, Scoreboard, EventLifecycle]) -> None:
    event, board, _ = fresh
    one = TournamentRunner(event, board, "x")
    one.create(values("round robin", entrants("script:noop", people=("Mia",)), practice=True))
    one.arrive(machine("script:random", ["space_invaders"]))
    with pytest.raises(EventError, match="plays already"):
        one.arrive(person("Mia"))
    one.walk_over("Mia", "ill")
    with pytest.raises(EventError, match="has withdrawn already"):
        one.walk_over("Mia", "ill")
    with pytest.raises(EventError, match="Nobody called 'Ben'"):
        one.walk_over("Ben", "ill")
    assert [(line.player, line.note) for line in standings(one.run(processes=1))][-1] == ("Mia", "withdrew")
    with pytest.raises(EventError, match="already"):
        one.create(values("duel", entrants("script:noop", "script:random"), practice=True))
    with pytest.raises(EventError, match="no tournament called y; there are: x"):
        TournamentRunner(event, board, "y").state()


def test_a_tournament_has_the_rules_that_the_event_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "event.toml").write_text('name = "Long"\ngames = ["breakout"]\nrules = "30min"\n')
    players = ["--player", "script:noop", "--player", "script:random", "--practice", "--event", str(tmp_path)]
    for name, more, frames in (("long", [], 108_000), ("short", ["--rules", "5min"], 18_000)):
        assert cli.main(["tournament", "new", name, *players, *more]) == 0
        capsys.readouterr()
        assert cli.main(["tournament", "status", name, "--json", "--event", str(tmp_path)]) == 0
        rules = json.loads(capsys.readouterr().out)["plan"]["rules"]
        assert [one["max_frames"] for one in rules.values()] == [frames]


def test_a_surprise_round_is_a_class_of_its_own_and_bots_are_tried() -> None:
    surprise = RULES.varied(mode=3)
    assert surprise.rules_id != RULES.rules_id
    assert check_runs(machine("script:random", ["space_invaders"]), surprise) is None
    broken = machine("script:random", ["space_invaders"]).model_copy(update={"agent": "gone.zip"})
    assert "no agent" in (check_runs(broken, surprise) or "")


def test_who_qualifies(played: Path) -> None:
    event = open_event(played)
    with Scoreboard.open(event.database) as board:
        found = qualified(board, {"space_invaders": RULES}, people=1, bots=1, folder=event.agents)
        assert [(one.name, one.agent) for one in found] == [("Mia", None), ("script:random", "script:random")]


def test_an_agent_that_plays_no_game() -> None:
    with pytest.raises(AgentError):
        machine("breakout-quick", ["pacman"])


# -- killed ----------------------------------------------------------------------------------------------------------


def conduct(folder: Path) -> None:
    """What the killed process does."""
    event = open_event(folder, "Killed")
    with Scoreboard.open(event.database) as board:
        one = TournamentRunner(event, board, "cup")
        if not one.log.entries(one.stream):
            players = entrants("script:random", "script:noop", "script:basic")
            one.create(values("knockout", players, 2, practice=True))
        one.run(processes=1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_moment_it_ends_with_the_same_standings(tmp_path: Path) -> None:
    """A fork dies by SIGKILL after a random time, again and again, until one of them comes to the end."""
    script = f"""
import os, random, signal, sys, time
sys.path[:0] = [{str(ROOT)!r}]
from pathlib import Path
import scipy.stats, scipy.special
from arena_test_final import conduct, standings_of
rng = random.Random(1)
kills, needed = 0, {100 if SOAK else 5}
for attempt in range(2000):
    folder = Path({str(tmp_path)!r}) / "killed"
    child = os.fork()
    if child == 0:
        conduct(folder)
        os._exit(0)
    deadline = time.monotonic() + (rng.uniform(0.02, 0.6) if kills < needed else 600)
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            kills += 1
            break
        time.sleep(0.005)
    if done and status == 0:
        print(kills, standings_of(folder))
        break
"""
    module = tmp_path / "arena_test_final.py"
    module.write_text(
        f"import importlib.util, sys\nspec = importlib.util.spec_from_file_location('final', {__file__!r})\n"
        "module = importlib.util.module_from_spec(spec)\nsys.modules['final'] = module\n"
        "spec.loader.exec_module(module)\n"
        "conduct, standings_of = module.conduct, module.standings_of\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'scripts'}:{tmp_path}"}
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=500)
    assert found.returncode == 0, found.stderr[-3000:]
    kills, _, killed = found.stdout.strip().partition(" ")
    assert int(kills) >= (100 if SOAK else 3), found.stderr
    conduct(tmp_path / "whole")
    assert killed == standings_of(tmp_path / "whole")


def standings_of(folder: Path) -> str:
    event = open_event(folder)
    with Scoreboard.open(event.database) as board:
        return json.dumps([line.plain() for line in standings(TournamentRunner(event, board, "cup").state())])


# -- proof -----------------------------------------------------------------------------------------------------------


def export(folder: Path, target: Path) -> None:
    assert cli.main(["event", "export", str(target), "--event", str(folder)]) == 0


def audit(target: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = cli.main(["event", "audit", str(target), "--json", "--processes", "1"])
    return code, json.loads(capsys.readouterr().out)


def test_an_independent_process_audits_the_exported_folder_alone(folder: Path, tmp_path: Path) -> None:
    export(folder, tmp_path / "out")
    shutil.rmtree(folder)
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import sys; from arena.cli import main; sys.exit(main())",
         "event", "audit", ".", "--json", "--processes", "1"],
        cwd=tmp_path / "out", env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    said = json.loads(found.stdout)
    assert (said["ok"], said["remarks"], said["standings"]) == (True, [], 3)
    assert said["seeds"] == said["recordings"] - len(PEOPLE) * PRACTISED - 18 > 15
    assert not (tmp_path / "out" / "secret.hex").exists()


def damage_log(target: Path, change: Callable[[str], str]) -> None:
    path = target / "log.jsonl"
    path.write_text(change(path.read_text()))


def forged_score(text: str) -> str:
    """A better score for one game, with the chain made anew, as a clever forger would."""
    from arena.event.log import canonical, chained

    lines, before = [], {}
    for line in map(json.loads, text.splitlines()):
        if line["kind"] == "score" and line["body"]["player"] == "script:noop":
            line["body"]["score"] += 1000
        stream = line["stream"]
        body = canonical(line["body"])
        line["chain"] = before[stream] = chained(
            before.get(stream, ""), stream, line["number"], line["at"], line["kind"], body
        )
        lines.append(json.dumps(line))
    return "\n".join(lines) + "\n"


def better_standings(target: Path) -> None:
    path = target / "standings.json"
    path.write_text(path.read_text().replace('"won": 2', '"won": 3'))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda t: damage_log(t, lambda text: text.replace("4 8 15", "4 8 16")), "was changed"),
        (lambda t: damage_log(t, forged_score), "says something else"),
        (lambda t: [path.unlink() for path in (t / "recordings").glob("*mia*")], "Mia"),
        (better_standings, "standings of"),
    ],
)  # fmt: skip
def test_what_is_not_as_claimed_is_found(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None], said: str
) -> None:
    export(folder, tmp_path / "out")
    damage(tmp_path / "out")
    code, found = audit(tmp_path / "out", capsys)
    assert code == 1
    assert any(said in problem for problem in found["problems"]), found["problems"]


def test_another_secret_is_found(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(folder, tmp_path / "out")
    secret = json.loads((tmp_path / "out" / "log.jsonl").read_text().splitlines()[3])["body"]["secret"]
    damage_log(tmp_path / "out", lambda text: text.replace(secret, "ab" * 32))
    code, found = audit(tmp_path / "out", capsys)
    assert code == 1
    assert any("not the one whose hash was published" in problem for problem in found["problems"])


# -- told ------------------------------------------------------------------------------------------------------------


def test_the_terminal_says_the_verdict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["tournament", "status", "battle", "--event", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "Overall, it is not decided between people and bots" in said
    assert "Not decided in Space Invaders: " in said


@pytest.fixture(scope="module")
def report(played: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The page and the PDF."""
    event, folder = open_event(played), tmp_path_factory.mktemp("report")
    with Scoreboard.open(event.database) as board:
        return write_report(event, board, folder, clips=1)


def test_the_report_opens_in_a_browser_and_needs_nothing_else(report: tuple[Path, Path], tmp_path: Path) -> None:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium (Debian: sudo apt-get install chromium)")
    alone = Path(shutil.copy(report[0], tmp_path / "alone.html"))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    found = subprocess.run(
        [chromium, *options, alone.as_uri()], capture_output=True, text=True, check=True, timeout=300
    )
    shown = found.stdout
    for text in (
        "The last evening",
        "Space Invaders",
        "José Ángel",
        "People against bots",
        "4 8 15 16 23 42",
        "Holm 1979",
    ):
        assert text in shown
    assert shown.count("<svg") > 5
    assert "350 ms:" in shown
    assert shown.count("data:video/mp4;base64,") == 1
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', shown) == []
    assert "Refused to" not in found.stderr


def test_names_cant_become_part_of_the_page(folder: Path, tmp_path: Path) -> None:
    event = open_event(folder)
    with Scoreboard.open(event.database) as board:
        people_play(
            board, event.recordings, RULES, [9, 10], {"<b>&amp;</b><script>": 0.3, "$\\frac{1}{2$ 🦊 中文": 0.3}
        )
        page, sheet = write_report(event, board, tmp_path / "report", clips=0)
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert sheet.read_bytes().startswith(b"%PDF")


def test_the_paper_says_the_same(report: tuple[Path, Path]) -> None:
    pdftotext = find_pdftotext()
    if pdftotext is None:
        pytest.skip("no Poppler (Debian: sudo apt-get install poppler-utils)")
    found = subprocess.run([pdftotext, "-layout", report[1], "-"], capture_output=True, text=True, check=True).stdout
    pages = found.split("\f")
    assert len(pages) > 3
    for text in ("The last evening", "Space Invaders", "José Ángel", "4 8 15 16 23 42", "Strengths"):
        assert text in found
    assert f"1 / {len(pages) - 1}" in pages[0]


def test_an_event_without_a_tournament_has_a_report_too(tmp_path: Path) -> None:
    event = open_event(tmp_path / "empty", "Nothing yet")
    with Scoreboard.open(event.database) as board:
        page, sheet = write_report(event, board, event.report)
    assert "No tournament has been played yet" in page.read_text(encoding="utf-8")
    assert sheet.stat().st_size > 1000


# -- forgotten, and as data ------------------------------------------------------------------------------------------


def test_who_is_forgotten_leaves_no_row_and_no_file(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = open_event(folder)
    (event.report / "report.html").parent.mkdir(exist_ok=True)
    (event.report / "report.html").write_text("Mia won")
    with Scoreboard.open(event.database) as board:
        before = standings(TournamentRunner(event, board, "battle").state())
        played = len(board.results(player="Mia"))
        found = forget(event, board, "Mia")
        assert (found.left, found.episodes, found.files) == ([], played, played + 1)
        assert board.results(player="Mia") == []
        after = standings(TournamentRunner(event, board, "battle").state())
        assert [(a.place, a.won, a.seeds_won) for a in before] == [(b.place, b.won, b.seeds_won) for b in after]
        assert after[0].player == "withdrawn player 1"
        with pytest.raises(EventError, match="Nothing of a player called Mia"):
            forget(event, board, "Mia")
    for path in folder.rglob("*"):
        assert "mia" not in path.name.lower()
        if path.is_file():
            assert b"Mia" not in path.read_bytes(), path
    export(folder, tmp_path / "out")
    code, said = audit(tmp_path / "out", capsys)
    assert (code, len(said["remarks"])) == (0, played - PRACTISED)


def test_forgetting_is_asked_about_first(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert cli.main(["forget", "Mia", "--event", str(folder)]) == 1
    assert cli.main(["forget", "Mia", "--yes", "--event", str(folder)]) == 0
    assert "Removed " in capsys.readouterr().out


def test_the_dataset_is_lossless(played: Path, tmp_path: Path) -> None:
    import numpy as np
    from minari import MinariDataset
    from pyarrow import parquet

    event = open_event(played)
    recordings = [read(path) for path in sorted(event.recordings.glob("*.arena.zip"))[:3]]
    steps = write_minari(recordings, tmp_path / "data", "screen")
    found = MinariDataset(tmp_path / "data" / "data")
    assert (found.total_steps, found.total_episodes) == (steps, 3)
    for recording, episode in zip(recordings, found.iterate_episodes(), strict=True):
        assert float(episode.rewards.sum()) == recording.score
        codes = np.array(recording.rules.action_set)[episode.actions]
        assert codes.tobytes() == np.frombuffer(recording.actions, np.uint8).astype(codes.dtype).tobytes()
        assert pictures(recording, 200) == episode.observations[200].tobytes()
    with Scoreboard.open(event.database) as board:
        results = board.results()
        assert write_parquet(results, tmp_path / "results.parquet") == len(results)
    table = parquet.read_table(tmp_path / "results.parquet")
    assert table.column("score").to_pylist() == [one.score for one in results]
    assert table.column("started_at").to_pylist() == [one.started_at for one in results]


def test_data_is_written_where_the_program_is(
    played: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from minari import MinariDataset

    monkeypatch.chdir(tmp_path)
    assert cli.main(["dataset", "data", "--player", "script:noop", "--event", str(played)]) == 0
    written = [Path(line.split(":")[0]) for line in capsys.readouterr().out.splitlines()]
    assert written[0] == Path("data/results.parquet")
    assert all(MinariDataset(path / "data").total_episodes > 0 for path in written[1:])
    assert len(written) == 2


def pictures(recording: Any, frame: int) -> bytes:
    """The picture after `frame` frames, straight from the emulator."""
    from envs.environment import ArenaEnv

    env = ArenaEnv(recording.rules, obs_type="ram")
    step = env.start(recording.seed)
    for code in recording.actions[:frame]:
        step = env.advance(code)
    return step.screen().tobytes()


def test_formats_are_spelled_as_the_command_line_says() -> None:
    assert [format.value.replace(" ", "-") for format in Format] == ["duel", "round-robin", "knockout", "team-battle"]
