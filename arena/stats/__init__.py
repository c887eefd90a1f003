"""Statistics: comparisons, sequential tests, verdicts and ratings. Numbers come in, and sentences go out.

It knows no player's file and no database, and imports nothing else of the arena.
"""
