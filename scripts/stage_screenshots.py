#!/usr/bin/env python3
"""Make the pictures of the stage in docs/screenshots/, from tournaments that are really played for them.

python3 scripts/stage_screenshots.py
python3 scripts/stage_screenshots.py --size 3840x2160 --out /tmp/large
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from screenshots import GUESTS, options, picture_of, played_by_guest, save  # noqa: E402

from arena.event.blocked_words import load_words  # noqa: E402
from arena.event.folder import Event, open_event  # noqa: E402
from arena.scoreboard.publish import keep, publish  # noqa: E402
from arena.scoreboard.store import Scoreboard  # noqa: E402
from arena.stage.audience import Hall  # noqa: E402
from arena.stage.player import TheShow  # noqa: E402
from arena.stage.poller import Follower  # noqa: E402
from arena.stage.scenes import ChampionScene, PlayingScene, Scene, TableScene, WinnerScene  # noqa: E402
from arena.tournament.runner import TournamentRunner, machine, person  # noqa: E402
from arena.ui.window import Press, Stage, open_stage  # noqa: E402
from envs.rules import named_rules  # noqa: E402

URL = "http://192.168.1.10:8000"
FRAMES = 2400
"""Of each game: 40 seconds."""
SHOT = 1800
"""The frame of which the picture of a running game is taken."""


def hold(
    event: Event, title: str, format: str, games: Sequence[str], people: Sequence[str], agents: Sequence[str], n: int
) -> None:
    """Play a whole tournament on practice seeds."""
    rules = {game: named_rules(game).varied(max_frames=FRAMES) for game in games}
    entrants = [person(name) for name in people] + [machine(agent, games) for agent in agents]
    with Scoreboard.open(event.database) as board:
        one = TournamentRunner(event, board, format.replace(" ", "-"))
        one.create(
            {
                "title": title,
                "format": format,
                "rules": {game: its.as_dict() for game, its in rules.items()},
                "entrants": [entrant.model_dump(mode="json") for entrant in entrants],
                "series": {"kind": "best of", "n": n},
                "practice": True,
            }
        )
        state = one.run(processes=1)
        while slots := one.waiting_for(state):
            for slot in slots:
                seeds = [one.seed_of(state, slot)]
                played = played_by_guest(slot.player, rules[slot.game], seeds, len(slot.player))
                publish([keep(recording, event.recordings) for recording in played], board, processes=1)
            state = one.run(processes=1)


class StageCamera:
    """Leads a show from scene to scene and takes its picture."""

    def __init__(self, event: Event, stage: Stage) -> None:
        self._stage = stage
        self._follower = Follower(event, None, None)
        self._follower.look()
        self.show = TheShow(Hall(self._follower, stage, URL, load_words(event.folder)))

    def turn(self, frames: int) -> Any:
        """Let time go by; return what stands on the window then, as a pillow image."""
        for _ in range(frames):
            self.show.turn()
        return picture_of(self._stage)

    def press(self, key: str) -> None:
        self.show.obey(Press(None, key=key))

    def to(self, scene: type[Scene], times: int = 1) -> None:
        """Skip until such a scene has come so often."""
        while times:
            before = self.show.scene
            self.press("right")
            while isinstance(self.show.scene, PlayingScene):
                self.turn(1)
            times -= isinstance(self.show.scene, scene) and self.show.scene is not before

    def close(self) -> None:
        self.show.close()
        self._follower.close()


def pictures(event: Event, stage: Stage) -> Iterator[tuple[str, Any]]:
    """Yield the name and the picture of every scene."""
    hint = 400  # frames after which the keys aren't shown any more
    camera = StageCamera(event, stage)
    yield "waiting", camera.turn(hint)
    camera.close()

    hold(event, "The last duel", "duel", ("space_invaders", "breakout"), GUESTS[:1], ("script:basic",), 3)
    camera = StageCamera(event, stage)
    yield "next", camera.turn(430)
    while not isinstance(camera.show.scene, PlayingScene):
        camera.turn(1)
    yield "playing", camera.turn(SHOT)
    camera.press("space")
    yield "paused", camera.turn(2)
    camera.press("escape")
    yield "leaving", camera.turn(2)
    camera.press("escape")
    camera.press("space")
    camera.to(WinnerScene)
    yield "winner", camera.turn(hint)
    camera.to(TableScene, 3)
    yield "duel", camera.turn(hint)
    camera.close()

    people, bots = GUESTS[:4], ("script:basic", "script:steady", "script:random", "script:noop")
    hold(event, "The cup", "knockout", ("space_invaders",), people, bots, 1)
    camera = StageCamera(event, stage)
    camera.to(TableScene, 5)
    yield "bracket", camera.turn(hint)
    camera.to(ChampionScene)
    yield "champion", camera.turn(hint)
    camera.close()

    hold(event, "People against bots", "team battle", ("space_invaders", "breakout"), people[:3], bots[:2], 2)
    camera = StageCamera(event, stage)
    camera.to(TableScene, 3)
    yield "standings", camera.turn(hint)
    camera.to(ChampionScene)
    yield "verdict", camera.turn(hint)
    camera.close()


def main() -> int:
    size, out = options(__doc__)
    os.environ["SDL_VIDEODRIVER"] = os.environ["SDL_AUDIODRIVER"] = "dummy"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ARENA_CONFIG"] = str(Path(folder) / "controls")
        event = open_event(Path(folder) / "event", "Winter Arcade")
        with open_stage("Arena", size=size) as stage:
            return save(((f"stage-{name}", taken) for name, taken in pictures(event, stage)), out)


if __name__ == "__main__":
    sys.exit(main())
