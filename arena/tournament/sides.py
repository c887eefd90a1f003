"""People and bots of a tournament as two sides, and who has met whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arena.stats.ratings import Meeting
from arena.stats.verdicts import ALPHA, EventVerdicts, Scores, people_against_bots
from arena.tournament.model import Format, TournamentState
from envs.games import find_game


def verdict_of(
    state: TournamentState, sides: Mapping[str, tuple[Scores, Scores]], alpha: float = ALPHA
) -> EventVerdicts:
    """Judge people against bots in a tournament; `sides` are as from `sides_of`. A duel ends when it is decided."""
    return people_against_bots(sides, alpha=alpha, stopped=state.plan.format in (Format.DUEL, Format.KNOCKOUT))


def sides_of(state: TournamentState) -> dict[str, tuple[Scores, Scores]]:
    """Return the scores of people and bots by game, the players in the order of their seeding."""
    found: dict[str, dict[str, dict[int, float]]] = {game: {} for game in state.plan.games}
    for (_, game, _, player), score in state.scores.items():
        found[game].setdefault(player, {})[score.seed] = float(score.score)

    def side(game: str, human: bool) -> Scores:
        return {e.name: found[game][e.name] for e in state.entrants if e.human is human and e.name in found[game]}

    return {game: (side(game, True), side(game, False)) for game in state.plan.games}


def meetings_of(states: Sequence[TournamentState]) -> dict[str, list[Meeting]]:
    """Return who has met whom on which seed, by title: all games first (where there is more than one), then each."""
    meetings: dict[str, list[Meeting]] = {}
    for state in states:
        found: dict[tuple[str, int, str], dict[str, float]] = {}
        for (stage, game, index, player), score in state.scores.items():
            found.setdefault((game, index, stage), {})[player] = float(score.score)
        for (game, _, _), meeting in sorted(found.items()):
            meetings.setdefault(find_game(game).title, []).append(meeting)
    together = [one for played in meetings.values() for one in played]
    return ({"All games": together} if len(meetings) > 1 else {}) | meetings


def shown_states(states: Sequence[TournamentState]) -> list[TournamentState]:
    """Return the tournaments that count: those for real, or else the rehearsals."""
    return [state for state in states if not state.plan.practice] or list(states)
