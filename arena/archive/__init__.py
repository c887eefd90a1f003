"""An event's data beyond the event: export, audit, backup, data sets, and taking a player out of all of it.

It reads the scoreboard, the log and the recordings. It knows no window and no server.
"""
