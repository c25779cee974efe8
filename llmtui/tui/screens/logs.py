"""The newest lines of the log file."""

from pathlib import Path
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from llmtui.tui.screens.window import Window
from llmtui.tui.text import visible_multiline

TAIL_BYTES: Final = 64 * 1024


class LogScreen(Window[None]):
    """What the program has noted, the newest last."""

    NAME = "Log"
    HINT = "↑ ↓ scroll · esc closes"

    def __init__(self, log_file: Path | None) -> None:
        super().__init__()
        self._log_file = log_file

    def compose(self) -> ComposeResult:
        with Vertical(id="window"), VerticalScroll(classes="scroll"):
            yield Static(visible_multiline(tail(self._log_file)), markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(VerticalScroll).scroll_end(animate=False)


def tail(log_file: Path | None) -> str:
    """The last part of a file from the beginning of a line, or a sentence that says why there is none."""
    if log_file is None:
        return "No log file is being written."
    try:
        with log_file.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            data = file.read()
    except OSError as error:
        return f"{log_file} cannot be read: {error.strerror}"
    if size > TAIL_BYTES:
        data = data.partition(b"\n")[2]
    return data.decode("utf-8", "replace").rstrip("\n") or f"{log_file} is empty."
