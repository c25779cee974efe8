"""Results on stdout, for people as tables and for programs as JSON: nothing else goes there."""

import json
import shutil
from collections.abc import Sequence
from typing import Any

from llmtui.commands.output import write_out
from llmtui.tui.text_table import table


def terminal_width() -> int | None:
    """The cells of a line on stdout: COLUMNS, else what the terminal says; None for a pipe or a file."""
    return shutil.get_terminal_size((0, 0)).columns or None


def write_lines(lines: Sequence[str]) -> None:
    write_out("".join(line + "\n" for line in lines))


def write_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], align: str = "", *, expendable: Sequence[str] = ()
) -> None:
    write_lines(table(header, rows, align, width=terminal_width(), expendable=expendable))


def write_json(value: Any) -> None:
    """One JSON value on one line."""
    write_lines([json.dumps(value, ensure_ascii=False, allow_nan=False)])
