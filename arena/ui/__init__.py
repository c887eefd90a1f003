"""What is drawn and heard: windows, canvas, colours, fonts, texts, sound, pads, the show of a match, and films.

It knows no kiosk, no event and no scoreboard.
"""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # before any module here imports pygame
