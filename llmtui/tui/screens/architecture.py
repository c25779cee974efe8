"""What a model is made of: its numbers, the way of a token through its blocks, and every module."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from llmtui.tui.architecture_text import diagram_lines, summary_lines, tree_lines
from llmtui.tui.bridge import Bridge
from llmtui.tui.screens.window import Window, is_open
from llmtui.tui.text import GLYPHS, GlyphSet, visible

if TYPE_CHECKING:
    from llmtui.insight.architecture import Architecture

HEADINGS: Final = ("In numbers", "The way of a token", "Modules")


class ArchitectureScreen(Window[None]):
    """Made from the model's config alone, in the background: no weights are read."""

    NAME = "Architecture"
    HINT = "↑ ↓ scroll · esc closes"

    def __init__(
        self,
        bridge: Bridge,
        model: str,
        read: "Callable[[], Architecture]",
        tokens_now: int = 0,
        *,
        glyphs: GlyphSet = "unicode",
    ) -> None:
        super().__init__()
        self._bridge = bridge
        self._read = read
        self._text = ArchitectureText(model, tokens_now, glyphs=glyphs)

    def compose(self) -> ComposeResult:
        with Vertical(id="window"), VerticalScroll(classes="scroll"):
            yield self._text

    def on_mount(self) -> None:
        super().on_mount()
        self._bridge.run(self._read, self._show, self._fail)

    def _show(self, facts: "Architecture") -> None:
        if is_open(self):
            self._text.show(facts)

    def _fail(self, error: Exception) -> None:
        if is_open(self):
            self._text.fail(str(error) or type(error).__name__)


class ArchitectureText(Widget):
    """The lines for the width there is, so that their columns stay columns."""

    DEFAULT_CSS = """
    ArchitectureText { height: auto; background: $surface; }
    """

    def __init__(self, model: str, tokens_now: int, *, glyphs: GlyphSet) -> None:
        super().__init__()
        self._model = model
        self._tokens_now = tokens_now
        self._glyphs: GlyphSet = glyphs
        self._facts: Architecture | None = None
        self._said = f"reading the config of {model} {GLYPHS[glyphs].ellipsis}"

    def show(self, facts: "Architecture") -> None:
        self._facts = facts
        self.refresh(layout=True)

    def fail(self, sentence: str) -> None:
        self._said = f"{'✗' if self._glyphs == 'unicode' else '!'} {sentence}"
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport
        if self._facts is None:
            return max(1, -(-len(self._said) // max(1, width)))
        return self._content(self._facts, width).plain.count("\n") + 1

    def render(self) -> Content:
        if self._facts is None:
            return Content(visible(self._said, glyphs=self._glyphs))
        return self._content(self._facts, self.size.width)

    def _content(self, facts: "Architecture", width: int) -> Content:
        parts: tuple[Callable[[], list[str]], ...] = (
            lambda: summary_lines(facts, self._model, tokens_now=self._tokens_now, width=width),
            lambda: diagram_lines(facts.diagram, width=width, glyphs=self._glyphs),
            lambda: tree_lines(facts.tree, width=width),
        )
        lines: list[Content] = []
        for heading, part in zip(HEADINGS, parts, strict=True):
            lines += [Content.styled(heading, "bold"), Content(""), *map(Content, part()), Content("")]
        return Content("\n").join(lines)


def read_architecture(model: str, folder: Path | None, device: str, dtype: str) -> "Architecture":
    """The facts of a model; folder: where it is, None: to be found by name. Raises ModelError."""
    from llmtui.engine.imports import import_heavy_libraries
    from llmtui.models.partial import config_folder

    import_heavy_libraries()
    from llmtui.insight.architecture import architecture_of_folder

    return architecture_of_folder(folder or config_folder(model), device, dtype)
