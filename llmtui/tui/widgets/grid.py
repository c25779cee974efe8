"""A grid of numbers with a cursor: each cell has its number and a colour, and a key says what number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from llmtui.tui import heat
from llmtui.tui.text import GLYPHS, GlyphSet, cell_width, middle_ellipsis

CELL: Final = 9
HEADINGS: Final = 3
LABEL: Final = 26

_BOLD = Style(bold=True)
_DIM = Style(dim=True)
_CURSOR = Style(reverse=True, bold=True)


@dataclass(frozen=True, slots=True)
class GridCell:
    """What a cell shows. level: its colour, 0 to 5, or none."""

    text: str
    level: int | None = None


class Grid(Widget, can_focus=True):
    """Rows and columns under headings that stay in sight; the arrows walk the cells, Enter opens one, m asks for more.

    Above the headings stand the title and what the colours mean. Of fixed size: new numbers draw, and lay out nothing.
    """

    DEFAULT_CSS = """
    Grid { background: $surface; color: $foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "walk(0, -1)", "Left", show=False),
        Binding("right,l", "walk(0, 1)", "Right", show=False),
        Binding("up,k", "walk(-1, 0)", "Up", show=False),
        Binding("down,j", "walk(1, 0)", "Down", show=False),
        Binding("home", "walk(0, -10000)", "First column", show=False),
        Binding("end", "walk(0, 10000)", "Last column", show=False),
        Binding("pageup", "walk(-10, 0)", "Page up", show=False),
        Binding("pagedown", "walk(10, 0)", "Page down", show=False),
        Binding("enter", "open", "Open", show=False, tooltip="Open what stands in the cell"),
    ]

    cursor: reactive[tuple[int, int]] = reactive((0, 0))
    """Row and column of the cell under the cursor."""

    @dataclass
    class Moved(Message):
        """The cursor stands on another cell."""

        row: int
        column: int

    @dataclass
    class Opened(Message):
        """The person wants to see more of a cell."""

        row: int
        column: int

    # rows, columns: their headings, in two lines for columns. corner: what each of those lines names.
    def __init__(
        self,
        rows: Sequence[str],
        columns: Sequence[tuple[str, str]],
        corner: tuple[str, str],
        *,
        glyphs: GlyphSet = "unicode",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._rows = rows
        self._columns = columns
        self._corner = corner
        self._glyphs: GlyphSet = glyphs
        self._cells: Sequence[Sequence[GridCell]] = [[GridCell("")] * len(columns) for _ in rows]
        self._title = ""
        self._limits: tuple[str, str] | None = None
        self._label = min(LABEL, max(map(cell_width, (*rows, f"{max(corner, key=len)} ->")), default=0) + 1)
        self._top = 0
        self._left = 0

    @property
    def wanted_height(self) -> int:
        """How many lines show all of it."""
        return HEADINGS + len(self._rows)

    def show(self, title: str, cells: Sequence[Sequence[GridCell]], limits: tuple[str, str] | None) -> None:
        """Show other numbers. limits: what the first and the last colour stand for; None: there are no colours."""
        self._title, self._cells, self._limits = title, cells, limits
        self.refresh()

    def validate_cursor(self, cursor: tuple[int, int]) -> tuple[int, int]:
        row, column = cursor
        return min(max(row, 0), len(self._rows) - 1), min(max(column, 0), len(self._columns) - 1)

    def watch_cursor(self, cursor: tuple[int, int]) -> None:
        self._reveal()
        self.post_message(self.Moved(*cursor))

    def on_resize(self) -> None:
        self._reveal()

    def action_walk(self, rows: int, columns: int) -> None:
        """Go so many rows down and columns to the right."""
        self.cursor = (self.cursor[0] + rows, self.cursor[1] + columns)

    def action_open(self) -> None:
        """Ask for the cell under the cursor."""
        self.post_message(self.Opened(*self.cursor))

    def on_click(self, event: events.Click) -> None:
        row, column = event.y - HEADINGS + self._top, (event.x - self._label) // CELL + self._left
        inside = row < len(self._rows) and column < len(self._columns)
        if inside and event.y >= HEADINGS and event.x >= self._label:
            self.cursor = (row, column)

    @property
    def _across(self) -> int:
        """Columns that there is room for."""
        return max(1, (self.size.width - self._label) // CELL)

    @property
    def _down(self) -> int:
        return max(1, self.size.height - HEADINGS)

    def _reveal(self) -> None:
        row, column = self.cursor
        self._top = max(row - self._down + 1, min(self._top, row))
        self._left = max(column - self._across + 1, min(self._left, column))
        self.refresh()

    # drawing

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y == 0:
            segments = self._heading(base)
        elif y < HEADINGS:
            segments = self._names(y - 1, base)
        else:
            segments = self._numbers(y - HEADINGS + self._top, base)
        return Strip(segments).adjust_cell_length(width, base)

    def _heading(self, base: Style) -> list[Segment]:
        segments = [Segment(self._title, base + _BOLD)]
        if self._limits is not None:
            dark = self.app.current_theme.dark
            low, high = self._limits
            segments.append(Segment(f"   {low} ", base))
            segments += [Segment("  ", base + heat.style(step, dark=dark)) for step in range(heat.LEVELS)]
            segments.append(Segment(f" {high}", base))
        hidden = self._hidden()
        return [*segments, Segment(f"   {hidden}", base + _DIM)] if hidden else segments

    def _hidden(self) -> str:
        """What part is in sight, where it is not all."""
        parts = []
        if len(self._rows) > self._down:
            parts.append(f"rows {self._top + 1}-{min(self._top + self._down, len(self._rows))}/{len(self._rows)}")
        if len(self._columns) > self._across:
            last = min(self._left + self._across, len(self._columns))
            parts.append(f"columns {self._left + 1}-{last}/{len(self._columns)}")
        return " ".join(parts)

    def _names(self, line: int, base: Style) -> list[Segment]:
        """One line of headings; one that columns share stands above the first of them that is in sight."""
        names = [names[line] for names in self._columns[self._left :][: self._across]]
        if line == 0 and names:
            names[0] = next((above for above, _ in reversed(self._columns[: self._left + 1]) if above), "")
        corner = f"{self._corner[line]} {GLYPHS[self._glyphs].arrow}" if self._corner[line] else ""
        return [Segment(f"{corner:<{self._label}}" + "".join(f"{name:>{CELL - 1}} " for name in names), base + _DIM)]

    def _numbers(self, row: int, base: Style) -> list[Segment]:
        if row >= len(self._rows):
            return []
        label = middle_ellipsis(self._rows[row], self._label - 1, glyphs=self._glyphs)
        segments = [Segment(label + " " * (self._label - cell_width(label)), base)]
        dark = self.app.current_theme.dark
        for column in range(self._left, min(self._left + self._across, len(self._columns))):
            cell = self._cells[row][column]
            style = base if cell.level is None else base + heat.colours(cell.level, dark=dark)
            if (row, column) == self.cursor:
                mark = GLYPHS[self._glyphs].chosen if self.has_focus else " "
                segments += [Segment(f"{mark}{cell.text:>{CELL - 2}}", style + _CURSOR), Segment(" ", base)]
            else:
                segments += [Segment(f"{cell.text:>{CELL - 1}}", style), Segment(" ", base)]
        return segments
