"""The way of a guest from screen to screen, by real key events and a clock that jumps."""

from __future__ import annotations

import multiprocessing
import time
from datetime import UTC, datetime

import pytest
from screenshots import fill, played_by_agent, played_by_guest, visit_of

from agents.human import Button
from agents.player import Kind
from arena.event.lifecycle import EventLifecycle
from arena.event.log import Log
from arena.kiosk.clips import CLIP_SECONDS
from arena.kiosk.flow import SCREENS, follow
from arena.kiosk.kiosk import Kiosk
from arena.kiosk.model import House, OpponentChoice
from arena.kiosk.rounds import is_over
from arena.kiosk.screens.attract import LOAD_AFTER_SECONDS, STANDINGS_SECONDS, Attract
from arena.kiosk.screens.base import DEAF_SECONDS, To, Visit
from arena.kiosk.screens.choose import ChooseOpponent
from arena.kiosk.screens.consent import Consent
from arena.kiosk.screens.exit import TRIES, WAIT_SECONDS
from arena.kiosk.screens.match import NEXT_SECONDS, NextRound, PlayingScreen, Practice, Trouble
from arena.kiosk.screens.name import EnterName
from arena.kiosk.screens.result import Counting, ResultScreen
from arena.play.keeper import PlayedGame
from arena.play.opponent_loading import LoadingOpponent
from arena.play.session import Round
from arena.scoreboard.results import Result
from arena.ui import strings
from arena.ui.window import Press
from envs.games import GAMES
from envs.names import MAX_LENGTH
from envs.rules import named_rules
from envs.step import End
from tests.arena.kiosk.conftest import CODE, Guest

BREAKOUT = GAMES["breakout"]
RULES = named_rules("breakout").varied(max_frames=1200)


def a_result(house: House, player: str, score: float) -> Result:
    """A result that nobody played: for what only reads the standings."""
    rules = house.rules(BREAKOUT)
    values = {name: player.encode().hex()[:8].ljust(64, "0") for name in ("recording_sha256", "digest")}
    return Result(
        player=player,
        kind=Kind.SCRIPT,
        artifact_sha256=None,
        game="breakout",
        rules_id=rules.rules_id,
        rules_label=rules.label,
        seed=1,
        score=score,
        frames=1,
        end=End.TERMINATED,
        recording_name="game.arena.zip",
        started_at=datetime.now(UTC),
        verified_at=datetime.now(UTC),
        **values,
    )


def name_of(guest: Guest) -> str:
    assert isinstance(guest.kiosk.screen, EnterName)
    return guest.kiosk.screen.name


@pytest.fixture
def naming(guest: Guest, house: House) -> Guest:
    guest.kiosk.screen = EnterName(house, Visit(BREAKOUT), guest.clock())
    return guest


class TestChoosing:
    def test_any_key_ends_attract_mode(self, guest: Guest) -> None:
        assert guest.sees == "Attract"
        guest.press("x")
        assert guest.sees == "ChooseGame"

    def test_escape_does_nothing_in_attract_mode_and_goes_back_elsewhere(self, guest: Guest) -> None:
        guest.press("escape")
        assert guest.sees == "Attract"
        guest.press("space", "return")
        assert guest.sees == "ChooseOpponent"
        guest.press("escape", "escape")
        assert guest.sees == "Attract"

    @pytest.mark.parametrize(
        ("keys", "game"),
        [
            ([], 0),
            (["right"], 1),
            (["right", "right"], 0),
            (["down"], 2),
            (["down", "right"], 3),
            (["down", "down", "up"], 0),
            (["up", "left"], 1),
        ],
    )
    def test_arrows_move_among_the_games(self, guest: Guest, house: House, keys: list[str], game: int) -> None:
        guest.press("space", *keys, "return")
        assert isinstance(guest.kiosk.screen, ChooseOpponent)
        assert guest.kiosk.screen.visit.game is house.games[game]

    def test_the_last_rival_is_nobody(self, guest: Guest) -> None:
        guest.press("space", "return", *["down"] * 20, "return")
        assert isinstance(guest.kiosk.screen, EnterName)
        assert guest.kiosk.screen.visit.choice is None

    def test_the_strongest_rival_comes_first(self, guest: Guest, house: House) -> None:
        house.board.add(a_result(house, "script:basic", 99))
        guest.press("space", "return")
        assert isinstance(guest.kiosk.screen, ChooseOpponent)
        assert guest.kiosk.screen.opponents[0] is not None
        assert guest.kiosk.screen.opponents[0].agent == "script:basic"


class TestName:
    def test_typed_letters_become_the_name(self, naming: Guest) -> None:
        naming.type("Zoë Ж.")
        assert name_of(naming) == "Zoë Ж."
        naming.press("backspace")
        assert name_of(naming) == "Zoë Ж"
        naming.press("return")
        assert naming.sees == "Consent"

    def test_letters_are_chosen_with_the_stick(self, naming: Guest) -> None:
        """A, then two to the right C, then a row down P, then down past the digits to SPACE, ERASE and DONE."""
        naming.press("return", "right", "right", "return", "down", "return")
        assert name_of(naming) == "ACP"
        naming.press("down", "down", "return", "return", "right", "return", "return")
        assert name_of(naming) == "ACP"
        naming.press("right", "return")
        assert naming.sees == "Consent"

    def test_a_pad_and_a_joystick_do_as_well(self, naming: Guest) -> None:
        right, fire = Press(Button.RIGHT, pad="dpright"), Press(Button.FIRE, pad="button 0")
        for press in (Press(Button.FIRE, pad="a"), right, right, fire, Press(Button.DOWN, pad="lefty+"), fire):
            naming.kiosk.handle(press)
        assert name_of(naming) == "ACP"
        naming.kiosk.handle(Press(Button.FIRE, pad="x"))
        assert name_of(naming) == "AC"
        naming.kiosk.handle(Press(Button.FIRE, pad="b"))
        assert naming.sees == "ChooseOpponent"

    def test_keys_of_the_game_are_letters_here(self, naming: Guest) -> None:
        naming.press("w")
        naming.type("wasd m+-")
        assert name_of(naming) == "wasd m+-"

    def test_500_emoji_are_taken_with_good_grace(self, naming: Guest) -> None:
        naming.type("😀" * 500)
        assert name_of(naming) == ""
        naming.type("Ada")
        naming.press("return")
        assert naming.sees == "Consent"

    def test_a_long_name_ends_where_names_end(self, naming: Guest) -> None:
        naming.type("W" * 500)
        assert name_of(naming) == "W" * MAX_LENGTH
        naming.press("return")
        assert naming.sees == "Consent"

    @pytest.mark.parametrize("name", ["", " ", "   ", "sh1t", "script:basic", "Breakout-Quick"])
    def test_names_that_cannot_be(self, naming: Guest, name: str) -> None:
        naming.type(name)
        naming.press(*["down"] * 4 if not name.strip() else [])
        screen = naming.kiosk.screen
        assert isinstance(screen, EnterName)
        assert screen.finish() is screen
        assert screen.problem

    def test_decomposed_letters_become_one_form(self, naming: Guest) -> None:
        naming.type("Zoe\u0308")
        screen = naming.kiosk.screen
        assert isinstance(screen, EnterName)
        screen.finish()
        assert screen.visit.name == "Zoë"

    def test_who_has_played_is_told(self, naming: Guest, house: House) -> None:
        fill(house, BREAKOUT, ["Ada"], [])
        assert house.has_played("Ada")
        assert not house.has_played("Grace")

    def test_without_consent_nothing_carries_the_name(self, naming: Guest) -> None:
        naming.type("Ada")
        naming.press("return")
        naming.press("down")
        screen = naming.kiosk.screen
        assert isinstance(screen, Consent)
        practice = follow(screen.answered(1), naming.kiosk.house, naming.clock())
        assert isinstance(practice, Practice)
        assert practice.visit.name == ""


class TestTime:
    @pytest.mark.parametrize("keys", [["space"], ["space", "return"], ["space", "return", "return"]])
    def test_who_goes_away_is_not_waited_for(self, guest: Guest, keys: list[str]) -> None:
        guest.press(*keys)
        guest.wait(44)
        assert guest.sees != "Attract"
        guest.wait(2)
        assert guest.sees == "Attract"

    def test_each_key_starts_the_time_anew(self, guest: Guest) -> None:
        guest.press("space")
        for _ in range(5):
            guest.wait(30)
            guest.press("right")
        assert guest.sees == "ChooseGame"

    def test_attract_mode_goes_round(self, guest: Guest, house: House) -> None:
        seen = set()
        # A bot that isn't ready at its turn, as on a busy machine, plays one turn later: then a game has two clips.
        for _ in range(int(len(house.games) * (2 * CLIP_SECONDS + STANDINGS_SECONDS) / 5)):
            guest.wait(5, step=5)
            screen = guest.kiosk.screen
            assert isinstance(screen, Attract)
            seen.add((screen.game.name, screen.clip is None))
        assert seen == {(game.name, what) for game in house.games for what in (True, False)}

    def test_a_bot_plays_live_before_anybody_has(self, guest: Guest, house: House) -> None:
        screen = guest.kiosk.screen
        assert isinstance(screen, Attract)
        assert screen.clip is not None
        assert not screen.clip.live, "nobody can be ready at once"
        others = set(multiprocessing.active_children())
        guest.wait(LOAD_AFTER_SECONDS)
        deadline = time.monotonic() + 300
        while not (started := set(multiprocessing.active_children()) - others) and time.monotonic() < deadline:
            time.sleep(0.05)
        (process,) = started
        deadline = time.monotonic() + 300
        while not (screen.clip is not None and screen.clip.live) and time.monotonic() < deadline:
            guest.wait(1, step=1)
            time.sleep(0.2)
        assert screen.clip is not None
        assert screen.clip.live
        assert (screen.clip.kind, screen.clip.name) == (Kind.SCRIPT, "script:basic")
        before = screen.clip.picture().copy()
        guest.wait(1, step=0.1)
        assert (screen.clip.picture() != before).any()
        assert not house.event.recordings.exists(), "nothing is kept of it"
        guest.press("space")
        process.join(300)
        assert not process.is_alive(), "its process ends when somebody comes"

    def test_attract_mode_survives_recordings_that_are_gone(self, guest: Guest, house: House) -> None:
        fill(house, BREAKOUT, ["Ada"], ["script:random"])
        for path in house.event.recordings.iterdir():
            path.write_bytes(b"broken")
        guest.kiosk.screen = Attract(house, guest.clock())
        guest.wait(30)
        assert guest.sees == "Attract"

    def test_keys_are_ignored_for_two_seconds_after_a_game(self, guest: Guest, house: House) -> None:
        visit = visit_of(house, BREAKOUT, "Ada", None, 1)
        guest.kiosk.screen = ResultScreen(house, visit, None, guest.clock())
        guest.press("return", "space", "escape")
        assert guest.sees == "ResultScreen"
        guest.wait(DEAF_SECONDS)
        guest.press("return")
        assert guest.sees == "Attract"

    def test_who_goes_away_between_two_rounds_is_counted(self, guest: Guest, house: House) -> None:
        guest.kiosk.screen = NextRound(house, visit_of(house, BREAKOUT, "Ada", None, 1), guest.clock())
        guest.wait(NEXT_SECONDS + 1)
        assert guest.sees in ("Counting", "ResultScreen")

    def test_who_goes_away_before_the_first_round_is_not(self, guest: Guest, house: House) -> None:
        guest.kiosk.screen = NextRound(house, Visit(BREAKOUT, name="Ada"), guest.clock())
        guest.wait(NEXT_SECONDS + 1)
        assert guest.sees == "Attract"

    def test_after_the_event_there_is_no_ranked_round(self, guest: Guest, house: House) -> None:
        lifecycle = EventLifecycle(house.event, Log(house.board.engine))
        for step in (lifecycle.open, lifecycle.freeze, lifecycle.close):
            assert NextRound(house, Visit(BREAKOUT, name="Ada"), guest.clock()).refusal == ""
            step()
        guest.kiosk.screen = screen = NextRound(house, Visit(BREAKOUT, name="Ada"), guest.clock())
        assert "The event is over" in screen.refusal
        guest.wait(DEAF_SECONDS)
        guest.press("return")
        assert guest.sees != "PlayingScreen"


class TestOpponentChoice:
    @pytest.mark.parametrize("agent", ["no-such-bot", "script:nonsense"])
    def test_one_that_cannot_play_leaves_the_guest_alone(self, guest: Guest, house: House, agent: str) -> None:
        visit = Visit(BREAKOUT, OpponentChoice(agent, None), LoadingOpponent(agent, RULES), "Ada")
        guest.kiosk.screen = screen = NextRound(house, visit, guest.clock())
        deadline = time.monotonic() + 300
        while screen.is_waiting and time.monotonic() < deadline:
            guest.wait(0.5)
            guest.kiosk.screen.touched = guest.clock()
        assert visit.at_work is not None
        assert visit.at_work.opponent is None
        assert visit.at_work.problem is not None
        visit.end()

    def test_one_that_died_between_two_rounds_leaves_the_guest_alone(self, guest: Guest, house: House) -> None:
        others = set(multiprocessing.active_children())
        visit = Visit(BREAKOUT, OpponentChoice("script:basic", None), name="Ada")
        visit.at_work = LoadingOpponent("script:basic", house.rules(BREAKOUT))
        deadline = time.monotonic() + 300
        while visit.at_work.loading and time.monotonic() < deadline:
            time.sleep(0.05)
        (process,) = set(multiprocessing.active_children()) - others
        process.kill()
        process.join()
        guest.kiosk.screen = PlayingScreen(house, visit, guest.clock(), house.seeds(BREAKOUT)[0], None)
        guest.wait(0.5)
        assert guest.sees == "NextRound"
        assert (visit.at_work.opponent, visit.rounds) == (None, [])
        assert "has died" in str(visit.at_work.problem)

    def test_who_leaves_ends_a_rival_that_is_still_loading(self) -> None:
        choice = LoadingOpponent("script:random", RULES)
        choice.close()
        choice.close()
        deadline = time.monotonic() + 300
        while choice.loading and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not choice.loading
        assert choice.opponent is None


class TestExit:
    def test_the_code_opens(self, guest: Guest) -> None:
        guest.press("f10")
        assert guest.sees == "Exit"
        guest.type(CODE)
        guest.press("return")
        assert guest.kiosk.open

    def test_from_the_middle_of_a_name_and_back(self, guest: Guest) -> None:
        guest.press("space", "return")
        guest.press(*["down"] * 20, "return")
        guest.type("Ad")
        guest.press("f10")
        guest.wait(15)
        guest.press("escape")
        guest.type("a")
        assert name_of(guest) == "Ada"

    def test_a_wrong_code_does_not(self, guest: Guest) -> None:
        guest.press("f10")
        guest.type("000000")
        guest.press("return")
        assert not guest.kiosk.open

    def test_trying_codes_is_slow(self, guest: Guest) -> None:
        for _ in range(TRIES):
            guest.press("f10")
            guest.type("000000")
            guest.press("return", "escape")
        guest.press("f10")
        guest.type(CODE)
        guest.press("return")
        assert not guest.kiosk.open
        guest.wait(WAIT_SECONDS / 2)
        guest.press("f10", "f10")
        guest.wait(WAIT_SECONDS / 2)
        guest.press("f10")
        guest.type(CODE)
        guest.press("return")
        assert guest.kiosk.open

    def test_closing_the_window_asks_for_the_code(self, guest: Guest) -> None:
        guest.kiosk.stage.closed = True
        guest.wait(0.5)
        assert guest.sees == "Exit"
        assert not guest.kiosk.stage.closed

    def test_nobody_answers_and_the_screen_before_is_back(self, guest: Guest) -> None:
        guest.press("space", "f10")
        guest.wait(21)
        assert guest.sees == "ChooseGame"


class TestResult:
    def test_a_match_is_counted_and_verified(self, guest: Guest, house: House) -> None:
        fill(house, BREAKOUT, ["Grace", "Alan"], [])
        visit = visit_of(house, BREAKOUT, "Ada", "script:random", 2)
        guest.kiosk.screen = Counting(house, visit, guest.clock())
        while guest.sees == "Counting":
            guest.wait(0.5)
        screen = guest.kiosk.screen
        assert isinstance(screen, ResultScreen)
        assert screen.outcome is not None
        standings = house.standings(BREAKOUT)
        ada = next(s for s in standings if s.player == "Ada")
        assert (ada.kind, ada.episodes, ada.rank) == (Kind.HUMAN, 2, screen.outcome.place)
        assert screen.outcome.players == len(standings) == 4
        assert screen.outcome.percentile is not None
        assert screen.outcome.best_before is None
        assert [s.episodes for s in standings if s.player == "script:random"] == [2]
        said = " ".join(sentence for sentence, _ in screen.sentences())
        lead = sum(r.person.recording.score - r.opponent.recording.score for r in visit.rounds if r.opponent)
        words = "ahead of" if lead > 0 else "behind"
        assert f"{abs(lead):,} points {words} script:random" in said or lead == 0
        assert "of the reference human's 30.5" in said

    def test_a_round_that_was_left_is_no_comparison(self, guest: Guest, house: House) -> None:
        visit = visit_of(house, BREAKOUT, "Ada", "script:random", 2)
        mine = visit.rounds[1].person
        quitted = mine._replace(recording=mine.recording.model_copy(update={"end": End.QUIT}))
        visit.rounds[1] = visit.rounds[1]._replace(person=quitted)
        said = [sentence for sentence, _ in ResultScreen(house, visit, None, guest.clock()).sentences()]
        assert said[0] == strings.text("kiosk.left_round", name="script:random")
        first = visit.rounds[0]
        assert first.opponent is not None
        lead = first.person.recording.score - first.opponent.recording.score
        assert f"{abs(lead):,} points" in said[1] or lead == 0
        visit.rounds.pop(0)
        said = [sentence for sentence, _ in ResultScreen(house, visit, None, guest.clock()).sentences()]
        assert not [sentence for sentence in said if "script:random" in sentence][1:], "nothing left to compare"

    def test_a_second_match_tells_of_the_personal_best(self, guest: Guest, house: House) -> None:
        fill(house, BREAKOUT, ["Ada"], [])
        (before,) = house.board.results(player="Ada")
        visit = visit_of(house, BREAKOUT, "Ada", None, 1)
        paths = [r.person.path for r in visit.rounds if r.person.path]
        outcome = house.count(BREAKOUT, "Ada", paths)
        assert outcome.best_before == before.score
        assert house.count(BREAKOUT, "Ada", paths) == outcome  # counting again changes nothing

    def test_an_unreachable_scoreboard_is_said_kindly(self, guest: Guest, house: House) -> None:
        visit = visit_of(house, BREAKOUT, "Ada", None, 1)
        database = house.event.database
        house.board.close()
        database.unlink()
        database.mkdir()
        guest.kiosk.screen = Counting(house, visit, guest.clock())
        while guest.sees == "Counting":
            guest.wait(0.5)
        assert isinstance(guest.kiosk.screen, ResultScreen)
        assert guest.kiosk.screen.outcome is None
        guest.wait(50)
        assert guest.sees == "Attract"
        database.rmdir()

    def test_a_forged_recording_does_not_count(self, house: House) -> None:
        visit = visit_of(house, BREAKOUT, "Ada", None, 1)
        path = visit.rounds[0].person.path
        assert path is not None
        path.write_bytes(path.read_bytes()[:-1])
        outcome = house.count(BREAKOUT, "Ada", [path])
        assert outcome.place == 0
        assert len(outcome.not_counted) == 1

    def test_best_of_three_ends_when_it_is_decided(self) -> None:
        (good,) = played_by_agent("script:basic", BREAKOUT, RULES, [3])
        (bad,) = played_by_guest("Eve", RULES.varied(max_frames=60), [3], 7)
        assert good.score > bad.score
        won, lost, even = (
            Round(3, PlayedGame(mine, None, None), PlayedGame(theirs, None, None))
            for mine, theirs in ((good, bad), (bad, good), (good, good))
        )
        alone = Round(3, PlayedGame(good, None, None), None)
        left = Round(3, PlayedGame(good.model_copy(update={"end": End.QUIT}), None, None), won.opponent)
        matches = [([won, won], True), ([won, lost], False), ([won, lost, won], True), ([lost, lost], True)]
        matches += [([even, even], False), ([even, won, even], True), ([won], False), ([left], True)]
        matches += [([alone, alone], False), ([alone] * 3, True)]
        for rounds, over in matches:
            assert is_over(Visit(BREAKOUT, name="Ada", rounds=rounds), 3) is over
        assert Visit(BREAKOUT, rounds=[won, lost, won, even, alone]).wins() == (2, 1)

    def test_trouble_with_finished_rounds_still_counts_them(self, guest: Guest, house: House) -> None:
        visit = visit_of(house, BREAKOUT, "Ada", None, 1)
        guest.kiosk.screen = Trouble(house, visit, "The disk is full.", guest.clock())
        guest.wait(DEAF_SECONDS)
        guest.press("return")
        assert guest.sees in ("Counting", "ResultScreen")


def test_every_name_of_a_screen_stands_for_one() -> None:
    assert set(SCREENS) == set(To)
    assert len(set(SCREENS.values())) == len(To)


def test_f10_in_every_screen_leads_to_the_exit(guest: Guest) -> None:
    assert isinstance(guest.kiosk, Kiosk)
    for keys in ([], ["space"], ["return"], ["return"]):
        guest.press(*keys)
        before = guest.sees
        guest.press("f10")
        assert guest.sees == "Exit"
        guest.press("escape")
        assert guest.sees == before
