"""What the windows of a sweep's plan share: its grid of settings, one number at a time, and a status line."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import PurePath
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Static

from llmtui.engine import Engine
from llmtui.tui.bridge import Bridge
from llmtui.tui.screens.window import Window
from llmtui.tui.sweep_form import SweepPlan, asked_text
from llmtui.tui.sweep_table import SweepTable
from llmtui.tui.text import GlyphSet, visible
from llmtui.tui.widgets.grid import Grid
from llmtui.tui.widgets.status_bar import StatusBar


class PlanWindow(Window[None]):
    """A grid of a plan's settings and `seeds`; m shows the next number, of which there are `MEASURES`."""

    CSS_PATH: ClassVar[str | list[str | PurePath]] = ["window.tcss", "sweep.tcss"]
    AUTO_FOCUS = "#grid"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "measure(1)", "Next number", show=False, tooltip="Show the next number of all cells"),
        Binding("M", "measure(-1)", "Previous number", show=False, tooltip="Show the number before it"),
    ]
    MEASURES: ClassVar[int]

    def __init__(
        self, engine: Engine, bridge: Bridge, plan: SweepPlan, seeds: Sequence[int], *, glyphs: GlyphSet
    ) -> None:
        super().__init__()
        self._engine = engine
        self._bridge = bridge
        self._plan = plan
        self._glyphs: GlyphSet = glyphs
        self.measure = 0
        self.table = SweepTable(plan.settings, tuple(seeds))
        self.grid = Grid(self.table.rows, self.table.columns, self.table.corner, glyphs=glyphs, id="grid")
        self.status = StatusBar(glyphs=glyphs, id="status")

    def asked(self) -> Static:
        """The line that says what the plan continues."""
        return Static(visible(asked_text(self._plan.base), glyphs=self._glyphs), id="asked", markup=False)

    def action_measure(self, by: int) -> None:
        """Show the next number of all cells."""
        self.measure = (self.measure + by) % self.MEASURES
        self._show_grid()

    @abstractmethod
    def _show_grid(self) -> None:
        """Show the number that `measure` stands for in all cells."""
