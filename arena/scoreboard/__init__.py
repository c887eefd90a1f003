"""The scoreboard: its database and tables, what stands on it, and the way of a recording onto it.

Recordings are verified by `arena.engine` before they are put here. It knows no event, no server and no window.
"""
