"""event.toml: the template, and mistakes that are named all at once."""

from __future__ import annotations

import re

import pytest

from arena.event.settings import EventSettings, read_settings, template
from envs.errors import EventError


def test_the_template_says_what_holds_anyway() -> None:
    text = template('The "last" evening, é')
    assert read_settings(text.encode(), "x") == EventSettings(name='The "last" evening, é')
    told = re.sub(r"(?m)^# (?=[a-z_]+ = )", "", text)
    assert told.count("\n#") < text.count("\n#")
    read = read_settings(told.encode(), "x")
    plain = EventSettings(name=read.name)
    assert read.model_copy(update={"dates": plain.dates, "seeds": plain.seeds, "url": plain.url}) == plain
    assert read.url
    assert read.dates.opens is not None
    assert read.dates.final is not None


MISTAKES = """
games = ["brekout", "pacman", "pacman"]
rules = "3min"
naem = "x"
[dates]
opens = 2026-11-02T09:00:00
[quotas]
attempts_per_day = "many"
submissions = 3
[final]
seeds = 0
"""


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(EventError) as caught:
        read_settings(MISTAKES.encode(), "event.toml")
    said = str(caught.value)
    for part in (
        "8 mistakes", "name is missing", "no game called 'brekout'", "rules: expected one of 5min, 30min, not '3min'",
        "naem is no setting (did you mean name?)", "dates.opens", "quotas.attempts_per_day",
        "quotas.submissions is no setting (did you mean submissions_per_day?)", "final.seeds",
    ):  # fmt: skip
        assert part in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "x"\ngames = ["pacman", "Pac-Man"]', "games names pacman more than once"),
        (
            'name = "x"\n[dates]\nopens = 2026-11-03T09:00:00Z\nfinal = 2026-11-02T09:00:00Z',
            "opens must be before final",
        ),
        ('name = "x"\ngames = []', "games"),
        ('name = "x"\n[dats]', "did you mean dates?"),
        (
            'name = "x"\nurl = "10.0.0.1"',
            "url: expected an address that begins with http:// or https://, not '10.0.0.1'",
        ),
        ("name = ", "can't be read as TOML"),
    ],
)
def test_what_does_not_go_together(text: str, said: str) -> None:
    with pytest.raises(EventError, match=re.escape(said)):
        read_settings(text.encode(), "event.toml")
