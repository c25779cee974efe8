"""Results for people as aligned text, and for programs as JSON: stdout holds nothing else."""

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any, Literal

from llmtui.tui.text import cell_width, middle_ellipsis, visible

Align = Literal["<", ">"]
GAP = "  "
MIN_COLUMN = 8


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], align: str = "", *, width: int | None = None
) -> list[str]:
    """The lines of a table, aligned by terminal cells, harmless on a terminal.

    align: for each column `<` or `>`; columns without one are `<`. width: cells there are (None: no limit); where the
    table does not fit, its widest columns lose their middle, but none gets below eight cells.
    """
    cells = [[visible(cell) for cell in row] for row in ([header] if header else []) + list(rows)]
    if not cells:
        return []
    widths = [max(cell_width(row[i]) for row in cells) for i in range(len(cells[0]))]
    if width is not None:
        _shrink(widths, width - len(GAP) * (len(widths) - 1))
    aligned = align.ljust(len(widths), "<")
    return [GAP.join(_fit(cell, widths[i], aligned[i]) for i, cell in enumerate(row)).rstrip() for row in cells]


def terminal_width() -> int | None:
    """The cells of a line on stdout: COLUMNS, else what the terminal says; None for a pipe or a file."""
    return shutil.get_terminal_size((0, 0)).columns or None


def write_lines(lines: Sequence[str]) -> None:
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()


def write_table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str = "") -> None:
    write_lines(table(header, rows, align, width=terminal_width()))


def write_json(value: Any) -> None:
    """One JSON value on one line."""
    write_lines([json.dumps(value, ensure_ascii=False, allow_nan=False)])


def _shrink(widths: list[int], room: int) -> None:
    while sum(widths) > room and max(widths) > MIN_COLUMN:
        widths[widths.index(max(widths))] -= 1


def _fit(cell: str, width: int, align: str) -> str:
    shown = middle_ellipsis(cell, width)
    padding = " " * (width - cell_width(shown))
    return padding + shown if align == ">" else shown + padding
