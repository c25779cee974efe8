"""The last line: the keys one needs most, as many as there is room for. They can be clicked."""

from itertools import accumulate
from typing import ClassVar, Final

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from llmtui.tui.actions import ACTIONS, Action, key_label
from llmtui.tui.text import cell_width

# On a narrow terminal these go one after the other: who knows f1 finds them, and who knows ^Q is never locked in.
FIRST_TO_GO: Final = ("again", "command_palette", "tokens", "colour", "models", "stop", "quit", "help")


class KeyBar(Widget):
    """`esc Stop  ^O Model  ^T Colour  ^G Again  f1 Help  ^P Palette`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"keys--key"}
    DEFAULT_CSS = """
    KeyBar {
        height: 1;
        background: $panel;
        color: $text-muted;
        & .keys--key { color: $accent; background: $panel; text-style: bold; }
    }
    """

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y > 0:
            return Strip.blank(width, base)
        key_style = self.get_component_rich_style("keys--key")
        segments = []
        for _, action in self._places(width):
            segments += [Segment(f" {_key(action)}", key_style), Segment(f" {action.footer} ", base)]
        return Strip(segments).adjust_cell_length(width, base)

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the pointer does."""
        for start, action in reversed(self._places(self.size.width)):
            if event.x >= start:
                self.app.simulate_key(action.keys.split(",")[0])
                return

    def _places(self, width: int) -> list[tuple[int, Action]]:
        """The actions that fit, each with the cell where it begins."""
        shown = [action for action in ACTIONS if action.footer]
        for id in FIRST_TO_GO:
            if sum(map(_cells, shown)) <= width:
                break
            shown = [action for action in shown if action.id != id]
        starts = accumulate(map(_cells, shown), initial=0)
        return list(zip(starts, shown, strict=False))


def _key(action: Action) -> str:
    return key_label(action.keys.split(",")[0])


def _cells(action: Action) -> int:
    return cell_width(f" {_key(action)} {action.footer} ")
