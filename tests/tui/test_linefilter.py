import pytest
from hostile import TEXTS, harmful, screen_text
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from rich.style import Style
from rich.text import Text
from textual.app import App, ComposeResult
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter
from textual.widgets import Input, Label, ListItem, ListView, Log, RichLog, Static, TextArea

from llmtui.tui.linefilter import HarmlessText

BLACK = Color(0, 0, 0)


def filtered(*segments: Segment) -> list[Segment]:
    return HarmlessText().apply(list(segments), BLACK)


@pytest.mark.parametrize("text", [*TEXTS, *(chr(code) for code in range(256))])
def test_nothing_harmful_passes_and_no_cell_moves(text: str) -> None:
    [segment] = filtered(Segment(f"a{text}b", Style(bold=True)))
    assert harmful(segment.text) == set()
    segment.text.encode()
    assert cell_len(segment.text) == cell_len(f"a{text}b")
    assert segment.style == Style(bold=True)


def test_good_lines_pass_untouched() -> None:
    segments = [Segment("plain 東京 ▂▅▇ [/]"), Segment("نص", None), Segment("می\u200cخواهم 👩\u200d👧")]
    assert HarmlessText().apply(segments, BLACK) is segments


def test_riches_own_control_segments_pass() -> None:
    control = Segment("\x1b[2J", None, [(ControlType.CLEAR,)])
    assert filtered(control, Segment("\x07x")) == [control, Segment("x")]


def test_a_link_cannot_carry_an_escape() -> None:
    [segment] = filtered(Segment("here", Style(link="https://example.org/\x1b]52;c;x\x07")))
    assert segment.style is not None
    assert segment.style.link is None
    good = Segment("here", Style(link="https://example.org/"))
    assert filtered(good) == [good]


async def test_no_widget_of_textual_gets_anything_harmful_past_it() -> None:
    everything = "".join(TEXTS).replace("\r", "")

    class Host(App[None]):
        ENABLE_COMMAND_PALETTE = False

        def get_line_filters(self) -> list[LineFilter]:
            return [*super().get_line_filters(), HarmlessText()]

        def compose(self) -> ComposeResult:
            box = Static(Content(everything))
            box.styles.border = ("solid", "red")
            box.border_title = Content("title \x1b[31m \u202e")
            yield box
            yield Label(Content(everything))
            yield Input(everything)
            yield TextArea(everything)
            yield Log()
            yield RichLog()
            yield ListView(ListItem(Static(Text(everything))))

        def on_mount(self) -> None:
            self.query_one(Log).write_line(everything)
            self.query_one(RichLog).write(Text(everything))
            self.notify(everything, markup=False)

    app = Host()
    async with app.run_test(size=(100, 60)) as pilot:
        await pilot.pause()
        shown = screen_text(app)
        assert shown.count("]52;c;aGFja2Vk") >= 7
        assert harmful(shown.replace("\n", "")) == set()
        shown.encode()
