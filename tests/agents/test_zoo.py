"""The house bots: enough of them, small, and each with a card that tells where it comes from and what it scores."""

import re
from pathlib import Path

import pytest

from agents.load import ZOO, StrengthLevel, by_strength, house_bots
from agents.packages import admit
from envs import GAMES, find_game

CARD = {name: (ZOO / f"{name}.md").read_text(encoding="utf-8") for name in house_bots()}


def test_every_game_of_the_event_has_a_quick_bot_and_a_better_one() -> None:
    for game in GAMES.values():
        bots = house_bots(game)
        assert len(bots) >= 2, game.name
        means = {bot: float(scores(CARD[bot])["5min"][0]) for bot in bots}
        assert f"{game.name}-quick" in bots
        assert max(means, key=lambda bot: means[bot]) != f"{game.name}-quick"


def test_a_guest_chooses_by_strength() -> None:
    for game in GAMES.values():
        bots = by_strength(game)
        assert StrengthLevel.EASY in bots
        assert StrengthLevel.BOSS in bots
        means = [float(scores(CARD[bot])["5min"][0]) for bot in bots.values()]
        assert means == sorted(means), game.name
        assert max(means) == max(float(scores(CARD[bot])["5min"][0]) for bot in house_bots(game)), (
            "the boss is the best"
        )
    assert by_strength(find_game("pong")) == {}


def scores(card: str) -> dict[str, list[str]]:
    """Mean, interval, median, best and games cut off, by the name of the rules."""
    rows = re.findall(r"^\| (5min|30min) \| (.+) \|$", card, re.MULTILINE)
    return {rules: row.replace(",", "").split(" | ") for rules, row in rows}


@pytest.mark.parametrize("name", CARD)
def test_a_card_says_how_the_bot_was_made_and_what_it_is_worth(name: str) -> None:
    card, package = CARD[name], admit(ZOO / f"{name}.zip")
    made = dict(re.findall(r"^\| ([a-z ]+) \| (.+) \|$", card, re.MULTILINE))
    assert made["command"] == f"`python scripts/{package.training['command']}`"
    assert made["commit"] == package.training["commit"]
    assert made["seed"] == str(package.training["seed"])
    steps = package.training["steps"]
    assert made["training"].startswith(f"{steps:,} steps, {(package.frame_skip or 4) * steps:,} emulated frames")
    assert {"wall clock", "machine", "settings", "planned length"} <= made.keys()
    assert "Scores of 100 games on practice seeds" in card
    assert set(scores(card)) == {"5min", "30min"}
    for mean, interval, *_ in scores(card).values():
        low, high = map(float, interval.split(" to "))
        assert low <= float(mean) <= high
    assert "- script:random: " in card
    assert "- script:basic: " in card
    assert "- human reference: " in card or "No published scores of people" in card
    assert f"![learning curve]({name}.svg)" in card
    assert "<svg" in (ZOO / f"{name}.svg").read_text(encoding="utf-8")
    assert Path(ZOO / f"{name}.zip").stat().st_size <= 4_000_000
