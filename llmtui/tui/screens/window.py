"""What all windows above the main screen share: a frame with a title, and Esc closes it."""

from pathlib import PurePath
from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen

T = TypeVar("T")


class Window(ModalScreen[T]):
    """A framed window; it gives None when it is closed without a choice."""

    CSS_PATH: ClassVar[str | list[str | PurePath]] = "window.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False, tooltip="Close this window"),
        Binding("ctrl+c", "copy_or_close", "Copy", show=False, tooltip="Copy what is selected"),
    ]
    NAME: ClassVar[str] = ""
    HINT: ClassVar[str] = "esc closes"

    def on_mount(self) -> None:
        frame = self.query_one("#window")
        frame.border_title = Content(self.heading)
        frame.border_subtitle = Content(self.HINT)

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
