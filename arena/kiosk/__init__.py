"""The kiosk: the arena as an arcade machine that people walk up to, and that an organizer leaves running all day.

Presses come in, ranked games go out. It knows no server (games go through `arena.client`) and no tournament.
"""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # before any module here imports pygame
