"""Glyph widths: the terminal is asked, and its answer is believed."""

import os
import pty
import termios
import threading

import pytest

from llmtui.system import glyph_width
from llmtui.system.doctor import glyphs_check
from llmtui.system.glyph_width import GLYPHS, cells_of


@pytest.mark.parametrize("cells", [8, 16])
def test_the_terminals_answer_is_the_width(cells: int) -> None:
    outside, inside = pty.openpty()
    modes = termios.tcgetattr(inside)
    asked = b""

    def answer() -> None:
        nonlocal asked
        while b"\x1b[6n" not in asked:
            asked += os.read(outside, 100)
        os.write(outside, f"\x1b[24;{cells + 1}R".encode())

    terminal = threading.Thread(target=answer)
    terminal.start()
    assert cells_of(GLYPHS, inside) == cells
    terminal.join()
    assert asked.startswith(b"\r" + GLYPHS.encode())
    assert termios.tcgetattr(inside) == modes


def test_a_terminal_that_says_nothing_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyph_width, "ANSWER_SECONDS", 0.02)
    _, inside = pty.openpty()
    assert cells_of(GLYPHS, inside) is None


def test_what_is_no_terminal_is_not_asked() -> None:
    reader, writer = os.pipe()
    assert cells_of(GLYPHS, reader) is None
    os.close(writer)


@pytest.mark.parametrize(("cells", "status"), [(8, "ok"), (16, "warn"), (None, "ok")])
def test_wide_glyphs_are_a_warning_with_a_way_out(cells: int | None, status: str) -> None:
    check = glyphs_check(cells, 8)
    assert check.status == status
    assert (check.advice is not None) == (status == "warn")
