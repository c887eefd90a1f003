"""One running server: its parts, made in one place, started and stopped together."""

from __future__ import annotations

import logging
from threading import Event, Thread

from arena.engine.recover import recover
from arena.event.secrets import evaluation_secret
from arena.scoreboard.database import database_url
from arena.scoreboard.publish import publish, unpublished
from arena.scoreboard.store import Scoreboard
from arena.server.access.tokens import Tokens
from arena.server.clock import Clock
from arena.server.event_bus import Bus
from arena.server.games.live_games import Live
from arena.server.games.shared_start import Starts
from arena.server.games.tickets import Tickets
from arena.server.games.uploads import Uploads
from arena.server.games.verifier import Verifier
from arena.server.moderation import Organizing
from arena.server.public_views import Views
from arena.server.settings import ServerSettings
from arena.server.submissions.evaluator import Evaluators
from arena.server.submissions.queue import Submissions
from envs.errors import ArenaError

log = logging.getLogger(__name__)

SWEEP_SECONDS = 10.0
"""How often games of which nothing was heard are looked for."""


class Server:
    """Everything that routes work with.

    Raises:
        ScoreboardError, EventError: its database or its event folder can't be used.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.clock = Clock()
        self.bus = Bus()
        self.live = Live()
        self.board = Scoreboard.open(settings.database)
        self.starts = Starts(self.clock)
        evaluation_secret(settings.event.folder)
        self.tokens = Tokens(self.board, self.clock)
        self.tickets = Tickets(self.board, self.clock, self.live, self.bus, settings.limits.attempts_per_day)
        self.uploads = Uploads(self.board, self.clock, settings.event.recordings, settings.limits.attempts_per_day)
        self.submissions = Submissions(self.board, self.clock, settings)
        self.organizing = Organizing(self.board, settings.event, self.clock, self.bus.publish, self._closed)
        self.views = Views(self.board, settings.event, self.submissions)
        self.verifier = Verifier(self.uploads, self.tickets, settings.verifiers, self._tell_result)
        self._evaluators = Evaluators(settings, self.submissions, self._tell)
        self._over = Event()
        self._background = Thread(target=self._look_after, name="look-after", daemon=True)

    def start(self) -> None:
        """Recover, then begin the work in the background."""
        self.tickets.resume()
        self.verifier.start()
        self._evaluators.start()
        self._background.start()

    def stop(self) -> None:
        """End the work in the background; what isn't done is taken up by the next start."""
        self._over.set()
        for part in (self.verifier, self._evaluators):
            part.stop()
        if self._background.is_alive():
            self._background.join()
        self.board.close()

    def sweep(self) -> None:
        """Give up the started games of which nothing was heard for long, and look whether the event has moved on."""
        self.organizing.look()
        quiet = self.live.quiet(self.clock.seconds() - self.settings.limits.quiet_seconds)
        if quiet:
            self.tickets.lose(quiet)
            self.verifier.wake()

    def _look_after(self) -> None:
        try:
            self._publish_folder()
        except ArenaError as error:
            log.warning("%s", error)
        while not self._over.wait(SWEEP_SECONDS):
            try:
                self.sweep()
            except ArenaError as error:
                log.warning("%s", error)

    def _publish_folder(self) -> None:
        """Put what lies in the event folder on its scoreboard: games played on this machine before. Only on the
        folder's own: another database may not be meant for them."""
        event = self.settings.event
        if not event.recordings.exists() or database_url(self.settings.database) != database_url(event.database):
            return
        recover(event.recordings)
        for path in unpublished(event.recordings, self.board):
            if self._over.is_set():
                return
            for publication in publish([path], self.board, processes=1):
                if not publication.verification.ok:
                    log.warning("FAILED  %s: %s", publication.path, publication.verification.reason)

    def _closed(self) -> None:
        self.tickets.lose()
        self.verifier.wake()

    def _tell(self, kind: str, what: object) -> None:
        """Publish what an evaluating process tells."""
        try:
            if kind == "result":
                self._tell_result(str(what))
            elif kind == "agent":
                self._tell_agent(int(str(what)))
        except ArenaError as error:
            log.warning("%s", error)

    def _tell_result(self, recording_sha256: str) -> None:
        result = self.views.result(recording_sha256)
        if result is None:
            return
        names = ("recording_sha256", "player", "kind", "game", "rules_id", "rules_label", "score", "trust")
        self.bus.publish("result", {name: getattr(result, name) for name in names})

    def _tell_agent(self, number: int) -> None:
        found = next((one for one in self.views.agents() if one.id == number), None)
        if found is not None:
            names = ("id", "name", "game", "state", "place", "played", "planned")
            self.bus.publish("agent", {name: getattr(found, name) for name in names})
