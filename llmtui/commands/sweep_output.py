"""A sweep, and the settings at one position, as tables for people and as JSON for programs."""

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from llmtui.commands.table import terminal_width, write_json, write_lines, write_table
from llmtui.insight.at_position import Position
from llmtui.insight.sweep import Cell, Sweep
from llmtui.tui.text import cell_width, middle_ellipsis, piece, visible
from llmtui.tui.text_table import table
from llmtui.units import count, duration, fixed, probability

# A text of fewer cells beside the numbers could not be read: texts stand below the table then.
LEAST_TEXT: Final = 30
HEADER: Final = ("T", "top-k", "top-p", "seed", "tokens", "bits", "H", "dist-1", "dist-2", "run", "tok/s", "differs")


def write_sweep(sweep: Sweep, prompt: str, model: str, *, as_json: bool) -> None:
    if as_json:
        write_json(
            {
                "model": model,
                "prompt": prompt,
                "complete": sweep.complete,
                "seeds": list(sweep.seeds),
                "tokens": sweep.tokens,
                "seconds": sweep.seconds,
                "cells": [cell_fields(cell) for cell in sweep.cells],
            }
        )
        return
    write_lines(cell_lines(sweep.cells, terminal_width()))
    speed = sweep.tokens / sweep.seconds if sweep.seconds else 0.0
    state = "" if sweep.complete else f", stopped after {sweep.done} of {sweep.total} cells"
    line = f"{count(sweep.tokens)} tokens in {duration(sweep.seconds)}, {speed:.1f} tok/s in all{state}"
    width = terminal_width()
    write_lines([line] if width is None else textwrap.wrap(line, width))


def cell_row(cell: Cell) -> tuple[str, ...]:
    return (
        f"{cell.setting.temperature:g}",
        str(cell.setting.top_k),
        f"{cell.setting.top_p:g}",
        str(cell.seed),
        str(cell.tokens),
        fixed(cell.mean_surprisal),
        fixed(cell.mean_entropy),
        fixed(cell.distinct_1),
        fixed(cell.distinct_2),
        str(cell.longest_repeat),
        fixed(cell.tokens_per_second, 1),
        "–" if cell.diverges_at is None else f"#{cell.diverges_at}",
    )


def cell_lines(cells: Sequence[Cell], width: int | None) -> list[str]:
    """The table of the cells and their texts; where the numbers alone are too wide, each row has several lines."""
    align = ">" * len(HEADER)
    numbers = table(HEADER, [cell_row(cell) for cell in cells], align)
    if width is not None and max(map(cell_width, numbers)) > width:
        return table((*HEADER, "text"), [(*cell_row(cell), cell.text) for cell in cells], align, width=width)
    return with_texts(numbers, [cell.text for cell in cells], width)


def with_texts(numbers: list[str], texts: list[str], width: int | None) -> list[str]:
    """The lines of a table with each row's text beside it, or below it where there is no room beside.

    numbers: the heading, then a line for each text.
    """
    across = max(map(cell_width, numbers))
    room = None if width is None else width - across - 2
    if room is not None and room < LEAST_TEXT:
        lines = numbers[:1]
        for row, text in zip(numbers[1:], texts, strict=True):
            lines += [row, "  " + middle_ellipsis(visible(text), (width or 0) - 2)]
        return lines
    shown = ["text", *(visible(text) if room is None else middle_ellipsis(visible(text), room) for text in texts)]
    return [f"{row}{' ' * (across - cell_width(row))}  {text}" for row, text in zip(numbers, shown, strict=True)]


def cell_fields(cell: Cell) -> dict[str, Any]:
    fields = asdict(cell)
    setting: dict[str, Any] = fields.pop("setting")
    return setting | fields | {"ids": list(cell.ids), "tokens": cell.tokens}


def write_position(position: Position, prompt: str, model: str, *, as_json: bool) -> None:
    if as_json:
        write_json({"model": model, "prompt": prompt} | position_fields(position))
        return
    actual = position.actual
    note = ""
    if actual is not None:
        note = f", where the prompt has {piece(actual.bytes)} (RAW {probability(actual.raw_prob)})"
    write_lines([visible(f"token {position.index}{note}; RAW entropy {position.raw_entropy_bits:.2f} bit")])
    write_table(
        ("T", "top-k", "top-p", "kept", "RAW mass", "entropy", "drawn", "most probable (SAMPLED)"),
        [
            (
                f"{row.setting.temperature:g}",
                str(row.setting.top_k),
                f"{row.setting.top_p:g}",
                str(row.kept),
                probability(row.raw_mass),
                f"{row.entropy_bits:.2f}",
                " ".join(piece(draw.bytes) for draw in row.draws),
                "  ".join(f"{piece(choice.bytes)} {probability(choice.sampled_prob)}" for choice in row.top),
            )
            for row in position.settings
        ],
        ">>>>>><<",
    )


def position_fields(position: Position) -> dict[str, Any]:
    def with_text(fields: dict[str, Any]) -> dict[str, Any]:
        data = fields["bytes"]
        return fields | {"bytes": list(data), "text": data.decode("utf-8", errors="replace")}

    def choice(value: Any) -> dict[str, Any]:
        return with_text(asdict(value))

    return {
        "at": position.index,
        "context": position.context,
        "raw_entropy_bits": position.raw_entropy_bits,
        "actual": None
        if position.actual is None
        else {key: value for key, value in choice(position.actual).items() if key != "sampled_prob"},
        "settings": [
            {
                **asdict(row.setting),
                "kept": row.kept,
                "raw_mass": row.raw_mass,
                "entropy_bits": row.entropy_bits,
                "top": [choice(one) for one in row.top],
                "draws": [choice(one) for one in row.draws],
            }
            for row in position.settings
        ],
    }
