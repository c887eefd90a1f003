"""An event with something on every page: people, bots and scripts in three games, hostile names, running games."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agents.player import Kind
from arena.client.api import Client
from arena.scoreboard.publish import result_of
from arena.scoreboard.results import Result
from arena.scoreboard.server_tables import Role
from arena.scoreboard.store import Scoreboard
from envs.rules import Rules, named_rules
from envs.step import End
from recordings.live_chain import links
from recordings.storage import save
from tests.arena.server.serving import Serving, game, play

NOW = datetime(2026, 5, 1, 18, 30, tzinfo=UTC)
FIRST_SEED = 2**20 - 12
"""Practice seeds: no secret."""
SEEDS = range(FIRST_SEED, FIRST_SEED + 12)

PEOPLE = ("Ann", "Björn", "Eleni K.", "Дмитрий", "محمد علي", "W" * 32)
BOTS = (("pixel-eater", "ab" * 32), ("rainbow-lite", "cd" * 32))
LEVEL = {"breakout": (30, 60), "ms_pacman": (2400, 2100), "space_invaders": (600, 560)}
"""Typical scores of people and of bots."""

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "' onmouseover='alert(1)",
    '" autofocus onfocus=alert(1) "',
    "javascript:alert(1)",
    "data:text/html,<script>1",
    "{{ 7 * 7 }}{% raw %}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "</title></style><svg/onload=f()>",
    "</script><script>alert(1)",
    "</textarea></table><b>",
    "&lt;b&gt; &amp; &#60;",
    "<!-- comment",
    "--><b>",
    "]]><x>",
    "<![CDATA[x",
    "<base href=//evil.example>",
    "<link rel=stylesheet href=//e.x>",
    "<meta http-equiv=refresh>",
    "<iframe src=//evil.example>",
    "<form action=//evil.example>",
    "<a href=//evil.example>x</a>",
    "<style>*{display:none}</style>",
    "@import url(//evil.example)",
    "expression(alert(1))",
    "=1+1",
    "=HYPERLINK('//evil.example')",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "%3Cscript%3E",
    "%00%0d%0aSet-Cookie: a=b",
    "..",
    ".",
    "../../etc/passwd",
    "/",
    "//evil.example",
    "\\\\evil\\share",
    "?kind=bot",
    "#fragment",
    "a&name=b",
    "a;b=c",
    "' OR 1=1 --",
    "%' AND 'x'='x",
    "\\u003cscript\\u003e",
    "\\x3cscript\\x3e",
    "𝖆𝖑𝖊𝖗𝖙",
    "ﬁ＜ｓｃｒｉｐｔ＞",
    "😀" * 32,
)
"""50 names that are names, and would like to be more."""


@dataclass(frozen=True, slots=True)
class EventForPages:
    serving: Serving
    rules: Rules
    """Of the game in which everybody has played."""
    recordings: tuple[str, str]
    """SHA-256 of two recordings on one seed that may be seen."""

    @property
    def url(self) -> str:
        return self.serving.url

    @property
    def standings(self) -> str:
        return f"/standings/{self.rules.game}/{self.rules.rules_id}"


def result(player: str, kind: Kind, artifact: str | None, game: str, seed: int, score: float, number: int) -> Result:
    rules = named_rules(game)
    began = NOW + timedelta(seconds=40 * number)
    return Result(
        player=player,
        kind=kind,
        artifact_sha256=artifact,
        game=game,
        rules_id=rules.rules_id,
        rules_label=rules.label,
        seed=seed,
        score=max(0, round(score)),
        frames=3_000 + number,
        end=End.TERMINATED,
        recording_sha256=hashlib.sha256(f"recording {number}".encode()).hexdigest(),
        digest=hashlib.sha256(f"digest {number}".encode()).hexdigest(),
        recording_name=f"{game}-{number}.arena.zip",
        started_at=began,
        verified_at=began + timedelta(minutes=5),
    )


def results() -> list[Result]:
    """Return the same results every time."""
    chance = random.Random(6)
    found: list[Result] = []
    for title, (people, bots) in LEVEL.items():
        for name in PEOPLE:
            skill = chance.uniform(0.4, 1.7)
            for seed in chance.sample(SEEDS, 4):
                score = people * skill * chance.lognormvariate(0, 0.5)
                found.append(result(name, Kind.HUMAN, None, title, seed, score, len(found)))
        for name, artifact in BOTS:
            for seed in SEEDS:
                score = bots * chance.lognormvariate(0, 0.3)
                found.append(result(name, Kind.BOT, artifact, title, seed, score, len(found)))
    for name in HOSTILE:
        found.append(result(name, Kind.HUMAN, None, "breakout", SEEDS[0], 12, len(found)))
    return found


def fill(serving: Serving) -> EventForPages:
    """Put everything into the database of a server that doesn't run yet."""
    folder = serving.event.recordings
    folder.mkdir(exist_ok=True)
    shown: list[str] = []
    with Scoreboard.open(serving.database) as board:
        for one in results():
            assert board.add(one)
        for player, other in (("Ann", 1), ("Björn", 2)):
            recording = game(player, 1, play(other, 400, "pacman"), name="pacman")
            one = result_of(recording, save(recording, folder))
            assert board.add(one)
            shown.append(one.recording_sha256)
    return EventForPages(serving, named_rules("breakout"), (shown[0], shown[1]))


def begin_game(client: Client, player: str, game: str = "breakout", frames: int = 240) -> str:
    """Begin a ranked game that never ends, and tell so many frames of it; return its ticket."""
    ticket = client.start(client.ticket(player, game).id)
    actions = bytes(frames)
    client.tell(ticket.id, list(links(ticket.chain, actions)))
    return ticket.id


def station(serving: Serving) -> Client:
    return serving.client(Role.STATION)
