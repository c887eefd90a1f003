"""The colours of everything a person plays on, from the palette of Okabe and Ito (jfly.uni-koeln.de/color), which
people with any colour vision tell apart. As (red, green, blue), 0 to 255."""

BACKGROUND = (17, 17, 17)
BRIGHT = (242, 244, 246)
QUIET = (168, 176, 186)
PERSON = (86, 180, 233)
"""Sky blue: the person in front of the window."""
RIVAL = (230, 159, 0)
"""Orange: who plays beside the person."""
SCORE = (240, 228, 66)
"""Yellow."""
WARNING = (213, 94, 0)
"""Vermilion."""
