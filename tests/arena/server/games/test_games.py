"""Ranked games from ticket to standing, on both databases, through a real server."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from arena.client.api import Client, ServerRefused
from arena.scoreboard.server_tables import Role
from arena.scoreboard.store import Scoreboard
from arena.server.clock import Clock
from arena.server.games.uploads import MOST_ATTEMPTS, Uploads
from envs.environment import ale_seed_of
from recordings.codec import decode, encode
from recordings.live_chain import Chain, Link, links
from tests.arena.server.serving import Serving, bytes_of, decided, game, play
from tests.forging import dumped, packed

INVADERS = "space_invaders"
"""Its games last longer than ten seconds, whatever is pressed."""
SOAK = bool(os.environ.get("ARENA_SOAK"))
FORGED = 1000 if SOAK else 100


def refused(status: int, call: Any, *arguments: Any) -> str:
    with pytest.raises(ServerRefused) as caught:
        call(*arguments)
    assert caught.value.status == status, caught.value
    return str(caught.value)


def results_of(client: Client, player: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/results", player=player, limit=1000)
    return found


def test_a_ranked_game_from_ticket_to_standing(serving: Serving) -> None:
    station, anybody = serving.client(Role.STATION), serving.client()
    ticket = station.ticket("Ada", "breakout")
    assert station.start(ticket.id).state == "started"
    assert station.start(ticket.id).state == "started", "said twice it is the same"
    actions = play(1, 180)
    recording = bytes_of(game("Ada", ticket.seed, actions))
    for link in links(ticket.chain, actions):
        assert station.tell(ticket.id, [link]) == link.frame
        assert station.tell(ticket.id, [link]) == link.frame
    (running,) = anybody.get("/live")
    assert (running["player"], running["frames"]) == ("Ada", 180)
    assert "seed" not in running
    receipt = station.send_recording(recording, "key-of-ada", ticket.id)
    assert receipt["state"] == "received"
    assert station.send_recording(recording, "key-of-ada", ticket.id)["id"] == receipt["id"]
    (verdict,) = decided(station, [receipt["id"]])
    assert verdict["state"] == "verified", verdict
    (result,) = results_of(anybody, "Ada")
    assert (result["player"], result["seed"], result["end"]) == ("Ada", ticket.seed, "quit")
    assert result["source"] == "upload"
    assert result["trust"] in ("witnessed", "unattested"), "how long these three seconds took nobody knows"
    (line,) = anybody.get("/standings", game="breakout", rules_id=result["rules_id"], kind="human")[-1:]
    assert "Ada" in [
        one["player"] for one in anybody.get("/standings", game="breakout", rules_id=result["rules_id"])
    ], line
    assert anybody.get("/live") == []
    assert station.get(f"/tickets/{ticket.id}")["state"] == "finished"
    shorter = bytes_of(game("Ada", ticket.seed, actions[:120]))
    assert "ticket is for one game" in refused(409, station.send_recording, shorter, "another-key", ticket.id)
    assert "another recording" in refused(409, station.send_recording, shorter, "key-of-ada", ticket.id)
    assert len(results_of(anybody, "Ada")) == 1


def test_every_started_game_counts(serving: Serving) -> None:
    """A hundred games that were given up are a hundred episodes, each with what was told of it."""
    name, count = "Quitter", 100 if serving.database.startswith("sqlite") else 10
    mine = serving.client(token=serving.token(Role.PARTICIPANT, name))
    for number in range(count):
        ticket = mine.ticket(name, "breakout")
        mine.start(ticket.id)
        if number % 10 == 0:
            mine.tell(ticket.id, list(links(ticket.chain, play(number, 120))))
        assert mine.abandon(ticket.id).state == "abandoned"
        if number == 0:
            assert mine.abandon(ticket.id).state == "abandoned", "said twice it is the same"
            late = bytes_of(game(name, ticket.seed, play(number, 240)))
            assert "was given up" in refused(409, mine.send_recording, late, "too-late-now", ticket.id)
    deadline = time.monotonic() + 300
    while len(results := results_of(mine, name)) < count:
        assert time.monotonic() < deadline, len(results)
        time.sleep(0.2)
    assert sorted({(one["frames"], one["source"]) for one in results}) == [(0, "abandoned"), (120, "abandoned")]
    assert len({one["seed"] for one in results}) == count
    standings = mine.get("/standings", game="breakout", rules_id=results[0]["rules_id"])
    assert [line["episodes"] for line in standings if line["player"] == name] == [count]


def test_a_ticket_is_bound(serving: Serving) -> None:
    """To its holder, its player, game, rules and seed; nobody else's game passes with it."""
    station, stranger = serving.client(Role.STATION), serving.client(token=serving.token(Role.STATION, "Elsewhere"))
    mine = serving.client(Role.PARTICIPANT)
    ticket = station.ticket("Bea", "breakout")
    station.start(ticket.id)
    good = game("Bea", ticket.seed, play(2, 60))
    others = {
        "player": game("Eve", ticket.seed, good.actions),
        "seed": game("Bea", ticket.seed + 1, good.actions),
        "rules": game("Bea", ticket.seed, good.actions, rules="30min"),
        "kind": game("Bea", ticket.seed, good.actions, kind="script"),
    }
    for what, other in others.items():
        assert f"its {what} is another" in refused(
            422, station.send_recording, encode(other), f"other-{what}", ticket.id
        )
    for somebody in (stranger, mine):
        assert "no such ticket" in refused(404, somebody.start, ticket.id)
        assert "no such ticket" in refused(404, somebody.tell, ticket.id, list(links(ticket.chain, good.actions)))
    assert "no such ticket" in refused(404, stranger.send_recording, encode(good), "not-my-ticket", ticket.id)
    assert "only Participant can play" in refused(403, mine.ticket, "Bea", "breakout")
    assert "chooses the seed" in refused(403, mine.ticket, "Participant", "breakout", "5min", 5)
    assert "Games of a bot" in refused(
        403, mine.send_recording, encode(game("Participant", 3, good.actions, kind="bot")), "bots-game"
    )
    receipt = station.send_recording(encode(good), "good-game", ticket.id)
    assert decided(station, [receipt["id"]])[0]["state"] == "verified"


def test_what_was_told_is_what_was_played(serving: Serving) -> None:
    """A game that was rewound, or another than was told of, doesn't pass; gaps and forgeries in the chain neither."""
    station = serving.client(Role.STATION)
    ticket = station.ticket("Cid", "breakout", seed=2**40)
    actions = play(3, 240)
    first, second, third, fourth = links(ticket.chain, actions)
    assert "not running, but issued" in refused(409, station.tell, ticket.id, [first])
    station.start(ticket.id)
    assert "Links are missing" in refused(409, station.tell, ticket.id, [second])
    assert "does not follow" in refused(409, station.tell, ticket.id, [Link(60, "0" * 64, first.actions)])
    assert station.tell(ticket.id, [first, second]) == 120
    other = Chain(ticket.chain)
    rewound = [link for action in play(4, 120) if (link := other.add(action))]
    assert "Another game was told of" in refused(409, station.tell, ticket.id, rewound)
    assert "outside the rules' action set" in refused(422, station.tell, ticket.id, [Link(180, "0" * 64, b"\x11" * 60)])
    assert station.tell(ticket.id, [second, third, fourth]) == 240
    forged = encode(game("Cid", ticket.seed, play(4, 300)))
    receipt = station.send_recording(forged, "rewound-game", ticket.id)
    assert "not the game that was told of" in decided(station, [receipt["id"]])[0]["reason"]
    shorter = station.send_recording(encode(game("Cid", ticket.seed, actions[:200])), "shorter-game", ticket.id)
    assert "not the game that was told of" in decided(station, [shorter["id"]])[0]["reason"]
    whole = station.send_recording(encode(game("Cid", ticket.seed, actions)), "whole-game", ticket.id)
    assert decided(station, [whole["id"]])[0]["state"] == "verified"


def test_a_bad_game_is_not_got_rid_of_by_sending_another(serving: Serving) -> None:
    """What was told of a participant's game counts when its recording is refused; the whole game may still come."""
    name = "Sly"
    mine = serving.client(token=serving.token(Role.PARTICIPANT, name))
    ticket = mine.ticket(name, "breakout")
    mine.start(ticket.id)
    actions = play(9, 300)
    mine.tell(ticket.id, list(links(ticket.chain, actions))[:2])
    receipt = mine.send_recording(encode(game(name, ticket.seed, play(10, 300))), "another-game", ticket.id)
    assert decided(mine, [receipt["id"]])[0]["state"] == "refused"
    deadline = time.monotonic() + 300
    while not (found := results_of(mine, name)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [(one["frames"], one["source"], one["trust"]) for one in found] == [(120, "abandoned", "unattested")]
    assert "recording was refused" in found[0]["trust_reason"]
    receipt = mine.send_recording(encode(game(name, ticket.seed, actions)), "the-whole-game", ticket.id)
    assert decided(mine, [receipt["id"]])[0]["state"] == "verified"
    assert [one["frames"] for one in results_of(mine, name)] == [300]


def test_edited_and_copied_recordings_are_refused(serving: Serving) -> None:
    """Games of others under one's own name, with and without tickets, and games whose manifest was changed."""
    chance, count = random.Random(5), FORGED if SOAK or serving.database.startswith("sqlite") else 18
    victim = serving.client(token=serving.token(Role.PARTICIPANT, "Victim"))
    thief = serving.client(token=serving.token(Role.PARTICIPANT, "Thief"))
    originals = [game("Victim", seed, play(seed, 700, INVADERS), name=INVADERS) for seed in range(1000, 1006)]
    sent = [victim.send_recording(encode(one), f"original-{i}") for i, one in enumerate(originals)]
    assert {one["state"] for one in decided(victim, [one["id"] for one in sent])} == {"verified"}
    statuses: set[int] = set()
    numbers, at_once = [], 0
    for number in range(count):
        original = originals[number % len(originals)]
        content, ticket = forged(original, number, chance, thief)
        try:
            numbers.append(thief.send_recording(content, f"forged-{number}", ticket)["id"])
        except ServerRefused as error:
            statuses.add(error.status)
            at_once += 1
    assert statuses <= {403, 409, 422}
    verdicts = decided(thief, numbers, 600)
    assert [one for one in verdicts if one["state"] != "refused"] == []
    counted = results_of(thief, "Thief")
    assert {(one["source"], one["frames"], one["score"]) for one in counted} == {("abandoned", 0, 0)}, "only begun"
    assert len(results_of(thief, "Victim")) == len(originals)
    assert at_once > count // 5
    assert len(numbers) > count // 5


def forged(original: Any, number: int, chance: random.Random, thief: Client) -> tuple[bytes, str | None]:
    """One of the ways to send a game that isn't one's own, or wasn't so."""
    match number % 7:
        case 0:  # as it is
            return encode(original), None
        case 1:  # under the thief's name
            name = original.player.model_copy(update={"name": "Thief"})
            return encode(original.model_copy(update={"player": name})), None
        case 2:  # with a ticket
            ticket = thief.ticket("Thief", INVADERS)
            name = original.player.model_copy(update={"name": "Thief"})
            return encode(original.model_copy(update={"player": name})), ticket.id
        case 3:  # with a ticket and its seed
            ticket = thief.ticket("Thief", INVADERS)
            name = original.player.model_copy(update={"name": "Thief"})
            changes = {"seed": ticket.seed, "ale_seed": ale_seed_of(ticket.seed), "player": name}
            return encode(original.model_copy(update=changes)), ticket.id
        case 4:  # with a better score
            name = original.player.model_copy(update={"name": "Thief"})
            changes = {"score": original.score + chance.randrange(1, 500), "player": name}
            return encode(original.model_copy(update=changes)), None
        case 5:  # without its end
            return encode(game("Thief", original.seed, original.actions[: -1 - number % 10], name=INVADERS)), None
        case _:  # a byte of its own
            content = bytearray(encode(original))
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            return bytes(content), None


def test_a_seed_with_a_ticket_is_played_with_the_ticket(serving: Serving) -> None:
    station, mine = serving.client(Role.STATION), serving.client(Role.PARTICIPANT)
    ticket = station.ticket("Dan", "breakout")
    receipt = mine.send_recording(encode(game("Participant", ticket.seed, play(6, 60))), "stolen-seed")
    assert "belongs to a ticket" in decided(mine, [receipt["id"]])[0]["reason"]


def test_a_seed_is_told_when_its_game_begins(serving: Serving) -> None:
    """Who holds tickets doesn't know which seeds are easy; what was never begun can't be sent."""
    mine = serving.client(token=serving.token(Role.PARTICIPANT, "Hoarder"))
    issued = mine.post("/tickets", {"player": "Hoarder", "game": "breakout"})
    assert (issued["state"], issued["seed"], issued["chain"]) == ("issued", None, None)
    assert mine.get(f"/tickets/{issued['id']}")["seed"] is None
    assert [one["seed"] for one in mine.get("/tickets")] == [None]
    begun = mine.start(issued["id"])
    assert begun.state == "started"
    assert mine.get(f"/tickets/{issued['id']}")["seed"] == begun.seed
    unused = mine.post("/tickets", {"player": "Hoarder", "game": "breakout"})
    guessed = encode(game("Hoarder", 2**41, play(3, 60)))
    assert "is another one" in refused(422, mine.send_recording, guessed, "never-begun", unused["id"])


def test_what_the_scoreboard_could_not_take_is_not_acknowledged(serving: Serving) -> None:
    """Else it would be replayed again and again, and everybody else would wait."""
    mine = serving.client(Role.PARTICIPANT)
    original = game("Participant", 77, play(4, 60))
    for year in (1, 9999):
        odd = original.model_copy(update={"started_at": original.started_at.replace(year=year)})
        assert "between the years" in refused(422, mine.send_recording, encode(odd), f"in-the-year-{year}")
    player = original.player.model_copy(update={"artifact_sha256": "0" * 64})
    another = original.model_copy(update={"player": player})
    assert "names an agent's file" in refused(422, mine.send_recording, encode(another), "a-line-of-its-own")


def test_a_changed_copy_is_a_copy(serving: Serving) -> None:
    """One action changed, some frames put before it, or the end played differently: it stays somebody else's game."""
    author = serving.client(token=serving.token(Role.PARTICIPANT, "Author"))
    copyist = serving.client(token=serving.token(Role.PARTICIPANT, "Copyist"))
    actions, seed = play(40, 675, INVADERS), 123_456
    receipt = author.send_recording(encode(game("Author", seed, actions, name=INVADERS)), "the-original")
    assert decided(author, [receipt["id"]])[0]["state"] == "verified"
    one_changed = bytearray(actions)
    one_changed[3] = 3 if actions[3] != 3 else 4
    copies = [bytes(one_changed), b"\x01" * 7 + actions, actions[:600] + play(41, 90, INVADERS), actions[30:]]
    numbers = [
        copyist.send_recording(encode(game("Copyist", seed, copy, name=INVADERS)), f"copy-number-{number}")["id"]
        for number, copy in enumerate(copies)
    ]
    verdicts = decided(copyist, numbers)
    assert [one["state"] for one in verdicts] == ["refused"] * len(copies)
    assert all("% of its actions are" in one["reason"] for one in verdicts), verdicts
    own = copyist.send_recording(encode(game("Copyist", seed, play(42, 675, INVADERS), name=INVADERS)), "an-own-game")
    assert decided(copyist, [own["id"]])[0]["state"] == "verified"


def test_nobody_waits_for_what_another_has_sent(tmp_path: Path) -> None:
    """Uploads are verified by turns, whatever came first; one that fails again and again is refused."""
    options = ["--evaluators", "0", "--verifiers"]
    with Serving(tmp_path / "event", options=[*options, "0"]) as serving:
        many, few = (serving.client(token=serving.token(Role.PARTICIPANT, name)) for name in ("Many", "Few"))
        flood = [
            many.send_recording(
                encode(game("Many", seed, play(seed, 300, INVADERS), name=INVADERS)), f"of-many-{seed}"
            )["id"]
            for seed in range(12)
        ]
        honest = few.send_recording(encode(game("Few", 1, play(50, 60))), "the-only-one")["id"]
        with Scoreboard.open(serving.database) as board:
            uploads = Uploads(board, Clock(), serving.event.recordings, 30)
            assert uploads.waiting(3) == [flood[0], honest, flood[1]]
            for _ in range(MOST_ATTEMPTS):
                assert uploads.waiting(1) == [flood[0]]
                uploads.failed(flood[0], "its replay broke down")
            assert uploads.waiting(2) == [honest, flood[1]] or uploads.waiting(2) == [flood[1], honest]
        assert "broke down 3 times" in many.get(f"/uploads/{flood[0]}")["reason"]
        serving.stop()
        serving.options[-1] = "1"
        serving.start()
        decided(few, [honest])
        waiting = [one for one in many.get("/uploads") if one["state"] == "received"]
        assert len(waiting) > len(flood) / 2


def test_rules_that_nobody_agreed_on(serving: Serving) -> None:
    from arena.engine.recover import replayed
    from envs.rules import named_rules
    from recordings.recording import RecordedPlayer
    from recordings.storage import Header
    from tests.arena.server.serving import BEGAN

    easy = named_rules("breakout").varied(sticky=0.0)
    header = Header(easy, 1, RecordedPlayer(name="Participant", kind="human"), BEGAN)
    mine = serving.client(Role.PARTICIPANT)
    assert "not ranked" in refused(422, mine.send_recording, encode(replayed(header, b"\0" * 60)), "easy-rules")
    original = game("Participant", 1, b"\0" * 60)
    manifest = {**original.model_dump(mode="json"), "format": "arena-recording/2", "rules_id": original.rules.rules_id}
    assert "format" in refused(422, mine.send_recording, packed(b"\0" * 60, dumped(manifest).encode()), "future-one")
    assert decode(encode(original)) == original


def test_a_game_that_seemed_lost_arrives_whole(serving: Serving) -> None:
    """The event is closed while a game runs: what was told counts. Its whole recording can't come any more, unless the
    closing is undone."""
    station, boss = serving.client(Role.STATION), serving.client(Role.ORGANIZER)
    ticket = station.ticket("Eli", "breakout")
    station.start(ticket.id)
    actions = play(8, 300)
    station.tell(ticket.id, list(links(ticket.chain, actions))[:2])
    closing = boss.post("/organizer/state", {"state": "closed", "reason": "midnight"})
    try:
        assert station.get(f"/tickets/{ticket.id}")["state"] == "lost"
        deadline = time.monotonic() + 300
        while not (found := results_of(station, "Eli")):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert [(one["frames"], one["source"]) for one in found] == [(120, "abandoned")]
        whole = encode(game("Eli", ticket.seed, actions))
        assert "closed" in refused(409, station.send_recording, whole, "whole-game-of-eli", ticket.id)
        assert "closed" in refused(409, station.ticket, "Eli", "breakout")
    finally:
        boss.post(f"/organizer/undo/{closing['id']}", {"reason": "not yet"})
    receipt = station.send_recording(whole, "whole-game-of-eli", ticket.id)
    assert decided(station, [receipt["id"]])[0]["state"] == "verified"
    assert [(one["frames"], one["trust"]) for one in results_of(station, "Eli")] == [(300, "unattested")]
    assert "arrived later" in str([one["void_reason"] for one in station.get("/void") if one["player"] == "Eli"])
