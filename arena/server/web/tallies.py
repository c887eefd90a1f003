"""What the web pages ask of the database beside `arena.server.public_views`: numbers in which the seeds stay inside."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from agents.player import Kind
from arena.scoreboard.results import RulesClass
from arena.scoreboard.tables import EpisodeRow, PlayerRow, RulesRow, VoidRow
from arena.server.web.site import standings_url, title_of
from arena.server.web.tally import First, Play, Tally, remember, tally
from envs.games import GAMES

if TYPE_CHECKING:
    from arena.server.public_views import StandingView
    from arena.server.services import Server


TOP = 5
"""Players on a card."""
OVERLAP = 200
"""Episodes that are looked at once more."""


@dataclass(frozen=True, slots=True)
class Card:
    """One game under one set of rules, on the big screen."""

    key: str
    title: str
    label: str
    href: str
    tally: Tally
    standings: Sequence[StandingView]
    """The best people and bots among themselves: scripts are a yardstick, and take no side."""


@dataclass(slots=True)
class _Kept:
    voids: frozenset[int]
    newest: int = 0
    """Id of the last episode, of whatever class, at the last look."""
    first: First = field(default_factory=dict)
    tally: Tally | None = None


@dataclass
class Tallies:
    """The tally of every class. What a look costs grows with the episodes that came since the last one, and all are
    read again only when an organizer has voided a result or taken that back."""

    server: Server
    _kept: dict[RulesClass, _Kept] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, one: RulesClass) -> Tally:
        with self._lock:
            voids = _voids(self.server)
            kept = self._kept.get(one)
            if kept is None or kept.voids != voids:
                kept = self._kept[one] = _Kept(voids)
            newest, plays = _plays(self.server, one, kept.newest)
            changed = [remember(kept.first, play) for play in plays]
            if any(changed) or kept.tally is None:
                kept.tally = tally(kept.first)
            kept.newest = newest
            return kept.tally

    def card(self, one: RulesClass) -> Card:
        return Card(
            key(one),
            title_of(one.game),
            one.label,
            standings_url(one.game, one.rules_id),
            self.of(one),
            self.server.views.best(one.game, one.rules_id, TOP, (Kind.HUMAN, Kind.BOT)),
        )


def key(one: RulesClass) -> str:
    """Return a name for a class that can stand in HTML as an id and as the name of an event."""
    return f"{one.game}-{one.rules_id[:8]}"


def classes(server: Server) -> list[RulesClass]:
    """Return everything that was played, the event's own games first and in their order."""
    order = list(GAMES)
    return sorted(
        server.views.classes(),
        key=lambda c: (order.index(c.game) if c.game in order else len(order), c.game, c.label, c.rules_id),
    )


def _voids(server: Server) -> frozenset[int]:
    with server.board.reading() as session:
        return frozenset(session.scalars(select(VoidRow.episode)))


def _plays(server: Server, one: RulesClass, after: int) -> tuple[int, list[Play]]:
    """Return the newest episode's id and the plays of people and bots that were booked after `after`, and some of those
    booked before it: PostgreSQL may show an episode later than one with a higher id."""
    query = (
        select(EpisodeRow.id, EpisodeRow.player, PlayerRow.kind, EpisodeRow.seed, EpisodeRow.score)
        # + 0: by the ids, not by the index that leads through all episodes of the class.
        .join(RulesRow, RulesRow.id == EpisodeRow.rules + 0)
        .join(PlayerRow, PlayerRow.id == EpisodeRow.player)
        .where(RulesRow.game == one.game, RulesRow.rules_id == one.rules_id, EpisodeRow.id > after - OVERLAP)
        .where(PlayerRow.kind.in_([Kind.HUMAN.value, Kind.BOT.value]), _COUNTS)
        .order_by(EpisodeRow.id)
    )
    with server.board.reading() as session:
        newest = session.scalar(select(func.max(EpisodeRow.id))) or 0  # of any class: others may be played more
        rows = session.execute(query).all()
    plays = [Play(row.player, Kind(row.kind), row.seed, row.score) for row in rows]
    return newest, plays


_COUNTS = EpisodeRow.id.not_in(select(VoidRow.episode))


def field_by_seed(server: Server, one: RulesClass, seeds: Sequence[int]) -> dict[int, float]:
    """Return the mean score of everybody on each of `seeds`."""
    query = (
        select(EpisodeRow.seed, func.avg(EpisodeRow.score))
        .join(RulesRow, RulesRow.id == EpisodeRow.rules)
        .where(RulesRow.game == one.game, RulesRow.rules_id == one.rules_id, EpisodeRow.seed.in_(list(seeds)), _COUNTS)
        .group_by(EpisodeRow.seed)
    )
    with server.board.reading() as session:
        return {int(seed): float(mean) for seed, mean in session.execute(query)}
