"""Keys and commands, from the action table and the keys of windows and panes, and what the screen's signs mean."""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class KeysHere:
    """Keys that work where the help was asked for, `keys_of` screen or widget; where: what that place is called."""

    where: str
    keys: Sequence[tuple[str, str]]


class HelpScreen(Window[None]):
    """Everything one can do and with which key, and what one sees; first, what one can do where one is."""

    NAME = "Help"
    HINT = "↑ ↓ scroll · esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1", "close", "Close", show=False)]

    def __init__(self, here: KeysHere | None = None) -> None:
        super().__init__()
        self._here = here

    def compose(self) -> ComposeResult:
        with Vertical(id="window"), VerticalScroll(classes="scroll"):
            yield HelpText(self._here)


class HelpText(Widget):
    """The help, wrapped so that its columns stay columns."""

    DEFAULT_CSS = """
    HelpText { height: auto; }
    """

    def __init__(self, here: KeysHere | None) -> None:
        super().__init__()
        self._here = here

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport
        return help_content(width, self._here).plain.count("\n") + 1

    def render(self) -> Content:
        return help_content(self.size.width, self._here)


def help_content(width: int, here: KeysHere | None = None) -> Content:
    """The help as one text for lines of `width` cells."""
    rows: list[Content] = []
    if here is not None:
        rows += _title(here.where, width)
        for keys, does in here.keys:
            rows += _rows(keys, "", does, width)
        rows.append(Content(""))
    rows += _title("Keys and commands (a beginning of a command will do); signs and numbers stand below", width)
    for action in ACTIONS:
        rows += _rows(key_labels(action).partition(" ")[0], action.usage, action.help, width)
    rows += [Content(""), *_title("In the Tokens pane", width)]
    for keys, does in token_pane_keys():
        rows += _rows(keys, "", does, width)
    rows += [Content(""), *_title("Signs and numbers", width)]
    for sign, meaning in GLOSSARY:
        rows += _rows(sign, "", meaning, width)
    return Content("\n").join(rows)


def _title(text: str, width: int) -> list[Content]:
    return [*(Content.styled(line, "bold") for line in wrap(text, width)), Content("")]


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
