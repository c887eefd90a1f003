"""Rules: one text, one identity, and mistakes named."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from envs.environment import ArenaEnv
from envs.errors import ArenaError, RulesError, UnknownGame
from envs.games import GAMES
from envs.rules import CLASSES, Rules, check_switches, named_rules

IDS = {
    ("breakout", "5min"): "9e57654fd55821e99ce911b16c0dce8dfbae68e5edc24f345fc0ae70c49636ba",
    ("breakout", "30min"): "f28df325049643f53a4af6b465ea7fb78de323306b47d6119d1ef2bc369083d7",
    ("pacman", "5min"): "24d25f02516f2add51a29c59489e497baba571f2c60d6df00b7f1195f4b69473",
    ("pacman", "30min"): "e12ccabdcbe42f6f4a8ef2ce16d6e5f4c5e995f45bac2239e6a1da9abaa3aed1",
    ("ms_pacman", "5min"): "414e172f9a4823fbfa8dfecb8f3536cf08dab6b6a3888a2b01c27bad3e4a4384",
    ("ms_pacman", "30min"): "66fa7c10ac7977fc6c3fc266919733836f66370d57b3661e02260e77284df1d6",
    ("space_invaders", "5min"): "822686eb9627b7b13e07c6e6e0e911cb62e1ad0e1e04c908d26dbb8d21de6c79",
    ("space_invaders", "30min"): "5a7b7b264ea0089fbe7882a24bf26945137feac14cf65bbbb9e3b3e50b2bfdad",
}
"""Every recording and every scoreboard in the world holds these: a change here makes all of them foreign."""

BREAKOUT = (
    '{"action_set":[0,1,3,4],"difficulty":0,"game":"breakout","max_frames":18000,"mode":0,'
    '"rom_sha256":"376323f051c3c373c887fd83abead39d87d844ff283d435f4addbfc1710c6fd5","sticky":0.25}'
)


@pytest.mark.parametrize(("game", "name"), IDS)
def test_rules_ids_are_golden(game: str, name: str) -> None:
    rules = named_rules(game, name)
    assert rules.rules_id == IDS[game, name]
    assert rules.label == name
    assert rules.max_frames == CLASSES[name]
    assert rules.sticky == 0.25


def test_there_is_a_golden_id_for_every_game_and_class() -> None:
    assert set(IDS) == {(game, name) for game in GAMES for name in CLASSES}


def test_canonical_json_is_one_text() -> None:
    rules = named_rules("breakout")
    assert rules.canonical_json() == BREAKOUT
    assert rules.rules_id == hashlib.sha256(BREAKOUT.encode("ascii")).hexdigest()
    assert Rules.from_dict(json.loads(BREAKOUT)) == rules
    backwards = dict(reversed(json.loads(BREAKOUT).items()))
    assert Rules.from_dict(backwards).canonical_json() == BREAKOUT


def test_rules_are_values() -> None:
    rules = named_rules("pacman")
    assert {rules: 1}[named_rules("Pac-Man")] == 1
    assert pickle.loads(pickle.dumps(rules)) == rules
    with pytest.raises(AttributeError):
        rules.mode = 1  # type: ignore[misc]
    assert rules.varied(max_frames=7) != rules
    assert rules.max_frames == 18_000


def test_equal_numbers_give_equal_rules() -> None:
    rules = named_rules("breakout")
    zeros = [rules.varied(sticky=zero) for zero in (0, 0.0, -0.0)]
    assert {z.rules_id for z in zeros} == {zeros[0].rules_id}
    assert all('"sticky":0.0}' in z.canonical_json() for z in zeros)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("game", ""),
        ("game", 5),
        ("game", "Breakout"),
        ("game", "../../breakout"),
        ("game", "breakout\n"),
        ("game", "\ud800"),
        ("game", "x" * 65),
        ("mode", -1),
        ("mode", True),
        ("mode", 0.0),
        ("mode", "0"),
        ("mode", 10**4000),
        ("difficulty", 4),
        ("sticky", -0.1),
        ("sticky", 1.1),
        ("sticky", float("nan")),
        ("sticky", float("inf")),
        ("sticky", "0.25"),
        ("sticky", False),
        ("action_set", []),
        ("action_set", [1, 0]),
        ("action_set", [0, 0]),
        ("action_set", [0, 18]),
        ("action_set", [0, True]),
        ("action_set", "01"),
        ("action_set", None),
        ("max_frames", 0),
        ("max_frames", 1_000_001),
        ("max_frames", 1e3),
        ("rom_sha256", "0" * 63),
        ("rom_sha256", "G" * 64),
        ("rom_sha256", "A" * 64),
    ],
)
def test_a_wrong_value_is_named(field: str, value: Any) -> None:
    with pytest.raises(RulesError, match=f"{field} must be .*, not ") as caught:
        Rules.from_dict(json.loads(BREAKOUT) | {field: value})
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(RulesError, match=r"sticky must be .*; max_frames must be"):
        Rules.from_dict(json.loads(BREAKOUT) | {"sticky": 2, "max_frames": 0})
    typo: dict[str, Any] = json.loads(BREAKOUT) | {"stiky": 0.25, "Mode": 0}
    del typo["sticky"]
    with pytest.raises(RulesError, match=r"'sticky' is missing; 'stiky' is not a rule; 'Mode' is not a rule"):
        Rules.from_dict(typo)


@pytest.mark.parametrize("data", [None, [], "breakout", 5])
def test_rules_must_be_a_table(data: Any) -> None:
    with pytest.raises(RulesError, match="must be a table"):
        Rules.from_dict(data)


def test_foreign_values_cannot_blow_up_the_message() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    for value in (deep, "x" * 10**6, list(range(10**5)), {"\x1b[31m" * 1000: deep}):
        with pytest.raises(RulesError) as caught:
            Rules.from_dict(json.loads(BREAKOUT) | {"mode": value})
        assert len(str(caught.value)) < 500
    with pytest.raises(RulesError) as caught:
        Rules.from_dict({f"\x1b{i}": 0 for i in range(10**4)})
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()


def test_varied_is_checked_too() -> None:
    rules = named_rules("breakout")
    with pytest.raises(RulesError, match="'stiky' is not a rule"):
        rules.varied(stiky=0.1)
    with pytest.raises(RulesError, match="max_frames must be"):
        rules.varied(max_frames=-1)


def test_unknown_names() -> None:
    with pytest.raises(RulesError, match=r"no rules called '10min'; expected one of 5min, 30min"):
        named_rules("breakout", "10min")
    with pytest.raises(UnknownGame):
        named_rules("nonsense")


def test_a_mode_or_difficulty_that_the_game_lacks() -> None:
    rules = named_rules("pacman")
    with pytest.raises(RulesError, match=r"pacman has no mode 77; it has 0"):
        check_switches(rules.varied(mode=77))
    with pytest.raises(RulesError, match="no difficulty 3"):
        ArenaEnv(rules.varied(difficulty=3))


def test_a_game_goes_by_its_roms_name_alone() -> None:
    """Otherwise one game would have several identities."""
    with pytest.raises(RulesError, match="here 'breakout'; these say 'break_out'"):
        ArenaEnv(named_rules("breakout").varied(game="break_out"))
    with pytest.raises(RulesError, match="here 'ms_pacman'"):
        ArenaEnv(named_rules("ms_pacman").varied(game="mspacman"))


def test_rules_without_a_name_are_called_by_their_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rules = named_rules("breakout").varied(max_frames=100)
    assert rules.label == rules.rules_id[:8]
    foreign = rules.varied(game="no_such_game")
    assert foreign.label == foreign.rules_id[:8]
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    named = Rules.from_dict(json.loads(BREAKOUT))
    assert named.label == named.rules_id[:8]  # a scoreboard on a machine without ROMs


def test_all_errors_are_of_one_family() -> None:
    assert issubclass(RulesError, ArenaError)
    assert issubclass(UnknownGame, ArenaError)
