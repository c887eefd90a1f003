"""What a spectator sees: the show follows the turns, everything has its place, in whole pixels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from agents.player import Kind, PlayerInfo, PlayerQuit
from agents.scripts import make_script
from arena.engine.evaluate import play_seeds
from arena.engine.match import Match, Turn
from arena.stats.text import clock_of
from arena.ui.compose import arrange, arrange_within, compose, status_bar
from arena.ui.show import Panel, Show, replay
from envs import GAMES
from envs.errors import ArenaError
from envs.rules import Rules, named_rules
from envs.step import End, Step
from recordings.recording import Recording


def short_rules(frames: int, game: str = "breakout") -> Rules:
    return named_rules(game).varied(max_frames=frames)


def played(frames: int, game: str = "breakout", seed: int = 1) -> Recording:
    (recording,) = play_seeds(make_script("random", GAMES[game]), short_rules(frames, game), [seed])
    return recording


class Leaver:
    """Plays some frames and leaves."""

    info = PlayerInfo("leaver", Kind.SCRIPT)

    def __init__(self, frames: int) -> None:
        self.frames = frames

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        pass

    def act(self, step: Step) -> int:
        if step.t == self.frames:
            raise PlayerQuit
        return 0

    def close(self) -> None:
        pass


def test_a_show_ends_with_its_longest_game_and_has_the_recorded_scores() -> None:
    recordings = [played(30), played(600, "ms_pacman")]
    show = replay(recordings)
    seen = []
    while show.advance():
        seen.append(tuple(panel.moved for panel in show.panels))
    assert show.ticks == 600
    assert seen == [(True, True)] * 30 + [(False, True)] * 570
    assert [panel.score for panel in show.panels] == [recording.score for recording in recordings]
    assert show.panels[1].score > 0
    assert [panel.note for panel in show.panels] == ["time is up", "time is up"]
    assert not show.advance()
    assert show.panels[1].sound().tolist() == [128] * 512


def test_of_two_in_the_same_game_one_leads() -> None:
    recordings = [played(600, "ms_pacman"), played(30, "ms_pacman")]
    show = replay(recordings)
    while show.advance():
        gap = show.panels[0].score - show.panels[1].score
        assert [panel.lead for panel in show.panels] == [max(0, gap), max(0, -gap)]
    assert gap > 0
    assert show.panels[0].note == f"leads by {gap:,} · time is up"
    assert show.panels[1].note == "time is up"


def test_every_tick_has_every_running_lane_at_the_same_frame() -> None:
    rules = short_rules(12)
    match = Match(rules, [5, 6, 7], [make_script("random", GAMES["breakout"]), Leaver(4)])
    show = Show(match.play(), [Panel("a", rules), Panel("b", rules)])
    seen = []
    while show.advance():
        seen.append([(panel.seed, panel.step.t if panel.step else -1) for panel in show.panels])
    assert [a for a, _ in seen] == [(seed, t) for seed in (5, 6, 7) for t in range(1, 13)]
    assert [b for _, b in seen] == [(seed, min(t, 4)) for seed in (5, 6, 7) for t in range(1, 13)]


def test_a_show_takes_no_turn_ahead_of_time() -> None:
    taken: list[int] = []

    def watched(turns: Iterator[Turn]) -> Iterator[Turn]:
        for turn in turns:
            taken.append(turn.step.t)
            yield turn

    rules = short_rules(20)
    show = Show(watched(Match(rules, [1], [make_script("noop", GAMES["breakout"])]).play()), [Panel("a", rules)])
    show.advance()
    assert taken == [0, 1]


def test_a_game_that_was_left_says_so_and_not_that_the_replay_ran_out() -> None:
    (left,) = play_seeds(Leaver(5), short_rules(50), [1])
    failed = left.model_copy(update={"end": End.FAILED})
    notes = []
    for recording in (left, failed):
        show = replay([recording])
        while show.advance():
            pass
        notes.append(show.panels[0].note)
    assert notes == ["left the game", "forfeited"]


def test_a_game_without_a_single_frame_can_be_shown() -> None:
    (left,) = play_seeds(Leaver(0), short_rules(50), [1])
    show = replay([left])
    while show.advance():
        pass
    assert compose(show.panels, arrange(show.panels, 2)).shape == (452, 480, 3)


@pytest.mark.parametrize("count", [0, 3])
def test_one_or_two_recordings_can_be_shown(count: int) -> None:
    with pytest.raises(ArenaError, match=f"One recording can be shown, or two side by side; {count} came"):
        replay([played(1)] * count)


def standing_at(recordings: list[Recording], tick: int) -> Show:
    show = replay(recordings)
    for _ in range(tick):
        assert show.advance()
    return show


def test_every_emulated_pixel_becomes_a_block_of_whole_pixels() -> None:
    show = standing_at([played(20)], 10)
    screen = show.panels[0].picture()
    for lines, across in ((1, 2), (2, 3), (3, 5), (4, 7)):
        places = arrange(show.panels, lines)
        (place,) = places.pictures
        canvas = compose(show.panels, places)
        game = canvas[place.y : place.y + place.height, place.x : place.x + place.width]
        assert np.array_equal(game, screen.repeat(across, axis=1).repeat(lines, axis=0))
        assert canvas.shape == (*places.size[::-1], 3)


def test_games_of_different_height_stand_side_by_side_without_overlap() -> None:
    show = standing_at([played(3), played(3, "pacman")], 2)
    places = arrange(show.panels, 3)
    left, right = places.pictures
    assert left.x + left.width < right.x
    assert (left.height, right.height) == (630, 750)
    assert right.x + right.width <= places.size[0]
    assert max(left.y + left.height, right.y + right.height) <= places.size[1]
    assert all(side % 2 == 0 for side in places.size)


@pytest.mark.parametrize(("size", "scale"), [((1920, 1080), (7, 4)), ((800, 678), (5, 3)), ((799, 678), (3, 2))])
def test_the_largest_arrangement_that_fits_is_taken(size: tuple[int, int], scale: tuple[int, int]) -> None:
    show = standing_at([played(3)], 1)
    assert arrange_within(show.panels, *size).scale == scale


def test_a_window_smaller_than_the_smallest_picture_still_gets_one() -> None:
    show = standing_at([played(3)], 1)
    assert arrange_within(show.panels, 10, 10).scale == (2, 1)


@pytest.mark.parametrize("name", ["W" * 32, "日本語" * 10, "😀" * 32, "\N{ARABIC LETTER MEEM}" * 32, "<b>&"])
def test_any_name_fits_beside_the_score(name: str) -> None:
    panel = Panel(name, short_rules(5))
    panel.score = 99_999
    without = Panel("", short_rules(5))
    without.score = 99_999
    bar, empty = status_bar(panel, 320, 32), status_bar(without, 320, 32)
    assert bar.shape == (32, 320, 3)
    assert not np.array_equal(bar, empty)
    assert np.array_equal(bar[:16, 256:], empty[:16, 256:]), "the name runs into the score"


def test_the_status_bar_changes_with_what_it_says() -> None:
    panel = Panel("Ada", short_rules(5))
    before = status_bar(panel, 480, 32)
    panel.score = 7
    assert not np.array_equal(status_bar(panel, 480, 32), before)


def test_the_clock_is_the_consoles() -> None:
    assert [clock_of(frames) for frames in (0, 59, 60, 3_596, 18_000, 108_000)] == [
        *("0:00", "0:00", "0:01", "1:00", "5:00", "30:02")
    ]


def test_a_show_is_the_same_every_time() -> None:
    def pictures(count: int) -> Iterator[bytes]:
        show = replay([played(40)])
        while show.advance():
            yield compose(show.panels, arrange(show.panels, 1)).tobytes()

    assert list(islice(pictures(40), 40)) == list(pictures(40))
