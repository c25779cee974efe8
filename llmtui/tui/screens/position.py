"""One position of a prompt under many settings, from one row of logits: nothing is generated."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from llmtui.engine import Engine
from llmtui.insight.at_position import Position, SettingAt, settings_at
from llmtui.insight.grid import Setting
from llmtui.tui import facts
from llmtui.tui.bridge import Bridge
from llmtui.tui.screens.plan_window import PlanWindow
from llmtui.tui.screens.window import is_open
from llmtui.tui.sweep_form import SweepPlan
from llmtui.tui.sweep_table import POSITION_MEASURES, bounds, level, setting_words
from llmtui.tui.text import GLYPHS, GlyphSet, cell_width, middle_ellipsis, piece
from llmtui.tui.widgets.grid import Grid, GridCell
from llmtui.tui.widgets.status_bar import Tone
from llmtui.units import probability

TOP = 20
PIECE_CELLS = 16
BAR_CELLS = 30


class PositionScreen(PlanWindow):
    """A grid of settings; below it what the one under the cursor makes of the position, and what each seed draws."""

    NAME = "Sweep at one position"
    HINT = "arrows choose · m next number · esc closes"
    MEASURES = len(POSITION_MEASURES)

    def __init__(self, engine: Engine, bridge: Bridge, plan: SweepPlan, *, glyphs: GlyphSet = "unicode") -> None:
        super().__init__(engine, bridge, plan, (), glyphs=glyphs)
        self._found: dict[Setting, SettingAt] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="window", classes="whole"):
            yield self.asked()
            yield self.grid
            yield Static("", id="facts", markup=False)
            with VerticalScroll(id="choices", classes="scroll", can_focus=False):
                yield Static("", id="choice-lines", markup=False)
            yield self.status

    def on_mount(self) -> None:
        super().on_mount()
        self.grid.styles.height = self.grid.wanted_height
        self.status.show("looking", Tone.BUSY)
        self._show_grid()
        self._bridge.run(self._look, self._looked, self._failed)

    def _look(self) -> Position:
        """In a thread of its own: the one forward, and every setting on its row."""
        plan, base = self._plan, self._plan.base
        assert plan.at is not None
        prompt = self._engine.tokenize(base.prompt) if base.prompt is not None else None
        ids = prompt if prompt is not None else self._engine.tokenize_chat(base.messages or ())
        return settings_at(self._engine, ids, plan.at, plan.settings, plan.seeds, base.params, top=TOP)

    def _looked(self, position: Position) -> None:
        self._found = {at.setting: at for at in position.settings}
        if not is_open(self):
            return
        actual = position.actual
        here = ""
        if actual is not None:
            here = f", where the prompt has {self._piece(actual.bytes)} (RAW {probability(actual.raw_prob)})"
        self.status.show(f"token {position.index}{here} · RAW entropy {position.raw_entropy_bits:.2f} bit", Tone.GOOD)
        self._show_grid()
        self._show_choices()

    def _failed(self, error: Exception) -> None:
        if is_open(self):
            self.status.show(str(error) or type(error).__name__, Tone.BAD)

    @on(Grid.Moved)
    def _cursor_moved(self) -> None:
        self._show_choices()

    def _show_grid(self) -> None:
        measure = POSITION_MEASURES[self.measure]
        numbers = {setting: measure.number(at) for setting, at in self._found.items()}
        within = bounds(numbers.values())
        rows = []
        for row in range(len(self.table.rows)):
            found = [numbers.get(self.table.setting(row, column)) for column in range(len(self.table.columns))]
            texts = [GLYPHS[self._glyphs].dot if number is None else measure.text(number) for number in found]
            rows.append([GridCell(text, level(n, within)) for text, n in zip(texts, found, strict=True)])
        self.grid.show(measure.title, rows, measure.limits(within))

    def _show_choices(self) -> None:
        setting = self.table.setting(*self.grid.cursor)
        at = self._found.get(setting)
        words = setting_words(setting)
        if at is None:
            self.query_one("#facts", Static).update(words, layout=False)
            return
        drawn = " ".join(self._piece(draw.bytes) for draw in at.draws)
        mass = f"{probability(at.raw_mass)} of the RAW probability"
        self.query_one("#facts", Static).update(
            f"{words} · {at.kept} kept with {mass} · H {at.entropy_bits:.2f} bit SAMPLED\ndrawn by seeds "
            f"{self._plan.seeds[0]} and on: {drawn}",
            layout=False,
        )
        self.query_one("#choice-lines", Static).update("\n".join(self._lines(at)))

    def _lines(self, at: SettingAt) -> list[str]:
        """The candidates that are left, and the rest of them: together they are 1."""
        numbers = [(probability(choice.sampled_prob), probability(choice.raw_prob)) for choice in at.top]
        left, rest = at.kept - len(at.top), max(0.0, 1.0 - sum(choice.sampled_prob for choice in at.top))
        cells = max(8, len(probability(rest)), *(len(number) for pair in numbers for number in pair))
        lines = [f"   {'token':<{PIECE_CELLS}} {'SAMPLED':>{cells}} {'RAW':>{cells}}"]
        for place, (choice, (sampled, raw)) in enumerate(zip(at.top, numbers, strict=True), start=1):
            name = middle_ellipsis(self._piece(choice.bytes), PIECE_CELLS, glyphs=self._glyphs)
            bar = facts.bar(choice.sampled_prob, BAR_CELLS, glyphs=self._glyphs)
            padding = " " * (PIECE_CELLS - cell_width(name))
            lines.append(f"{place:>2} {name}{padding} {sampled:>{cells}} {raw:>{cells}} {bar}")
        if left:
            lines.append(f"   {f'{left} more':<{PIECE_CELLS}} {probability(rest):>{cells}}")
        return lines

    def _piece(self, data: bytes) -> str:
        return piece(data, glyphs=self._glyphs)
