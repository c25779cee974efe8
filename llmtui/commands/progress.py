"""One line of progress on stderr, where a person watches."""

import os
import sys
import time

REDRAW_SECONDS = 0.1
BAR_CELLS = 20
UNKNOWN_COLUMNS = 80


def progress_bar(share: float) -> str:
    """A share from 0 to 1 as a bar: `█████▌··············`."""
    from llmtui.tui.facts import bar

    return f"{bar(share, BAR_CELLS):·<{BAR_CELLS}}"


class ProgressLine:
    """Shows the latest text, and takes it away at the end; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty()
        self._shown_at = 0.0

    def show(self, text: str) -> None:
        now = time.monotonic()
        if not self._watched or now - self._shown_at < REDRAW_SECONDS:
            return
        from llmtui.tui.text import cut, visible

        self._shown_at = now
        # a line that wrapped could not be taken back
        columns = os.get_terminal_size(sys.stderr.fileno()).columns or UNKNOWN_COLUMNS
        sys.stderr.write(f"\r\x1b[K{cut(visible(text), columns - 1)}")
        sys.stderr.flush()

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(self, *exc: object) -> None:
        if self._shown_at:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
