import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import SELECT_ALL, Selection

from llmtui.tui.widgets.output import DROPPED_LINES, MAX_LINES, Kind, Output
from llmtui.tui.wrapping import wrap

WORDS = st.text(alphabet=st.sampled_from("ab c漢é👩\u0301-."), max_size=60)


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.output = Output(id="output")

    def compose(self) -> ComposeResult:
        yield self.output


def shown(output: Output) -> list[str]:
    return [output.render_line(y).text.rstrip() for y in range(output.size.height)]


async def settled(pilot: Pilot[None]) -> Output:
    await pilot.pause()
    assert isinstance(pilot.app, Host)
    return pilot.app.output


@given(WORDS, st.integers(2, 30))
def test_wrapping_loses_nothing_and_fits(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join(lines) == text
    assert all(cell_len(line.rstrip()) <= width for line in lines)


@given(st.lists(WORDS, max_size=8), st.integers(2, 30))
def test_text_that_comes_in_pieces_is_wrapped_as_if_it_had_come_at_once(pieces: list[str], width: int) -> None:
    lines = [""]
    for piece in pieces:
        lines[-1:] = wrap(lines[-1] + piece, width)
    assert lines == wrap("".join(pieces), width)


@given(WORDS, st.integers(2, 30))
def test_no_word_is_broken_that_would_fit(text: str, width: int) -> None:
    for line, following in zip(wrap(text, width), wrap(text, width)[1:], strict=False):
        word = (line.rsplit(" ", 1)[-1] if line == line.rstrip() else "") + following.split(" ", 1)[0]
        assert line != line.rstrip() or cell_len(word) > width


async def test_streamed_text_reads_as_one_text_below_its_heading() -> None:
    async with Host().run_test(size=(32, 12)) as pilot:
        output = await settled(pilot)
        output.add(Kind.HEADING, "▌tiny-tales")
        output.add(Kind.TEXT, "")
        for piece in ("Once", " upon", " a time there", " was a cat.\n", "The", " end."):
            output.extend(piece)
        assert shown(output)[:4] == ["▌tiny-tales", "Once upon a time there was a", "cat.", "The end."]
        assert output.text == "▌tiny-tales\nOnce upon a time there was a cat.\nThe end."


async def test_the_end_is_followed_until_one_scrolls_up_and_again_from_the_end() -> None:
    async with Host().run_test(size=(40, 10)) as pilot:
        output = await settled(pilot)
        output.add(Kind.TEXT, "\n".join(f"line {n}" for n in range(50)))
        assert shown(output)[-1] == "line 49"
        output.page(-1)
        top = output.scroll_offset.y
        output.extend("\nline 50\nline 51")
        assert output.scroll_offset.y == top
        output.page(5)
        output.extend("\nline 52")
        assert shown(output)[-1] == "line 52"


async def test_the_end_stays_in_sight_when_the_pane_gets_lower_and_what_is_read_when_one_has_scrolled_up() -> None:
    async with Host().run_test(size=(40, 12)) as pilot:
        output = await settled(pilot)
        output.add(Kind.TEXT, "\n".join(f"line {n}" for n in range(50)))
        await pilot.resize_terminal(40, 7)
        assert shown(output)[-1] == "line 49"
        await pilot.resize_terminal(40, 14)
        assert shown(output)[-1] == "line 49"
        output.page(-1)
        top = output.scroll_offset.y
        await pilot.resize_terminal(40, 9)
        assert output.scroll_offset.y == top


async def test_a_new_width_wraps_anew_and_loses_nothing() -> None:
    async with Host().run_test(size=(60, 10)) as pilot:
        output = await settled(pilot)
        text = "a rather long line that will be wrapped in several ways\nand a second one"
        output.add(Kind.PROMPT, text)
        for width in (20, 44, 60):
            await pilot.resize_terminal(width, 10)
            await pilot.pause()
            assert output.text == text
            assert all(cell_len(line) <= width - 3 for line in shown(output))


async def test_what_is_copied_has_no_line_breaks_of_the_panes_making() -> None:
    async with Host().run_test(size=(24, 10)) as pilot:
        output = await settled(pilot)
        text = "one two three four five six seven\neight"
        output.add(Kind.TEXT, text)
        assert shown(output)[1] != ""
        assert output.get_selection(SELECT_ALL) == (text, "\n")
        second = output.get_selection(Selection(Offset(0, 1), Offset(4, 1)))
        assert second is not None
        assert second[0] == shown(output)[1][:4]


async def test_a_selection_by_mouse_is_the_text_under_it() -> None:
    async with Host().run_test(size=(40, 10)) as pilot:
        output = await settled(pilot)
        output.add(Kind.TEXT, "hello there\nsecond line")
        await pilot.pause()
        await pilot.mouse_down("#output", offset=(1, 0))
        await pilot.hover("#output", offset=(6, 1))
        await pilot.mouse_up("#output", offset=(6, 1))
        assert pilot.app.screen.get_selected_text() in ("hello there\nsecon", "hello there\nsecond")


async def test_memory_is_bounded_and_the_newest_is_kept() -> None:
    async with Host().run_test(size=(40, 10)) as pilot:
        output = await settled(pilot)
        for start in range(0, MAX_LINES + DROPPED_LINES, 1000):
            output.add(Kind.TEXT, "\n".join(f"line {n}" for n in range(start, start + 1000)))
        assert output.virtual_size.height <= MAX_LINES
        assert shown(output)[-1] == f"line {MAX_LINES + DROPPED_LINES - 1}"


async def test_before_anything_was_generated_it_says_what_to_do() -> None:
    async with Host().run_test(size=(70, 5)) as pilot:
        assert "press Enter" in shown(await settled(pilot))[0]


@pytest.mark.parametrize("piece", ["漢" * 50, "x" * 500, " " * 500, "\t\ttabbed", "e\u0301" * 40])
async def test_odd_text_never_leaves_its_pane(piece: str) -> None:
    async with Host().run_test(size=(30, 8)) as pilot:
        output = await settled(pilot)
        output.add(Kind.TEXT, "")
        for char in piece:
            output.extend(char)
        for y in range(output.size.height):
            assert output.render_line(y).cell_length == output.scrollable_content_region.width
