"""`arena stage`: a tournament shown to a hall. It reads the tournament's log and its games, and decides nothing.

It knows no server and no kiosk.
"""
