"""The first line: the model, the API, the machine."""

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from llmtui.tui.text import GlyphSet, cell_width, middle_ellipsis, visible
from llmtui.tui.widgets.gauge import Gauge, format_bytes

if TYPE_CHECKING:
    from llmtui.system.machine import MachineSample


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
    """Title, API address and gauges on one line; the gauges are of fixed width."""

    DEFAULT_CSS = """
    Header {
        height: 1;
        background: $panel;
        color: $text;
        & Gauge { background: $panel; color: $text; margin: 0 1 0 2; }
        & #api { width: auto; height: 1; color: $success; background: $panel; }
    }
    """

    def __init__(self, *, api_url: str | None = None, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(id=id)
        self._api_url = api_url
        self._glyphs: GlyphSet = glyphs

    def compose(self) -> ComposeResult:
        yield Title(glyphs=self._glyphs, id="title")
        if self._api_url is not None:
            yield ApiAddress(self._api_url, glyphs=self._glyphs, id="api")
        cpu = Gauge("cpu", glyphs=self._glyphs, id="cpu")
        cpu.tooltip = Content("All cores of this machine together")
        ram = Gauge("ram", glyphs=self._glyphs, id="ram")
        ram.tooltip = Content("Memory in use on this machine")
        yield cpu
        yield ram

    def show_model(self, text: str) -> None:
        """The model's facts."""
        self.query_one(Title).show(text)

    def show_machine(self, sample: "MachineSample") -> None:
        """Processor and memory of the whole machine."""
        self.query_one("#cpu", Gauge).push(sample.cpu_percent)
        share = 100 * sample.ram_used_bytes / sample.ram_total_bytes
        self.query_one("#ram", Gauge).push(share, format_bytes(sample.ram_used_bytes))


class ApiAddress(Widget):
    """`● api 127.0.0.1:5000`."""

    def __init__(self, url: str, *, glyphs: GlyphSet, id: str | None = None) -> None:
        super().__init__(id=id)
        mark = "●" if glyphs == "unicode" else "*"
        self._text = f"{mark} api {visible(url.removeprefix('http://').rstrip('/'), glyphs=glyphs)}"
        self.styles.width = cell_width(self._text)

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        if y > 0:
            return Strip.blank(self.size.width, base)
        return Strip([Segment(self._text, base)]).adjust_cell_length(self.size.width, base)
