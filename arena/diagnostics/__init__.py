"""Checks that change nothing: of this machine, of an agent's file, and of how an agent has played.

Out come findings in plain words, each with a fix. It knows no event and no scoreboard.
"""
