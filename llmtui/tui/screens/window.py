"""What all windows above the main screen share: a frame with a title, and Esc closes it."""

from pathlib import PurePath
from typing import ClassVar, Final, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widget import Widget

from llmtui.tui.text import parts_that_fit

T = TypeVar("T")
# What the frame needs beside a title.
CORNERS: Final = 6


def is_open(widget: Widget) -> bool:
    """Whether the screen that a widget is on, or is, can still be shown something.

    Once it is closed, its parts go one after the other, and it stays attached until they are gone.
    """
    return widget.is_attached and widget.screen in widget.app.screen_stack


class Window(ModalScreen[T]):
    """A framed window; it gives None when it is closed without a choice."""

    CSS_PATH: ClassVar[str | list[str | PurePath]] = "window.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False, tooltip="Close this window"),
        Binding("ctrl+c", "copy_or_close", "Copy", show=False, tooltip="Copy what is selected, or close"),
        Binding("f1", "app.help", "Help", show=False, tooltip="Keys of this window, and all others"),
    ]
    NAME: ClassVar[str] = ""
    HINT: ClassVar[str] = "esc closes"

    def on_mount(self) -> None:
        self.entitle()

    @on(Resize)
    def _resized(self) -> None:
        self.call_after_refresh(self.entitle)

    def entitle(self) -> None:
        """Write heading and hint on the frame: whole parts of them, where not all have room."""
        frame = self.query_one("#window")
        room = frame.outer_size.width - CORNERS if frame.outer_size.width else self.app.size.width
        frame.border_title = Content(parts_that_fit(self.heading, room))
        frame.border_subtitle = Content(parts_that_fit(self.HINT, room))

    @property
    def heading(self) -> str:
        """What the frame says."""
        return self.NAME

    def action_close(self) -> None:
        self.dismiss(None)

    def action_copy_or_close(self) -> None:
        text = self.get_selected_text()
        if text:
            self.app.copy_to_clipboard(text)
        else:
            self.action_close()
