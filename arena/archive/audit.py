"""The audit of an event from its exported folder alone (`arena.archive.export`).

Nothing that was computed during the event is believed: seeds, replays and standings are all made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arena.archive.export import FORMAT, LOG, RECORDINGS, STANDINGS, plain_means, rows
from arena.engine.seeds import final_seeds, rehearsal_seeds
from arena.engine.verify import verify_files
from arena.event.folder import SETTINGS
from arena.event.lifecycle import EventState
from arena.event.lifecycle import state_of as phases_of
from arena.event.log import EVENT, TOURNAMENT, Entry, check_chain
from arena.event.settings import read_settings
from arena.tournament.model import Score, TournamentState, state_of
from arena.tournament.standings import standings
from envs.errors import ArenaError, EventError, shown, tidy
from recordings.codec import SUFFIX
from recordings.recording import Recording


@dataclass(slots=True)
class Audit:
    """What an audit found."""

    problems: list[str] = field(default_factory=list)
    """One sentence each; empty if everything is as claimed."""
    remarks: list[str] = field(default_factory=list)
    """What could not be checked, and why."""
    lines: int = 0
    """Lines of the log whose chain holds."""
    seeds: int = 0
    """Seeds computed anew and found to be those that were played."""
    recordings: int = 0
    """Recordings that replayed bit for bit."""
    frames: int = 0
    standings: int = 0
    """Standings that were rebuilt and agree."""
    commitment: str | None = None
    entropy: str | None = None

    @property
    def ok(self) -> bool:
        return not self.problems


Recorded = dict[str, Recording]
"""Verified recordings by the SHA-256 of their files."""


def audit(folder: Path, processes: int | None = None, each: Callable[[], None] = lambda: None) -> Audit:
    """Check an exported event.

    Args:
        folder: as `arena.archive.export.export` has written it.
        processes: how many replay at once; None for all cores.
        each: called for every recording replayed.

    Raises:
        EventError: it is no such folder.
    """
    found = Audit()
    streams = _read_log(folder)
    claimed = _read_standings(folder)
    read_settings((folder / SETTINGS).read_bytes(), SETTINGS)
    for entries in streams.values():
        try:
            check_chain(entries)
            found.lines += len(entries)
        except EventError as error:
            found.problems.append(str(error))
    event = _check_event(streams.get(EVENT, []), found)
    recorded = _replay(folder / RECORDINGS, found, processes, each)
    for stream, entries in streams.items():
        if stream.startswith(TOURNAMENT):
            _check_tournament(stream.removeprefix(TOURNAMENT), entries, event, recorded, claimed, found)
    _check_scoreboard(recorded, claimed, found)
    return found


def _read_log(folder: Path) -> dict[str, list[Entry]]:
    streams: dict[str, list[Entry]] = {}
    try:
        for line in (folder / LOG).read_text(encoding="utf-8").splitlines():
            entry = Entry(**json.loads(line))
            if not isinstance(entry.body, dict):
                raise ValueError("a line without a body")
            streams.setdefault(str(entry.stream), []).append(entry)
    except OSError as error:
        raise EventError(f"{folder} is no exported event: {LOG} can't be read ({error.strerror}).") from None
    except (ValueError, TypeError) as error:
        raise EventError(f"{folder / LOG} can't be read ({tidy(error)}).") from None
    return streams


def _read_standings(folder: Path) -> dict[str, Any]:
    try:
        claimed = json.loads((folder / STANDINGS).read_text(encoding="utf-8"))
        if not isinstance(claimed, dict) or claimed.get("format") != FORMAT:
            raise ValueError(f"expected the format {FORMAT}")
        if not isinstance(claimed.get("tournaments"), dict) or not isinstance(claimed.get("scoreboard"), list):
            raise ValueError("expected tournaments and scoreboard")
    except (OSError, ValueError) as error:
        raise EventError(f"{folder / STANDINGS} can't be read ({tidy(error)}).") from None
    return claimed


def _check_event(entries: list[Entry], found: Audit) -> EventState:
    """Check the order of the phases and the secret."""
    try:
        state = phases_of(entries)
    except (EventError, KeyError, ValueError, TypeError, AttributeError) as error:
        found.problems.append(f"The event's log contradicts itself: {tidy(error)}")
        return EventState()
    found.commitment, found.entropy = state.commitment, state.entropy
    if state.secret is None and state.entropy is None:
        found.remarks.append("No public number was announced, so no seeds follow from the secret.")
    elif state.secret is None:
        found.remarks.append("The secret isn't revealed yet (arena event close), so seeds can't be computed.")
    return state


def _replay(folder: Path, found: Audit, processes: int | None, each: Callable[[], None]) -> Recorded:
    recorded: Recorded = {}
    for path, recording, verification in verify_files(sorted(folder.glob(f"*{SUFFIX}")), processes):
        each()
        if recording is None or not verification.ok:
            found.problems.append(f"{path.name} does not verify: {verification.reason.rstrip('.')}.")
            continue
        recorded[hashlib.sha256(path.read_bytes()).hexdigest()] = recording
        found.recordings += 1
        found.frames += verification.frames
    return recorded


def _check_tournament(
    name: str, entries: list[Entry], event: EventState, recorded: Recorded, claimed: dict[str, Any], found: Audit
) -> None:
    try:
        state = state_of(entries)
        agents = [e for e in state.entrants if e.artifact_sha256 is not None]
    except (ArenaError, KeyError, ValueError, TypeError) as error:
        found.problems.append(f"The log of tournament {name} can't be followed: {tidy(error)}")
        return
    if not state.plan.practice and event.agents:
        late = [e.name for e in agents if e.artifact_sha256 not in event.agents]
        if late:
            found.problems.append(f"{name}: {', '.join(late)} wasn't handed in before the freeze.")
    found.problems += _wrong_scores(name, state, event, recorded, found)
    mine = [line.plain() for line in standings(state)]
    if rows(mine) == rows(claimed["tournaments"].get(name, [])):
        found.standings += 1
    else:
        found.problems.append(f"The standings of {name} that follow from its games are not those that are claimed.")


def _wrong_scores(
    name: str, state: TournamentState, event: EventState, recorded: Recorded, found: Audit
) -> Iterator[str]:
    """Yield what is wrong with the scores of a tournament, and count the seeds that are right."""
    seeds: dict[tuple[str, str], tuple[int, ...]] = {}
    used: set[str] = set()
    for (stage, game, index, player), score in state.scores.items():
        where = f"{name}, line {score.number} ({player}, {game}, {stage}, seed {index + 1})"
        if (stage, game) not in seeds:
            seeds[stage, game] = _seeds(state, stage, game, event)
        expected = seeds[stage, game]
        if expected and not (0 <= index < len(expected) and expected[index] == score.seed):
            yield f"{where}: played seed {score.seed}, which is not the one that follows from the secret."
        elif expected:
            found.seeds += 1
        if score.sha256 is None:
            found.remarks.append(f"{where}: the recording was removed because its player asked for it.")
            continue
        recording = recorded.get(score.sha256)
        if recording is None:
            yield f"{where}: its recording {shown(score.recording)} is missing or doesn't verify."
            continue
        if score.sha256 in used:
            yield f"{where}: its recording counts twice."
        used.add(score.sha256)
        if not _agrees(state, game, player, score, recording):
            yield f"{where}: the recording says something else than the log."


def _seeds(state: TournamentState, stage: str, game: str, event: EventState) -> tuple[int, ...]:
    """Return the seeds of a stage, or nothing while the secret is not revealed."""
    label = f"{state.plan.name}/{stage}"
    if state.plan.practice:
        return rehearsal_seeds(label, game, state.plan.series.most)
    if event.secret is None or event.entropy is None:
        return ()
    return final_seeds(event.secret, label, game, event.entropy, state.plan.series.most)


def _agrees(state: TournamentState, game: str, player: str, score: Score, recording: Recording) -> bool:
    entrant = state.entrant(player)
    return (
        recording.rules == state.plan.rules.get(game)
        and recording.player.name == player
        and recording.player.kind == entrant.kind.value
        and recording.player.artifact_sha256 == entrant.artifact_sha256
        and (recording.seed, recording.score, recording.frames, recording.end.value)
        == (score.seed, score.score, score.frames, score.end)
    )


def _check_scoreboard(recorded: Recorded, claimed: dict[str, Any], found: Audit) -> None:
    means = plain_means(
        (r.rules.game, r.rules.rules_id, r.player.name, r.player.kind, r.player.artifact_sha256, r.score)
        for r in recorded.values()
    )
    if rows(means) == rows(claimed["scoreboard"]):
        found.standings += 1
    else:
        found.problems.append("The scoreboard that follows from the recordings is not the one that is claimed.")
