import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from driving import layouts, until
from hostile import BYTES, harmful, screen_text
from textual.app import App, ComposeResult
from textual.events import MouseScrollUp
from textual.geometry import Offset
from textual.selection import SELECT_ALL, Selection
from textual.widgets import Static
from tokens import bits, make_token, make_tokens

from llmtui.engine.events import Token
from llmtui.tui.heat import ColourMode
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.token_lines import EMPTY
from llmtui.tui.widgets.token_view import TokenView


class Host(App[None]):
    def __init__(self, glyphs: GlyphSet = "unicode") -> None:
        super().__init__()
        self.view = TokenView(glyphs=glyphs)
        self.moves: list[tuple[int | None, Token | None]] = []

    def compose(self) -> ComposeResult:
        yield self.view
        yield Static("below", id="below")

    def on_token_view_cursor_moved(self, message: TokenView.CursorMoved) -> None:
        self.moves.append((message.index, message.token))


def rows(view: TokenView) -> list[str]:
    return [view.render_line(y).text for y in range(view.size.height)]


def numbered(count: int, start: int = 0) -> list[Token]:
    """Tokens of five cells: two fit on eleven."""
    return [make_token(b" %04d" % n, index=n, id=n) for n in range(start, start + count)]


@contextmanager
def counted(view: TokenView) -> Iterator[list[int]]:
    """Which lines of the window are drawn anew."""
    drawn: list[int] = []
    original = view.render_line

    def render_line(y: int) -> object:
        drawn.append(y)
        return original(y)

    view.render_line = render_line  # type: ignore[method-assign, assignment]
    try:
        yield drawn
    finally:
        del view.render_line  # type: ignore[method-assign]


async def test_an_empty_view_says_what_it_is_for() -> None:
    app = Host()
    async with app.run_test(size=(30, 6)) as pilot:
        assert " ".join(" ".join(rows(app.view)).split()) == EMPTY
        app.view.append(make_tokens([b"Once"]))
        await until(pilot, lambda: "Once" in screen_text(app))
        assert "appear" not in screen_text(app)
        app.view.clear()
        await until(pilot, lambda: "appear" in screen_text(app))


async def test_tokens_that_came_before_the_pane_was_ever_shown_are_wrapped_for_it_when_it_is() -> None:
    app = Host()
    app.view.display = False
    async with app.run_test(size=(30, 12)) as pilot:
        app.view.append(make_tokens([b"Once", b" upon", b".\n", b"\n", b"\n", b"The end"]))
        app.view.display = True
        await until(pilot, lambda: "end" in screen_text(app))
        assert [row.strip() for row in screen_text(app).splitlines()[:4]] == ["Once␣upon.↵", "↵", "↵", "The␣end"]


async def test_after_clearing_no_old_token_is_left() -> None:
    app = Host()
    async with app.run_test(size=(30, 6)):
        for words in ([b"Once", b" upon"], [b"Far", b" away"]):
            app.view.clear()
            app.view.append(make_tokens(words))
            assert rows(app.view)[0].strip() == "".join(word.decode() for word in words).replace(" ", "␣")


async def test_tokens_are_on_the_screen_in_lines() -> None:
    app = Host()
    async with app.run_test(size=(12, 5)) as pilot:
        app.view.append(make_tokens([b"Once", b" upon", b" a", b"\n", b"time"]))
        await until(pilot, lambda: "time" in screen_text(app))
        assert rows(app.view)[:3] == ["Once␣upon␣a", "↵          ", "time       "]


async def test_every_cell_has_a_background_and_equal_neighbours_are_one_segment() -> None:
    app = Host()
    async with app.run_test(size=(40, 4)):
        app.view.append([*make_tokens([b"a", b"b", b"c"], surprisal=0.1), *make_tokens([b"d"], surprisal=9)])
        strip = app.view.render_line(0)
        assert [segment.text.rstrip() for segment in strip] == ["abc", "d", ""]
        assert all(segment.style is not None and segment.style.bgcolor is not None for segment in strip)
        assert strip.cell_length == 39
        blank = app.view.render_line(2)
        assert all(segment.style is not None and segment.style.bgcolor is not None for segment in blank)


async def test_surprises_are_underlined_in_their_own_colour() -> None:
    app = Host()
    async with app.run_test(size=(40, 4)):
        app.view.append([make_token(b"a", prob=bits(0.1)), make_token(b"b", prob=bits(6))])
        expected, surprise, _ = app.view.render_line(0)
        assert expected.style is not None
        assert surprise.style is not None
        assert (bool(expected.style.underline), bool(surprise.style.underline)) == (False, True)
        assert tuple(expected.style.bgcolor.get_truecolor()) == (0, 0, 95)  # type: ignore[union-attr]
        assert tuple(surprise.style.bgcolor.get_truecolor()) == (215, 215, 95)  # type: ignore[union-attr]


async def test_the_colour_mode_changes_what_is_drawn() -> None:
    app = Host()
    async with app.run_test(size=(40, 4)):
        app.view.append([make_token(b"a", prob=bits(9), rank=1), make_token(b"b", prob=bits(0.1), rank=5000)])
        seen = {}
        for mode in ColourMode:
            app.view.mode = mode
            seen[mode] = [segment.style.bgcolor for segment in app.view.render_line(0) if segment.style]
        assert seen[ColourMode.SURPRISAL] != seen[ColourMode.RANK]
        assert len(set(seen[ColourMode.OFF])) == 1


async def test_a_light_theme_turns_the_colours_round() -> None:
    app = Host()
    async with app.run_test(size=(40, 4)) as pilot:
        app.view.append([make_token(b"a", prob=bits(0.1))])
        dark = next(iter(app.view.render_line(0))).style
        app.theme = "textual-light"
        await pilot.pause()
        light = next(iter(app.view.render_line(0))).style
        assert dark is not None
        assert light is not None
        assert tuple(dark.bgcolor.get_truecolor()) == (0, 0, 95)  # type: ignore[union-attr]
        assert tuple(light.bgcolor.get_truecolor()) == (255, 255, 175)  # type: ignore[union-attr]


async def test_prompt_and_continuation_can_be_told_apart_without_colour() -> None:
    app = Host()
    async with app.run_test(size=(40, 4)):
        app.view.append([make_token(b"Once", is_prompt=True, prob=None), make_token(b" upon", is_prompt=True)])
        app.view.append([make_token(b" a"), make_token(b" time")])
        assert rows(app.view)[0].rstrip() == "Once␣upon▏␣a␣time"
        first, *_ = app.view.render_line(0)
        assert first.style is not None
        assert first.style.italic


async def test_special_tokens_are_marked_as_such() -> None:
    app = Host()
    async with app.run_test(size=(40, 4)):
        app.view.append([make_token(b"<|end|>", is_special=True), make_token(b"<|end|>")])
        assert rows(app.view)[0].rstrip() == "‹<|end|>›<|end|>"


async def test_a_new_token_draws_its_line_only_and_never_lays_out_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Host()
    async with app.run_test(size=(12, 12)) as pilot:
        app.view.append(numbered(4))
        await until(pilot, lambda: "0003" in screen_text(app))
        seen = await layouts(pilot, monkeypatch)
        with counted(app.view) as drawn:
            app.view.append(numbered(1, 4))
            await until(pilot, lambda: "0004" in screen_text(app))
            assert set(drawn) <= {1, 2}
        for number in range(5, 60):
            app.view.append(numbered(1, number))
            await pilot.pause()
        assert "0059" in screen_text(app)
        assert app.view.virtual_size.height > 30
        assert seen == []


async def test_following_moves_by_half_a_window() -> None:
    app = Host()
    async with app.run_test(size=(12, 11)) as pilot:
        tops = set()
        for number in range(50):
            app.view.append(numbered(1, number))
            await pilot.pause()
            tops.add(app.view.scroll_offset.y)
            assert f"{number:04d}" in screen_text(app)
        half = app.view.size.height // 2
        assert {after - before for before, after in itertools.pairwise(sorted(tops))} <= {half, half + 1}


async def test_moving_the_cursor_stops_following_and_f_or_end_resumes_it() -> None:
    app = Host()
    async with app.run_test(size=(12, 6)) as pilot:
        app.view.focus()
        app.view.append(numbered(40))
        for key in ("f", "end"):
            await pilot.press("home")
            assert (app.view.cursor, app.view.follow, app.view.scroll_offset.y) == (0, False, 0)
            app.view.append(numbered(10, len(app.view.tokens)))
            await pilot.pause()
            assert app.view.scroll_offset.y == 0
            await pilot.press(key)
            assert (app.view.cursor, app.view.follow) == (None, True)
            await until(pilot, lambda: f"{len(app.view.tokens) - 1:04d}" in screen_text(app))


async def test_scrolling_by_wheel_stops_following() -> None:
    app = Host()
    async with app.run_test(size=(12, 6)) as pilot:
        app.view.append(numbered(40))
        await pilot.pause()
        await pilot._post_mouse_events([MouseScrollUp], app.view, offset=(1, 1))
        await until(pilot, lambda: not app.view.follow)
        top = app.view.scroll_offset.y
        app.view.append(numbered(40, 40))
        await pilot.pause()
        assert app.view.scroll_offset.y == top


async def test_arrows_and_hjkl_walk_the_tokens() -> None:
    app = Host()
    async with app.run_test(size=(12, 8)) as pilot:
        app.view.focus()
        app.view.append(numbered(9))
        await pilot.press("left")
        assert app.view.cursor == 8
        await pilot.press("left")
        assert app.view.cursor == 7
        places = []
        for key in ("k", "up", "h", "l", "right", "j", "down", "down", "down"):
            await pilot.press(key)
            places.append(app.view.cursor)
        assert places == [5, 3, 2, 3, 4, 6, 8, 8, 8]
        index, token = app.moves[-1]
        assert (index, token) == (8, app.view.tokens[8])
        assert app.view.current is app.view.tokens[8]


async def test_up_and_down_keep_to_their_column() -> None:
    app = Host()
    async with app.run_test(size=(20, 8)) as pilot:
        app.view.focus()
        app.view.append(make_tokens([b"abcdef", b"ghij\n", b"k\n", b"lmnopq", b"rst"]))
        app.view.cursor = 1
        await pilot.press("down", "down")
        assert app.view.cursor == 4


async def test_brackets_go_from_surprise_to_surprise() -> None:
    app = Host()
    async with app.run_test(size=(40, 8)) as pilot:
        app.view.focus()
        app.view.append([make_token(b" x", prob=bits(5.0 if n in (3, 7) else 4.0)) for n in range(10)])
        places = []
        for key in ("left_square_bracket", "left_square_bracket", "left_square_bracket", "right_square_bracket"):
            await pilot.press(key)
            places.append(app.view.cursor)
        assert places == [7, 3, 3, 7]


async def test_pages_move_the_cursor_by_a_window() -> None:
    app = Host()
    async with app.run_test(size=(12, 7)) as pilot:
        app.view.focus()
        app.view.append(numbered(60))
        await pilot.press("pageup")
        step = app.view.size.height - 1
        assert app.view.cursor == 59 - 2 * step
        await pilot.press("pagedown", "pagedown")
        assert app.view.cursor == 59
        await until(pilot, lambda: "0059" in screen_text(app))


async def test_a_click_puts_the_cursor_on_the_token() -> None:
    app = Host()
    async with app.run_test(size=(12, 6)) as pilot:
        app.view.append(numbered(40))
        await pilot.pause()
        row = next(y for y, text in enumerate(rows(app.view)) if "0037" in text)
        await pilot.click(app.view, offset=(7, row))
        assert app.view.cursor == 37
        await pilot.click(app.view, offset=(7, row), times=2)
        assert app.screen.selections == {}


async def test_after_scrolling_the_cursor_is_put_down_where_the_person_looks() -> None:
    app = Host()
    async with app.run_test(size=(12, 6)) as pilot:
        app.view.focus()
        app.view.append(numbered(60))
        app.view.follow = False
        app.view.scroll_to(y=4, animate=False)
        await pilot.press("left")
        assert (app.view.cursor, app.view.scroll_offset.y) == (2 * (4 + app.view.size.height) - 1, 4)


async def test_in_a_framed_and_padded_pane_all_is_where_it_is_pointed_at() -> None:
    app = Host()
    app.view.styles.border = ("solid", "red")
    app.view.styles.padding = (1, 2)
    async with app.run_test(size=(18, 12)) as pilot:
        app.view.append(numbered(40))
        await until(pilot, lambda: "0039" in screen_text(app))
        lines = screen_text(app).splitlines()
        row = next(y for y, line in enumerate(lines) if "0037" in line)
        assert lines[row][:14] == "│  ␣0036␣0037 "
        await pilot.click(offset=(8, row))
        assert app.view.cursor == 37
        app.view.append(numbered(1, 40))
        await until(pilot, lambda: "0040" in screen_text(app))


async def test_the_cursor_can_be_seen_without_colour() -> None:
    app = Host()
    async with app.run_test(size=(40, 4)):
        app.view.append(numbered(3))
        app.view.cursor = 1
        reversed_text = [s.text for s in app.view.render_line(0) if s.style is not None and s.style.reverse]
        assert reversed_text == ["␣0001"]


async def test_the_screen_shows_the_cursor_move() -> None:
    app = Host()

    def reversed_on_screen() -> list[str]:
        strips = app.screen._compositor.render_strips(app.size)
        return [s.text for strip in strips for s in strip if s.style is not None and s.style.reverse]

    async with app.run_test(size=(12, 6)) as pilot:
        app.view.focus()
        app.view.append(numbered(6))
        await pilot.press("home")
        await until(pilot, lambda: reversed_on_screen() == ["␣0000"])
        await pilot.press("down")
        await until(pilot, lambda: reversed_on_screen() == ["␣0002"])
        await pilot.press("f")
        await until(pilot, lambda: reversed_on_screen() == [])


async def test_the_cursor_stays_within_the_tokens() -> None:
    app = Host()
    async with app.run_test(size=(40, 4)) as pilot:
        app.view.focus()
        for key in ("left", "down", "pageup", "home", "left_square_bracket", "f"):
            await pilot.press(key)
            assert app.view.cursor is None
        app.view.append(numbered(2))
        app.view.cursor = 99
        assert app.view.cursor == 1
        app.view.cursor = -5
        assert app.view.cursor == 0
        app.view.clear()
        await pilot.pause()
        assert app.view.cursor is None
        assert app.moves[-1] == (None, None)


async def test_selecting_gives_the_true_text_of_the_tokens() -> None:
    app = Host()
    async with app.run_test(size=(20, 4)):
        app.view.append(make_tokens([b"Once", b" upon\n", "\u4e00".encode()[:2], "\u4e00".encode()[2:], b" time"]))
        assert app.view.get_selection(SELECT_ALL) == ("Once upon\n一 time", "\n")
        assert app.view.get_selection(Selection(Offset(5, 0), Offset(8, 0))) == (" upon\n", "\n")
        assert app.view.get_selection(Selection(Offset(5, 0), Offset(1, 1))) == (" upon\n\ufffd", "\n")


async def test_dragging_selects_and_leaves_the_cursor_alone() -> None:
    app = Host()
    async with app.run_test(size=(40, 4)) as pilot:
        app.view.append(make_tokens([b"Once", b" upon", b" a", b" time"]))
        await pilot.pause()
        await pilot.mouse_down(app.view, offset=(5, 0))
        for x in (9, 12, 10):
            await pilot.hover(app.view, offset=(x, 0))
        await pilot.mouse_up(app.view, offset=(10, 0))
        await pilot.pause()
        assert app.screen.get_selected_text() == " upon a"
        assert app.view.cursor is None
        plain = app.view.render_line(0)
        assert plain.text.startswith("Once␣upon␣a␣time")
        assert len({str(s.style.bgcolor) for s in plain if s.style}) == 3


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 40), (500, 1), (500, 60)])
async def test_it_works_at_every_size(size: tuple[int, int]) -> None:
    app = Host()
    async with app.run_test(size=size):
        for number in range(30):
            app.view.append(numbered(1, number))
            app.view.append([make_token("東京".encode()), make_token(b"\n")])
        for action in ("step(-1)", "line(-1)", "first", "page(1)", "follow", "step(-1)"):
            await app.view.run_action(action)
        for y in range(app.view.size.height):
            assert app.view.render_line(y).cell_length == app.view.scrollable_content_region.width


async def test_a_new_width_wraps_anew_and_keeps_the_place() -> None:
    app = Host()
    async with app.run_test(size=(12, 6)) as pilot:
        app.view.focus()
        app.view.append(numbered(60))
        app.view.cursor = 30
        await pilot.resize_terminal(52, 6)
        await until(pilot, lambda: "0030" in screen_text(app))
        assert "␣0030" in "".join(rows(app.view))
        await pilot.press("end")
        await pilot.resize_terminal(17, 4)
        await until(pilot, lambda: "0059" in screen_text(app))


async def test_tokens_that_came_before_the_view_had_a_size_are_shown() -> None:
    app = Host()
    app.view.append(numbered(30))
    async with app.run_test(size=(12, 6)) as pilot:
        await until(pilot, lambda: "0029" in screen_text(app))


async def test_a_hidden_view_catches_up_when_it_is_shown() -> None:
    app = Host()
    async with app.run_test(size=(12, 6)) as pilot:
        app.view.display = False
        await pilot.pause()
        for number in range(30):
            app.view.append(numbered(1, number))
        app.view.display = True
        await until(pilot, lambda: "0029" in screen_text(app))


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
async def test_no_token_brings_anything_harmful_to_the_screen(glyphs: GlyphSet) -> None:
    app = Host(glyphs)
    async with app.run_test(size=(80, 50)) as pilot:
        app.view.append([make_token(data, index=n) for n, data in enumerate(BYTES)])
        await pilot.pause()
        for place in range(0, len(BYTES), 7):
            app.view.cursor = place
        await pilot.pause()
        shown = screen_text(app) + "".join(rows(app.view))
        assert harmful(shown.replace("\n", "")) == set()
        shown.encode()
