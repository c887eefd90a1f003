"""An event: its folder, settings, secrets and log, and the phases that it goes through.

What happened stands in the log; the phase follows from it. It knows no tournament, no server and no window.
"""
