"""A comparison while it runs and after: a column for each model, its text as it comes."""

from collections.abc import Sequence
from functools import partial
from pathlib import PurePath
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import HorizontalScroll, Vertical
from textual.widgets import Static

from llmtui.engine import SamplingParams
from llmtui.engine.events import Token
from llmtui.engine.loads import LoadProgress
from llmtui.insight.compare import Column, Comparison, ModelChoice, Progress, Step
from llmtui.system.own_processes import prepare_process
from llmtui.system.paths import log_file
from llmtui.tui.bridge import Bridge
from llmtui.tui.compare_job import ComparisonView, News, compare_job
from llmtui.tui.progress import SEPARATOR, load_stage
from llmtui.tui.screens.window import Window, is_open
from llmtui.tui.text import GlyphSet, visible
from llmtui.tui.widgets.model_column import ModelColumn
from llmtui.tui.widgets.status_bar import StatusBar, Tone

# Fewer cells for a column would not hold its facts.
LEAST_WIDTH: Final = 29


class CompareScreen(Window[None]):
    """Loads the models, each in a process of its own, and lets those that fit into memory together write side by side.

    Esc stops all of them and keeps what is there, and then closes; Enter shows where the models differ.
    """

    NAME = "Compare"
    HINT = "← → columns · ↑ ↓ text · Enter where they differ · esc stops, then closes"
    CSS_PATH: ClassVar[str | list[str | PurePath]] = ["window.tcss", "sweep.tcss"]
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,tab", "column(1)", "Next column", show=False, priority=True),
        Binding("left,shift+tab", "column(-1)", "Column before", show=False, priority=True),
        Binding("enter", "differences", "Where they differ", show=False, tooltip="Show where the models differ"),
    ]

    def __init__(
        self,
        bridge: Bridge,
        prompt: str,
        params: SamplingParams,
        choices: Sequence[ModelChoice],
        device: str,
        *,
        glyphs: GlyphSet = "unicode",
    ) -> None:
        super().__init__()
        self._bridge = bridge
        self._choices = choices
        self._glyphs: GlyphSet = glyphs
        self._stopping = False
        self._ended = False
        self._place = 0
        self._left = 0
        self.comparison = Comparison(prompt, params, device, partial(prepare_process, log_file(), False))
        self.view = ComparisonView()
        self.columns = [ModelColumn(choice, glyphs=glyphs) for choice in choices]
        self.status = StatusBar(glyphs=glyphs, id="status")

    def compose(self) -> ComposeResult:
        with Vertical(id="window", classes="whole"):
            yield Static(visible(self.comparison.prompt, glyphs=self._glyphs), id="asked", markup=False)
            with HorizontalScroll(id="columns", can_focus=False):
                yield from self.columns
            yield self.status

    def on_mount(self) -> None:
        super().on_mount()
        self.columns[0].output.focus(scroll_visible=False)
        self._say("starting", 0)
        self._bridge.run_reporting(
            compare_job(self.comparison, self._choices), self._moved, self._finished, self._failed
        )

    def on_resize(self) -> None:
        """As many columns in sight as are worth reading; the rest is scrolled to."""
        width = self._room // self._shown
        for column in self.columns:
            column.styles.width = width
        self.call_after_refresh(self._align)

    def _align(self) -> None:
        """Have whole columns in sight, the one with the focus among them."""
        self._left = max(self._place - self._shown + 1, min(self._left, self._place))
        self.query_one("#columns").scroll_to(x=self._left * (self._room // self._shown), animate=False)

    @property
    def _room(self) -> int:
        return self.query_one("#columns").size.width

    @property
    def _shown(self) -> int:
        """How many columns are in sight."""
        return max(1, min(len(self.columns), self._room // LEAST_WIDTH))

    def on_unmount(self) -> None:
        self.comparison.stop()

    def _moved(self, news: News) -> None:
        if not is_open(self):
            return
        match news:
            case Step(place, progress) if not isinstance(progress, Column):
                self.columns[place].move(progress)
                self._say_what_goes_on(place, progress)
            case ComparisonView():
                self.view = news
                for widget, column in zip(self.columns, news.columns, strict=False):
                    if column is not None:
                        widget.show(column)

    def _finished(self, view: ComparisonView) -> None:
        self._ended = True
        self._moved(view)
        if not is_open(self):
            return
        ran = len(view.measured)
        words = f"{ran} of {len(self._choices)} models"
        if self._stopping:
            self.status.show(f"stopped · {words}", Tone.CALM)
        else:
            failed = [column.choice.name for column in view.columns if column is not None and column.problem]
            told = SEPARATOR.join(["done", words, *([f"without {', '.join(failed)}"] if failed else [])])
            self.status.show(told, Tone.GOOD if ran == len(self._choices) else Tone.BAD)

    def _failed(self, error: Exception) -> None:
        self._ended = True
        if is_open(self):
            self.status.show(str(error) or type(error).__name__, Tone.BAD)

    def action_close(self) -> None:
        """Stop what runs; with nothing running, close."""
        if self._ended or self._stopping:
            self.dismiss(None)
            return
        self._stopping = True
        self.comparison.stop()
        self.status.show("stopping", Tone.BUSY)

    def action_column(self, by: int) -> None:
        """Go so many columns to the right."""
        self._place = min(max(0, self._place + by), len(self.columns) - 1)
        # the column is brought into sight as a whole, not as far as its text needs
        self.columns[self._place].output.focus(scroll_visible=False)
        self._align()

    def action_differences(self) -> None:
        """Walk the first model's text, with what another one thinks of it."""
        compared = self.view.compared
        if len(compared) < 2:
            self.status.show("there are no two models to be compared yet", Tone.CALM)
            return
        from llmtui.tui.screens.difference import DifferenceScreen

        self.app.push_screen(DifferenceScreen(compared, self.view.spans, glyphs=self._glyphs))

    def _say_what_goes_on(self, place: int, progress: Progress) -> None:
        match progress:
            case LoadProgress():
                self._say(load_stage(progress, self._glyphs), place)
            case Token():
                self._say_of_all(f"writing by turns{SEPARATOR}{sum(column.written for column in self.columns)} tokens")
            case standing:
                self._say(str(standing), place)

    def _say(self, words: str, place: int) -> None:
        choice = self._choices[place]
        parts = [f"model {place + 1} of {len(self._choices)}", f"{choice.name}@{choice.dtype}", words]
        self._say_of_all(SEPARATOR.join(parts))

    def _say_of_all(self, words: str) -> None:
        if not self._stopping:
            self.status.show(words, Tone.BUSY)
