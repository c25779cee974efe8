"""A sweep while it runs and after: the grid fills, the text of a cell stands below it, a cell opens to be walked."""

import threading
from itertools import takewhile
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from llmtui.engine import Engine
from llmtui.insight.sweep import Cell, Key
from llmtui.tui import facts
from llmtui.tui.bridge import Bridge
from llmtui.tui.progress import SEPARATOR
from llmtui.tui.screens.plan_window import PlanWindow
from llmtui.tui.screens.window import is_open
from llmtui.tui.sweep_form import SweepPlan
from llmtui.tui.sweep_job import SweepView, sweep_job
from llmtui.tui.sweep_table import (
    TEXT_MEASURES,
    bounds,
    cell_facts,
    comparison_words,
    level,
    setting_words,
)
from llmtui.tui.text import GLYPHS, GlyphSet, parts_that_fit
from llmtui.tui.widgets.grid import Grid, GridCell
from llmtui.tui.widgets.marked_text import MarkedText
from llmtui.tui.widgets.status_bar import Tone
from llmtui.units import duration

BAR_CELLS: Final = 16


class SweepScreen(PlanWindow):
    """Runs a plan. Esc stops it and keeps what is there, and then closes; m shows the next number."""

    NAME = "Sweep"
    HINT = "arrows · m next number · Enter walks the tokens · esc stops, then closes"
    MEASURES = len(TEXT_MEASURES)

    def __init__(self, engine: Engine, bridge: Bridge, plan: SweepPlan, *, glyphs: GlyphSet = "unicode") -> None:
        super().__init__(engine, bridge, plan, plan.seeds, glyphs=glyphs)
        self._stop = threading.Event()
        self._ended = False
        self.view = SweepView()
        self.text = MarkedText(id="text")

    def compose(self) -> ComposeResult:
        with Vertical(id="window", classes="whole"):
            yield self.asked()
            yield self.grid
            yield Static("", id="facts", markup=False)
            yield self.text
            yield self.status

    def on_mount(self) -> None:
        super().on_mount()
        self.grid.styles.height = self.grid.wanted_height
        self._show()
        self._bridge.run_reporting(
            sweep_job(self._engine, self._plan, self._stop), self._moved, self._finished, self._failed
        )

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_cell)

    def on_unmount(self) -> None:
        self._stop.set()

    def _moved(self, view: SweepView) -> None:
        self.view = view
        if is_open(self):
            self._show()

    def _finished(self, view: SweepView) -> None:
        self._ended = True
        self._moved(view)

    def _failed(self, error: Exception) -> None:
        self._ended = True
        if is_open(self):
            self.status.show(str(error) or type(error).__name__, Tone.BAD)

    # what the person does

    def action_close(self) -> None:
        """Stop what runs; with nothing running, close."""
        if self._ended or self._stop.is_set():
            self.dismiss(None)
        else:
            self._stop.set()
            self.status.show("stopping", Tone.BUSY)

    @on(Grid.Moved)
    def _cursor_moved(self) -> None:
        self.status.show_aside("")
        self._show_cell()

    @on(Grid.Opened)
    def _open(self, message: Grid.Opened) -> None:
        key = self._key(message.row, message.column)
        cell, trace = self.view.cells.get(key), self.view.traces.get(key)
        if cell is None or trace is None:
            unwritten = cell is None or cell.finish_reason == "running"
            why = "it is still to be written" if unwritten else f"only the first {len(self.view.traces)} cells are kept"
            # beside the progress, which would soon take its place
            self.status.show_aside(f"cannot be walked: {why}")
            return
        from llmtui.tui.screens.cell import CellScreen

        model = self._engine.model
        vocabulary = None if model is None else model.vocab_size
        self.app.push_screen(CellScreen(self._name_of(cell), trace, cell.diverges_at, vocabulary, glyphs=self._glyphs))

    # showing

    def _show(self) -> None:
        self._show_grid()
        self._show_cell()
        view, total = self.view, self._plan.cells
        parts = [f"{view.done} of {total} cells", f"{view.tokens} tokens", duration(view.seconds)]
        if view.seconds:
            parts.append(f"{view.tokens / view.seconds:.1f} tok/s in all")
        if not self._ended:
            bar = facts.bar(view.share, BAR_CELLS, glyphs=self._glyphs)
            line = f"{bar:{GLYPHS[self._glyphs].dot}<{BAR_CELLS}} {SEPARATOR.join(parts)}"
            self.status.show(line if not self._stop.is_set() else "stopping", Tone.BUSY)
        elif view.done < total:
            self.status.show(SEPARATOR.join(["stopped", *parts]), Tone.CALM)
        else:
            self.status.show(SEPARATOR.join(["done", *parts]), Tone.GOOD)

    def _show_grid(self) -> None:
        measure = TEXT_MEASURES[self.measure]
        numbers = {key: measure.number(cell) for key, cell in self.view.cells.items()}
        within = bounds(numbers.values())
        rows = [
            [self._grid_cell(key, numbers.get(key), within) for key in self._keys(row)]
            for row in range(len(self.table.rows))
        ]
        self.grid.show(measure.title, rows, measure.limits(within))

    def _grid_cell(self, key: Key, number: float | None, within: tuple[float, float] | None) -> GridCell:
        signs = GLYPHS[self._glyphs]
        cell = self.view.cells.get(key)
        if cell is None:
            return GridCell(signs.dot)
        part = signs.ellipsis if cell.finish_reason in ("running", "cancelled") else ""
        if number is None:
            return GridCell(signs.dash + part)
        return GridCell(TEXT_MEASURES[self.measure].text(number) + part, level(number, within))

    def _show_cell(self) -> None:
        key = self._key(*self.grid.cursor)
        cell = self.view.cells.get(key)
        lines = [f"{setting_words(key[0])} · seed {key[1]}"]
        if cell is not None:
            lines = [f"{lines[0]} · {comparison_words(cell, self._plan.settings[0])}", cell_facts(cell)]
        facts_line = self.query_one("#facts", Static)
        room = facts_line.content_size.width or self.size.width
        fitting = [parts_that_fit(line, room, glyphs=self._glyphs) for line in lines]
        facts_line.update("\n".join(fitting), layout=False)
        if cell is None:
            self.text.show("", "", "This cell is still to be written.")
        else:
            self.text.show(*self._parts(cell), "This text has no tokens.")

    def _parts(self, cell: Cell) -> tuple[str, str]:
        """The text that a cell shares with the reference, and what is its own."""
        if cell.diverges_at is None:
            return cell.text, ""
        trace = self.view.traces.get(cell.key)
        if trace is not None:
            shared = len("".join(token.text for token in trace[: cell.diverges_at]))
        else:
            reference = self.view.cells.get((self._plan.settings[0], cell.seed))
            other = "" if reference is None else reference.text
            shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(cell.text, other, strict=False)))
        return cell.text[:shared], cell.text[shared:]

    def _name_of(self, cell: Cell) -> str:
        return f"{setting_words(cell.setting)} · seed {cell.seed}"

    def _keys(self, row: int) -> list[Key]:
        return [self._key(row, column) for column in range(len(self.table.columns))]

    def _key(self, row: int, column: int) -> Key:
        seed = self.table.seed(column)
        assert seed is not None
        return self.table.setting(row, column), seed
