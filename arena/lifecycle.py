"""The phases of an event, and the seeds that nobody can choose.

    draft -> open -> frozen -> announced -> closed

When the event opens, the organizers publish the hash of a secret. When it freezes, no bot is taken any more and those
that are there are listed by their hash. Then a public number that nobody knew before is announced; from it and the
secret come the seeds of the final. When the event closes, the secret is revealed, and anybody can compute the seeds.
Every step is a line of the log (`arena.log`), with its time, and none can be taken back.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from arena.event import Event
from arena.log import EVENT, Entry, Log
from arena.seeds import commitment, final_seeds, new_secret
from arena.settings import Settings
from envs.errors import EventError
from recordings.storage import TEMPORARY_PREFIX

SECRET = "secret.hex"
"""The secret's file in the event folder. It is readable for its owner only and never exported."""


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
    """The secret is revealed."""


@dataclass(frozen=True, slots=True)
class State:
    """What the log of an event says."""

    phase: Phase = Phase.DRAFT
    commitment: str | None = None
    """SHA-256 of the secret, from the opening on."""
    agents: frozenset[str] = frozenset()
    """SHA-256 of every bot that may be in the final, from the freeze on."""
    entropy: str | None = None
    """The public number, once it is announced."""
    secret: bytes | None = None
    """Once the event is closed."""
    settings: dict[str, Any] | None = None
    """The settings that were logged last."""
    lines: int = 0
    """Number of the last line."""


def state_of(entries: Sequence[Entry]) -> State:
    """Return what the lines of the event's stream say.

    Raises:
        EventError: a step came in the wrong order, or the revealed secret isn't the one that was promised.
    """
    state = State()
    for entry in entries:
        state = replace(_after(state, entry), lines=entry.number)
    return state


_STEPS = {
    "opened": (Phase.DRAFT, Phase.OPEN),
    "frozen": (Phase.OPEN, Phase.FROZEN),
    "announced": (Phase.FROZEN, Phase.ANNOUNCED),
    "closed": (Phase.ANNOUNCED, Phase.CLOSED),
}


def _after(state: State, entry: Entry) -> State:
    body = entry.body
    if entry.kind == "settings":
        return replace(state, settings=body["settings"])
    if entry.kind not in _STEPS:  # what other parts of the arena note here
        return state
    before, phase = _STEPS[entry.kind]
    if state.phase is not before:
        raise EventError(f"Line {entry.number} of the event's log says {entry.kind}, but the event was {state.phase}.")
    state = replace(state, phase=phase)
    if entry.kind == "opened":
        return replace(state, commitment=body["commitment"], settings=body["settings"])
    if entry.kind == "frozen":
        return replace(state, agents=frozenset(body["agents"].values()))
    if entry.kind == "announced":
        return replace(state, entropy=body["entropy"])
    secret = bytes.fromhex(body["secret"])
    if commitment(secret) != state.commitment:
        raise EventError("The secret that was revealed is not the one whose hash was published at the opening.")
    return replace(state, secret=secret)


class Ceremony:
    """Moves an event from phase to phase.

    Args:
        event: the event folder.
        log: the log in its scoreboard.
    """

    def __init__(self, event: Event, log: Log) -> None:
        self.event = event
        self.log = log

    def state(self) -> State:
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

    def open(self) -> State:
        """Make the secret, publish its hash, and begin.

        Raises:
            EventError: the event has been opened already.
        """
        state = self._at(Phase.DRAFT, "be opened once, before anything else")
        secret = self._secret_file()
        if not secret.exists():  # it is there if an earlier opening was broken off
            _write_privately(secret, new_secret().hex() + "\n")
        body = {"commitment": commitment(self.secret()), "settings": plain_settings(self.event.settings)}
        self.log.append(EVENT, [("opened", body)], state.lines)
        return self.state()

    def freeze(self) -> State:
        """Close submissions: list the bots in `agents/` of the event folder and the house bots by their hashes.

        Raises:
            EventError: the event isn't open.
        """
        state = self._at(Phase.OPEN, "be frozen when it is open")
        self.log.append(EVENT, [("frozen", {"agents": agent_files(self.event.agents)})], state.lines)
        return self.state()

    def announce(self, entropy: str) -> State:
        """Fix the seeds of the final with a public number that nobody could know before the freeze.

        Raises:
            EventError: the event isn't frozen, or the text can't be used.
        """
        text = " ".join(entropy.split())
        if not text or len(text) > 200 or not text.isprintable():
            raise EventError("The announced number must be a text of 1 to 200 printable characters.")
        state = self._at(Phase.FROZEN, "get its public number once, after it was frozen (arena event freeze)")
        self.secret()
        self.log.append(
            EVENT, [("announced", {"entropy": text, "source": self.event.settings.seeds.entropy})], state.lines
        )
        return self.state()

    def close(self) -> State:
        """Reveal the secret.

        Raises:
            EventError: the seeds of the final aren't fixed yet, or the secret is lost.
        """
        state = self._at(Phase.ANNOUNCED, "be closed after the final (arena event announce comes before)")
        self.log.append(EVENT, [("closed", {"secret": self.secret().hex()})], state.lines)
        return self.state()

    def secret(self) -> bytes:
        """Return the secret.

        Raises:
            EventError: its file is gone or isn't the one whose hash was published.
        """
        path = self._secret_file()
        try:
            secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            raise EventError(
                f"The event's secret {path} can't be read; put back the copy that was made when the event was opened."
            ) from None
        promised = self.state().commitment
        if promised is not None and commitment(secret) != promised:
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

    def _at(self, phase: Phase, expected: str) -> State:
        self.note_settings()
        state = self.state()
        if state.phase is not phase:
            raise EventError(f"An event can {expected}; this one is {state.phase}.")
        return state

    def _secret_file(self) -> Path:
        return self.event.folder / SECRET


def _write_privately(path: Path, text: str) -> None:
    """Write a file that nobody but its owner can read, at no moment."""
    try:
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)  # of mode 600
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise EventError(f"{path} can't be written ({error.strerror or error}).") from None


def agent_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in `folder` and of the house bots, by name."""
    from agents.load import ZOO

    found = {f"house bot {path.stem}": path for path in sorted(ZOO.glob("*.zip"))}
    if folder.is_dir():
        found |= {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()}


def plain_settings(settings: Settings) -> dict[str, Any]:
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
