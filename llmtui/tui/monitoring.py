"""The machine and the engine, looked at once a second for all parts of the screen that show them."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual.screen import Screen
from textual.signal import Signal

from llmtui.engine import Engine
from llmtui.tui.bridge import Bridge

if TYPE_CHECKING:
    from llmtui.system.monitor import Monitor
    from llmtui.system.reading import Sample

LOOK_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


class Monitoring:
    """Publishes a sample on `looked` every second, from the moment the machine can be looked at."""

    def __init__(self, engine: Engine, screen: Screen[None]) -> None:
        self._engine = engine
        self._screen = screen
        self._monitor: Monitor | None = None
        self.looked: Signal[Sample] = Signal(screen, "looked")

    @property
    def history(self) -> Sequence["Sample"]:
        """The samples of the last minutes, oldest first; it grows as they are taken."""
        return () if self._monitor is None else self._monitor.history

    def begin(self, bridge: Bridge) -> None:
        """Get ready in the background, then look."""
        # here and now: while the load's thread links torch's libraries, an import of another library waits for the
        # dynamic loader and keeps the interpreter, 0.18 s, from everybody
        import llmtui.system.monitor  # noqa: F401

        bridge.run(self._make_monitor, self.use, self._cannot)

    def use(self, monitor: "Monitor") -> None:
        """Look with this monitor from now on."""
        self._monitor = monitor
        self._screen.set_interval(LOOK_SECONDS, self.look)

    def look(self) -> None:
        """Take a sample and tell it."""
        if self._monitor is not None:
            self.looked.publish(self._monitor.sample())

    def _make_monitor(self) -> "Monitor":
        """In a thread of its own: a GPU's driver takes a moment to answer."""
        from llmtui.system.monitor import LocalReader, Monitor

        return Monitor(LocalReader(engine=self._engine))

    def _cannot(self, error: Exception) -> None:
        logger.error("the machine cannot be watched", exc_info=error)
