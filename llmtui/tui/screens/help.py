"""Keys and commands, from the action table and the token pane's own keys, and what the screen's signs mean."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from llmtui.tui.actions import ACTIONS, key_labels, token_pane_keys
from llmtui.tui.glossary import GLOSSARY
from llmtui.tui.screens.window import Window
from llmtui.tui.wrapping import wrap

KEY_CELLS: Final = 13
COMMAND_CELLS: Final = 21
# where fewer are left beside keys and command, the sentence stands below them
MIN_TEXT_CELLS: Final = 30


class HelpScreen(Window[None]):
    """Everything one can do and with which key, and what one sees."""

    NAME = "Help"
    HINT = "↑ ↓ scroll · esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1", "close", "Close", show=False)]

    def compose(self) -> ComposeResult:
        with Vertical(id="window"), VerticalScroll(classes="scroll"):
            yield HelpText()


class HelpText(Widget):
    """The help, wrapped so that its columns stay columns."""

    DEFAULT_CSS = """
    HelpText { height: auto; }
    """

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport
        return help_content(width).plain.count("\n") + 1

    def render(self) -> Content:
        return help_content(self.size.width)


def help_content(width: int) -> Content:
    """The help as one text for lines of `width` cells."""
    rows = [
        Content.styled(line, "bold")
        for line in wrap("Keys and commands (a beginning of a command will do); signs and numbers stand below", width)
    ]
    rows.append(Content(""))
    for action in ACTIONS:
        rows += _rows(key_labels(action).partition(" ")[0], action.usage, action.help, width)
    rows += [Content(""), Content.styled("In the Tokens pane", "bold"), Content("")]
    for keys, does in token_pane_keys():
        rows += _rows(keys, "", does, width)
    rows += [Content(""), Content.styled("Signs and numbers", "bold"), Content("")]
    for sign, meaning in GLOSSARY:
        rows += _rows(sign, "", meaning, width)
    return Content("\n").join(rows)


def _rows(keys: str, command: str, help_text: str, width: int) -> list[Content]:
    indent = KEY_CELLS + COMMAND_CELLS
    head = Content.assemble((f"{keys:<{KEY_CELLS}}", "bold $accent"), command)
    head += Content(" " * (indent - head.cell_length))
    if width - indent < MIN_TEXT_CELLS:
        below = wrap(help_text, width - KEY_CELLS)
        return [head, *(Content.styled(" " * KEY_CELLS + line, "$text-muted") for line in below)]
    first, *others = wrap(help_text, width - indent)
    return [head + Content.styled(first, "$text-muted")] + [
        Content.styled(" " * indent + line, "$text-muted") for line in others
    ]
