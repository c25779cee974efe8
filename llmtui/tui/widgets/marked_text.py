"""A text of which one part is marked: underlined and bold, so that no colour is needed to see it."""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from llmtui.tui.text import cell_width, visible_multiline
from llmtui.tui.widgets.line_pane import LinePane
from llmtui.tui.wrapping import wrap

_MARKED = Style(bold=True, underline=True)
_DIM = Style(dim=True)


class MarkedText(LinePane):
    """`shared` as it is, and after it `marked`; wrapped, scrollable, and drawn without a layout of the screen."""

    DEFAULT_CSS = """
    MarkedText {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        background: $surface;
        color: $foreground;
    }
    """

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._empty = empty
        self._parts = ("", "")
        self._lines: list[tuple[str, str]] = []

    @property
    def parts(self) -> tuple[str, str]:
        """What is shown: the shared part, the marked part."""
        return self._parts

    def show(self, shared: str, marked: str, empty: str = "") -> None:
        """Show another text. empty: what to say where there is none."""
        parts = visible_multiline(shared), visible_multiline(marked)
        if (parts, empty) != (self._parts, self._empty):
            self._parts, self._empty = parts, empty
            self._wrap()

    def on_resize(self) -> None:
        self._wrap()

    def _wrap(self) -> None:
        width = self.window.width
        if not width:
            return
        shared, marked = self._parts
        left = len(shared)
        self._lines = []
        for line in (shared + marked).split("\n"):
            for text in wrap(line, width):
                self._lines.append((text[: max(0, left)], text[max(0, left) :]))
                left -= len(text)
            left -= 1
        self.fit(len(self._lines), min(self.scroll_offset.y, max(0, len(self._lines) - self.window.height)))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.window.width, self.rich_style
        if self._parts == ("", ""):
            return Strip([Segment(self._empty if y == 0 else "", base + _DIM)]).crop_extend(0, width, base)
        place = y + self.scroll_offset.y
        if place >= len(self._lines):
            return Strip.blank(width, base)
        shared, marked = self._lines[place]
        strip = Strip([Segment(shared, base), Segment(marked, base + _MARKED)], cell_width(shared + marked))
        return strip.crop_extend(0, width, base)
