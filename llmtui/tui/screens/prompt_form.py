"""What the windows share in which a prompt and its fields are filled in."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from llmtui.tui.screens.form import Form
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.prompt import Prompt


class PromptForm(Form[None]):
    """A prompt, a line for each field, and below them what there is to say about what was typed."""

    def __init__(self, prompt: str, *, glyphs: GlyphSet) -> None:
        super().__init__()
        self._first_prompt = prompt
        self._glyphs: GlyphSet = glyphs
        self.prompt = Prompt(glyphs=glyphs, id="prompt")

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            yield self.prompt
            with Vertical(classes="scroll"):
                yield from self.rows()
            yield Static("", id="told", markup=False)

    def rows(self) -> ComposeResult:
        """A `row` for each field."""
        raise NotImplementedError

    def on_mount(self) -> None:
        super().on_mount()
        self.prompt.border_title = Content("Prompt")
        self.prompt.write(self._first_prompt)
