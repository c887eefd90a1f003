"""Tournaments: formats, series, standings, qualification and teams, and the runner that plays them.

A tournament is its log; everything else follows from it. It knows no server and no window.
"""
