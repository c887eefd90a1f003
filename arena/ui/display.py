"""pygame with its display open, or a sentence that says why it can't be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from arena.ui.palette import GROUND, ORANGE
from envs.errors import ArenaError
from envs.window import load_pygame, open_display


@contextlib.contextmanager
def opened_pygame() -> Iterator[ModuleType]:
    """Give pygame with its display open, and close it at the end."""
    pygame = load_pygame()
    try:
        open_display(pygame)
        pygame.display.set_icon(_icon(pygame))
        yield pygame
    except pygame.error as error:
        raise ArenaError(
            f"No window can be shown here ({error}); start this in a desktop session, or write a film: arena export."
        ) from None
    finally:
        pygame.display.quit()


def _icon(pygame: Any) -> Any:
    """Return the windows' icon, a ball over a paddle. While pygame loads its own, a Ctrl-C would be lost."""
    icon = pygame.Surface((32, 32))
    icon.fill(GROUND)
    icon.fill(ORANGE, (4, 22, 24, 6))
    icon.fill(ORANGE, (18, 6, 6, 6))
    return icon
