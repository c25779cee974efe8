"""The machine, this process and the engine over the last minutes."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Region
from textual.signal import Signal
from textual.strip import Strip
from textual.widget import Widget

from llmtui.system.reading import Sample
from llmtui.tui.monitor_lines import Line, monitor_lines
from llmtui.tui.screens.window import Window
from llmtui.tui.text import GlyphSet


class MonitorScreen(Window[None]):
    """Shows the samples that are there, and each new one as it is taken.

    history: gives them, oldest first; asked each time, because the window may be open before there is anything to ask.
    """

    NAME = "Monitor"
    HINT = "a bar is a second · esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("alt+m", "close", "Close", show=False)]

    def __init__(
        self, history: Callable[[], Sequence[Sample]], looked: Signal[Sample], *, glyphs: GlyphSet = "unicode"
    ) -> None:
        super().__init__()
        self._looked = looked
        self.view = MonitorView(history, glyphs=glyphs)

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            yield self.view

    def on_mount(self) -> None:
        super().on_mount()
        self._looked.subscribe(self, lambda _: self.view.look(), immediate=True)


class MonitorView(Widget):
    """Lines of numbers with their past. A new sample draws the lines that it changed, and lays nothing out."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"monitor--heading"}
    DEFAULT_CSS = """
    MonitorView {
        height: 1fr;
        background: $surface;
        color: $foreground;
        & .monitor--heading { color: $accent; text-style: bold; }
    }
    """

    def __init__(self, history: Callable[[], Sequence[Sample]], *, glyphs: GlyphSet = "unicode") -> None:
        super().__init__()
        self._history = history
        self._glyphs: GlyphSet = glyphs
        self._lines: list[Line] = []

    def look(self) -> None:
        """Show what the history holds now."""
        before, self._lines = self._lines, self._say()
        if len(before) != len(self._lines):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self) -> None:
        self._lines = self._say()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y >= len(self._lines):
            return Strip.blank(width, base)
        line = self._lines[y]
        style = self.get_component_rich_style("monitor--heading") if line.heading else Style()
        return Strip([Segment(line.text, base + style)]).adjust_cell_length(width, base)

    def _say(self) -> list[Line]:
        return monitor_lines(self._history(), self.size.width, self.size.height, self._glyphs)
