"""The phases of an event, and the seeds that nobody can choose.

    draft -> open -> frozen -> announced -> closed

When the event opens, the organizers publish the hash of a secret. When it freezes, no bot is taken any more and those
that are there are listed by their hash. Then a public number that nobody knew before is announced; from it and the
secret come the seeds of the final. When the event closes, the secret is revealed, and anybody can compute the seeds.
An event without a final may close earlier; then no seed ever came from its secret, which stays one.

Every step is a line of the log (`arena.event.log`), with its time. A freeze before the number is known and a closing
can be taken back, by another line; what was published stays published. The log is the one truth about the phase:
command line, server and kiosk ask it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from agents.load import ZOO
from arena.engine.seeds import commitment, final_seeds
from arena.event.folder import Event
from arena.event.log import EVENT, Entry, Log
from arena.event.secrets import FINAL_FILE, final_secret, make_final_secret
from arena.event.settings import EventSettings
from envs.errors import EventError


class Phase(StrEnum):
    DRAFT = "draft"
    """Nothing is published yet."""
    OPEN = "open"
    """People train and practise."""
    FROZEN = "frozen"
    """Submissions are closed."""
    ANNOUNCED = "announced"
    """The public number is known: the seeds of the final are fixed."""
    CLOSED = "closed"
    """Nothing is taken any more, and what was kept back is shown."""

    @property
    def takes_bots(self) -> bool:
        """Whether bots may be handed in, and people may play wherever they like."""
        return self in (Phase.DRAFT, Phase.OPEN)

    @property
    def takes_station_games(self) -> bool:
        """Whether ranked games may begin at the stations: also between freeze and final, for rehearsals."""
        return self is not Phase.CLOSED


@dataclass(frozen=True, slots=True)
class EventState:
    """What the log of an event says."""

    phase: Phase = Phase.DRAFT
    commitment: str | None = None
    """SHA-256 of the secret, from the opening on."""
    agents: frozenset[str] = frozenset()
    """SHA-256 of every bot that may be in the final, from the freeze on."""
    entropy: str | None = None
    """The public number, once it is announced."""
    secret: bytes | None = None
    """Once it is revealed, which it stays also if the closing is taken back."""
    steps: tuple[Phase, ...] = (Phase.DRAFT,)
    """The phases that led here, the present one last."""
    settings: dict[str, Any] | None = None
    """The settings that were logged last."""
    lines: int = 0
    """Number of the last line."""


def state_of(entries: Sequence[Entry]) -> EventState:
    """Return what the lines of the event's stream say.

    Raises:
        EventError: a step came in the wrong order, or the revealed secret isn't the one that was promised.
    """
    state = EventState()
    for entry in entries:
        state = replace(_after(state, entry), lines=entry.number)
    return state


PHASE_LINES = ("opened", "frozen", "announced", "closed", "reopened")
"""The kinds of lines that change the phase."""
_STEPS = {
    "opened": ((Phase.DRAFT,), Phase.OPEN),
    "frozen": ((Phase.OPEN,), Phase.FROZEN),
    "announced": ((Phase.FROZEN,), Phase.ANNOUNCED),
    "closed": ((Phase.OPEN, Phase.FROZEN, Phase.ANNOUNCED), Phase.CLOSED),
}
_REOPENED = (Phase.FROZEN, Phase.CLOSED)
"""Phases that can be taken back."""


def phases_of(kinds: Iterable[str]) -> tuple[Phase, ...]:
    """Return the phases that lines of these kinds led through, without those that were taken back; the last one is the
    present one. Lines of other kinds change nothing.

    Raises:
        EventError: a step came in the wrong order.
    """
    steps = [Phase.DRAFT]
    for kind in kinds:
        if kind not in PHASE_LINES:
            continue
        before, phase = (_REOPENED, steps[-1]) if kind == "reopened" else _STEPS[kind]
        if steps[-1] not in before:
            raise EventError(f"The event's log says {kind}, but the event was {steps[-1]}.")
        if kind == "reopened":
            steps.pop()
        else:
            steps.append(phase)
    return tuple(steps)


def _after(state: EventState, entry: Entry) -> EventState:
    body = entry.body
    if entry.kind not in PHASE_LINES:  # "settings", and what other parts of the arena note here
        return replace(state, settings=body["settings"]) if entry.kind == "settings" else state
    steps = phases_of((*(_LINE_OF[phase] for phase in state.steps[1:]), entry.kind))
    state = replace(state, phase=steps[-1], steps=steps)
    if entry.kind == "opened":
        return replace(state, commitment=body["commitment"], settings=body["settings"])
    if entry.kind == "frozen":
        return replace(state, agents=frozenset(body["agents"].values()))
    if entry.kind == "announced":
        return replace(state, entropy=body["entropy"])
    if entry.kind == "reopened" and state.phase is Phase.OPEN:
        return replace(state, agents=frozenset())
    if entry.kind == "reopened" or body["secret"] is None:
        return state
    secret = bytes.fromhex(body["secret"])
    if commitment(secret) != state.commitment:
        raise EventError("The secret that was revealed is not the one whose hash was published at the opening.")
    return replace(state, secret=secret)


_LINE_OF = {phase: kind for kind, (_, phase) in _STEPS.items()}


class EventLifecycle:
    """Moves an event from phase to phase.

    Args:
        event: the event folder.
        log: the log in its scoreboard.
    """

    def __init__(self, event: Event, log: Log) -> None:
        self.event = event
        self.log = log

    def state(self) -> EventState:
        """Return what the log says now."""
        return state_of(self.log.entries(EVENT))

    def note_settings(self) -> list[str]:
        """Log event.toml if it has changed since the event was opened; return what changed, as `a.b: old -> new`."""
        state = self.state()
        now = plain_settings(self.event.settings)
        if state.phase is Phase.DRAFT or state.settings == now:
            return []
        changes = differences(state.settings or {}, now)
        self.log.append(EVENT, [("settings", {"settings": now, "changes": changes})], state.lines)
        return changes

    def open(self, **note: str) -> EventState:
        """Make the secret, publish its hash, and begin. What `note` says is logged with it, as with every step.

        Raises:
            EventError: the event has been opened already.
        """
        state = self._at("opened", "be opened once, before anything else")
        make_final_secret(self.event.folder)  # it is there already if an earlier opening was broken off
        body = {"commitment": commitment(self.secret()), "settings": plain_settings(self.event.settings)}
        return self._step("opened", body | note, state)

    def freeze(self, **note: str) -> EventState:
        """Close submissions: list the bots in `agents/` of the event folder and the house bots by their hashes.

        Raises:
            EventError: the event isn't open.
        """
        state = self._at("frozen", "be frozen when it is open")
        return self._step("frozen", {"agents": agent_files(self.event.agents), **note}, state)

    def announce(self, entropy: str, **note: str) -> EventState:
        """Fix the seeds of the final with a public number that nobody could know before the freeze.

        Raises:
            EventError: the event isn't frozen, or the text can't be used.
        """
        text = " ".join(entropy.split())
        if not text or len(text) > 200 or not text.isprintable():
            raise EventError("The announced number must be a text of 1 to 200 printable characters.")
        state = self._at("announced", "get its public number once, after it was frozen (arena event freeze)")
        self.secret()
        return self._step("announced", {"entropy": text, "source": self.event.settings.seeds.entropy, **note}, state)

    def close(self, **note: str) -> EventState:
        """End the event, and reveal the secret if seeds came from it.

        Raises:
            EventError: the event isn't open, frozen or announced, or the secret is lost.
        """
        state = self._at("closed", "be closed once, after it was opened")
        secret = self.secret().hex() if state.phase is Phase.ANNOUNCED else None
        return self._step("closed", {"secret": secret, **note}, state)

    def reopen(self, **note: str) -> EventState:
        """Take back a freeze or a closing. A secret that was revealed stays known to everybody.

        Raises:
            EventError: the last step was another one.
        """
        state = self._at("reopened", "be reopened when it is frozen, before its number is announced, or closed")
        return self._step("reopened", dict(note), state)

    def secret(self) -> bytes:
        """Return the secret.

        Raises:
            EventError: its file is gone or isn't the one whose hash was published.
        """
        secret = final_secret(self.event.folder)
        promised = self.state().commitment
        if promised is not None and commitment(secret) != promised:
            path = self.event.folder / FINAL_FILE
            raise EventError(f"{path} is not the secret whose hash was published when the event was opened.")
        return secret

    def seeds(self, stage: str, game: str, count: int) -> tuple[int, ...]:
        """Return the seeds of one stage of the final.

        Raises:
            EventError: they aren't fixed yet.
        """
        state = self.state()
        if state.entropy is None:
            raise EventError(
                "The seeds of the final are fixed by the public number that is announced after submissions close: "
                "arena event freeze, then arena event announce. To try a tournament out, use --practice."
            )
        return final_seeds(state.secret or self.secret(), stage, game, state.entropy, count)

    def _at(self, line: str, expected: str) -> EventState:
        """Check that a line of this kind may come now."""
        self.note_settings()
        state = self.state()
        if state.phase not in (_REOPENED if line == "reopened" else _STEPS[line][0]):
            raise EventError(f"An event can {expected}; this one is {state.phase}.")
        return state

    def _step(self, line: str, body: dict[str, Any], state: EventState) -> EventState:
        self.log.append(EVENT, [(line, body)], state.lines)
        return self.state()


def agent_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in `folder` and of the house bots, by name."""
    found = {f"house bot {path.stem}": path for path in sorted(ZOO.glob("*.zip"))}
    if folder.is_dir():
        found |= {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()}


def plain_settings(settings: EventSettings) -> dict[str, Any]:
    """Return the settings as plain JSON."""
    return settings.model_dump(mode="json")


def differences(old: Any, new: Any, place: str = "") -> list[str]:
    """Return what differs between two JSON values, one text for each difference."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in sorted(old.keys() | new.keys())
            for line in differences(old.get(key), new.get(key), f"{place}.{key}" if place else key)
        ]
    return [] if old == new else [f"{place}: {old!r} -> {new!r}"]
