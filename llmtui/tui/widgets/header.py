"""The first line: the model, the API, the machine."""

from typing import TYPE_CHECKING, Final

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from llmtui.tui.serving import Serving, queue_words
from llmtui.tui.text import GLYPHS, GlyphSet, cell_width, middle_ellipsis, visible
from llmtui.tui.widgets.gauge import Gauge
from llmtui.units import short_size

if TYPE_CHECKING:
    from llmtui.system.reading import Sample


# In less, the address stands in the window of the requests alone.
ROOM_FOR_API: Final = 70


class Title(Widget):
    """`llmtui  tiny-tales · 6.2M · fp32 · cpu`, cut in the middle where there is no room."""

    DEFAULT_CSS = """
    Title { width: 1fr; height: 1; }
    """

    def __init__(self, *, glyphs: GlyphSet, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs: GlyphSet = glyphs
        self._text = ""

    def show(self, text: str) -> None:
        """What stands after the program's name."""
        self._text = visible(text, glyphs=self._glyphs)
        self.refresh()

    @property
    def text(self) -> str:
        """What stands after the program's name."""
        return self._text

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y > 0:
            return Strip.blank(width, base)
        name = " llmtui  "
        text = middle_ellipsis(self._text, max(0, width - cell_width(name) - 1), glyphs=self._glyphs)
        return Strip([Segment(name, base + Style(bold=True)), Segment(text, base)]).adjust_cell_length(width, base)


class Header(Horizontal):
    """Title, API with its queue, and gauges on one line; all but the title are of fixed width."""

    DEFAULT_CSS = """
    Header {
        height: 1;
        background: $panel;
        color: $text;
        & Gauge { background: $panel; color: $text; margin: 0 1 0 2; }
        & ApiState { color: $success; background: $panel; }
    }
    """

    def __init__(self, *, serving: Serving | None = None, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(id=id)
        self.set_class(serving is not None, "-serving")
        self._serving = serving
        self._glyphs: GlyphSet = glyphs

    def compose(self) -> ComposeResult:
        yield Title(glyphs=self._glyphs, id="title")
        if self._serving is not None:
            yield ApiState(self._serving, glyphs=self._glyphs, id="api")
            yield ApiState(self._serving, brief=True, glyphs=self._glyphs, id="api-brief")
        cpu = Gauge("cpu", glyphs=self._glyphs, id="cpu")
        cpu.tooltip = Content("All cores of this machine together")
        ram = Gauge("ram", glyphs=self._glyphs, id="ram")
        ram.tooltip = Content("Memory in use on this machine")
        yield cpu
        yield ram

    def on_resize(self) -> None:
        self.set_class(self.size.width < ROOM_FOR_API, "-cramped")

    def show_model(self, text: str) -> None:
        """The model's facts."""
        self.query_one(Title).show(text)

    def show_sample(self, sample: "Sample") -> None:
        """The machine, and the engine's queue."""
        self.show_machine(sample)
        if sample.engine is not None:
            self.show_queue(sample.engine.running, sample.engine.waiting)

    def show_queue(self, running: int, waiting: int) -> None:
        """The engine's queue, where others can ask."""
        for state in self.query(ApiState):
            state.show(running, waiting)

    def show_machine(self, sample: "Sample") -> None:
        """Processor and memory of the whole machine."""
        self.query_one("#cpu", Gauge).push(sample.cpu_percent)
        used, total = sample.ram_used_bytes, sample.ram_total_bytes
        if used is not None and total:
            self.query_one("#ram", Gauge).push(100 * used / total, short_size(used))


class ApiState(Widget):
    """`● api 127.0.0.1:5000 · 3 keys ·  1 run,  0 wait`, of one width. brief: without the keys."""

    DEFAULT_CSS = """
    ApiState { height: 1; }
    """

    def __init__(self, serving: Serving, *, brief: bool = False, glyphs: GlyphSet, id: str | None = None) -> None:
        super().__init__(id=id)
        signs = GLYPHS[glyphs]
        facts = [f"api {serving.address}", "" if brief else serving.keys]
        self._dot = f" {signs.dot} "
        self._facts = visible(self._dot.join(fact for fact in facts if fact), glyphs=glyphs)
        self._mark = "●" if glyphs == "unicode" else "*"
        self._queue = queue_words(0, 0)
        self.styles.width = cell_width(self.text)

    @property
    def text(self) -> str:
        """What it says."""
        return f"{self._mark} {self._facts}{self._dot}{self._queue}"

    def show(self, running: int, waiting: int) -> None:
        """How many requests run, and how many wait."""
        queue = queue_words(running, waiting)
        if queue != self._queue:
            self._queue = queue
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y > 0:
            return Strip.blank(width, base)
        return Strip([Segment(self.text, base)]).adjust_cell_length(width, base)
