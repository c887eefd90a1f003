"""kiosk.toml and the ranked seeds: made at the first start, kept after it, wrong values named."""

from __future__ import annotations

import re
import stat
import sys
from pathlib import Path

import pytest

from arena.engine.seeds import PRACTICE_SEEDS
from arena.event import secrets
from arena.event.folder import KIOSK_SETTINGS, open_event, server_url
from arena.event.secrets import ranked_seeds
from arena.kiosk.settings import open_settings
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
    path = tmp_path / KIOSK_SETTINGS
    lines = path.read_text().splitlines()
    path.write_text("\n".join(re.sub(r"^# (\w+ = )", r"\1", line) for line in lines))
    settings = open_settings(tmp_path)
    assert settings.rounds == 3
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
    (tmp_path / KIOSK_SETTINGS).write_text(text)
    with pytest.raises(EventError, match=re.escape(complaint)):
        open_settings(tmp_path)


@pytest.mark.parametrize(
    ("event_toml", "kiosk_toml", "url"),
    [
        ("", None, ""),
        ('url = "http://10.0.0.1:8000"', None, "http://10.0.0.1:8000"),
        ("", 'url = "http://10.0.0.2:8000"', "http://10.0.0.2:8000"),
        ('url = "http://10.0.0.1:8000"', 'url = "http://10.0.0.2:8000"', "http://10.0.0.1:8000"),
        ("", 'url = "javascript:alert(1)"', ""),
        ("", "url = 7", ""),
        ("", "url = ", ""),
    ],
)
def test_the_address_stands_in_event_toml_or_in_an_older_kiosk_toml(
    event_toml: str, kiosk_toml: str | None, url: str, tmp_path: Path
) -> None:
    (tmp_path / "event.toml").write_text(f'name = "Test"\n{event_toml}\n')
    if kiosk_toml is not None:
        (tmp_path / KIOSK_SETTINGS).write_text(f'exit_code = "1234"\n{kiosk_toml}\n')
    assert server_url(open_event(tmp_path)) == url


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
