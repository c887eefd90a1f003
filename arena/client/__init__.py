"""A station: the laptop on which guests play, as its server sees it."""
