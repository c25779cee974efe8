"""What the windows share in which a prompt and its fields are filled in."""

from pathlib import PurePath
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from llmtui.tui.screens.window import Window
from llmtui.tui.text import GlyphSet, visible
from llmtui.tui.widgets.prompt import Prompt


class PromptForm(Window[None]):
    """A prompt, a line for each field, and below them what there is to say about what was typed."""

    CSS_PATH: ClassVar[str | list[str | PurePath]] = ["window.tcss", "sweep.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
    ]

    def __init__(self, prompt: str, *, glyphs: GlyphSet) -> None:
        super().__init__()
        self._first_prompt = prompt
        self._glyphs: GlyphSet = glyphs
        self.prompt = Prompt(glyphs=glyphs, id="prompt")

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            yield self.prompt
            with VerticalScroll(classes="scroll", can_focus=False):
                yield from self.rows()
            yield Static("", id="told", markup=False)

    def rows(self) -> ComposeResult:
        """A `row` for each field."""
        raise NotImplementedError

    def row(self, name: str, id: str, value: str, note: str, *, long: bool = False) -> ComposeResult:
        """A field with its name before and a note behind it."""
        with Horizontal(classes="row"):
            yield Static(name, classes="name", markup=False)
            yield Input(value, id=id, classes="value long" if long else "value", select_on_focus=True)
            yield Static(note, id=f"{id}-note", classes="note", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.prompt.border_title = Content("Prompt")
        self.prompt.write(self._first_prompt)

    def tell(self, text: str, *, wrong: bool = False) -> None:
        """Say something below the fields."""
        told = self.query_one("#told", Static)
        told.set_class(wrong, "-wrong")
        told.update(visible(text), layout=False)
