"""Game controllers and joysticks: plugged in and out at any time; what happens on them becomes sources and presses.

SDL knows the layout of most pads ("controllers"); they have named buttons. Any other joystick has numbers only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

PRESSED, RELEASED = 0.5, 0.35
"""How far an axis must go to count as pressed, and come back to count as released; 1 is all the way."""
_AXIS_UNIT = 32768
_CONTROLLER_BUTTONS = (
    *("a", "b", "x", "y", "back", "guide", "start", "leftstick", "rightstick", "leftshoulder", "rightshoulder"),
    *("dpup", "dpdown", "dpleft", "dpright"),
)
_CONTROLLER_AXES = ("leftx", "lefty", "rightx", "righty", "triggerleft", "triggerright")


class Pads:
    """The connected pads.

    Args:
        pygame: the module with its joysticks initialised.
    """

    def __init__(self, pygame: Any) -> None:
        from pygame._sdl2 import controller

        self._pg = pygame
        self._controller = controller
        self._open: dict[int, Any] = {}
        """Controllers and joysticks by their instance id."""
        self._controllers: set[int] = set()
        self._names: dict[int, str] = {}
        self._axes: dict[tuple[int, str], str] = {}
        """The half axes and hat directions that count as pressed."""
        self._holders: dict[str, set[int]] = {}
        """The instance ids of the pads that hold a source down."""
        self.plugged: list[str] = []
        """Names of pads that came since somebody last emptied this."""
        self.unplugged: list[str] = []
        """Names of pads that went since somebody last emptied this."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._names.values())

    def take(self, event: Any) -> Iterator[tuple[str, bool]]:
        """Follow one pygame event; yield (source, pressed) for each press and release in it. What several pads hold
        down is released when the last of them lets go."""
        instance = getattr(event, "instance_id", -1)
        for source, pressed in self._heard(event):
            holders = self._holders.setdefault(source, set())
            before = bool(holders)
            (holders.add if pressed else holders.discard)(instance)
            if pressed or (before and not holders):
                yield source, pressed

    def _heard(self, event: Any) -> Iterator[tuple[str, bool]]:
        """Yield what one pad's event says of this pad."""
        pg = self._pg
        kind = event.type
        if kind == pg.JOYDEVICEADDED:
            self._add(event.device_index)
        elif kind == pg.JOYDEVICEREMOVED:
            yield from self._remove(event.instance_id)
        elif kind in (pg.CONTROLLERBUTTONDOWN, pg.CONTROLLERBUTTONUP):
            if event.button < len(_CONTROLLER_BUTTONS):
                yield f"pad {_CONTROLLER_BUTTONS[event.button]}", kind == pg.CONTROLLERBUTTONDOWN
        elif kind == pg.CONTROLLERAXISMOTION:
            if event.axis < len(_CONTROLLER_AXES):
                name = f"pad {_CONTROLLER_AXES[event.axis]}"
                yield from self._moved(event.instance_id, name, event.value / _AXIS_UNIT)
        elif kind in (pg.JOYBUTTONDOWN, pg.JOYBUTTONUP):
            if event.instance_id not in self._controllers:  # of a controller it comes a second time, by name
                yield f"joystick button {event.button}", kind == pg.JOYBUTTONDOWN
        elif kind == pg.JOYAXISMOTION:
            if event.instance_id not in self._controllers:
                yield from self._moved(event.instance_id, f"joystick axis {event.axis}", event.value)
        elif kind == pg.JOYHATMOTION and event.instance_id not in self._controllers:
            x, y = event.value
            yield from self._turned(event.instance_id, f"joystick hat {event.hat} x", {-1: "left", 1: "right"}.get(x))
            yield from self._turned(event.instance_id, f"joystick hat {event.hat} y", {-1: "down", 1: "up"}.get(y))

    def close(self) -> None:
        for pad in self._open.values():
            with suppress(self._pg.error):
                pad.quit()
        self._open.clear()
        self._names.clear()

    def _add(self, index: int) -> None:
        with suppress(self._pg.error):  # gone again already
            joystick = self._pg.joystick.Joystick(index)
            instance = joystick.get_instance_id()
            if instance in self._open:
                return
            if self._controller.is_controller(index):
                self._controllers.add(instance)
                self._open[instance] = self._controller.Controller(index)
            else:
                self._open[instance] = joystick
            self._names[instance] = joystick.get_name()[:40] or "pad"
            self.plugged.append(self._names[instance])

    def _remove(self, instance: int) -> Iterator[tuple[str, bool]]:
        """Let go of everything that a vanished pad held down."""
        if (pad := self._open.pop(instance, None)) is None:
            return
        with suppress(self._pg.error):
            pad.quit()
        self.unplugged.append(self._names.pop(instance))
        self._controllers.discard(instance)
        for key in [key for key in self._axes if key[0] == instance]:
            del self._axes[key]
        for source in [source for source, holders in self._holders.items() if instance in holders]:
            yield source, False

    def _moved(self, instance: int, name: str, value: float) -> Iterator[tuple[str, bool]]:
        """An axis stands at `value`, -1 to 1."""
        now = self._axes.get((instance, name))
        limit = PRESSED if now is None else RELEASED
        side = f"{name}{'+' if value > 0 else '-'}" if abs(value) > limit else None
        if side is not None and now is not None and side != now and abs(value) <= PRESSED:
            side = None
        yield from self._changed((instance, name), now, side)

    def _turned(self, instance: int, name: str, side: str | None) -> Iterator[tuple[str, bool]]:
        source = None if side is None else f"{name[:-2]} {side}"
        yield from self._changed((instance, name), self._axes.get((instance, name)), source)

    def _changed(self, key: tuple[int, str], before: str | None, after: str | None) -> Iterator[tuple[str, bool]]:
        if before == after:
            return
        if before is not None:
            del self._axes[key]
            yield before, False
        if after is not None:
            self._axes[key] = after
            yield after, True
