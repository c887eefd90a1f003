"""People against bots: the running tally of one game under one set of rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agents.player import Kind
from arena.stats.comparison import Comparison, Verdict, compare

ALPHA = 0.005
"""The tally is looked at after every seed. With 0.05 that would declare one of two equal sides the winner in 26 % of
simulated games of 60 seeds; with this it is 3 % (20,000 games, scores with Student's t at 4 degrees of freedom)."""
MOST_BLOCKS = 40
"""So many seeds are drawn as a block each; more become one bar per side."""

NOTE = (
    "Tally: on each seed that people and bots both played, the mean of the people’s first games meets the mean of the "
    "bots’. It is looked at after every seed, so it takes p < 0.005 to be called decided. Scripts take no side."
)


@dataclass(frozen=True, slots=True)
class Play:
    """One episode, as the tally sees it."""

    player: int
    kind: Kind
    seed: int
    score: float


@dataclass(frozen=True, slots=True)
class Block:
    who: str
    """people, bots, tie or none."""
    at: float
    """Percent from the left."""
    width: float


@dataclass(frozen=True, slots=True)
class Lead:
    """The mean lead and its interval on an axis with zero in the middle; people's side is on the left."""

    who: str
    at: float
    low: float
    high: float
    label: str


@dataclass(frozen=True, slots=True)
class Tally:
    players_people: int
    players_bots: int
    people: int
    """Seeds on which people are ahead."""
    bots: int
    ties: int
    verdict: str
    reason: str
    blocks: Sequence[Block]
    lead: Lead | None
    compared: Comparison
    """People against bots."""

    @property
    def seeds(self) -> int:
        return self.people + self.bots + self.ties


First = dict[tuple[int, int], Play]
"""The play that counts for each player on each seed."""


def remember(first: First, play: Play) -> bool:
    """Take a play into account, in the order in which they were booked; return whether that changed anything. A
    person's first game on a seed counts; a bot has one per seed, so a later one replaces one that was broken off."""
    place = play.player, play.seed
    there = first.get(place)
    if there == play or play.kind not in (Kind.HUMAN, Kind.BOT) or (there is not None and play.kind is Kind.HUMAN):
        return False
    first[place] = play
    return True


def tally(first: First) -> Tally:
    """Return where people and bots stand."""
    plays = {kind: [play for play in first.values() if play.kind is kind] for kind in (Kind.HUMAN, Kind.BOT)}
    people, bots = _side(plays[Kind.HUMAN]), _side(plays[Kind.BOT])
    found = compare(people, bots, alpha=ALPHA)
    verdict, reason = _words(found, bool(people), bool(bots))
    n_people, n_bots = (len({play.player for play in side}) for side in plays.values())
    wins, losses, ties = found.wins, found.losses, found.ties
    return Tally(n_people, n_bots, wins, losses, ties, verdict, reason, _blocks(found), _lead(found), found)


def _side(plays: Sequence[Play]) -> dict[int, float]:
    """Return the mean score of a side on each seed."""
    scores: dict[int, list[float]] = {}
    for play in plays:
        scores.setdefault(play.seed, []).append(play.score)
    return {seed: math.fsum(values) / len(values) for seed, values in scores.items()}


def _words(found: Comparison, people: bool, bots: bool) -> tuple[str, str]:
    if found.n == 0:
        waits = (
            "No seed yet that both sides played."
            if people and bots
            else "People haven’t played yet."
            if bots
            else "Bots haven’t played yet."
            if people
            else "Nobody has played yet."
        )
        return "No verdict yet", waits
    side = "People" if found.mean > 0 else "Bots"
    lead = f"mean lead {abs(found.mean):,.1f} points" if found.mean else "equal means"
    if found.low is not None and found.high is not None and found.mean:
        low, high = (found.low, found.high) if found.mean > 0 else (-found.high, -found.low)
        lead += f", 95\u00a0% interval {_signed(low)} to {_signed(high)}"
    seeds = f"{found.n} {'seed' if found.n == 1 else 'seeds'}"
    if found.verdict is not Verdict.UNDECIDED:
        other = "bots" if found.verdict is Verdict.A else "people"
        return f"{side} beat {other}", f"{lead}, on {seeds}"
    headline = f"{side} lead, not decided yet" if found.mean else "Level, not decided yet"
    more = "more than 1,000" if found.seeds_needed is None else f"about {found.seeds_needed:,}"
    clear = found.low is not None and found.high is not None and not found.low <= 0 <= found.high
    needed = f"watched all along, it takes {more} more" if clear else f"{more} more would decide it"
    return headline, f"{lead}, on {seeds}; {needed}"


def _signed(value: float) -> str:
    return f"{value:,.1f}".replace("-", "−")


def _blocks(found: Comparison) -> list[Block]:
    sides = [("people", found.wins), ("tie", found.ties), ("bots", found.losses)]
    if found.n == 0:
        return [Block("none", 0.5, 99)]
    if found.n > MOST_BLOCKS:
        parts = [(who, count) for who, count in sides if count]
    else:
        parts = [(who, 1) for who, count in sides for _ in range(count)]
    gap = 0.6 if len(parts) > 1 else 0.0
    blocks, at = [], 0.0
    for who, count in parts:
        width = 100 * count / found.n
        blocks.append(Block(who, round(at + gap / 2, 2), round(width - gap, 2)))
        at += width
    return blocks


def _lead(found: Comparison) -> Lead | None:
    if found.low is None or found.high is None:
        return None
    reach = max(abs(found.low), abs(found.high), abs(found.mean)) * 1.08 or 1.0
    at, low, high = (round(50 - 50 * value / reach, 2) for value in (found.mean, found.high, found.low))
    who = "people" if found.mean > 0 else "bots" if found.mean < 0 else "level"
    label = f"Mean lead of people over bots {_signed(found.mean)} points, 95 % interval {_signed(found.low)} to "
    return Lead(who, at, low, high, label + _signed(found.high))
