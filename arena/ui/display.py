"""pygame with its display open, or a sentence that says why it can't be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType

from envs.errors import ArenaError
from envs.window import load_pygame, open_display


@contextlib.contextmanager
def opened_pygame() -> Iterator[ModuleType]:
    """Give pygame with its display open, and close it at the end."""
    pygame = load_pygame()
    try:
        open_display(pygame)
        yield pygame
    except pygame.error as error:
        raise ArenaError(
            f"No window can be shown here ({error}); start this in a desktop session, or write a film: arena export."
        ) from None
    finally:
        pygame.display.quit()
