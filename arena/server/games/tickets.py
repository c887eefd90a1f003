"""Tickets: the right to play one ranked game, once. Every started one counts, also if nothing more is heard of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from arena.engine.seeds import fresh_seeds
from arena.scoreboard.server_tables import HeadRow, Role, TicketRow, UploadRow
from arena.scoreboard.store import Scoreboard
from arena.server.access.tokens import Identity
from arena.server.clock import Clock
from arena.server.errors import Conflict, NotFound, NotYours, Refusal, TooMany
from arena.server.event_bus import Bus
from arena.server.games.live_games import Known, Live, public_id
from arena.server.games.phase_gate import event_phase, require_games
from arena.server.games.ranked_rules import rules_from_json
from envs.environment import ale_seed_of
from envs.games import find_game
from envs.names import check_name
from envs.rules import Rules
from recordings import live_chain
from recordings.live_chain import Link

ISSUED, STARTED, FINISHED, ABANDONED, LOST = "issued", "started", "finished", "abandoned", "lost"
"""States of a ticket. An abandoned game was given up, a lost one was not heard of for long; of a lost one the whole
recording may still arrive."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What its holder gets."""

    id: str
    player: str
    station: str
    rules: Rules
    seed: int
    shared: bool
    state: str
    issued_at: datetime
    started_at: datetime | None
    recording_sha256: str | None

    @property
    def is_told(self) -> bool:
        """Whether its holder may know the seed. One that the server has drawn is told when its game begins, and from
        then on it counts: else somebody could collect tickets and play the easy seeds."""
        return self.shared or self.state != ISSUED

    @property
    def chain_begins(self) -> str:
        """The chain head before the first frame."""
        return live_chain.beginning(self.id, self.player, self.rules.rules_id, self.seed)


class Tickets:
    """The tickets in the scoreboard's database.

    Args:
        attempts: games that a player may begin per day (UTC), in each game.
    """

    def __init__(self, board: Scoreboard, clock: Clock, live: Live, bus: Bus, attempts: int) -> None:
        self._board = board
        self._clock = clock
        self._live = live
        self._bus = bus
        self._attempts = attempts

    def issue(self, who: Identity, player: str, rules: Rules, seed: int | None = None) -> Ticket:
        """Make a ticket. Only stations and organizers may name the seed, which others then play too; otherwise it is
        one that nobody can guess.

        Raises:
            NotYours: a participant asks for somebody else, or names a seed.
            Conflict: the event is frozen or closed.
                TooMany: the player has begun as many games today as one may, or holds as many tickets.
        """
        player = check_name(player)
        if who.role is Role.PARTICIPANT and player != who.name:
            raise NotYours(f"With this token only {who.name} can play.")
        if who.role is Role.PARTICIPANT and seed is not None:
            raise NotYours("The server chooses the seed of your ranked games.")
        shared = seed is not None
        if seed is None:
            (seed,) = fresh_seeds(1)
        else:
            ale_seed_of(seed)
        values = {
            "id": secrets.token_urlsafe(18),
            "token": who.token_id,
            "player": player,
            "station": who.name,
            "game": rules.game,
            "rules_id": rules.rules_id,
            "rules": rules.canonical_json(),
            "seed": seed,
            "shared": shared,
            "state": ISSUED,
            "issued_at": self._clock.now(),
        }
        with self._board.writing() as session:
            require_games(session, who.role)
            check_attempts(session, player, rules.game, self._attempts, self._clock.now())
            self._check_open(session, player, rules.game)
            session.execute(insert(TicketRow).values(**values))
            return _ticket(session.get_one(TicketRow, values["id"]))

    def get(self, who: Identity, number: str) -> Ticket:
        with self._board.reading() as session:
            return _ticket(_held(session, who, number))

    def all(self, who: Identity, limit: int = 1000) -> list[Ticket]:
        """Return the newest tickets of `who`, or of everybody to organizers."""
        query = select(TicketRow).order_by(TicketRow.issued_at.desc(), TicketRow.id).limit(limit)
        if who.role is not Role.ORGANIZER:
            query = query.where(TicketRow.token == who.token_id)
        with self._board.reading() as session:
            return [_ticket(row) for row in session.scalars(query)]

    def start(self, who: Identity, number: str) -> Ticket:
        """Begin the game: from now on it counts. Said twice, it is the same.

        Raises:
            Conflict: the game is over already.
            TooMany: the player has begun as many games today as one may.
        """
        with self._board.writing() as session:
            row = _held(session, who, number)
            if row.state == ISSUED:
                now = self._clock.now()
                check_attempts(session, row.player, row.game, self._attempts, now)
                row.state, row.started_at = STARTED, now
                session.flush()
            elif row.state != STARTED:
                raise Conflict(f"This ticket's game is {row.state} already; ask for a new ticket.")
            ticket, known = _ticket(row), self._known(row)
        if self._live.find(number) is None:
            self._live.begin(known)
            self._bus.publish("game-started", _public(known))
        return ticket

    def follow(self, who: Identity, number: str, links: Sequence[Link]) -> int:
        """Take the next links of a running game's chain; return the frame from which on the next ones are expected.
        Links that are there already are passed over, if they are the same.

        Raises:
            Conflict: a link is missing before these, or another game was told of before.
        """
        known = self._live.find(number)
        if known is None or known.token != who.token_id:
            ticket = self.get(who, number)
            raise Conflict(f"This ticket's game is not running, but {ticket.state}.")
        with known.lock:
            new, head = _new_links(known, links)
            seconds = (self._clock.now() - known.started_at).total_seconds()
            if new:
                rows = [
                    {"ticket": number, "frame": x.frame, "head": x.head, "actions": x.actions, "seconds": seconds}
                    for x in new
                ]
                with self._board.writing() as session:
                    session.execute(insert(HeadRow), rows)
                known.actions += b"".join(link.actions for link in new)
                known.head = head
            known.heard = self._clock.seconds()
            frames = len(known.actions)
        if new:
            self._bus.publish("game-moved", _public(known))
        return frames

    def abandon(self, who: Identity, number: str) -> Ticket:
        """Give up a started game: what was told of it counts. Said twice, it is the same.

        Raises:
            Conflict: it was not started, or is over.
        """
        with self._board.writing() as session:
            row = _held(session, who, number)
            if row.state not in (STARTED, ABANDONED):
                raise Conflict(f"This ticket's game is {row.state}; only a started one can be abandoned.")
            if row.state == STARTED:
                row.state, row.ended_at = ABANDONED, self._clock.now()
                session.flush()
            ticket = _ticket(row)
        self.forget(number)
        return ticket

    def lose(self, numbers: Sequence[str] | None = None) -> None:
        """Give up started games of which nothing more was heard; None: all, as at the end of the event. Those whose
        recording has been sent are over."""
        query = update(TicketRow).where(TicketRow.state == STARTED, TicketRow.id.not_in(_SENT))
        if numbers is not None:
            query = query.where(TicketRow.id.in_(numbers))
        values = {"state": LOST, "ended_at": self._clock.now()}
        with self._board.writing() as session:
            lost = list(session.scalars(query.values(**values).returning(TicketRow.id)))
        for number in lost:
            self.forget(number)

    def forget(self, number: str) -> None:
        """Take a game that is over from the running ones."""
        known = self._live.find(number)
        if known is not None:
            self._live.end(number)
            self._bus.publish("game-ended", _public(known))

    def resume(self) -> None:
        """Learn the running games from the database, after a start."""
        with self._board.reading() as session:
            running = select(TicketRow).where(TicketRow.state == STARTED, TicketRow.id.not_in(_SENT))
            for row in session.scalars(running).all():
                known = self._known(row)
                heads = session.scalars(select(HeadRow).where(HeadRow.ticket == row.id).order_by(HeadRow.frame)).all()
                known.actions += b"".join(head.actions for head in heads)
                known.head = heads[-1].head if heads else known.head
                self._live.begin(known)

    def unsettled(self, limit: int) -> list[str]:
        """Return games that were given up and of which no recording has been made yet: one of every player first, then
        everybody's second, and so on."""
        turn = func.row_number().over(partition_by=TicketRow.player, order_by=(TicketRow.ended_at, TicketRow.id))
        query = select(TicketRow.id).where(TicketRow.state.in_((ABANDONED, LOST)), TicketRow.recording_sha256.is_(None))
        query = query.order_by(turn, TicketRow.ended_at, TicketRow.id).limit(limit)
        with self._board.reading() as session:
            return list(session.scalars(query))

    def told(self, number: str) -> tuple[Ticket, bytes]:
        """Return a ticket and all actions that were told of its game."""
        query = select(HeadRow.actions).where(HeadRow.ticket == number).order_by(HeadRow.frame)
        with self._board.reading() as session:
            ticket = _ticket(session.get_one(TicketRow, number))
            return ticket, b"".join(session.scalars(query))

    def _check_open(self, session: Session, player: str, game: str) -> None:
        """Refuse a ticket to who holds as many unused ones of today as games may be begun in a day."""
        if not event_phase(session).takes_bots:
            return
        waiting = select(func.count()).where(
            TicketRow.player == player,
            TicketRow.game == game,
            TicketRow.state == ISSUED,
            TicketRow.issued_at >= _midnight(self._clock.now()),
        )
        if (session.scalar(waiting) or 0) >= self._attempts:
            title = find_game(game).title
            raise TooMany(f"{player} holds {self._attempts} tickets for {title} that were not used; play those first.")

    def _known(self, row: TicketRow) -> Known:
        ticket = _ticket(row)
        return Known(
            ticket=row.id,
            token=row.token,
            player=row.player,
            station=row.station,
            rules=ticket.rules,
            seed=row.seed,
            started_at=row.started_at or self._clock.now(),
            head=ticket.chain_begins,
            heard=self._clock.seconds(),
        )


_SENT = select(UploadRow.ticket).where(UploadRow.ticket.is_not(None))
"""Tickets whose game's recording has been sent, whatever became of it."""


def check_attempts(session: Session, player: str, game: str, most: int, now: datetime) -> None:
    """Refuse a game to who has begun as many of them today (UTC) as one may. In a rehearsal and in the final everybody
    plays what is to be played.

    Raises:
        TooMany: `most` were begun today.
    """
    if not event_phase(session).takes_bots:
        return
    begun = select(func.count()).where(
        TicketRow.player == player, TicketRow.game == game, TicketRow.started_at >= _midnight(now)
    )
    if (session.scalar(begun) or 0) >= most:
        raise TooMany(f"{player} has begun {most} games of {find_game(game).title} today: that is all for one day.")


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def heads_of(session: Session, number: str) -> list[HeadRow]:
    return list(session.scalars(select(HeadRow).where(HeadRow.ticket == number).order_by(HeadRow.frame)))


def _new_links(known: Known, links: Sequence[Link]) -> tuple[list[Link], str]:
    """Return those links that are new, and the head after them."""
    new: list[Link] = []
    head = known.head
    frames = len(known.actions)
    for link in sorted(links, key=lambda one: one.frame):
        if (
            len(link.actions) != live_chain.EVERY
            or link.frame % live_chain.EVERY
            or link.frame > known.rules.max_frames
        ):
            raise Refusal(
                f"A link has {live_chain.EVERY} actions and ends at a multiple of it, within the rules' length."
            )
        if link.frame <= frames:
            if link.frame <= len(known.actions) and link.actions != bytes(
                known.actions[link.frame - live_chain.EVERY : link.frame]
            ):
                raise Conflict(f"Another game was told of before: frame {link.frame:,} differs.")
            continue
        if link.frame != frames + live_chain.EVERY:
            raise Conflict(f"Links are missing: frame {frames + live_chain.EVERY:,} comes next, not {link.frame:,}.")
        if not set(link.actions) <= set(known.rules.action_set):
            raise Refusal("A link holds an action outside the rules' action set.")
        head = live_chain.next_head(head, link.actions)
        if head != link.head:
            raise Conflict(f"The chain head of frame {link.frame:,} does not follow from what was told before.")
        frames = link.frame
        new.append(link)
    return new, head


def _held(session: Session, who: Identity, number: str) -> TicketRow:
    """Return the ticket if `who` may use it, locked where the database locks rows."""
    row = session.get(TicketRow, number, with_for_update=True)
    if row is None or (row.token != who.token_id and who.role is not Role.ORGANIZER):
        raise NotFound("You hold no such ticket.")
    return row


def _ticket(row: TicketRow) -> Ticket:
    return Ticket(
        id=row.id,
        player=row.player,
        station=row.station,
        rules=rules_from_json(row.rules),
        seed=row.seed,
        shared=row.shared,
        state=row.state,
        issued_at=row.issued_at,
        started_at=row.started_at,
        recording_sha256=row.recording_sha256,
    )


def _public(known: Known) -> dict[str, object]:
    """What an event says of a running game. Its player may be a hidden name: who shows it asks the views."""
    return {"id": public_id(known.ticket), "game": known.rules.game, "frames": len(known.actions)}
