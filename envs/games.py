"""The games: what the arena knows about each, and the scores that others have reached in it.

Four games are described here by hand. Every other game that ale-py ships can be played by its ROM name; it has no
title of its own, no reference scores and no script player.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from envs.errors import UnknownGame, shown

FPS = 59.92
"""Emulated frames per second of an NTSC Atari 2600 as ALE runs it."""

PIXEL_WIDTH = 12 / 7
"""Width of an Atari 2600 pixel divided by its height, on an NTSC television."""

ACTION_NAMES = (
    "NOOP", "FIRE", "UP", "RIGHT", "LEFT", "DOWN", "UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT",
    "UPFIRE", "RIGHTFIRE", "LEFTFIRE", "DOWNFIRE", "UPRIGHTFIRE", "UPLEFTFIRE", "DOWNRIGHTFIRE", "DOWNLEFTFIRE",
)  # fmt: skip
"""Names of ALE's action codes 0-17, in their order (`ale_py.Action`)."""

NOOP, FIRE, UP, RIGHT, LEFT, DOWN = range(6)
FULL_ACTION_SET = tuple(range(len(ACTION_NAMES)))


@dataclass(frozen=True, slots=True)
class Reference:
    """A score somebody else reached, with what is needed to judge a comparison."""

    who: str
    """Who or what played."""
    score: float
    """Mean points per episode, unless `conditions` says otherwise."""
    conditions: str
    """Cap, sticky actions, training frames: whatever makes the number comparable or not."""
    source: str


@dataclass(frozen=True, slots=True)
class Game:
    """One Atari game."""

    name: str
    """ALE's ROM name, e.g. `ms_pacman`; the arena's name for the game everywhere."""
    title: str
    """As a person would write it."""
    env_id: str
    """The Gymnasium environment under the arena's rules, e.g. `Arena/MsPacman-v1`."""
    rom_sha256: str | None = None
    """SHA-256 of the ROM file; None for games that are not described here (then ale-py's own MD5 list decides)."""
    fires: bool = False
    """Whether a round starts only after FIRE."""
    frame_skip: int = 4
    """Frames per decision of trained agents, unless they were made with another number."""
    blinks: int = 1
    """Frames in which everything that moves is drawn once, by fixed turns: 1 if all is drawn every frame, or by turns
    that aren't fixed (Ms. Pac-Man's ghosts take turns only at the same height, and never hide for long)."""
    blinking: str = ""
    """What is drawn by turns, if `blinks` is above 1."""
    lives: int | None = None
    """Lives at power-on in the default mode."""
    references: tuple[Reference, ...] = ()

    @property
    def ale_id(self) -> str:
        """The Gymnasium environment of ale-py that this game is built on."""
        return "ALE/" + self.env_id.removeprefix("Arena/").removesuffix("-v1") + "-v5"

    def hidden(self, frame_skip: int) -> int:
        """Return how many of the `blinks` frames an agent never sees that decides every `frame_skip` frames and sees
        the last two before each decision (or the only one)."""
        looks = (0, 1) if frame_skip > 1 else (0,)
        seen = {(k * frame_skip - look) % self.blinks for k in range(self.blinks) for look in looks}
        return self.blinks - len(seen)

    def hides(self, frame_skip: int) -> str:
        """Return a sentence about what an agent can't see with this frame skip; empty if nothing is hidden."""
        hidden = self.hidden(frame_skip)
        if not hidden:
            return ""
        return (
            f"{self.title} draws {self.blinking} by turns, in {self.blinks} frames; with frame skip {frame_skip}, what "
            f"is drawn in {hidden} of them is never seen. With frame skip {self.frame_skip}, everything is."
        )

    def reference(self, who: str) -> Reference | None:
        return next((r for r in self.references if r.who == who), None)


RANDOM = "random"
HUMAN = "human reference"
TESTER = "professional tester"

_RANDOM = "no-op starts, 30-minute cap, no sticky actions"
_DQN_ZOO = "dqn_zoo, atari_data.py"
_WANG = "Wang et al. 2016; dqn_zoo, atari_data.py"
_MNIH = "Mnih et al. 2015"
_DOPAMINE = "Dopamine, published runs"
_HUMAN = "no-op starts, 30-minute cap, no sticky actions"
_TESTER = "5-minute cap, no sticky actions"
_STICKY_200M = "sticky actions 0.25, 200M frames of training"

GAMES: dict[str, Game] = {
    game.name: game
    for game in (
        Game(
            name="breakout",
            title="Breakout",
            env_id="Arena/Breakout-v1",
            rom_sha256="376323f051c3c373c887fd83abead39d87d844ff283d435f4addbfc1710c6fd5",
            fires=True,
            lives=5,
            references=(
                Reference(RANDOM, 1.7, _RANDOM, _DQN_ZOO),
                Reference(HUMAN, 30.5, _HUMAN, _WANG),
                Reference(TESTER, 31.8, _TESTER, _MNIH),
                Reference("DQN, sticky", 94, _STICKY_200M, _DOPAMINE),
                Reference("Rainbow, sticky", 107, _STICKY_200M, _DOPAMINE),
                Reference("IQN, sticky", 81, _STICKY_200M, _DOPAMINE),
                Reference("record", 864, "best single game on an emulator", "cshenton/atari-leaderboard"),
            ),
        ),
        # No published scores for ALE's Pacman were found; the arena calibrates its own (docs/benchmarks.md).
        Game(
            name="pacman",
            title="Pac-Man",
            env_id="Arena/Pacman-v1",
            rom_sha256="e80f4cab17f835b2227a4ce19d3560b10007d2527f6c75e2e31e486a89a1fa07",
            frame_skip=3,
            blinks=4,
            blinking="the ghosts",
            lives=4,
        ),
        Game(
            name="ms_pacman",
            title="Ms. Pac-Man",
            env_id="Arena/MsPacman-v1",
            rom_sha256="dde0b43c5dee7ce1a35ac8e2f625b32a16118512d9be4064115053b972280b14",
            lives=3,
            references=(
                Reference(RANDOM, 307.3, _RANDOM, _DQN_ZOO),
                Reference(HUMAN, 6951.6, _HUMAN, _WANG),
                Reference(TESTER, 15693, _TESTER, _MNIH),
                Reference("DQN, sticky", 3349, _STICKY_200M, _DOPAMINE),
                Reference("Rainbow, sticky", 3921, _STICKY_200M, _DOPAMINE),
                Reference("IQN, sticky", 5154, _STICKY_200M, _DOPAMINE),
                Reference("record", 290090, "best single game, SABER", "Toromanoff et al. 2019"),
            ),
        ),
        Game(
            name="space_invaders",
            title="Space Invaders",
            env_id="Arena/SpaceInvaders-v1",
            blinks=2,
            blinking="the shots",
            rom_sha256="7224b17462b992d67f4e06a3c85f269c9822b06df6015bf038b55f384ced0301",
            lives=3,
            references=(
                Reference(RANDOM, 148.0, _RANDOM, _DQN_ZOO),
                Reference(HUMAN, 1668.7, _HUMAN, _WANG),
                Reference(TESTER, 1652, _TESTER, _MNIH),
                Reference("DQN, sticky", 1760, _STICKY_200M, _DOPAMINE),
                Reference("Rainbow, sticky", 4117, _STICKY_200M, _DOPAMINE),
                Reference("IQN, sticky", 4566, _STICKY_200M, _DOPAMINE),
                Reference("record", 621535, "best single game, SABER", "Toromanoff et al. 2019"),
            ),
        ),
    )
}
"""The games of the event, in the order in which they are shown."""


FOR_TWO = frozenset({"combat", "joust", "maze_craze", "warlords"})
"""ROMs of ale-py without a game for one player; Gymnasium has no environment for them, and the arena no game."""


@cache
def other_games() -> dict[str, Game]:
    """All other games that ale-py ships for one player, by ROM name. They are read from its list of ROMs, so that a
    list of games costs no import of the emulator."""
    package = find_spec("ale_py")
    assert package is not None
    assert package.origin is not None
    files = json.loads((Path(package.origin).parent / "roms" / "md5.json").read_text(encoding="utf-8"))
    roms = sorted({file.removesuffix(".bin") for file in files} - FOR_TWO - GAMES.keys())
    return {
        rom: Game(name=rom, title=rom.replace("_", " ").title(), env_id=f"Arena/{rom.title().replace('_', '')}-v1")
        for rom in roms
    }


_ENVIRONMENT = re.compile(
    r"(?:(?:\w+:)?(?:ALE|Arena)/)?(?P<game>.+?)(?:-ram)?(?:-?(?:NoFrameskip|Deterministic))?(?:-v\d+)?",
    re.IGNORECASE | re.DOTALL,
)
"""A game, or an environment of it as Gymnasium calls them: `Arena/Pong-v1`, `envs:Arena/Pong-v1`, `ALE/Pong-v5`,
`PongNoFrameskip-v4`, `Pong-ram-v0`."""


def find_game(name: str) -> Game:
    """Return the game called `name`: a ROM name, a title, the name of an environment, or anything between (`ms_pacman`,
    `Ms. Pac-Man`, `MsPacmanNoFrameskip-v4` and `ALE/MsPacman-v5` are one game).

    Raises:
        UnknownGame: there is none; the message names the nearest ones.
    """
    match = _ENVIRONMENT.fullmatch(name.strip()) if isinstance(name, str) else None
    plain = match["game"] if match else ""
    if (game := _by_known_name().get(_squeeze(plain))) is not None:
        return game
    near = difflib.get_close_matches(plain.lower(), [*GAMES, *other_games()], n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else f"the event's games are {', '.join(GAMES)}."
    raise UnknownGame(f"There is no game called {shown(name)}; {hint}")


@cache
def _by_known_name() -> dict[str, Game]:
    games = (*other_games().values(), *GAMES.values())
    return {_squeeze(text): game for game in games for text in (game.name, game.title)}


def _squeeze(name: str) -> str:
    """Letters and digits only, in small letters, without the 's of `Montezuma's Revenge`."""
    return "".join(c for c in re.sub(r"['’]s\b", "", name.lower()) if c.isalnum())
