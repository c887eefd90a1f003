"""`arena agent`: what is wrong with an agent is said before it is sent, and what is right is not called wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.agent_files import (
    TOML,
    onnx_model,
    onnx_package,
    package,
    sb3_zip,
    state_dict,
    tensors,
    torch_file,
    zip_of,
)
from benchmarks.attack_files import ATTACKS, Canary
from onnx import helper

from agents.load import ZOO
from agents.packages import HINTS, admit
from agents.sandbox import player as sandbox
from arena import cli
from arena.diagnostics.agent_file import Finding, FindingStatus, _planned, preflight
from envs.errors import RulesError
from envs.games import GAMES
from envs.rules import named_rules


def onnx_agent(path: Path, model: Any = None) -> Path:
    """An agent that lets every ball fall: its games are short."""
    model = model or onnx_model(weights=np.zeros((196, 4), np.float32))
    members = dict(onnx_package(model))
    members["agent.toml"] = members["agent.toml"].replace(b'"logits"', b'"values"')
    path.write_bytes(zip_of(members))
    return path


def found(path: Path, game: str | None = None) -> dict[str, Finding]:
    games = [GAMES[game]] if game else None
    return {finding.step: finding for finding in preflight(path, games, seconds=1)}


def test_a_sound_agent_is_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = onnx_agent(tmp_path / "agent.zip")
    assert cli.main(["agent", "check", str(path)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Tester is an ONNX network" in out
    assert "It decides between 4 actions of Breakout every 4th frame, on 4 pictures (ale-native-84)." in out
    assert "the console gives it 67 ms." in out
    assert "It runs where it can do no harm" in out
    assert "It played ten seconds, twice the same." in out
    assert "practice game" in out  # one or several, as fast as the machine is
    assert "hardly better than random play (1.7)" in out
    assert out.endswith("It would be accepted.")


def test_a_plain_sb3_zip_is_checked_for_a_game(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of(sb3_zip()))
    guessed = list(preflight(tmp_path / "a.zip", seconds=1))
    assert [finding.step for finding in guessed[:4]] == ["file", "game", "game", "sandbox"]
    assert "only Breakout has as many actions" in guessed[1].sentence
    assert "--preprocessing sb3-wrappers-84" in guessed[2].mend
    steps = found(tmp_path / "a.zip", "breakout")
    assert list(steps) == ["file", "game", "sandbox", "speed", "short game", "score"]
    assert all(finding.status is not FindingStatus.REFUSED for name, finding in steps.items() if name != "speed")
    assert "the first" in steps["score"].sentence  # a second is not enough for a whole game


def test_a_frame_skip_that_hides_something_is_warned_of(tmp_path: Path) -> None:
    """`pacman-taught` decides every fourth frame, and plays so."""
    game = found(ZOO / "pacman-taught.zip")["game"]
    assert game.status is FindingStatus.WARN
    assert "every 4th frame" in game.sentence
    assert "with frame skip 4, what is drawn in 2 of them is never seen" in game.sentence
    assert game.mend == "Train it with frame skip 3."


def test_games_that_end_before_they_are_cut_are_whole_games(tmp_path: Path) -> None:
    sentence = found(onnx_agent(tmp_path / "a.zip"))["score"].sentence
    assert "(one practice game)" in sentence
    assert "hardly better than random play" in sentence


def test_a_slow_machine_plays_fewer_games_and_not_longer() -> None:
    rules = named_rules("breakout")
    deciding = 0.0005
    assert _planned(rules, deciding, 0.0, 60)[2] > _planned(rules, deciding, 1 / 1000, 60)[2] > 1
    for seconds in (50, 5, -5):
        _, played, count = _planned(rules, deciding, 1 / 500, seconds)
        assert count * played.max_frames * (deciding + 1 / 500) <= max(seconds, 2)


def test_a_package_for_two_games_is_checked_for_both(tmp_path: Path) -> None:
    members = dict(onnx_package(onnx_model(actions=3, weights=np.zeros((196, 3), np.float32))))
    toml = members["agent.toml"].decode().replace('game = "breakout"', 'games = ["breakout", "ms_pacman"]')
    members["agent.toml"] = toml.replace("[0, 1, 3, 4]", "[0, 3, 4]").encode()
    (tmp_path / "a.zip").write_bytes(zip_of(members))
    findings = list(preflight(tmp_path / "a.zip", seconds=1))
    assert [f.game for f in findings if f.step in ("file", "game", "short game")] == [
        *("", "breakout", "breakout"),
        *("ms_pacman", "ms_pacman"),
    ]


def test_rules_that_there_are_not_are_said_first(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="7min"):
        next(preflight(onnx_agent(tmp_path / "a.zip"), rules="7min"))


def test_without_a_sandbox_weights_are_checked_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "backends", list)
    sandbox.probe.cache_clear()
    try:
        steps = found(onnx_agent(tmp_path / "a.zip"))
    finally:
        sandbox.probe.cache_clear()
    assert steps["sandbox"].status is FindingStatus.WARN
    assert "No sandbox works here" in steps["sandbox"].sentence
    assert steps["short game"].status is FindingStatus.OK


@pytest.mark.parametrize("actions", [3, 36])
def test_a_plain_sb3_zip_that_fits_no_game_or_several_is_asked_about(
    actions: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """36 are 4 times 9 and 6 times 6: quantiles of two games."""
    numbers = dict(tensors(actions=actions))
    if actions == 36:
        numbers = {
            f"quantile_net.quantile_net.0.{name.rsplit('.', 1)[1]}" if name.startswith("action_net")
            else f"quantile_net.{name}": tensor
            for name, tensor in numbers.items() if not name.startswith("value_net")
        }  # fmt: skip
    (tmp_path / "a.zip").write_bytes(zip_of(sb3_zip(torch_file(state_dict(numbers)))))
    steps = found(tmp_path / "a.zip")
    assert list(steps) == ["file", "game"]
    assert steps["game"].status is FindingStatus.WARN
    assert ("no game of the arena" if actions == 3 else "Breakout, ") in steps["game"].sentence
    assert "--game" in steps["game"].mend
    assert cli.main(["agent", "check", str(tmp_path / "a.zip")]) == 0
    assert capsys.readouterr().out.endswith("Its file would be accepted; whether it plays was not checked.\n")


def test_another_game_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of(sb3_zip()))
    steps = found(tmp_path / "a.zip", "ms_pacman")
    assert steps["game"].status is FindingStatus.REFUSED
    assert steps["game"].code == "actions-wrong"
    assert list(steps) == ["file", "game"]


def slow(rows: int) -> Any:
    """A network that multiplies large matrices before it answers."""
    from onnx import numpy_helper

    model = onnx_model(weights=np.zeros((196, 4), np.float32))
    nodes = model.graph.node
    for name, shape in (("left", (196, rows)), ("square", (rows, rows)), ("right", (rows, 196))):
        model.graph.initializer.append(numpy_helper.from_array(np.zeros(shape, np.float32), name))
    del nodes[-1]
    nodes.append(helper.make_node("MatMul", ["flat", "left"], ["x0"]))
    for i in range(60):
        nodes.append(helper.make_node("MatMul", ["x0" if i == 0 else f"x{i}", "square"], [f"x{i + 1}"]))
    nodes.append(helper.make_node("MatMul", ["x60", "right"], ["again"]))
    nodes.append(helper.make_node("MatMul", ["again", "matrix"], ["logits"]))
    return model


def test_a_slow_agent_is_refused(tmp_path: Path) -> None:
    steps = found(onnx_agent(tmp_path / "a.zip", slow(3000)))
    assert steps["speed"].status is FindingStatus.REFUSED
    assert steps["speed"].code == "too-slow"
    assert list(steps)[-1] == "speed"


def test_an_agent_that_breaks_down_is_refused(tmp_path: Path) -> None:
    model = onnx_model(weights=np.zeros((196, 4), np.float32))
    model.graph.node[-1].output[0] = "zero"
    model.graph.node.append(helper.make_node("Div", ["zero", "zero"], ["logits"]))
    steps = found(onnx_agent(tmp_path / "a.zip", model))
    assert steps["short game"].status is FindingStatus.REFUSED
    assert steps["short game"].code == "forfeit"
    assert steps["short game"].sentence.startswith("It broke down after 0 frames, which would be a forfeit: ")
    assert "NaN or infinity" in steps["short game"].sentence


def test_what_onnxruntime_can_not_run_is_refused(tmp_path: Path) -> None:
    steps = found(onnx_agent(tmp_path / "a.zip", onnx_model(weights=np.zeros((100, 4), np.float32))))
    assert steps["start"].code == "load-failed"


@pytest.mark.parametrize("name", ["NaN", "code in data", "a deflate bomb", "an unknown setting", "truncated"])
def test_a_refusal_has_a_name_a_sentence_and_a_way_to_mend_it(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "agent.zip"
    ATTACKS[name].make(path, Canary(tmp_path))
    assert cli.main(["agent", "check", str(path), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["accepted"] is False
    (finding,) = answer["findings"]
    code = ATTACKS[name].code
    assert (finding["step"], finding["status"], finding["code"]) == ("file", "refused", code)
    assert finding["mend"].lower().rstrip(".") == HINTS[code].lower().rstrip(".")
    assert finding["sentence"].endswith(".")
    assert cli.main(["agent", "check", str(path)]) == 1
    out = capsys.readouterr().out
    assert f"[{code}]" in out
    assert out.endswith("It would be refused.\n")


def test_other_commands_say_it_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "agent.zip"
    ATTACKS["NaN"].make(path, Canary(tmp_path))
    for words in (["agent", "show"], ["agent", "pack"]):
        assert cli.main([*words, str(path)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith(f"arena: {path}: 'action_net.bias' holds NaN or infinity (weights-not-finite); ")
        assert captured.err.count("\n") == 1


def test_packed_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.zip").write_bytes(zip_of(sb3_zip()))
    assert (
        cli.main(["agent", "pack", "mine.zip", "--game", "breakout", "--author", "Ada", "--action-set", "0,1,4,3"]) == 0
    )
    assert "arena agent check mine.agent.zip" in capsys.readouterr().out
    assert cli.main(["agent", "show", "mine.agent.zip", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    agent = admit(Path("mine.agent.zip"))
    assert (shown["author"], shown["games"], shown["action_set"]) == ("Ada", ["breakout"], [0, 1, 4, 3])
    assert shown["sha256"] == agent.sha256
    assert cli.main(["agent", "show", "mine.agent.zip"]) == 0
    out = capsys.readouterr().out
    assert agent.sha256[:16] in out
    assert "not stated" in out  # the licence
    assert cli.main(["agent", "pack", "mine.zip", "--game", "breakout", "--out", "no/such/folder.zip"]) == 2
    assert "can't be written" in capsys.readouterr().err
    assert cli.main(["agent", "pack", "mine.zip", "--game", "breakout", "--action-set", "left"]) == 2
    assert "0,1,3,4" in capsys.readouterr().err


def test_a_strangers_text_does_not_reach_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toml = TOML + 'licence = "\\u009b31m\\u202e"\n[training]\n"\\u001b[2J" = "\\u001b]0;title\\u0007"\n'
    (tmp_path / "a.zip").write_bytes(zip_of(package(toml)))
    assert cli.main(["agent", "show", str(tmp_path / "a.zip")]) == 0
    assert capsys.readouterr().out.replace("\n", "").isprintable()


def test_a_folder_is_checked_as_well(tmp_path: Path) -> None:
    for name, content in package().items():
        (tmp_path / name).write_bytes(content)
    assert next(preflight(tmp_path)).status is FindingStatus.OK
