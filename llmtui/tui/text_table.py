"""Rows as aligned lines of text, for a terminal or for a screen."""

from collections.abc import Sequence
from typing import Literal

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


def _shrink(widths: list[int], room: int) -> None:
    while sum(widths) > room and max(widths) > MIN_COLUMN:
        widths[widths.index(max(widths))] -= 1


def _fit(cell: str, width: int, align: str) -> str:
    shown = middle_ellipsis(cell, width)
    padding = " " * (width - cell_width(shown))
    return padding + shown if align == ">" else shown + padding
