import pytest
from driving import layouts, until
from hostile import harmful, screen_text
from textual.app import App, ComposeResult
from textual.widget import Widget

from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.grid import CELL, HEADINGS, Grid, GridCell
from llmtui.tui.widgets.marked_text import MarkedText


class Host(App[None]):
    def __init__(self, rows: int = 3, columns: int = 4, glyphs: GlyphSet = "unicode") -> None:
        super().__init__()
        names = [
            ("0.9" if place == 0 else "1" if place == columns // 2 else "", str(place)) for place in range(columns)
        ]
        self.grid = Grid([f"row {n}" for n in range(rows)], names, ("top_p", "seed"), glyphs=glyphs)
        self.text = MarkedText(id="text")
        self.opened: list[tuple[int, int]] = []
        cells = [[GridCell(f"{row}.{column}", (row + column) % 6) for column in range(columns)] for row in range(rows)]
        self.grid.show("mean surprisal", cells, ("0.0", "2.3"))

    def compose(self) -> ComposeResult:
        yield self.grid
        yield self.text

    def on_mount(self) -> None:
        self.grid.styles.height = 6
        self.grid.focus()

    def on_grid_opened(self, message: Grid.Opened) -> None:
        self.opened.append((message.row, message.column))


def lines(widget: Widget) -> list[str]:
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


async def test_title_limits_headings_labels_and_numbers_stand_in_their_places() -> None:
    app = Host()
    async with app.run_test(size=(60, 12)):
        title, above, seeds, first, second, _ = lines(app.grid)
        assert title.startswith("mean surprisal   0.0 ")
        assert title.endswith(" 2.3")
        assert above.split() == ["top_p", "→", "0.9", "1"]
        assert seeds.split() == ["seed", "→", "0", "1", "2", "3"]
        assert first.split() == ["row", "0", "▸", "0.0", "0.1", "0.2", "0.3"]
        assert second.split() == ["row", "1", "1.0", "1.1", "1.2", "1.3"]
        ends = [seeds.index(str(n)) for n in range(4)]
        assert [first.index(f"0.{n}") + 2 for n in range(4)] == ends
        assert above.index("1") == ends[2]


async def test_colours_come_with_their_number_and_the_cursor_is_seen_without_colour() -> None:
    app = Host()
    async with app.run_test(size=(60, 12)):
        strip = app.grid.render_line(HEADINGS)
        coloured = [s for s in strip if s.text.strip(" ▸").startswith("0.")]
        assert len({str(s.style.bgcolor) for s in coloured if s.style}) == 4
        assert [bool(s.style and s.style.reverse) for s in coloured] == [True, False, False, False]
        assert "▸" in coloured[0].text


async def test_the_arrows_walk_within_the_grid_and_enter_opens() -> None:
    app = Host()
    async with app.run_test(size=(60, 12)) as pilot:
        for keys, place in (
            (["right", "l"], (0, 2)),
            (["down", "j"], (2, 2)),
            (["down", "up", "k"], (0, 2)),
            (["end"], (0, 3)),
            (["home", "left", "h"], (0, 0)),
            (["pagedown"], (2, 0)),
        ):
            await pilot.press(*keys)
            assert app.grid.cursor == place
        await pilot.press("enter")
        await until(pilot, lambda: app.opened == [(2, 0)])


async def test_what_does_not_fit_scrolls_with_the_cursor_under_headings_that_stay() -> None:
    app = Host(rows=20, columns=12)
    async with app.run_test(size=(70, 12)) as pilot:
        assert lines(app.grid)[0].endswith("rows 1-3/20 columns 1-6/12")
        await pilot.press("end", "pagedown")
        assert "10.11" in "".join(lines(app.grid)[HEADINGS:])
        assert lines(app.grid)[2].split()[-1] == "11"
        assert lines(app.grid)[1].split()[-1] == "1"


async def test_a_click_puts_the_cursor_there() -> None:
    app = Host()
    async with app.run_test(size=(60, 12)) as pilot:
        label = lines(app.grid)[HEADINGS].index("0.0") - CELL + 4
        await pilot.click(app.grid, offset=(label + 2 * CELL + 3, HEADINGS + 1))
        assert app.grid.cursor == (1, 2)
        await pilot.click(app.grid, offset=(1, 0))
        assert app.grid.cursor == (1, 2)


async def test_other_numbers_lay_out_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Host()
    async with app.run_test(size=(60, 12)) as pilot:
        seen = await layouts(pilot, monkeypatch)
        app.grid.show("tokens", [[GridCell("9", None)] * 4] * 3, None)
        app.text.show("Once upon ", "a time\nthere")
        await until(pilot, lambda: "there" in screen_text(app))
        assert seen == []


async def test_ascii_needs_no_unicode() -> None:
    app = Host(glyphs="ascii")
    async with app.run_test(size=(60, 12)):
        assert all(line.isascii() for line in lines(app.grid))


async def test_the_part_that_differs_is_marked_without_colour_across_lines() -> None:
    app = Host()
    async with app.run_test(size=(14, 12)) as pilot:
        app.text.show("one two\nthr", "ee four five six")
        await pilot.pause()
        marked = "".join(
            s.text for y in range(4) for s in app.text.render_line(y) if s.style and s.style.underline and s.style.bold
        )
        assert marked.replace(" ", "") == "eefourfivesix"
        assert lines(app.text)[:2] == ["one two", "three four"]


async def test_nothing_harmful_passes_the_marked_text() -> None:
    app = Host()
    async with app.run_test(size=(60, 12)) as pilot:
        app.text.show("a\x1b[2J", "b\u202e\x9b")
        await pilot.pause()
        assert harmful("".join(lines(app.text))) == set()
        app.text.show("", "", "nothing here")
        assert lines(app.text)[0] == "nothing here"
