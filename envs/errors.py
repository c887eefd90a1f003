"""Every error that a user of the arena may see. One sentence each: what was expected, what came, what to do.

ArenaError
├── UnknownGame         no such game
├── RomError            the ROM file is missing or is not the one that the rules name
├── RulesError          a rules file or a rules name that can't be used
├── SeedError           a seed outside the range
├── PlayerNameError     a text that can't be a player's name
├── IllegalAction       an action code outside the action set of the rules
├── StaleStep           a step was asked for its screen after the emulator had moved on
├── AgentError          an agent that can't be found, read or run
├── RecordingError      a recording that is cut, edited, foreign or from another version
├── ScoreboardError     the database can't be reached, is locked or is of another version
└── EventError          the event folder can't be used (missing, full, not writable)

The command line turns each of them into exit code 2 and its sentence; anything else is a bug and shows a traceback.
"""


class ArenaError(Exception):
    """Base of all errors whose text is written for the person in front of the screen."""


class UnknownGame(ArenaError):
    pass


class RomError(ArenaError):
    pass


class RulesError(ArenaError):
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


class ScoreboardError(ArenaError):
    pass


class EventError(ArenaError):
    pass
