"""Rows as aligned lines of text, for a terminal or for a screen."""

from collections.abc import Sequence
from typing import Literal

from llmtui.tui.text import cell_width, middle_ellipsis, visible

Align = Literal["<", ">"]
GAP = "  "
MIN_COLUMN = 8


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    align: str = "",
    *,
    width: int | None = None,
    expendable: Sequence[str] = (),
) -> list[str]:
    """The lines of a table, aligned by terminal cells, harmless on a terminal.

    align: for each column `<` or `>`; columns without one are `<`. width: cells there are (None: no limit); where the
    table does not fit, the `expendable` columns go one after the other, named by their headings; then the widest lose
    their middle, but none gets below eight cells.
    """
    for name in expendable:
        if width is None or sum(_widths([header, *rows])) + len(GAP) * (len(header) - 1) <= width:
            break
        at = list(header).index(name)
        header, *rows = ([*row[:at], *row[at + 1 :]] for row in (header, *rows))
        align = align[:at] + align[at + 1 :]
    cells = [[visible(cell) for cell in row] for row in ([header] if header else []) + list(rows)]
    if not cells:
        return []
    widths = _widths(cells)
    if width is not None:
        _shrink(widths, width - len(GAP) * (len(widths) - 1))
    aligned = align.ljust(len(widths), "<")
    return [GAP.join(_fit(cell, widths[i], aligned[i]) for i, cell in enumerate(row)).rstrip() for row in cells]


def _widths(cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(cell_width(visible(row[i])) for row in cells) for i in range(len(cells[0]))]


def _shrink(widths: list[int], room: int) -> None:
    while sum(widths) > room and max(widths) > MIN_COLUMN:
        widths[widths.index(max(widths))] -= 1


def _fit(cell: str, width: int, align: str) -> str:
    shown = middle_ellipsis(cell, width)
    padding = " " * (width - cell_width(shown))
    return padding + shown if align == ">" else shown + padding
