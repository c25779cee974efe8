"""What the windows share in which fields are filled in: a row for each, and what there is to say of them below."""

from pathlib import PurePath
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import DescendantFocus, Resize
from textual.widgets import Input, Static

from llmtui.tui.screens.window import T, Window, is_open
from llmtui.tui.text import cell_width, visible
from llmtui.tui.widgets.prompt import Prompt

WIDTHS: Final = [(0, "-narrow"), (100, "-wide")]
FRAME: Final = 2


class Form(Window[T]):
    """Rows of a name, a field and a note. A note that has no room beside its field stands below while one types there.

    Needs a `Static` named `told`, and around the rows a `scroll` that has no keys of its own: Down is for the next row.
    """

    CSS_PATH: ClassVar[str | list[str | PurePath]] = ["window.tcss", "form.tcss"]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Next", show=False, tooltip="Go to the next field"),
        Binding("up", "app.focus_previous", "Previous", show=False, tooltip="Go to the field before"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._notes: dict[str, str] = {}
        self._said = ""

    def row(self, name: str, id: str, value: str, note: str, *, long: bool = False) -> ComposeResult:
        """A field with its name before and a note behind it."""
        self._notes[id] = note
        with Horizontal(classes="row"):
            yield Static(name, classes="name", markup=False)
            yield Input(value, id=id, classes="value long" if long else "value", select_on_focus=True)
            yield Static(note, id=f"{id}-note", classes="note", markup=False)

    def note(self, id: str, text: str, *, wrong: bool = False) -> None:
        """Say something behind a field."""
        text = visible(text)
        self._notes[id] = text
        static = self.query_one(f"#{id}-note", Static)
        static.set_class(wrong, "-wrong")
        static.update(text, layout=False)
        self._show_told()

    def tell(self, text: str, *, wrong: bool = False) -> None:
        """Say something below the fields."""
        self._said = visible(text)
        self.query_one("#told", Static).set_class(wrong, "-wrong")
        self._show_told()

    @on(DescendantFocus)
    @on(Resize)
    @on(Prompt.Changed)
    def _look_again(self) -> None:
        self.call_after_refresh(self._arrange)

    def _arrange(self) -> None:
        if is_open(self):
            self._show_told()
            self._fit()

    def _fit(self) -> None:
        """Let the rows have what all else leaves: what is told about them must be in sight."""
        rows = self.query_one(".scroll")
        others = sum(child.outer_size.height + child.styles.margin.height for child in rows.siblings)
        rows.styles.max_height = max(1, self.size.height - FRAME - others)
        if self.focused is not None:
            self.focused.scroll_visible(animate=False)

    def _show_told(self) -> None:
        told = self.query_one("#told", Static)
        lines = [line for line in (self._said, "" if told.has_class("-wrong") else self._hidden_note()) if line]
        told.update("\n".join(lines), layout=False)

    def _hidden_note(self) -> str:
        """The note of the field with the focus, where it has no room beside it."""
        id = self.focused.id if isinstance(self.focused, Input) else None
        if id is None or id not in self._notes:
            return ""
        room = self.query_one(f"#{id}-note", Static).content_size.width
        return "" if cell_width(self._notes[id]) <= room else f"{id}: {self._notes[id]}"
