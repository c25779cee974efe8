"""What the windows share in which a prompt and its fields are filled in."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from llmtui.tui.screens.form import Form
from llmtui.tui.session import Typed
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.prompt import Prompt


class PromptForm(Form[None]):
    """A prompt, a line for each field, and below them what there is to say about what was typed.

    typed: what was typed the last time, which stands there again while it would replace the same; what is typed now is
    written down there.
    """

    def __init__(self, prompt: str, typed: Typed, *, glyphs: GlyphSet) -> None:
        super().__init__()
        self._typed = typed
        self._first = {"prompt": prompt}
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

    def row(self, name: str, id: str, value: str, note: str, *, long: bool = False) -> ComposeResult:
        self._first[id] = value
        yield from super().row(name, id, self._typed.get((id, value), value), note, long=long)

    def on_mount(self) -> None:
        super().on_mount()
        self.prompt.border_title = Content("Prompt")
        first = self._first["prompt"]
        self.prompt.write(self._typed.get(("prompt", first), first))

    @on(Input.Changed)
    @on(Prompt.Changed)
    def _write_down(self, message: Input.Changed | Prompt.Changed) -> None:
        field = message.control
        text = field.value if isinstance(field, Input) else field.text
        if field.id is not None:
            self._typed[field.id, self._first[field.id]] = text
