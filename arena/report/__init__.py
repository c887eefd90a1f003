"""The report of an event: verdicts, standings, plots, the story of the finals, highlights and proof, in one file.

An event comes in, HTML, PDF and films go out. It knows no server and no kiosk.
"""
