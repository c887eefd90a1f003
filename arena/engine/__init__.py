"""Playing and replaying games: matches, evaluation, verification, seeds, and which games count.

Games come in as rules, seeds and players, and go out as recordings. It knows no scoreboard, no event and no window.
"""
