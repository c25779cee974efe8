"""The texts: prompts and what the models made of them, one run below the other."""

from enum import StrEnum
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip

from llmtui.tui.text import visible_multiline
from llmtui.tui.widgets.line_pane import LinePane
from llmtui.tui.wrapping import wrap

MAX_LINES: Final = 20_000
# So many lines go at once, so that not every new line moves all others.
DROPPED_LINES: Final = 2_000
CACHED_LINES: Final = 512
EMPTY: Final = "Type a text below and press Enter: the model continues it."


class Kind(StrEnum):
    """What a line is, which decides how it looks."""

    HEADING = "heading"
    PROMPT = "prompt"
    TEXT = "text"
    NOTE = "note"
    ERROR = "error"


class Line(NamedTuple):
    """One line as it is shown. `starts` tells a line of the text from the continuation of a wrapped one."""

    text: str
    kind: Kind
    starts: bool


class Output(LinePane):
    """Text that grows at its end: wrapped as it comes, followed unless the person has scrolled up, selectable.

    One widget for all of it: what arrives costs what it takes to draw the lines that changed.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"output--{kind}" for kind in Kind}
    DEFAULT_CSS = """
    Output {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        background: $surface;
        color: $foreground;
        padding: 0 1;
        & .output--heading { color: $accent; text-style: bold; }
        & .output--prompt { color: $text-muted; }
        & .output--text { color: $foreground; }
        & .output--note { color: $text-muted; text-style: italic; }
        & .output--error { color: $error; text-style: bold; }
    }
    """

    def __init__(self, *, empty: str = EMPTY, id: str | None = None) -> None:
        super().__init__(id=id)
        self._empty = empty
        self._lines: list[Line] = []
        self._wrapped_for = 0
        self._height = 0
        self._strips: LRUCache[int, Strip] = LRUCache(CACHED_LINES)

    @property
    def text(self) -> str:
        """Everything that is shown, unwrapped."""
        return _joined(self._lines)

    def add(self, kind: Kind, text: str) -> None:
        """Add a paragraph of its own; text that `extend` brings goes on from its end."""
        first, follows = len(self._lines), self._follows
        for line in visible_multiline(text).split("\n"):
            self._lines.append(Line("", kind, starts=True))
            self._grow(line)
        self._shown_from(first, follows)

    def extend(self, text: str) -> None:
        """Go on with the last paragraph."""
        if not text:
            return
        if not self._lines:
            self._lines.append(Line("", Kind.TEXT, starts=True))
        changed, follows = len(self._lines) - 1, self._follows
        first, *others = visible_multiline(text).split("\n")
        self._grow(first)
        for line in others:
            self._lines.append(Line("", self._lines[-1].kind, starts=True))
            self._grow(line)
        self._shown_from(changed, follows)

    def clear(self) -> None:
        """Forget everything."""
        self._lines.clear()
        self._strips.clear()
        self._fit(0)
        self.refresh()

    def follow(self) -> None:
        """Show the end, and follow it."""
        self._fit(self._end)

    def page(self, by: int) -> None:
        """Scroll `by` pages down."""
        self.scroll_relative(y=by * max(1, self.window.height - 1), animate=False)

    # what arrives

    @property
    def _end(self) -> int:
        return max(0, len(self._lines) - self.window.height)

    @property
    def _follows(self) -> bool:
        # the height that the lines were fitted to: in a pane that has just become lower the end is out of sight
        return self.scroll_offset.y + self._height >= len(self._lines)

    def _grow(self, text: str) -> None:
        """Put text without newlines after the last line's own."""
        last = self._lines.pop()
        first, *others = wrap(last.text + text, self._wrapped_for) if self._wrapped_for else [last.text + text]
        self._lines.append(last._replace(text=first))
        self._lines.extend(Line(line, last.kind, starts=False) for line in others)

    def _shown_from(self, changed: int, follows: bool) -> None:
        """Draw the lines from `changed` on, and move along if the end was in sight."""
        if len(self._lines) > MAX_LINES:
            del self._lines[: len(self._lines) - MAX_LINES + DROPPED_LINES]
            changed = 0
        for y in list(self._strips.keys()):
            if y >= changed:
                self._strips.discard(y)
        top = self.scroll_offset.y
        height = self.window.height
        self._fit(self._end if follows else min(top, self._end))
        if self.scroll_offset.y == top and changed < top + height:
            self.refresh(Region(0, max(0, changed - top), self.window.width, height))

    def _fit(self, top: int) -> None:
        self._height = self.window.height
        self.fit(len(self._lines), top)

    def on_resize(self) -> None:
        window = self.window
        if window.area == 0:
            return
        follows = self._follows
        if window.width != self._wrapped_for:
            rows = self._rows()
            self._wrapped_for = window.width
            self._strips.clear()
            self._lines = []
            for kind, text in rows:
                self._lines.append(Line("", kind, starts=True))
                self._grow(text)
        self._fit(self._end if follows else min(self.scroll_offset.y, self._end))
        self.refresh()

    def _rows(self) -> list[tuple[Kind, str]]:
        rows: list[tuple[Kind, list[str]]] = []
        for line in self._lines:
            if line.starts or not rows:
                rows.append((line.kind, []))
            rows[-1][1].append(line.text)
        return [(kind, "".join(parts)) for kind, parts in rows]

    # drawing and selecting

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        place = y + self.scroll_offset.y
        strip = self._strips.get(place)
        if strip is None:
            strip = self._strips[place] = self._strip(place)
        return strip

    def _strip(self, place: int) -> Strip:
        width = self.window.width
        base = self.rich_style
        if not self._lines:
            hint = [*wrap(self._empty, width), *[""] * (place + 1)][place] if width else ""
            return Strip([Segment(hint, self.get_component_rich_style("output--note"))]).crop_extend(0, width, base)
        if place >= len(self._lines):
            return Strip.blank(width, base)
        line = self._lines[place]
        style = self.get_component_rich_style(f"output--{line.kind}")
        strip = Strip(self._segments(place, line.text, style), cell_len(line.text))
        return strip.crop_extend(0, width, base).apply_offsets(0, place)

    def _segments(self, place: int, text: str, style: Style) -> list[Segment]:
        selection = self.text_selection
        span = None if selection is None else selection.get_span(place)
        if span is None:
            return [Segment(text, style)]
        start, end = span
        end = len(text) if end == -1 else end
        selected = style + self.screen.get_component_rich_style("screen--selection")
        parts = (text[:start], style), (text[start:end], selected), (text[end:], style)
        return [Segment(part, its_style) for part, its_style in parts if part]

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text without the line breaks that only the width of the pane made."""
        lines = []
        for place, line in enumerate(self._lines):
            span = selection.get_span(place)
            if span is not None:
                start, end = span
                lines.append(line._replace(text=line.text[start : None if end == -1 else end]))
        return _joined(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        del selection
        self._strips.clear()
        self.refresh()


def _joined(lines: list[Line]) -> str:
    return "".join(("\n" if line.starts and place else "") + line.text for place, line in enumerate(lines))
