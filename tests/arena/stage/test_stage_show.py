"""The show of a real tournament, moved frame by frame: its course, its keys, and all that may go wrong meanwhile.

ARENA_SOAK=1 presses many more keys at random.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import numpy as np
import pytest

from arena.engine.evaluate import play_seeds
from arena.event.folder import Event, open_event
from arena.scoreboard.publish import keep, publish
from arena.scoreboard.store import Scoreboard
from arena.stage import bookmark
from arena.stage.audience import TRIES
from arena.stage.bookmark import ShownBouts
from arena.stage.lead_graph import lead_picture
from arena.stage.replay import CUSHION
from arena.stage.scenes import MATCHUP_SECONDS, VersusScene, WinnerScene
from arena.stage.schedule import scores_of
from arena.tournament.runner import TournamentRunner
from arena.tournament.standings import standings
from envs.games import FPS
from recordings.recording import Recording
from recordings.storage import FileJournal, header_of
from tests.arena.stage.evening import PEOPLE, RULES, Opens, begin
from tests.pretend import Pretender

PRESSES = 3000 if os.environ.get("ARENA_SOAK") else 60


def test_a_duel_is_shown_from_the_first_match_to_the_winner(event: Event, opened: Opens) -> None:
    evening = opened(event, "duel")
    assert evening.scene == "Versus"
    evening.until("Champion", frames=20_000)
    count = len(evening.show.hall.bouts)
    assert evening.scenes == ["Versus", "Playing", "Winner", "Table"] * count + ["Champion"]
    assert standings(evening.show.hall.known()) == standings(evening.show.hall.state)


def test_the_games_are_those_that_were_booked(event: Event, opened: Opens) -> None:
    evening = opened(event, "duel")
    evening.until("Winner")
    scene = evening.show.scene
    assert isinstance(scene, WinnerScene)
    assert scene.published
    assert isinstance(scene.leads, np.ndarray)
    a, b = scene.scores or (0, 0)
    assert scene.leads[-1] == a - b
    assert scene.leads[0] == 0


def test_both_games_stand_at_the_same_frame(event: Event, opened: Opens) -> None:
    evening = opened(event, "duel")
    evening.until("Playing")
    evening.turn(100)
    steps = [panel.step for panel in evening.playing.duel.panels]
    assert [step.t for step in steps if step is not None] == [100, 100]


@pytest.mark.parametrize("name", ["cup", "battle"])
def test_nothing_is_told_before_it_was_shown(name: str, event: Event, opened: Opens) -> None:
    evening = opened(event, name)
    shown = 0
    while evening.scene != "Champion":
        if evening.scene == "Versus":
            bout = evening.show.scene.bout  # type: ignore[attr-defined]
            assert not any(
                evening.show.hall.known().scores_of(bout.stage, bout.game, bout.a.name, bout.index + 1)[bout.index :]
            )
            shown += 1
        evening.press("right")
        evening.turn(20)
    assert shown == len(evening.show.hall.bouts)


# -- keys ------------------------------------------------------------------------------------------------------------


def test_space_stops_everything_and_goes_on(event: Event, opened: Opens) -> None:
    evening = opened(event, "duel")
    evening.press("space")
    evening.turn(round(2 * MATCHUP_SECONDS * FPS))
    assert evening.scene == "Versus"
    evening.press("space")
    evening.until("Playing")
    evening.turn(50)
    evening.press("space")
    ticks = evening.playing.duel.ticks
    evening.turn(50)
    assert evening.playing.duel.ticks == ticks


def test_the_arrows_go_on_and_back(event: Event, opened: Opens) -> None:
    evening = opened(event, "duel")
    evening.press("right")
    evening.until("Playing", frames=2)
    evening.press("right", "right")
    evening.until("Winner", frames=3)
    evening.press("left")
    evening.until("Playing", frames=2)
    assert evening.playing.duel.ticks < 5
    evening.press("page up")
    assert evening.scene == "Versus"
    evening.press("page down", "page down", "page down")
    evening.until("Winner", frames=3)
    evening.press("right")
    assert evening.scene == "Table"
    evening.press("right")
    assert evening.scene == "Versus"
    first = evening.show.scene
    evening.press("b")
    assert isinstance(first, VersusScene)
    assert isinstance(evening.show.scene, VersusScene)
    assert evening.show.scene.bout.index == first.bout.index - 1


def test_the_end_key_passes_over_what_was_played(event: Event, opened: Opens) -> None:
    evening = opened(event, "cup")
    evening.until("Playing")
    evening.press("end")
    assert evening.scene == "Champion"
    assert evening.show.hall.known().scores == evening.show.hall.state.scores


def test_leaving_asks_first(event: Event, opened: Opens) -> None:
    evening = opened(event, "duel")
    evening.press("escape", "escape")
    assert not evening.show.over
    evening.press("escape", "space")
    assert not evening.show.over
    assert not evening.show.paused
    evening.press("escape", "return")
    assert evening.show.over


def test_keys_at_random_never_break_it(event: Event, opened: Opens, caplog: pytest.LogCaptureFixture) -> None:
    draw = random.Random(7)
    evening = opened(event, "battle")
    for _ in range(PRESSES):
        evening.press(draw.choice(["right", "right", "left", "space", "space", "escape", "x", "f11", "m"]))
        evening.turn(draw.choice([0, 1, 7, 60]))
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


# -- what may go wrong -------------------------------------------------------------------------------------------------


def test_without_a_tournament_it_waits(tmp_path: Path, opened: Opens) -> None:
    event = open_event(tmp_path / "empty", "Nothing yet")
    evening = opened(event, None)
    evening.turn(60)
    evening.press("right", "left")
    assert evening.scene == "Waiting"
    assert not event.database.exists()
    with Scoreboard.open(event.database) as board:
        begin(event, board, "first", "duel", ("Mia",), 1)
    evening.look()
    evening.turn(60)
    assert evening.scene == "Waiting"
    assert [slot.player for slot in evening.show.hall.news.waiting] == ["Mia"]


@pytest.mark.parametrize("harm", ["gone", "cut", "other"])
def test_a_recording_that_is_gone_or_broken_is_not_shown(
    harm: str, event: Event, opened: Opens, caplog: pytest.LogCaptureFixture
) -> None:
    evening = opened(event, "duel")
    bout = evening.show.hall.bouts[0]
    mine, theirs = scores_of(evening.show.hall.state, bout)
    assert mine is not None
    assert theirs is not None
    path = event.recordings / str(mine.recording)
    if harm == "gone":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        path.write_bytes((event.recordings / str(theirs.recording)).read_bytes())
    evening.press("right")
    assert evening.scene == "Winner"
    assert isinstance(evening.show.scene, WinnerScene)
    assert evening.show.scene.scores == (mine.score, theirs.score)
    assert "can't be shown" in caplog.text
    evening.until("Versus")
    evening.press("right")
    assert evening.scene == "Playing"


def test_a_game_that_is_undone_is_cut_off_and_comes_again(event: Event, opened: Opens) -> None:
    evening = opened(event, "duel")
    evening.until("Playing")
    evening.turn(30)
    bout = evening.playing.bout
    with Scoreboard.open(event.database) as board:
        one = TournamentRunner(event, board, "duel")
        line = scores_of(one.state(), bout)[0]
        assert line is not None
        one.undo("pad failed", line.number)
        evening.look()
        evening.turn()
        assert evening.scene == "TakenBack"
        evening.until("Versus", "Waiting")
        assert evening.show.hall.next_bout() != bout
        again = play_seeds(Pretender("Mia", RULES, 0.3), RULES, [line.seed])
        publish([keep(recording, event.recordings) for recording in again], board, processes=1)
        one.take_in()
    evening.look()
    evening.turn()
    hall = evening.show.hall
    assert hall.bouts[0].key == bout.key
    assert not hall.is_seen(hall.bouts[0])


def test_a_database_that_cannot_be_read_stops_nothing(event: Event, opened: Opens) -> None:
    evening = opened(event, "duel")
    evening.until("Playing")
    evening.follower.close()
    event.database.write_bytes(b"no database" * 1000)
    for suffix in ("-wal", "-shm"):
        event.database.with_name(event.database.name + suffix).unlink(missing_ok=True)
    evening.look()
    assert evening.follower.news.trouble
    evening.until("Champion", frames=20_000)


def test_whoever_starts_it_again_goes_on_there(event: Event, opened: Opens) -> None:
    evening = opened(event, "duel")
    evening.press("right", "right", "right")
    evening.until("Versus")
    evening.until("Playing")
    evening.turn(200)
    evening.follower.close()  # as if it were killed: the scene is not left
    ticks = json.loads((event.folder / bookmark.FILE_NAME).read_bytes())["duel"]["frame"]
    assert 60 < ticks <= 200
    again = opened(event, "duel")
    assert again.scene == "Playing"
    assert again.playing.bout == evening.playing.bout
    while again.playing.rushing:
        again.turn()
    assert ticks <= again.playing.duel.ticks < ticks + 5


def test_a_match_at_which_it_dies_each_time_is_passed_over(event: Event, opened: Opens) -> None:
    evening = opened(event, "duel")
    first = evening.show.hall.bouts[0]
    memories = {"duel": ShownBouts({}, first.key, 120, TRIES)}
    bookmark.save(bookmark.text_of(memories), event.folder)
    again = opened(event, "duel")
    assert again.scene == "Versus"
    assert again.show.hall.is_seen(first)


def test_a_new_tournament_is_shown_when_the_match_is_over(event: Event, opened: Opens) -> None:
    evening = opened(event, None)
    assert evening.show.hall.news.tournament == "battle"
    evening.until("Playing")
    with Scoreboard.open(event.database) as board:
        begin(event, board, "encore", "duel", ("Mia",), 1)
    evening.look()
    evening.until("Winner")
    assert evening.show.hall.news.tournament == "battle"
    evening.until("Waiting")
    assert evening.show.hall.news.tournament == "encore"


# -- games that are played just now ----------------------------------------------------------------------------------


def open_game(event: Event, board: Scoreboard) -> tuple[TournamentRunner, Recording]:
    """Begin a duel whose bot has played, and return the game that Mia is about to play."""
    one = begin(event, board, "now", "duel", ("Mia",), 1)
    slot = one.waiting_for(one.state())[0]
    (recording,) = play_seeds(Pretender("Mia", RULES, PEOPLE["Mia"]), RULES, [one.seed_of(one.state(), slot)])
    return one, recording


def test_a_game_is_followed_while_it_is_played(tmp_path: Path, opened: Opens) -> None:
    event = open_event(tmp_path / "live", "Live")
    with Scoreboard.open(event.database) as board:
        one, recording = open_game(event, board)
        evening = opened(event, "now")
        assert evening.scene == "Waiting"
        journal = FileJournal(event.recordings, header_of(recording))
        journal.append(recording.actions[:CUSHION])
        evening.look()
        evening.until("Playing")
        evening.turn(2 * CUSHION)
        duel = evening.playing.duel
        assert (duel.ticks, duel.starved, duel.live) == (CUSHION, True, True)
        journal.append(recording.actions[CUSHION:])
        evening.look()
        evening.until("Winner")
        scene = evening.show.scene
        assert isinstance(scene, WinnerScene)
        assert not scene.published
        assert scene.scores is not None
        assert scene.scores[0] == recording.score
        publish([keep(recording, event.recordings)], board, processes=1)
        journal.discard()
        one.take_in()
        evening.look()
        evening.turn()
        assert evening.show.scene is scene
        assert scene.published
        evening.until("Champion")


def test_in_a_team_battle_the_one_who_plays_is_shown(tmp_path: Path, opened: Opens) -> None:
    event = open_event(tmp_path / "live", "Live")
    with Scoreboard.open(event.database) as board:
        one = begin(event, board, "now", "team battle", tuple(PEOPLE), 1)
        state = one.state()
        slot = next(slot for slot in one.waiting_for(state) if slot.player == "José Ángel")
        (recording,) = play_seeds(Pretender(slot.player, RULES, 0.5), RULES, [one.seed_of(state, slot)])
        evening = opened(event, "now")
        assert evening.show.hall.bouts[0].a.name == "Mia"
        journal = FileJournal(event.recordings, header_of(recording))
        try:
            journal.append(recording.actions)
            evening.look()
            evening.until("Playing")
            assert evening.playing.bout.a.name == "José Ángel"
            evening.until("Winner")
        finally:
            journal.discard()
        publish([keep(recording, event.recordings)], board, processes=1)
        one.take_in()
        evening.look()
        evening.turn()
        assert evening.show.hall.is_seen(evening.show.hall.bouts[0])


def test_a_station_is_followed_through_the_server(tmp_path: Path, opened: Opens) -> None:
    from datetime import UTC, datetime

    from sqlalchemy.orm import Session

    from arena.scoreboard.server_tables import HeadRow, TicketRow, TokenRow
    from recordings.live_chain import EVERY, beginning, links

    event = open_event(tmp_path / "live", "Live")
    with Scoreboard.open(event.database) as board:
        _, recording = open_game(event, board)
        now = datetime.now(UTC)
        with Session(board.engine) as session, session.begin():
            session.add(TokenRow(id=1, hash="ab" * 32, role="station", name="Station 1", created_at=now))
            session.flush()
            session.add(
                TicketRow(
                    id="t", token=1, player="Mia", station="Station 1", game=RULES.game, rules_id=RULES.rules_id,
                    rules=json.dumps(RULES.as_dict()), seed=recording.seed, shared=True, state="started",
                    issued_at=now, started_at=now,
                )
            )  # fmt: skip
            session.flush()
            for link in links(beginning("t", "Mia", RULES.rules_id, recording.seed), recording.actions[:240]):
                session.add(HeadRow(ticket="t", frame=link.frame, head=link.head, actions=link.actions, seconds=1.0))
        evening = opened(event, "now")
        assert evening.scene == "Versus"
        evening.until("Playing")
        evening.turn(600)
        assert evening.playing.duel.ticks == 240 == 4 * EVERY
        evening.press("right")  # it is left, and comes again when it is over
        assert evening.scene == "Waiting"
        publish([keep(recording, event.recordings)], board, processes=1)
        TournamentRunner(event, board, "now").take_in()
        evening.look()
        evening.turn(20)
        assert evening.scene == "Versus"


# -- the graph -------------------------------------------------------------------------------------------------------


def test_the_graph_is_above_for_the_first_and_below_for_the_second() -> None:
    leads = np.array([0] * 50 + [10] * 50 + [-10] * 50)
    picture = lead_picture(leads, 300, 300, 301, 1.0)
    assert picture.shape == (301, 300, 3)
    empty = picture[5, 299]
    assert (picture[100, 75] != empty).any()
    assert (picture[200, 75] == empty).all()
    assert (picture[100, 130] == empty).all()
    assert (picture[200, 130] != empty).any()
    assert (picture[100, 200] == empty).all()  # nothing has been played there yet


@pytest.mark.parametrize("count", [1, 2, 20_000])
@pytest.mark.parametrize("size", [(2, 2), (300, 40), (3600, 330)])
def test_the_graph_takes_any_size(count: int, size: tuple[int, int]) -> None:
    picture = lead_picture(np.arange(count), count - 1, *size, unit=1.0)
    assert picture.shape == (size[1], size[0], 3)


def test_names_are_hidden_where_they_must_be(event: Event, opened: Opens) -> None:
    (event.folder / "words.txt").write_text("mia\n")
    evening = opened(event, "duel")
    assert evening.show.hall.name("Mia") == "(name hidden)"
    assert evening.show.hall.name("script:random") == "script:random"
    assert evening.show.hall.name("nobody") == "(name hidden)"
