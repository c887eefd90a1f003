"""kiosk.toml and the ranked seeds: made at the first start, kept after it, wrong values named."""

from __future__ import annotations

import re
import stat
import sys
from pathlib import Path

import pytest

from arena.engine.seeds import PRACTICE_SEEDS
from arena.event import secrets
from arena.event.secrets import ranked_seeds
from arena.kiosk.settings import FILE_NAME, open_settings
from envs.environment import SEED_LIMIT
from envs.errors import EventError
from envs.games import GAMES
from envs.rules import named_rules


def test_the_first_start_writes_a_file_with_a_fresh_code(tmp_path: Path) -> None:
    first = open_settings(tmp_path)
    assert re.fullmatch(r"\d{6}", first.exit_code)
    assert first.games == tuple(GAMES)
    assert first.rounds == 3
    assert open_settings(tmp_path) == first
    (tmp_path / "other").mkdir()
    others = {open_settings(tmp_path).exit_code}
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        others.add(open_settings(tmp_path / str(number)).exit_code)
    assert len(others) > 1


def test_what_the_template_offers_can_be_used(tmp_path: Path) -> None:
    open_settings(tmp_path)
    path = tmp_path / FILE_NAME
    lines = path.read_text().splitlines()
    path.write_text("\n".join(re.sub(r"^# (\w+ = )", r"\1", line) for line in lines))
    settings = open_settings(tmp_path)
    assert settings.url
    assert settings.idle_seconds == 45


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "exit_code is missing"),
        ('exit_code = "12"', "a text of 4 to 12 digits"),
        ("exit_code = 123456", "a text of 4 to 12 digits"),
        ('exit_code = "123456"\ncolour = 1', "'colour' is not a setting"),
        ('exit_code = "123456"\ngames = []', "1 to 6 different games"),
        ('exit_code = "123456"\ngames = ["breakout", "Breakout"]', "1 to 6 different games"),
        ('exit_code = "123456"\ngames = ["chess at home"]', "1 to 6 different games"),
        ('exit_code = "123456"\nrounds = 2', "1, 3, 5, 7 or 9"),
        ('exit_code = "123456"\nrules = "1min"', '"5min" or "30min"'),
        ('exit_code = "123456"\nurl = "javascript:alert(1)"', "http://"),
        ('exit_code = "123456"\nidle_seconds = 0', "5 to 3600"),
        ('exit_code = "123456"\nidle_seconds = nan', "5 to 3600"),
        ("exit_code = ", "can't be read as TOML"),
    ],
)
def test_wrong_values_are_named(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(EventError, match=re.escape(complaint)):
        open_settings(tmp_path)


RULES = named_rules("breakout")


def test_ranked_seeds_stay_the_same_and_are_no_practice_seeds(tmp_path: Path) -> None:
    seeds = ranked_seeds(tmp_path, RULES, 3)
    assert len(set(seeds)) == 3
    assert all(PRACTICE_SEEDS <= seed < SEED_LIMIT for seed in seeds)
    assert ranked_seeds(tmp_path, RULES, 5)[:3] == seeds
    assert ranked_seeds(tmp_path, named_rules("pacman"), 3) != seeds


def test_another_event_has_other_seeds(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert ranked_seeds(tmp_path / "a", RULES, 3) != ranked_seeds(tmp_path / "b", RULES, 3)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_only_the_owner_may_read_the_secret(tmp_path: Path) -> None:
    ranked_seeds(tmp_path, RULES, 1)
    assert stat.S_IMODE((tmp_path / secrets.RANKED_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "zz", "ab", "ü"])
def test_a_damaged_secret_is_not_replaced(content: str, tmp_path: Path) -> None:
    (tmp_path / secrets.RANKED_FILE).write_text(content)
    with pytest.raises(EventError, match="restore it"):
        ranked_seeds(tmp_path, RULES, 1)
