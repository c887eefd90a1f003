"""The outbox: recordings that wait for the server, in a folder of the event. Adding one never touches the network; a
courier brings them when it can. A recording leaves the outbox only when the server has acknowledged it.

    KEY.item      waits: a line of JSON (`ticket`), then the recording
    KEY.sent      acknowledged: JSON, the server's receipt
    KEY.refused   the server will not have it: as an item, with `reason`

The key is made of recording and ticket. So adding the same twice is adding it once, and the server, which is told the
key, stores it once however often it arrives.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arena.client.api import Client, ServerRefused
from arena.client.backoff import Backoff
from envs.errors import ArenaError, EventError
from recordings.codec import decode
from recordings.storage import write_atomically

WAITING, SENT, REFUSED = ".item", ".sent", ".refused"
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds before the next attempt; they double."""
TRY_AGAIN = (401, 403, 408, 425)
"""What may be another thing tomorrow: a token that was wrong is corrected, and the game shall not be lost by it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Item:
    """What waits."""

    key: str
    ticket: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in an outbox, by key."""

    waiting: tuple[str, ...]
    sent: dict[str, dict[str, Any]]
    """The server's receipts."""
    refused: dict[str, str]
    """The server's reasons."""


class Outbox:
    """The outbox of an event folder.

    Args:
        folder: the event folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "outbox"

    def add(self, recording: bytes | Path, ticket: str | None = None) -> str:
        """Put a recording in; return its key. On return it is on the disk.

        Raises:
            RecordingError: it is no recording.
            EventError: the folder can't be written.
        """
        content = recording if isinstance(recording, bytes) else _read(recording)
        decode(content)
        key = hashlib.sha256(f"{ticket or ''}\n".encode() + content).hexdigest()[:40]
        if not any((self.folder / (key + suffix)).exists() for suffix in (WAITING, SENT, REFUSED)):
            line = json.dumps({"ticket": ticket}).encode()
            write_atomically(self.folder / (key + WAITING), line + b"\n" + content)
        return key

    def waiting(self) -> list[str]:
        """Return the keys of what waits, the oldest first."""
        paths = [(path.stat().st_mtime, path.name) for path in self.folder.glob(f"*{WAITING}")]
        return [name.removesuffix(WAITING) for _, name in sorted(paths)]

    def item(self, key: str) -> Item:
        """Return what waits under `key`."""
        line, _, content = _read(self.folder / (key + WAITING)).partition(b"\n")
        return Item(key, json.loads(line)["ticket"], content)

    def acknowledged(self, key: str, receipt: dict[str, Any]) -> None:
        """Take an item out that the server has."""
        write_atomically(self.folder / (key + SENT), json.dumps(receipt).encode())
        (self.folder / (key + WAITING)).unlink(missing_ok=True)

    def refused(self, key: str, reason: str) -> None:
        """Put an item aside that the server will not have."""
        item = self.item(key)
        line = json.dumps({"ticket": item.ticket, "reason": reason}).encode()
        write_atomically(self.folder / (key + REFUSED), line + b"\n" + item.content)
        (self.folder / (key + WAITING)).unlink(missing_ok=True)

    def contents(self) -> Contents:
        """Return everything that is in the outbox."""
        sent = {path.name.removesuffix(SENT): json.loads(_read(path)) for path in sorted(self.folder.glob(f"*{SENT}"))}
        refused = {
            path.name.removesuffix(REFUSED): str(json.loads(_read(path).partition(b"\n")[0])["reason"])
            for path in sorted(self.folder.glob(f"*{REFUSED}"))
        }
        return Contents(tuple(key for key in self.waiting() if key not in sent), sent, refused)

    def recordings(self) -> set[str]:
        """Return the SHA-256 of every recording that is or was in the outbox."""
        contents = self.contents()
        held = [path for suffix in (WAITING, REFUSED) for path in self.folder.glob(f"*{suffix}")]
        found = {hashlib.sha256(_read(path).partition(b"\n")[2]).hexdigest() for path in held}
        return found | {str(receipt["recording_sha256"]) for receipt in contents.sent.values()}

    def send_one(self, key: str, client: Client) -> bool:
        """Send what waits under `key`; return whether the server has taken it.

        Raises:
            ServerUnreachable: try again later.
            ServerRefused: the token is wrong; the item goes on waiting.
        """
        item = self.item(key)
        try:
            receipt = client.send_recording(item.content, item.key, item.ticket)
        except ServerRefused as error:
            if error.status in TRY_AGAIN:
                raise
            self.refused(key, str(error))
            return False
        self.acknowledged(key, receipt)
        return True


class Courier:
    """Brings what is in an outbox to the server, in a thread of its own, again and again until it is there.

    Args:
        outbox: what is sent.
        client: where to.
        told: called with the number of items that wait, whenever it may have changed.
    """

    def __init__(self, outbox: Outbox, client: Client, told: Callable[[int], None] = lambda waiting: None) -> None:
        self._outbox = outbox
        self._client = client
        self._told = told
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._sent = 0
        self.trouble = ""
        """Why nothing arrives; empty while all is well."""

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Say that something was put in."""
        self._wake.set()

    def stop(self) -> None:
        """End; what waits is sent next time."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        backoff, sent = Backoff(self._wake, FIRST_WAIT, LONGEST_WAIT), 0
        while not self._stop.is_set():
            try:
                self._send_all()
            except (ArenaError, OSError, ValueError) as error:
                self.trouble = str(error)
                if self._sent > sent:  # the network is bad, but not gone
                    sent = self._sent
                    backoff.reset()
                backoff.wait()
            else:
                self.trouble = ""
                backoff.reset()
                self._wake.wait(LONGEST_WAIT)
            self._wake.clear()

    def _send_all(self) -> None:
        refusal: ServerRefused | None = None
        for key in self._outbox.waiting():
            if self._stop.is_set():
                return
            try:
                self._outbox.send_one(key, self._client)
            except ServerRefused as error:  # perhaps this one only: the others don't wait for it
                refusal = error
                continue
            self._sent += 1
            self._told(len(self._outbox.waiting()))
        if refusal is not None:
            raise refusal


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EventError(f"{path} can't be read ({error.strerror}).") from None
