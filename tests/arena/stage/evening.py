"""A tournament in small, and the show of it, moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pygame
import pytest

from arena.event.blocked_words import load_words
from arena.event.folder import Event, server_url
from arena.scoreboard.store import Scoreboard
from arena.stage.audience import Hall
from arena.stage.player import TheShow
from arena.stage.poller import Follower
from arena.stage.scenes import PlayingScene
from arena.tournament.model import TournamentState
from arena.tournament.runner import TournamentRunner, machine, person
from arena.ui.window import Stage
from envs.rules import named_rules
from tests.pretend import people_play

GAME = "space_invaders"
RULES = named_rules(GAME).varied(max_frames=300)
PEOPLE = {"Mia": 0.1, "José Ángel": 0.6}


def begin(event: Event, board: Scoreboard, name: str, format: str, people: tuple[str, ...], n: int) -> TournamentRunner:
    """Begin a tournament of people against two scripts, of whom a duel takes one."""
    agents = ("script:random", "script:noop")[: 1 if format == "duel" else 2]
    entrants = [person(one) for one in people] + [machine(agent, [GAME]) for agent in agents]
    values: dict[str, Any] = {
        "title": name.title(),
        "format": format,
        "rules": {GAME: RULES.as_dict()},
        "entrants": [one.model_dump(mode="json") for one in entrants],
        "series": {"kind": "best of", "n": n},
        "practice": True,
    }
    one = TournamentRunner(event, board, name)
    one.create(values)
    one.run(processes=1)
    return one


def finish(one: TournamentRunner) -> TournamentState:
    """Let everybody play to the end."""
    state = one.state()
    while slots := one.waiting_for(state):
        for slot in slots:
            people = {slot.player: PEOPLE[slot.player]}
            people_play(one.board, one.event.recordings, RULES, [one.seed_of(state, slot)], people)
        state = one.run(processes=1)
    return state


class Evening:
    """One show, moved by hand."""

    def __init__(self, event: Event, stage: Stage, name: str | None) -> None:
        self.event = event
        self.follower = Follower(event, None, name)
        self.follower.look()
        hall = Hall(self.follower, stage, server_url(event), load_words(event.folder))
        self.show = TheShow(hall, behind=lambda: True)  # a slow machine: every fourth picture is drawn
        self.scenes = [self.scene]

    @property
    def scene(self) -> str:
        return type(self.show.scene).__name__.removesuffix("Scene")

    @property
    def playing(self) -> PlayingScene:
        assert isinstance(self.show.scene, PlayingScene)
        return self.show.scene

    def turn(self, frames: int = 1) -> None:
        for _ in range(frames):
            before = self.show.scene
            self.show.turn()
            if self.show.scene is not before:
                self.scenes.append(self.scene)

    def until(self, *scenes: str, frames: int = 4000) -> None:
        """Let time go by until one of `scenes` is on."""
        for _ in range(frames):
            if self.scene in scenes:
                return
            self.turn()
        pytest.fail(f"none of {scenes} came; there were {self.scenes}")

    def press(self, *keys: str) -> None:
        for key in keys:
            code = pygame.key.key_code(key)
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=code, unicode="", mod=0))
            pygame.event.post(pygame.event.Event(pygame.KEYUP, key=code, mod=0))
            self.turn()

    def look(self) -> None:
        self.follower.look()

    def close(self) -> None:
        self.show.close()
        self.follower.close()


Opens = Callable[[Event, str | None], Evening]
