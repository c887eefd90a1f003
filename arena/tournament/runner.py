"""Running a tournament: machines play here, people's games are taken from the scoreboard, and everything is logged.

Killed at any moment, it goes on where it was: a game counts when its line is in the log, and a game that was recorded
or booked before that is found again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from agents.delay import DELAYS_MS, delayed_name
from agents.load import load_player
from agents.player import Kind
from arena.engine.evaluate import EvaluationJob, Handling, evaluate, play_job
from arena.engine.seeds import rehearsal_seeds
from arena.event.folder import Event
from arena.event.lifecycle import EventLifecycle, Phase
from arena.event.log import TOURNAMENT, ConcurrentWrite, Entry, Log
from arena.scoreboard.publish import keep, publish
from arena.scoreboard.results import Result
from arena.scoreboard.store import Scoreboard
from arena.tournament.model import (
    Entrant,
    Format,
    ScoreSlot,
    TournamentPlan,
    TournamentState,
    check_tournament_name,
    checked_plan,
    last_undoable,
    score_line,
    state_of,
)
from arena.tournament.standings import open_slots
from envs.errors import AgentError, ArenaError, EventError
from envs.games import find_game
from envs.names import check_name
from envs.step import End
from recordings.recording import Recording

Told = Callable[[str], None]
"""Takes one sentence about what has just happened."""


class TournamentRunner:
    """One tournament of an event.

    Args:
        event: the event folder.
        board: its scoreboard.
        name: the tournament's.
    """

    def __init__(self, event: Event, board: Scoreboard, name: str) -> None:
        self.event = event
        self.board = board
        self.log = Log(board.engine)
        self.lifecycle = EventLifecycle(event, self.log)
        self.name = name
        self._seeds: dict[tuple[str, str], tuple[int, ...]] = {}

    @property
    def stream(self) -> str:
        return TOURNAMENT + self.name

    def create(self, values: dict[str, Any]) -> TournamentState:
        """Begin the tournament with the plan that `values` make (see `TournamentPlan`; its name is added).

        Raises:
            EventError: there can be no such tournament, its seeds aren't fixed yet, or a bot wasn't handed in in time.
        """
        check_tournament_name(self.name, tournaments(self.log))
        plan = checked_plan({**values, "name": self.name})
        if not plan.practice:
            self._check_submitted(plan.entrants)
            for game in plan.games:
                self.lifecycle.seeds("", game, 1)
        self.log.append(self.stream, [("new", plan.model_dump(mode="json"))], 0)
        return self.state()

    def entries(self) -> list[Entry]:
        """Return the tournament's lines.

        Raises:
            EventError: there is no such tournament.
        """
        found = self.log.entries(self.stream)
        if not found:
            known = ", ".join(tournaments(self.log)) or "none yet"
            raise EventError(f"There is no tournament called {self.name}; there are: {known}.")
        return found

    def state(self) -> TournamentState:
        """Return what has happened so far."""
        return state_of(self.entries())

    def seed_of(self, state: TournamentState, slot: ScoreSlot) -> int:
        """Return the seed that is played in a slot."""
        return self.seeds(state.plan, slot.stage, slot.game)[slot.index]

    def seeds(self, plan: TournamentPlan, stage: str, game: str) -> tuple[int, ...]:
        """Return all seeds that a stage may need in one game."""
        key = (stage, game)
        if key not in self._seeds:
            label = f"{plan.name}/{stage}"
            count = plan.series.most
            make = rehearsal_seeds if plan.practice else self.lifecycle.seeds
            self._seeds[key] = make(label, game, count)
        return self._seeds[key]

    def run(self, tell: Told = lambda sentence: None, processes: int | None = None) -> TournamentState:
        """Play everything that machines can play now and take in what people have played; return the state then."""
        while True:
            self.take_in(tell)
            state = self.state()
            jobs = self._jobs(state)
            if not jobs:
                return state
            for entrant, game, slots in jobs:
                self._play(state, entrant, game, slots, tell, processes)

    def play_delayed(self, tell: Told = lambda sentence: None, processes: int | None = None) -> int:
        """Let every bot play the seeds that it has played again, with each reaction delay; return how many games that
        were. They are no part of the tournament, but stand on the scoreboard, and the report compares them."""
        state = self.state()
        count = 0
        for (player, game), seeds in _machine_seeds(state).items():
            entrant, rules = state.entrant(player), state.plan.rules[game]
            assert entrant.agent is not None
            for milliseconds in DELAYS_MS[1:]:
                name = delayed_name(player, milliseconds)
                there = {result.seed for result in self.board.results(rules_id=rules.rules_id, player=name)}
                missing = [seed for seed in seeds if seed not in there]
                if not missing:
                    continue
                check_same(entrant, game)
                with closing(
                    cast("Any", evaluate(entrant.agent, rules, missing, processes, handling_of(entrant, milliseconds)))
                ) as recordings:
                    paths = [keep(_named(recording, name), self.event.recordings) for recording in recordings]
                publish(paths, self.board, processes=processes)
                tell(f"{name}: {len(paths)} games in {game}")
                count += len(paths)
        return count

    def take_in(self, tell: Told = lambda sentence: None) -> int:
        """Log the games on the scoreboard that fill open slots; return how many. A person's first game on a seed
        counts, unless it was undone."""
        while True:
            state = self.state()
            lines = list(self._arrivals(state))
            try:
                self.log.append(self.stream, [("score", line) for line in lines], state.lines)
            except ConcurrentWrite:
                continue
            for line in lines:
                tell(
                    f"{line['player']}: {line['score']:,} in {line['game']}, {line['stage']}, seed {line['index'] + 1}"
                )
            return len(lines)

    def walk_over(self, player: str, reason: str) -> TournamentState:
        """Note that `player` plays no more: what isn't decided yet goes to the others.

        Raises:
            EventError: there is no such player, or it has withdrawn already.
        """
        state = self.state()
        entrant = state.entrant(player)
        if entrant.name in state.withdrawn:
            raise EventError(f"{player} has withdrawn already ({state.withdrawn[player]}).")
        self.log.append(self.stream, [("walk-over", {"player": entrant.name, "reason": reason})], state.lines)
        return self.state()

    def arrive(self, entrant: Entrant) -> TournamentState:
        """Let somebody in who came late.

        Raises:
            EventError: the format or what was played already doesn't allow it.
        """
        state = self.state()
        if entrant.name in [one.name for one in state.entrants]:
            raise EventError(f"{entrant.name} plays already.")
        if state.plan.format is Format.DUEL:
            raise EventError("A duel has two players; nobody can join it.")
        if state.plan.format is Format.KNOCKOUT and state.scores:
            raise EventError("The knockout has begun, so its bracket can't change; nobody can join it any more.")
        if not state.plan.practice:
            self._check_submitted([entrant])
        self.log.append(self.stream, [("late", entrant.model_dump(mode="json"))], state.lines)
        return self.state()

    def undo(self, reason: str, number: int | None = None) -> Entry:
        """Take back a line (see `last_undoable`) and return it. The line stays in the log, and so does the undoing.

        Raises:
            EventError: there is nothing that can be undone.
        """
        entries = self.entries()
        line = last_undoable(entries, number)
        self.log.append(self.stream, [("undo", {"number": line.number, "reason": reason})], entries[-1].number)
        return line

    def waiting_for(self, state: TournamentState) -> list[ScoreSlot]:
        """Return the open games of people."""
        return [slot for slot in open_slots(state) if state.entrant(slot.player).human]

    def _check_submitted(self, entrants: Sequence[Entrant]) -> None:
        state = self.lifecycle.state()
        if state.phase is Phase.CLOSED or state.secret is not None:
            raise EventError("The event was closed and its seeds are public; use practice seeds (--practice).")
        late = [e.name for e in entrants if e.artifact_sha256 is not None and e.artifact_sha256 not in state.agents]
        if late and state.entropy is not None:
            raise EventError(
                f"{', '.join(late)} wasn't among the bots when the event was frozen, so it can't play for real; with "
                "practice seeds (--practice) it can."
            )

    def _jobs(self, state: TournamentState) -> list[tuple[Entrant, str, list[ScoreSlot]]]:
        """Return the open games of machines, together for each machine and game."""
        entrants = {entrant.name: entrant for entrant in state.entrants}
        jobs: dict[tuple[str, str], list[ScoreSlot]] = {}
        for slot in open_slots(state):
            if not entrants[slot.player].human:
                jobs.setdefault((slot.player, slot.game), []).append(slot)
        return [(entrants[player], game, slots) for (player, game), slots in jobs.items()]

    def _play(
        self,
        state: TournamentState,
        entrant: Entrant,
        game: str,
        slots: Sequence[ScoreSlot],
        tell: Told,
        processes: int | None,
    ) -> None:
        """Play, record and book; a machine that can't be loaded is out."""
        rules = state.plan.rules[game]
        seeds = [self.seed_of(state, slot) for slot in slots]
        assert entrant.agent is not None
        paths: list[Path] = []
        try:
            check_same(entrant, game)
            games = evaluate(entrant.agent, rules, seeds, processes, handling_of(entrant))
            with closing(cast("Any", games)) as recordings:
                for recording in recordings:
                    paths.append(keep(_named(recording, entrant.name), self.event.recordings))
        except AgentError as error:
            self.walk_over(entrant.name, f"It can't play: {error}"[:300])
            tell(f"{entrant.name} is out: {error}")
            return
        bad = [
            publication
            for publication in publish(paths, self.board, processes=processes)
            if not publication.verification.ok
        ]
        if bad:
            raise EventError(f"{bad[0].path} does not verify ({bad[0].verification.reason}); arena doctor may say why.")

    def _arrivals(self, state: TournamentState) -> Iterator[dict[str, Any]]:
        """Yield the lines of games that fill open slots."""
        wanted: dict[tuple[str, str, int], ScoreSlot] = {}
        for slot in open_slots(state):
            wanted[slot.player, slot.game, self.seed_of(state, slot)] = slot
        if not wanted:
            return
        entrants = {entrant.name: entrant for entrant in state.entrants}
        for game, rules in state.plan.rules.items():
            if not any(key[1] == game for key in wanted):
                continue
            played = self.board.results(game=game, rules_id=rules.rules_id)
            for result in sorted(played, key=lambda one: one.started_at):
                found = wanted.get((result.player, game, result.seed))
                if found is None or not _is(entrants[found.player], result) or result.recording_sha256 in state.undone:
                    continue
                del wanted[result.player, game, result.seed]
                yield score_line(
                    found, result.seed, int(result.score), result.frames, result.end.value,
                    result.recording_name, result.recording_sha256,
                )  # fmt: skip


def _machine_seeds(state: TournamentState) -> dict[tuple[str, str], list[int]]:
    """Return the seeds that each machine has played, by player and game."""
    found: dict[tuple[str, str], list[int]] = {}
    machines = {entrant.name for entrant in state.entrants if not entrant.human}
    for (_, game, _, player), score in state.scores.items():
        if player in machines:
            found.setdefault((player, game), []).append(score.seed)
    return found


def _is(entrant: Entrant, result: Result) -> bool:
    return entrant.kind is result.kind and entrant.artifact_sha256 == result.artifact_sha256


def _named(recording: Recording, name: str) -> Recording:
    """Return a recording under the name that its player has at the event; its file may call it something else."""
    return recording.model_copy(update={"player": recording.player.model_copy(update={"name": name})})


def handling_of(entrant: Entrant, delay_ms: int = 0) -> Handling:
    """Return how a machine is run: a bot's file may be a stranger's and goes into the sandbox; scripts are our own."""
    return Handling(sandbox=entrant.kind is Kind.BOT, delay_ms=delay_ms)


def check_same(entrant: Entrant, game: str) -> None:
    """Check that what is behind an entrant's agent is still what was entered.

    Raises:
        AgentError: it isn't, or it can't be loaded.
    """
    assert entrant.agent is not None
    player = load_player(entrant.agent, find_game(game))
    player.close()
    if player.info.artifact_sha256 != entrant.artifact_sha256:
        raise AgentError(f"{entrant.agent} is not what was entered as {entrant.name}: its file has changed.")


def tournaments(log: Log) -> list[str]:
    """Return the names of an event's tournaments, sorted."""
    return [stream.removeprefix(TOURNAMENT) for stream in log.streams() if stream.startswith(TOURNAMENT)]


def machine(agent: str, games: Sequence[str]) -> Entrant:
    """Return the entrant behind what a person types for an agent, with those of `games` that it can play.

    Raises:
        AgentError: it can't play any of them.
    """
    can: list[str] = []
    problem = AgentError(f"{agent} has no game to play.")
    info = None
    for game in games:
        try:
            player = load_player(agent, find_game(game))
        except AgentError as error:
            problem = error
            continue
        player.close()
        info = player.info
        can.append(game)
    if info is None:
        raise problem
    some = None if len(can) == len(games) else tuple(can)
    return Entrant(name=info.name, kind=info.kind, agent=agent, artifact_sha256=info.artifact_sha256, games=some)


def person(name: str) -> Entrant:
    """Return the entrant for a person.

    Raises:
        PlayerNameError: it can't be a name.
    """
    return Entrant(name=check_name(name), kind=Kind.HUMAN)


CHECK_FRAMES = 900
"""Fifteen seconds of play show whether a bot runs."""


def check_runs(entrant: Entrant, rules: Any) -> str | None:
    """Let a machine play the beginning of a practice game under `rules`; return what goes wrong, or None."""
    assert entrant.agent is not None
    try:
        (recording,) = play_job(
            EvaluationJob(entrant.agent, rules.varied(max_frames=CHECK_FRAMES), (0,), handling_of(entrant))
        )
    except ArenaError as error:
        return str(error)
    return f"it broke down after {recording.frames} frames" if recording.end is End.FAILED else None
