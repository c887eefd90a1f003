"""Recordings that are sent in: acknowledged when they are on the disk, believed when a fresh emulator has agreed."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from agents.player import Kind
from arena.engine.eligibility import unranked_reason
from arena.engine.seeds import PRACTICE_SEEDS
from arena.event.lifecycle import Phase
from arena.scoreboard.publish import result_of
from arena.scoreboard.results import Result
from arena.scoreboard.server_tables import ProofRow, Role, TicketRow, TokenRow, UploadRow
from arena.scoreboard.store import Scoreboard, insert_or_ignore
from arena.scoreboard.tables import EpisodeRow
from arena.server.access.tokens import Identity
from arena.server.clock import Clock
from arena.server.errors import Conflict, NotFound, NotYours, Refusal
from arena.server.games.copies import ALIKE, MOST_COMPARED, agreement, games_of_others, is_copied, opening_of
from arena.server.games.phase_gate import event_phase, require_games
from arena.server.games.ranked_rules import check_ranked
from arena.server.games.tickets import ABANDONED, FINISHED, ISSUED, LOST, STARTED, check_attempts, heads_of
from arena.server.games.trust import Trust, judge
from envs.errors import RecordingError, ScoreboardError
from envs.names import check_name
from recordings import live_chain
from recordings.codec import decode, read
from recordings.recording import Recording
from recordings.storage import save_encoded

RECEIVED, VERIFIED, REFUSED = "received", "verified", "refused"
MOST_ATTEMPTS = 3
"""Attempts to verify a recording, of which each may bring down the process that replays it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender of a recording is told."""

    id: int
    recording_sha256: str
    ticket: str | None
    state: str
    """received (it is safe here), verified or refused."""
    reason: str
    received_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What organizers see of an upload that waits."""

    id: int
    sender: str
    size: int
    """In bytes."""
    attempts: int
    """That have failed."""
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """A recording as it came: decoded once, and never encoded again, since it has only one spelling."""

    content: bytes
    recording_sha256: str
    recording: Recording

    @classmethod
    def of(cls, content: bytes) -> Sent:
        """Read `content`.

        Raises:
            RecordingError: see `recordings.codec.decode`.
        """
        return cls(content, hashlib.sha256(content).hexdigest(), decode(content))

    def save(self, folder: Path) -> Result:
        """Write it into `folder`; return the scoreboard's row for it."""
        return result_of(self.recording, save_encoded(self.content, self.recording, folder), self.recording_sha256)


class Uploads:
    """The uploads in the scoreboard's database.

    Args:
        recordings: the folder of the event's recordings.
        attempts: games that a player may begin per day (UTC), in each game.
    """

    def __init__(self, board: Scoreboard, clock: Clock, recordings: Path, attempts: int) -> None:
        self._board = board
        self._clock = clock
        self._recordings = recordings
        self._attempts = attempts
        self._deciding = Lock()
        """One decision at a time: of two copies of one game the second must see the first."""

    def accept(self, who: Identity, key: str, content: bytes, ticket: str | None) -> Receipt:
        """Store a recording to be verified; on return it is on the disk. The same key with the same content gets the
        same answer, as often as it is sent.

        Raises:
            Conflict: the key came with another content before; the ticket is used up; the event isn't open.
            NotYours, NotFound: the sender may not send this game.
            RecordingError, Refusal: it is no recording that could count.
        """
        recording_sha256 = hashlib.sha256(content).hexdigest()
        said = hashlib.sha256(f"{recording_sha256}\n{ticket or ''}".encode()).hexdigest()
        with self._board.reading() as session:
            known = _known(session, who, key, said)
        if known is not None:
            return known
        sent = Sent.of(content)
        recording = sent.recording
        _check_storable(sent)
        if ticket is None:  # with a ticket they must be its own, and a surprise round's have no name
            check_ranked(recording.rules)
        now = self._clock.now()
        values = {
            "token": who.token_id,
            "key": key,
            "body_sha256": said,
            "recording_sha256": recording_sha256,
            "ticket": ticket,
            "content": content,
            "state": RECEIVED,
            "reason": "",
            "attempts": 0,
            "received_at": now,
            "decided_at": None,
        }
        with self._board.writing() as session:
            _check_sender(session, who, recording, ticket, recording_sha256)
            if ticket is not None:
                self._start(session, ticket, now)
            adding = insert_or_ignore(session, UploadRow).on_conflict_do_nothing()
            session.execute(adding, values)
            receipt = _known(session, who, key, said)
            assert receipt is not None
            return receipt

    def _start(self, session: Session, ticket: str, now: datetime) -> None:
        """Begin a ticket whose start was never told: a station plays on when the server can't be reached.

        Raises:
            Conflict: its seed was never told, so this can't be its game.
            TooMany: the player has begun as many games today as one may.
        """
        row = session.get_one(TicketRow, ticket)
        if row.state != ISSUED:
            return
        if not row.shared:
            raise Conflict("This ticket's game was never begun; begin a game before you play it.")
        check_attempts(session, row.player, row.game, self._attempts, now)
        row.state, row.started_at = STARTED, now

    def get(self, who: Identity, number: int) -> Receipt:
        with self._board.reading() as session:
            row = session.get(UploadRow, number)
            if row is None or (row.token != who.token_id and who.role is not Role.ORGANIZER):
                raise NotFound("You have sent no such recording.")
            return _receipt(row)

    def all(self, who: Identity, limit: int = 1000) -> list[Receipt]:
        """Return the newest uploads of `who`, or of everybody to organizers."""
        query = select(UploadRow).order_by(UploadRow.id.desc()).limit(limit)
        if who.role is not Role.ORGANIZER:
            query = query.where(UploadRow.token == who.token_id)
        with self._board.reading() as session:
            return [_receipt(row) for row in session.scalars(query)]

    def waiting(self, limit: int) -> list[int]:
        """Return the uploads that are to be verified: the oldest of every sender first, then everybody's second, and so
        on, so that nobody's wait depends on how much somebody else has sent."""
        turn = func.row_number().over(partition_by=UploadRow.token, order_by=UploadRow.id)
        query = select(UploadRow.id).where(UploadRow.state == RECEIVED).order_by(turn, UploadRow.id).limit(limit)
        with self._board.reading() as session:
            return list(session.scalars(query))

    def queue(self, limit: int) -> list[Waiting]:
        """Return the uploads that wait to be verified, the oldest first."""
        query = select(UploadRow, TokenRow.name).join(TokenRow, TokenRow.id == UploadRow.token)
        query = query.where(UploadRow.state == RECEIVED).order_by(UploadRow.id).limit(limit)
        with self._board.reading() as session:
            return [
                Waiting(row.id, sender, len(row.content or b""), row.attempts, row.received_at)
                for row, sender in session.execute(query)
            ]

    def sent(self, number: int) -> Sent | None:
        """Return an upload that is still to be verified.

        Raises:
            RecordingError: another version of the arena took it, which this one can't read.
        """
        query = select(UploadRow.content).where(UploadRow.id == number, UploadRow.state == RECEIVED)
        with self._board.reading() as session:
            content = session.scalar(query)
        return None if content is None else Sent.of(content)

    def failed(self, number: int, what: str) -> None:
        """Note that an attempt to verify an upload has failed; after `MOST_ATTEMPTS` it is refused.

        Args:
            what: what failed, as the beginning of a sentence.
        """
        with self._board.writing() as session:
            row = session.get_one(UploadRow, number, with_for_update=True)
            row.attempts += 1
            if row.attempts >= MOST_ATTEMPTS:
                self._refuse(session, row, f"{what} {MOST_ATTEMPTS} times")

    def refuse(self, number: int, reason: str) -> None:
        with self._board.writing() as session:
            self._refuse(session, session.get_one(UploadRow, number, with_for_update=True), reason)

    def believe(self, number: int, sent: Sent) -> str | None:
        """Put an upload whose replay agreed on the scoreboard; return its recording's hash if it is new there."""
        with self._deciding:
            with self._board.reading() as session:
                row = session.get(UploadRow, number)
                if row is None or row.state != RECEIVED:  # its player was erased meanwhile, or it was decided
                    return None
                reason = self._why_not(session, row, sent.recording)
            if reason is not None:
                self.refuse(number, reason)
                return None
            result = sent.save(self._recordings)  # before the row: what the scoreboard names is there
            with self._board.writing() as session:
                row = session.get_one(UploadRow, number, with_for_update=True)
                new = self._publish(session, row, sent.recording, result)
                return row.recording_sha256 if new else None

    def settle(self, ticket: str, sent: Sent) -> str | None:
        """Put what was told of a game that was given up on the scoreboard; return its recording's hash."""
        result = sent.save(self._recordings)
        with self._deciding, self._board.writing() as session:
            row = session.get_one(TicketRow, ticket, with_for_update=True)
            if row.recording_sha256 is not None:
                return None
            self._board.add_within(session, result)
            reason = f"{_how_it_ended(session, row)}; what was told of the game while it ran counts"
            _prove(session, result.recording_sha256, Trust.UNATTESTED, reason, "abandoned", row, sent.recording)
            row.recording_sha256 = result.recording_sha256
        return result.recording_sha256

    def _why_not(self, session: Session, upload: UploadRow, recording: Recording) -> str | None:
        """Return why a game that replays well still doesn't count; None if it does."""
        human = recording.player.kind == Kind.HUMAN.value
        unranked = unranked_reason(recording)
        if unranked is not None:
            return unranked
        if upload.ticket is not None:
            row = session.get_one(TicketRow, upload.ticket)
            told = heads_of(session, row.id)
            begin = live_chain.beginning(row.id, row.player, row.rules_id, row.seed)
            links = {link.frame: link.head for link in live_chain.links(begin, recording.actions)}
            if any(links.get(head.frame) != head.head for head in told):
                return "it is not the game that was told of while it was played"
            if row.state == FINISHED and row.recording_sha256 != upload.recording_sha256:
                return "this ticket's game has been sent already"
        elif human and _is_ticketed(session, recording, station=_role_of(session, upload) != Role.PARTICIPANT.value):
            return "its seed belongs to a ticket, and it came without one"
        if human and recording.frames and is_copied(session, recording):
            return "it is, frame for frame, a game of somebody else"
        if human and recording.frames and _role_of(session, upload) != Role.STATION.value:
            return self._likeness(session, recording)
        return None

    def _likeness(self, session: Session, recording: Recording) -> str | None:
        """Return why a game is taken for a copy of somebody else's, shortened, continued, shifted or changed here and
        there; None if it isn't. On stations, where people are seen, two may begin alike: they let a game begin by
        itself."""
        query = games_of_others(recording).order_by(EpisodeRow.id.desc()).limit(MOST_COMPARED)
        for name in session.scalars(query):
            with suppress(RecordingError):
                theirs, ours = read(self._recordings / name).actions, recording.actions
                same, chance_corrected = agreement(theirs, ours)
                if chance_corrected >= ALIKE:
                    return f"{same:.0%} of its actions are, frame for frame, those of somebody else's game"
        return None

    def _publish(self, session: Session, row: UploadRow, recording: Recording, result: Result) -> bool:
        new = self._board.add_within(session, result)
        ticket = None if row.ticket is None else session.get_one(TicketRow, row.ticket, with_for_update=True)
        if new or session.get(ProofRow, result.recording_sha256) is None:
            trust, reason = _trust(session, row, recording, ticket)
            of_station = _role_of(session, row) != Role.PARTICIPANT.value
            _prove(session, result.recording_sha256, trust, reason, "upload", ticket, recording, of_station)
        if ticket is not None and ticket.recording_sha256 != result.recording_sha256:
            if ticket.recording_sha256 is not None:  # its first part was counted when the game seemed lost
                with suppress(ScoreboardError):  # or was a copy of one that was there
                    self._board.void_within(session, ticket.recording_sha256, "the whole game arrived later")
            ticket.state, ticket.recording_sha256 = FINISHED, result.recording_sha256
            ticket.ended_at = self._clock.now()
        row.state, row.content, row.decided_at = VERIFIED, None, self._clock.now()
        row.reason = "replayed bit for bit" if new else "replayed bit for bit; this game was on the scoreboard already"
        return new

    def _refuse(self, session: Session, row: UploadRow, reason: str) -> None:
        """Refuse an upload. A participant's game counts nevertheless, by what was told of it: nobody gets rid of a bad
        game by sending something else. A game at a station, whose machine may have been too slow, may be repeated."""
        if row.state != RECEIVED:
            return
        row.state, row.content, row.reason, row.decided_at = REFUSED, None, reason, self._clock.now()
        if row.ticket is not None:
            participants = select(TokenRow.id).where(TokenRow.role == Role.PARTICIPANT.value)
            begun = update(TicketRow).where(TicketRow.id == row.ticket, TicketRow.state == STARTED)
            begun = begun.where(TicketRow.token.in_(participants))
            session.execute(begun.values(state=LOST, ended_at=self._clock.now()))


def _known(session: Session, who: Identity, key: str, said: str) -> Receipt | None:
    """Return the answer to what was sent before under this key."""
    row = session.scalar(select(UploadRow).where(UploadRow.token == who.token_id, UploadRow.key == key))
    if row is None:
        return None
    if row.body_sha256 != said:
        raise Conflict("This idempotency key came with another recording before; take a new key for each game.")
    return _receipt(row)


def _check_sender(
    session: Session, who: Identity, recording: Recording, ticket: str | None, recording_sha256: str
) -> None:
    """Refuse a game that this sender, or this ticket, can't have."""
    player = recording.player
    if who.role is Role.PARTICIPANT:
        if player.kind != Kind.HUMAN.value:
            raise NotYours("Games of a bot count when the server has played them; send the agent with arena submit.")
        if player.name != who.name:
            raise NotYours(f"With this token only games of {who.name} can be sent; this is one of {player.name}.")
    elif player.kind == Kind.REPLAY.value:
        raise Refusal("A replay is nobody's game.")
    if ticket is None:
        require_games(session, who.role)
        return
    row = session.get(TicketRow, ticket, with_for_update=True)
    if row is None or (row.token != who.token_id and who.role is not Role.ORGANIZER):
        raise NotFound("You hold no such ticket.")
    _check_bound(row, recording)
    if row.state == FINISHED and row.recording_sha256 != recording_sha256:
        raise Conflict("This ticket's game has been sent already; a ticket is for one game.")
    if row.state == ABANDONED:
        raise Conflict("This ticket's game was given up; what was told of it counts.")
    if event_phase(session) is Phase.CLOSED:
        raise Conflict("The event is closed: nothing is taken any more.")


def _check_storable(sent: Sent) -> None:
    """Refuse what the scoreboard would refuse after the replay, before it is acknowledged."""
    try:
        result_of(sent.recording, Path("recording"), sent.recording_sha256)
    except ScoreboardError as error:
        raise Refusal(str(error)) from None


def _check_bound(ticket: TicketRow, recording: Recording) -> None:
    bound = {
        "player": (check_name(ticket.player), recording.player.name),
        "kind": (Kind.HUMAN.value, recording.player.kind),
        "rules": (ticket.rules_id, recording.rules.rules_id),
        "seed": (ticket.seed, recording.seed),
    }
    for name, (promised, came) in bound.items():
        if promised != came:
            raise Refusal(f"This recording is not of the ticket's game: its {name} is another one.")


def _is_ticketed(session: Session, recording: Recording, *, station: bool) -> bool:
    """Return whether a game must have a ticket. On a station, all play the same seeds, and one that couldn't reach the
    server played without."""
    query = select(TicketRow.id).where(
        TicketRow.rules_id == recording.rules.rules_id,
        TicketRow.seed == recording.seed,
    )
    if station:
        query = query.where(~TicketRow.shared)
    return session.scalar(query.limit(1)) is not None


def _how_it_ended(session: Session, ticket: TicketRow) -> str:
    """Return why what was told of a game counts, and not its recording."""
    if ticket.state == ABANDONED:
        return "the game was given up"
    refused = select(UploadRow.id).where(UploadRow.ticket == ticket.id, UploadRow.state == REFUSED)
    return "the game was broken off" if session.scalar(refused.limit(1)) is None else "its recording was refused"


def _role_of(session: Session, upload: UploadRow) -> str:
    return session.scalars(select(TokenRow.role).where(TokenRow.id == upload.token)).one()


def _trust(session: Session, upload: UploadRow, recording: Recording, ticket: TicketRow | None) -> tuple[Trust, str]:
    if ticket is None:
        return Trust.UNATTESTED, "it came without a ticket: nobody saw how it was played"
    if ticket.state == LOST:
        return Trust.UNATTESTED, "its game had been given up for lost when it arrived"
    heads = [(head.frame, head.seconds) for head in heads_of(session, ticket.id)]
    return judge(heads, recording.frames, station=_role_of(session, upload) == Role.STATION.value)


def _prove(
    session: Session,
    recording_sha256: str,
    trust: Trust,
    reason: str,
    source: str,
    ticket: TicketRow | None,
    recording: Recording,
    of_station: bool = False,
) -> None:
    """Note how far a result may be trusted. Seeds that others still play are hidden: those of shared tickets, and what
    came from a station without a ticket, a bot's game or one that was played without the server."""
    alone = of_station and recording.seed >= PRACTICE_SEEDS
    session.merge(
        ProofRow(
            recording_sha256=recording_sha256,
            trust=trust.value,
            reason=reason,
            source=source,
            ticket=None if ticket is None else ticket.id,
            hidden_seed=alone if ticket is None else ticket.shared,
            opening=opening_of(recording),
        )
    )


def _receipt(row: UploadRow) -> Receipt:
    return Receipt(row.id, row.recording_sha256, row.ticket, row.state, row.reason, row.received_at, row.decided_at)
