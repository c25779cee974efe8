"""A table whose rows come, change and go while a person walks over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from llmtui.tui.text import GLYPHS, GlyphSet, cell_width, middle_ellipsis, visible
from llmtui.tui.widgets.line_pane import LinePane
from llmtui.tui.wrapping import wrap

GAP = 2
LEAST_CELLS = 8


@dataclass(frozen=True, slots=True)
class Column:
    """One column. cells: its width, 0 takes what the others leave. from_width: of the table, it is shown from there."""

    title: str
    cells: int
    align: Literal["<", ">"] = "<"
    from_width: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row. key: tells it from the others, and is the same when its cells change. A faint one is told apart."""

    key: str
    cells: tuple[str, ...]
    faint: bool = False


class LiveTable(LinePane):
    """Headings that stay, rows that scroll, and a cursor that stays with its row, wherever that goes.

    What changes draws the lines that changed, and lays nothing out.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--heading", "table--cursor", "table--empty"}
    DEFAULT_CSS = """
    LiveTable {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        background: $surface;
        color: $foreground;
        & .table--heading { color: $text-muted; text-style: bold; }
        & .table--cursor {
            background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold;
        }
        & .table--empty { color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "move(-1000000)", "First", show=False),
        Binding("end", "move(1000000)", "Last", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """The person wants this row opened."""

        key: str

    def __init__(
        self, columns: Sequence[Column], *, empty: str = "", glyphs: GlyphSet = "unicode", id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._empty = empty
        self._glyphs: GlyphSet = glyphs
        self._rows: tuple[Row, ...] = ()
        self._cursor = 0

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, in order."""
        return self._rows

    @property
    def current(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._rows else None

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows instead."""
        before, old_cursor, key = self._rows, self._cursor, self.current
        self._rows = tuple(rows)
        keys = [row.key for row in self._rows]
        self._cursor = keys.index(key) if key in keys else max(0, min(self._cursor, len(keys) - 1))
        if bool(before) != bool(self._rows):
            self._fit()
            self.refresh()
            return
        changed = {place for place, (old, new) in enumerate(zip(before, self._rows, strict=False)) if old != new}
        changed |= set(range(min(len(before), len(keys)), max(len(before), len(keys))))
        if old_cursor != self._cursor:
            changed |= {old_cursor, self._cursor}
        if len(before) != len(keys):
            self._fit()
        self._draw(changed)

    def lines(self, width: int) -> list[str]:
        """What the table says in so many cells: its headings, and a line for each row; without rows, why there is none.

        The row under the cursor has a sign before it.
        """
        if self._rows:
            return [self._heading(width), *(self._text(place, width) for place in range(len(self._rows)))]
        return [self._heading(width), *(line for text in ["", *self._empty.split("\n")] for line in wrap(text, width))]

    def action_move(self, by: int) -> None:
        """Go `by` rows down."""
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Go `by` pages down."""
        self._go(self._cursor + by * max(1, self.window.height - 2))

    def action_choose(self) -> None:
        if self.current is not None:
            self.post_message(self.Chosen(self.current))

    def on_click(self, event: events.Click) -> None:
        place = event.y - 1 + self.scroll_offset.y
        if event.y < 1 or not 0 <= place < len(self._rows):
            return
        if place == self._cursor and event.chain > 1:
            self.action_choose()
        self._go(place)

    def on_resize(self) -> None:
        self._fit()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.window.width, self.rich_style
        place = y if y == 0 or not self._rows else y + self.scroll_offset.y
        if not self._rows:
            text = [*self.lines(width), *[""] * (place + 1)][place]
        elif place > len(self._rows):
            return Strip.blank(width, base)
        else:
            text = self._text(place - 1, width) if place else self._heading(width)
        return Strip([Segment(text, base + self._style_of(place))]).adjust_cell_length(width, base)

    def _style_of(self, place: int) -> Style:
        if place == 0:
            return self.get_component_rich_style("table--heading")
        if not self._rows:
            return self.get_component_rich_style("table--empty")
        if place - 1 == self._cursor:
            return self.get_component_rich_style("table--cursor")
        return Style(dim=True) if self._rows[place - 1].faint else Style()

    def _places(self, width: int) -> list[int | None]:
        """How many cells each column has; None: it is not shown."""
        shown = [column for column in self._columns if width >= column.from_width]
        taken = 1 + sum(column.cells for column in shown) + GAP * (len(shown) - 1)
        rest = max(LEAST_CELLS, width - taken)
        return [(column.cells or rest) if column in shown else None for column in self._columns]

    def _heading(self, width: int) -> str:
        return self._line([column.title for column in self._columns], width, marked=False)

    def _text(self, place: int, width: int) -> str:
        cells = [visible(cell, glyphs=self._glyphs) for cell in self._rows[place].cells]
        return self._line(cells, width, marked=place == self._cursor)

    def _line(self, cells: Sequence[str], width: int, *, marked: bool) -> str:
        parts = []
        for cell, place, column in zip(cells, self._places(width), self._columns, strict=True):
            if place is not None:
                text = middle_ellipsis(cell, place, glyphs=self._glyphs)
                padding = " " * (place - cell_width(text))
                parts.append(padding + text if column.align == ">" else text + padding)
        return (GLYPHS[self._glyphs].chosen if marked else " ") + (" " * GAP).join(parts)

    def _go(self, place: int) -> None:
        place = max(0, min(place, len(self._rows) - 1))
        if place != self._cursor:
            before, self._cursor = self._cursor, place
            self._fit()
            self._draw({before, place})

    def _fit(self) -> None:
        """Keep the cursor's row in the window, below the headings."""
        room = max(1, self.window.height - 1)
        top = min(max(self.scroll_offset.y, self._cursor - room + 1), self._cursor)
        self.fit(len(self._rows) + 1, min(top, max(0, len(self._rows) - room)))

    def _draw(self, places: set[int]) -> None:
        for place in places:
            y = place + 1 - self.scroll_offset.y
            if 1 <= y < self.window.height:
                self.refresh(Region(0, y, self.window.width, 1))
