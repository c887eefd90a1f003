"""What all scenes of the show share: the tournament as it is now, what the audience has seen, and what is next."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from arena.event.blocked_words import WordList
from arena.stage import bookmark
from arena.stage.bookmark import ShownBouts
from arena.stage.live_games import RunningGame
from arena.stage.poller import Follower, News
from arena.stage.replay import CUSHION
from arena.stage.schedule import Bout, bouts_of, is_seen, known, lines_of, scores_of
from arena.tournament.model import Entrant, Format, TournamentState
from arena.ui.strings import text
from arena.ui.window import Stage
from envs.errors import ArenaError

log = logging.getLogger(__name__)

TRIES = 5
"""So often the show is started at the same place; then it goes on with the next bout."""


class Hall:
    """The show's view of one event.

    Args:
        follower: reads the tournament.
        stage: the window.
        url: of the scoreboard; empty if none is to be shown.
        words: names that are not shown.
    """

    def __init__(self, follower: Follower, stage: Stage, url: str, words: WordList) -> None:
        self.follower = follower
        self.stage = stage
        self.url = url
        self._words = words
        self._memories = bookmark.load(follower.event.folder)
        self.news = News()
        self.bouts: list[Bout] = []
        self.before: list[Bout] = []
        """What was shown since the start, the last one last."""
        self._unpublished: dict[str, tuple[Bout, tuple[int, int] | None]] = {}
        """Bouts that were shown while they were played, until they are booked, by key, with the scores that were seen;
        with None those that were left, and come again."""
        self._known: TournamentState | None = None
        self.refresh()

    @property
    def recordings(self) -> Path:
        return self.follower.event.recordings

    @property
    def event_name(self) -> str:
        return self.follower.event.name

    def refresh(self, *, hold: bool = False) -> bool:
        """Take over what the follower has found; False if there is nothing new.

        Args:
            hold: stay with this tournament, whatever has begun meanwhile.
        """
        news = self.follower.news
        if news is self.news or (hold and news.tournament != self.news.tournament):
            return False
        old, self.news = self.news, news
        if news.tournament != old.tournament:
            self.before.clear()
            self._unpublished.clear()
        if news.state is not old.state:
            self.bouts = bouts_of(news.state) if news.state is not None else []
            self._settle()
        return True

    @property
    def state(self) -> TournamentState:
        assert self.news.state is not None
        return self.news.state

    # -- what was shown ----------------------------------------------------------------------------------------------

    @property
    def remembered(self) -> ShownBouts:
        return self._memories.setdefault(self.news.tournament, ShownBouts())

    def keep(self) -> None:
        """Let the place in the show be written to disk."""
        if self.news.tournament:
            self.follower.keep(bookmark.text_of(self._memories))

    def is_seen(self, bout: Bout) -> bool:
        return is_seen(self.state, self.remembered.seen, bout) or bout.key in self._unpublished

    def mark(self, bout: Bout, shown: tuple[int, int] | None = None) -> None:
        """Note that `bout` was shown, with these scores if they weren't booked when it was."""
        scores = scores_of(self.state, bout)
        if None not in scores:
            self.remembered.seen[bout.key] = lines_of(self.state, bout)
        elif shown is not None:
            self._unpublished[bout.key] = bout, shown
        self._known = None
        self.keep()

    def give_up(self, bout: Bout) -> None:
        """Pass over a bout that can't be shown."""
        self.mark(bout)
        self.put_off(bout)

    def put_off(self, bout: Bout) -> None:
        """Note that `bout` was left while it was played: it comes when it is booked."""
        self._unpublished[bout.key] = bout, None

    def skip_all(self) -> None:
        """Take everything that is booked by now for shown."""
        if self.news.state is None:
            return
        for bout in self.bouts:
            if None not in scores_of(self.state, bout):
                self.mark(bout)

    def known(self) -> TournamentState:
        """Return the tournament as the audience knows it."""
        if self._known is None:
            self._known = known(self.state, self.bouts, self.remembered.seen)
        return self._known

    def _settle(self) -> None:
        """Note what is booked now of what was shown as it was played; what is booked otherwise is shown again."""
        self._known = None
        for bout, shown in list(self._unpublished.values()):
            a, b = scores_of(self.state, bout)
            if a is None or b is None:
                continue
            del self._unpublished[bout.key]
            if (a.score, b.score) == shown:
                self.remembered.seen[bout.key] = (a.number, b.number)

    # -- what is next ------------------------------------------------------------------------------------------------

    def next_bout(self) -> Bout | None:
        """Return what is shown next: what is played just now before what was played. None if there is nothing yet."""
        if self.news.state is None:
            return None
        waiting = [bout for bout in self.bouts if not self.is_seen(bout)]
        live = (bout for one in waiting if self.is_live(bout := self._with_who_plays(one)))
        published = (bout for bout in waiting if None not in scores_of(self.state, bout))
        return next(live, None) or next(published, None)

    def _with_who_plays(self, bout: Bout) -> Bout:
        """Return the bout with somebody who plays its seed just now, where everybody plays it and the pair is free."""
        state, seed = self.state, self.seed_of(bout)
        if state.plan.format not in (Format.ROUND_ROBIN, Format.TEAM) or seed is None:
            return bout
        rules_id = state.plan.rules[bout.game].rules_id
        playing = [one for one in state.entrants if RunningGame(one.name, rules_id, seed) in self.news.running]
        if not playing or bout.a in playing or bout.b in playing:
            return bout
        first = state.plan.format is not Format.TEAM or playing[0].human == bout.a.human
        return replace(bout, a=playing[0]) if first else replace(bout, b=playing[0])

    def is_live(self, bout: Bout) -> bool:
        """Whether at least one side of a bout is played just now, and the other one, too, or was played before."""
        scores, seed = scores_of(self.state, bout), self.seed_of(bout)
        if seed is None or None not in scores:
            return False
        rules_id = self.state.plan.rules[bout.game].rules_id
        return all(
            score is not None or len(self.news.running.get(RunningGame(name, rules_id, seed), b"")) >= CUSHION
            for name, score in zip(bout.names, scores, strict=True)
        )

    def seed_of(self, bout: Bout) -> int | None:
        """Return a bout's seed, if it is known here."""
        published = next((score.seed for score in scores_of(self.state, bout) if score is not None), None)
        if published is not None:
            return published
        seeds = self.news.seeds.get((bout.stage, bout.game), ())
        return seeds[bout.index] if bout.index < len(seeds) else None

    def again(self, bout: Bout) -> Bout | None:
        """Return a bout that was shown if it is still in the programme, else None."""
        return bout if any(one.key == bout.key for one in self.bouts) else None

    def left_off(self) -> tuple[Bout, int] | None:
        """Return the bout that was on when the show was ended, and its frame."""
        if self.news.state is None or not self.remembered.now:
            return None
        found = next((bout for bout in self.bouts if bout.key == self.remembered.now), None)
        if found is None or self.is_seen(found) or None in scores_of(self.state, found):
            return None
        self.remembered.tries += 1
        if self.remembered.tries > TRIES:  # it isn't the operator who ends it each time: it breaks the process
            self.mark(found)
            return None
        bookmark.save(bookmark.text_of(self._memories), self.follower.event.folder)
        return found, self.remembered.frame

    # -- names -------------------------------------------------------------------------------------------------------

    def name(self, entrant: Entrant | str) -> str:
        """Return what the hall reads for a player."""
        if isinstance(entrant, str):
            try:
                entrant = self.state.entrant(entrant)
            except ArenaError:
                return text("stage.hidden_name")
        hidden = entrant.name in self.news.hidden or (entrant.human and self._words.refuses(entrant.name))
        return text("stage.hidden_name") if hidden else entrant.name
