"""Rows as aligned lines of text, for a terminal or for a screen."""

from collections.abc import Sequence
from typing import Literal

from llmtui.tui.text import cell_width, middle_ellipsis, visible

Align = Literal["<", ">"]
GAP = "  "
INDENT = "  "
MIN_COLUMN = 8
# A text below a name is not made shorter than this: its row is broken before.
LEAST_TEXT = 16


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    align: str = "",
    *,
    width: int | None = None,
    expendable: Sequence[str] = (),
) -> list[str]:
    """The lines of a table, aligned by terminal cells, harmless on a terminal.

    align: for each column `<` or `>`; columns without one are `<`. width: cells there are (None: no limit). Where the
    table does not fit, the `expendable` columns go one after the other, named by their headings; then the widest lose
    their middle, but none gets below eight cells. In a table with a header names and `>` columns lose nothing, and
    texts something only down to 16 cells: beyond that a row has several lines.
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
    aligned = align.ljust(len(widths), "<")
    lines = [list(range(len(widths)))]
    if width is not None:
        least = [min(cells_wide, MIN_COLUMN) for cells_wide in widths]
        if header:
            names = [cell_width(name) for name in cells[0]]
            texts = [max(min(widths[i], LEAST_TEXT), names[i]) for i in range(len(widths))]
            least = [widths[i] if aligned[i] == ">" else texts[i] for i in range(len(widths))]
        if header and sum(least) + len(GAP) * (len(least) - 1) > width:
            widths = [min(cells_wide, max(1, width - len(INDENT))) for cells_wide in widths]
            lines = _broken(widths, width)
        else:
            _shrink(widths, least, width - len(GAP) * (len(widths) - 1))
    return [
        (INDENT if line[0] else "") + GAP.join(_fit(row[i], widths[i], aligned[i]) for i in line).rstrip()
        for row in cells
        for line in lines
        if not line[0] or any(row[i] for i in line)
    ]


def _widths(cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(cell_width(visible(row[i])) for row in cells) for i in range(len(cells[0]))]


def _shrink(widths: list[int], least: list[int], room: int) -> None:
    """Make the widest columns narrower, one cell at a time, until all fit or none may lose more."""
    while sum(widths) > room:
        able = [i for i in range(len(widths)) if widths[i] > least[i]]
        if not able:
            return
        widths[max(able, key=lambda i: widths[i])] -= 1


def _broken(widths: list[int], width: int) -> list[list[int]]:
    """Which columns share a line: as many as fit, the later lines indented."""
    lines = [[0]]
    taken = widths[0]
    for column in range(1, len(widths)):
        taken += len(GAP) + widths[column]
        if taken <= width:
            lines[-1].append(column)
        else:
            lines.append([column])
            taken = len(INDENT) + widths[column]
    return lines


def _fit(cell: str, width: int, align: str) -> str:
    shown = middle_ellipsis(cell, width)
    padding = " " * (width - cell_width(shown))
    return padding + shown if align == ">" else shown + padding
