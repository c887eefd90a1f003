"""The page of an event: what was played stands on it, no name can break it, and it needs nothing from outside."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from agents.player import Kind
from arena.html.score_axis import GameSection, RefusedRecording
from arena.report.event_page import EventPage, render, sections_of, verdicts_of, write_page
from arena.scoreboard.results import Result, Standing
from arena.scoreboard.store import Scoreboard
from arena.stats.text import mean_points, points
from envs import GAMES
from envs.errors import EventError
from envs.games import find_game
from envs.step import End

RULES_ID = "5a" * 32
BEGAN = datetime(2026, 5, 1, 18, 30, tzinfo=UTC)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</title></style><svg/onload=f()>",
    "&lt;b&gt; &amp; &#60;",
    "<!-- comment",
    "]]><x>",
    "محمد علي",
    "W" * 32,
    "😀" * 32,
    "日本語の名前がとても長い場合はどうなるのかを見る",
)


def played(player: str, scores: Sequence[float], game: str = "breakout", **changes: Any) -> list[Result]:
    """Results of one player on the seeds 0, 1, ..., the latest first, as the scoreboard gives them."""
    values: dict[str, Any] = {
        "kind": Kind.SCRIPT,
        "artifact_sha256": None,
        "rules_id": RULES_ID,
        "rules_label": "5min",
        "frames": 3_600,
        "end": End.TERMINATED,
    }
    values |= changes
    results = [
        Result(
            player=player,
            game=game,
            seed=seed,
            score=score,
            digest=_hex(player, game, seed, values["rules_id"], "digest"),
            recording_sha256=_hex(player, game, seed, values["rules_id"]),
            recording_name=f"{game}-s{seed}.arena.zip",
            started_at=BEGAN + timedelta(minutes=seed),
            verified_at=BEGAN + timedelta(minutes=seed, seconds=9),
            **values,
        )
        for seed, score in enumerate(scores)
    ]
    return results[::-1]


def _hex(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def standing(rank: int, results: Sequence[Result], low: float | None = None, high: float | None = None) -> Standing:
    scores = [result.score for result in results]
    mean = sum(scores) / len(scores)
    first = results[0]
    return Standing(
        rank, first.player, first.kind, first.artifact_sha256, len(scores), mean, mean, low, high, max(scores), BEGAN
    )


def section(*players: list[Result], game: str = "breakout", **more: Any) -> GameSection:
    standings = [standing(rank, results, 1.5, 61.25) for rank, results in enumerate(players, start=1)]
    episodes = [result for results in players for result in results]
    return GameSection(find_game(game), "5min", RULES_ID, standings, episodes, **more)


def page(*sections: GameSection, **more: Any) -> EventPage:
    return EventPage("Spring match", date(2026, 5, 2), sections, **more)


class Parsed(HTMLParser):
    """Elements, attributes and text of a page; fails where an element isn't closed in its turn."""

    VOID = frozenset({"meta", "link", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} stands twice"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def test_the_figures_stand_on_the_page() -> None:
    bot = played("ppo-4", [40, 60, 80], kind=Kind.BOT, artifact_sha256="ab12cd34" * 8)
    script = played("basic", [1_234, 0, 7], end=End.TRUNCATED)
    parsed = Parsed(render(page(section(bot, script, verdicts=["ppo-4 beats basic: p = 0.01, 95 % interval 1 to 2."]))))
    words = parsed.words
    for text in (
        *("Spring match", "2 May 2026", "1 game", "2 players", "6 episodes", "Breakout", "5min", "5a5a5a5a"),
        *("ppo-4", "bot", "ab12cd34", "60.0", "1.5 – 61.2", "basic", "script", "413.7", "1,234", "1:00"),
        *("game over", "time was up", "ppo-4 beats basic:", "human reference 30.5", "Wang et al. 2016"),
        "✓ replayed",
    ):
        assert text in words or all(part in words for part in text.split()), text
    assert "on 3 seeds" in words
    links = [a["href"] for a in parsed.of("a")]
    assert links.count("./recordings/breakout-s2.arena.zip") == 2


def test_it_needs_nothing_from_outside_and_runs_nothing() -> None:
    text = render(page(section(played("a", [1, 2])), film="demo.mp4", film_text="Watch"))
    parsed = Parsed(text)
    assert {tag for tag, _ in parsed.elements} & {"script", "iframe", "object", "img", "video", "form", "base"} == set()
    for tag, attributes in parsed.elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("href", "src", "action", "xlink:href"):
                assert re.match(r"\./|#|data:,$", value or ""), (tag, name, value)
    assert re.findall(r"url\(|@import|https?://", text) == []
    (policy,) = [meta["content"] for meta in parsed.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "./demo.mp4" in [a["href"] for a in parsed.of("a")]


def test_hostile_names_are_text() -> None:
    harmless = Parsed(render(page(section(*(played(f"name {i}", [i, 2 * i]) for i, _ in enumerate(HOSTILE))))))
    parsed = Parsed(
        render(
            EventPage(
                HOSTILE[0],
                date(2026, 5, 2),
                [
                    section(
                        *(played(name, [i, 2 * i]) for i, name in enumerate(HOSTILE)),
                        verdicts=[f"{name} beats {name}: clearly." for name in HOSTILE],
                        refused=[RefusedRecording(name, name) for name in HOSTILE],
                    )
                ],
                film=HOSTILE[1],
                film_text=HOSTILE[2],
            )
        )
    )
    assert {tag for tag, _ in parsed.elements} <= {tag for tag, _ in harmless.elements} | {"strong"}
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    for name in HOSTILE:
        assert parsed.words.count(" ".join(name.split())) >= 5, name
    assert "./%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E" in [a["href"] for a in parsed.of("a")]


@pytest.mark.parametrize("name", ["javascript:alert(1)", "//host/x", "/etc/passwd", "https://host/x", "a?b#c"])
def test_a_link_can_only_lead_below_the_page(name: str) -> None:
    parsed = Parsed(render(page(section(played("a", [1])), film=name)))
    (link,) = [a["href"] for a in parsed.of("a") if a.get("class") == "film"]
    assert link is not None
    assert re.fullmatch(r"\./[^/:?#][^:?#]*", link)


def test_nothing_yet() -> None:
    assert "No games yet" in Parsed(render(page())).words
    words = Parsed(render(page(GameSection(GAMES["breakout"], "5min", RULES_ID, [], [])))).words
    assert "Nobody has finished a game yet." in words
    assert "human reference 30.5" in words


def test_one_game_of_one_player_has_no_interval() -> None:
    results = played("Ada", [0], "pacman", kind=Kind.HUMAN)
    text = render(page(GameSection(GAMES["pacman"], "5min", RULES_ID, [standing(1, results)], results)))
    assert "1 episode on 1 seed" in Parsed(text).words
    assert 'class="whisker"' not in text
    assert "None" not in text


def test_ids_are_unique_and_every_jump_has_a_place() -> None:
    parsed = Parsed(render(page(section(played("a", [1])), section(played("b", [5], "pacman"), game="pacman"))))
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids)) == 3
    jumps = {a["href"] for a in parsed.of("a") if (a["href"] or "").startswith("#")}
    assert jumps == {f"#{name}" for name in ids}


@pytest.mark.parametrize("scores", [[0], [3, 900], [-20, 5], [100_000, 250_000], [0.5, 1.5], [31, 31]])
@pytest.mark.parametrize("game", sorted(GAMES))
def test_everything_drawn_is_on_the_axis(game: str, scores: list[float]) -> None:
    results = played("a", scores, game)
    one = standing(1, results, min(scores), max(scores))
    text = render(page(GameSection(GAMES[game], "5min", RULES_ID, [one], results)))
    found = [float(at) for at in re.findall(r'(?:x|x1|x2|cx|left)(?:="|:)(-?[0-9.]+)%', text)]
    assert len(found) > 5
    assert all(0 <= at <= 100 for at in found)


def test_a_higher_score_stands_further_right() -> None:
    text = render(page(section(played("a", [10]), played("b", [20]), played("c", [40]))))
    means = [float(x) for x in re.findall(r'<svg x="([0-9.]+)%" y="50%">', text)]
    assert means == sorted(means)
    assert means[1] - means[0] == pytest.approx((means[2] - means[1]) / 2, abs=0.02)


def test_a_far_record_does_not_squeeze_the_axis() -> None:
    text = render(page(section(played("a", [10, 40]))))
    (mean,) = (float(x) for x in re.findall(r'<svg x="([0-9.]+)%" y="50%">', text))
    assert mean > 30
    assert "record 864.0 (not on the axis)" in Parsed(text).words


@pytest.mark.parametrize(
    ("score", "as_score", "as_mean"),
    [
        (0, "0", "0.0"),
        (30.5, "30.5", "30.5"),
        (1234, "1,234", "1,234"),
        (999.96, "1,000.0", "1,000"),
        (-5, "-5", "-5.0"),
    ],
)
def test_scores_as_people_write_them(score: float, as_score: str, as_mean: str) -> None:
    assert (points(score), mean_points(score)) == (as_score, as_mean)


def test_neighbours_in_the_standings_are_compared_seed_by_seed() -> None:
    groups = [played("a", range(50, 70)), played("b", range(30, 50)), played("c", [1])]
    episodes = [result for group in groups for result in group]
    sentences = verdicts_of([standing(rank, group) for rank, group in enumerate(groups, start=1)], episodes)
    assert len(sentences) == 2
    assert sentences[0].startswith("a beats b: a is ahead on 20 of 20 seeds")
    assert sentences[1].startswith("Not decided yet between b and c")


def test_versions_of_one_bot_are_told_apart() -> None:
    groups = [
        played("ppo", range(50, 70), kind=Kind.BOT, artifact_sha256="aaaa1111" * 8),
        played("ppo", range(30, 50), kind=Kind.BOT, artifact_sha256="bbbb2222" * 8),
    ]
    episodes = [result for group in groups for result in group]
    (sentence,) = verdicts_of([standing(rank, group) for rank, group in enumerate(groups, start=1)], episodes)
    assert sentence.startswith("ppo (aaaa1111) beats ppo (bbbb2222)")


def test_a_scoreboard_becomes_sections_in_the_order_of_the_event(tmp_path: Path) -> None:
    with Scoreboard.open(tmp_path / "arena.sqlite") as board:
        for results in (
            played("a", [5, 6], "space_invaders"),
            played("a", [9], "tennis"),
            played("a", [3, 4]),
            played("b", [1, 1]),
            played("b", [7], rules_id="30" * 32, rules_label="30min"),
        ):
            for result in results[::-1]:
                assert board.add(result)
        sections = sections_of(board)
        assert [(one.game.name, one.rules_label) for one in sections] == [
            *(("breakout", "30min"), ("breakout", "5min"), ("space_invaders", "5min"), ("tennis", "5min")),
        ]
        assert [one.player for one in sections[1].standings] == ["a", "b"]
        assert len(sections[1].episodes) == 4
        assert len(sections[1].verdicts) == 1
        assert [one.game.name for one in sections_of(board, ["tennis"])] == ["tennis"]
    words = Parsed(render(page(*sections))).words
    assert "Breakout, 30min" in words
    assert "Tennis" in words


def test_it_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "report" / "index.html"
    write_page(page(section(played("Zoë", [1]))), path)
    assert path.read_text(encoding="utf-8") == render(page(section(played("Zoë", [1]))))
    assert [entry.name for entry in path.parent.iterdir()] == ["index.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(EventError):
        write_page(page(), tmp_path / "file" / "index.html")
