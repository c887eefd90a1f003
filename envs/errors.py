"""Every error that a user of the arena may see. One sentence each: what was expected, what came, what to do.

ArenaError
├── UnknownGame         no such game
├── RomError            the ROM file is missing or is not the one that the rules name
├── RulesError          a rules file or a rules name that can't be used
├── OptionError         an option of an environment that doesn't exist, or a value that it doesn't have
├── SeedError           a seed outside the range
├── PlayerNameError     a text that can't be a player's name
├── IllegalAction       an action code outside the action set of the rules
├── StaleStep           a step was asked for its screen after the emulator had moved on
├── AgentError          an agent that can't be found, read or run
│   └── Refused         (agents.packages) a file that isn't admitted as an agent: with a code and a way to mend it
├── RecordingError      a recording that is cut, edited, foreign or from another version
├── MissingExtra        a library that comes with an extra of the arena isn't installed
├── ScoreboardError     the database can't be reached, is locked or is of another version
└── EventError          the event folder can't be used (missing, full, not writable)

The command line turns each of them into exit code 2 and its sentence; anything else is a bug and shows a traceback.
"""

import reprlib

from envs.redaction import redact

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 80
_REPR.maxlevel = 3


def shown(value: object) -> str:
    """Return a foreign value as it may stand in an error's sentence: short and printable, however deep or long."""
    try:
        return _REPR.repr(value)
    except Exception:  # an int of more digits than Python prints
        return f"a {type(value).__name__}"


def tidy(text: object, limit: int = 240) -> str:
    """Return somebody else's error text on one line, cut to `limit` characters, without control characters."""
    line = "".join(c if c.isprintable() else " " for c in str(text)[: 2 * limit])
    return line if len(line) <= limit else line[: limit - 1] + "…"


class ArenaError(Exception):
    """Base of all errors whose text is written for the person in front of the screen. It holds no secrets, whatever it
    quotes."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(redact(one) if isinstance(one, str) else one for one in arguments))


class UnknownGame(ArenaError):
    pass


class RomError(ArenaError):
    pass


class RulesError(ArenaError):
    pass


class OptionError(ArenaError):
    pass


class SeedError(ArenaError):
    pass


class PlayerNameError(ArenaError):
    pass


class IllegalAction(ArenaError):
    pass


class StaleStep(ArenaError):
    pass


class AgentError(ArenaError):
    pass


class RecordingError(ArenaError):
    pass


class MissingExtra(ArenaError):
    pass


class ScoreboardError(ArenaError):
    pass


class EventError(ArenaError):
    pass
