"""Whether a person's game is somebody else's, or begins like one."""

from __future__ import annotations

import numpy as np
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from arena.scoreboard.tables import EpisodeRow, PlayerRow, RulesRow
from recordings.recording import Recording

ALIKE = 0.8
"""A person's game that agrees with somebody else's to this degree (`agreement`) was copied."""
MOST_SHIFTED = 60
"""Frames by which a copy may be shifted against its original and still be found."""
MOST_COMPARED = 200
"""Games of others on the same seed that are looked at for that, the newest first."""


def is_copied(session: Session, recording: Recording) -> bool:
    """Return whether the same game, frame for frame, is on the scoreboard as that of another player."""
    query = games_of_others(recording).where(EpisodeRow.digest == recording.digest)
    return session.scalar(query.limit(1)) is not None


def games_of_others(recording: Recording) -> Select[str]:
    """The query for the file names of other players' games on the same seed under the same rules."""
    theirs = (PlayerRow.name != recording.player.name) | (PlayerRow.kind != recording.player.kind)
    return (
        select(EpisodeRow.recording_name)
        .join(PlayerRow, EpisodeRow.player == PlayerRow.id)
        .join(RulesRow, RulesRow.id == EpisodeRow.rules)
        .where(RulesRow.rules_id == recording.rules.rules_id, EpisodeRow.seed == recording.seed, theirs)
    )


def agreement(one: bytes, other: bytes) -> tuple[float, float]:
    """Return the share of frames in which two games have the same action, and Cohen's kappa (Cohen 1960): the same
    corrected for what two players would share by chance who press as often as these, but independently. 1.0 is the same
    game, 0.0 chance. Both are those of the shift, up to `MOST_SHIFTED` frames either way, at which they agree most.

    Without the correction two people who mostly wait would look like one. Where nothing but one action ever came, only
    games of which one is the beginning of the other agree.

    Args:
        one, other: actions of whole games, one byte per frame, each of one frame or more.
    """
    ours, theirs = (np.frombuffer(game, np.uint8) for game in (one, other))
    best = (0.0, 0.0)
    for shift in range(-MOST_SHIFTED, MOST_SHIFTED + 1):
        first, second = ours[max(shift, 0) :], theirs[max(-shift, 0) :]
        length = min(len(first), len(second))
        if length == 0 or (shift and length < 2 * MOST_SHIFTED):
            continue  # so short an overlap says nothing
        first, second = first[:length], second[:length]
        same = float(np.mean(first == second))
        counts = np.bincount(first, minlength=256) / length, np.bincount(second, minlength=256) / length
        chance = float(np.dot(*counts))
        kappa = (same - chance) / (1 - chance) if chance < 1 else float(shift == 0)
        best = max(best, (same, kappa), key=lambda found: found[1])
    return best


def opening_of(recording: Recording) -> str:
    """Return the digest of a game's first ten seconds, or of all of a shorter one."""
    return recording.checkpoints[0] if recording.checkpoints else recording.digest
