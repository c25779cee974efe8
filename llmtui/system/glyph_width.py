"""How many cells this terminal gives to the glyphs of the screen: it is asked where its cursor stands after them."""

import os
import re
import select
import termios
import time
import tty

GLYPHS = "▁█▏…␣─▸✓"
ANSWER_SECONDS = 0.5  # over a slow link, too; what answers at all answers sooner
_POSITION = re.compile(rb"\x1b\[\d+;(\d+)R")


def cells_of(text: str, terminal: int) -> int | None:
    """The cells that `text` takes in an empty line of a terminal; None where it does not tell.

    terminal: a descriptor to read from and write to. Its modes and the line are left as they were.
    """
    try:
        before = termios.tcgetattr(terminal)
        tty.setcbreak(terminal, termios.TCSANOW)
    except termios.error:
        return None
    try:
        os.write(terminal, b"\r" + text.encode() + b"\x1b[6n")
        column = _column(terminal)
        os.write(terminal, b"\r\x1b[K")
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
    return None if column is None else column - 1


def _column(terminal: int) -> int | None:
    """The column in the answer of a terminal; 1 is the first one."""
    until = time.monotonic() + ANSWER_SECONDS
    heard = b""
    while (left := until - time.monotonic()) > 0 and select.select([terminal], [], [], left)[0]:
        heard += os.read(terminal, 100)
        found = _POSITION.search(heard)
        if found is not None:
            return int(found[1])
    return None
