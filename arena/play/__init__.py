"""A person plays a game in a window, alone or beside an opponent; the game goes out as a recording.

It knows no scoreboard and no event: who calls it says where recordings go.
"""
