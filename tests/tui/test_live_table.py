import pytest
from driving import layouts, until
from hostile import TEXTS, harmful
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from llmtui.tui.text import cell_width
from llmtui.tui.widgets.live_table import Column, LiveTable, Row

COLUMNS = (Column("name", 0), Column("number", 7, ">"), Column("more", 6, from_width=40))


def row(key: str, number: int = 0, *, faint: bool = False) -> Row:
    return Row(key, (key, str(number), "more"), faint=faint)


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.table = LiveTable(COLUMNS, empty="nothing here\nsend something")
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_live_table_chosen(self, message: LiveTable.Chosen) -> None:
        self.chosen.append(message.key)


def shown(app: Host) -> list[str]:
    return [app.table.render_line(y).text.rstrip() for y in range(app.table.size.height)]


async def filled(pilot: Pilot[None], names: str) -> Host:
    app = pilot.app
    assert isinstance(app, Host)
    app.table.show([row(name, place) for place, name in enumerate(names)])
    app.table.focus()
    await pilot.pause()
    return app


def test_columns_are_aligned_and_those_without_room_are_left_out() -> None:
    table = LiveTable(COLUMNS)
    table.show([row("alice", 7), row("a name that is far too long", 12345)])
    assert [line.rstrip() for line in table.lines(37)] == [
        " name                          number",
        "▸alice                              7",
        " a name that is far too long    12345",
    ]
    assert table.lines(24)[2] == " a name …o long    12345"
    for width in (20, 41, 80):
        assert {cell_width(line) for line in table.lines(width)} == {width}
    assert "more" in table.lines(41)[0]
    assert "more" not in table.lines(39)[0]


async def test_without_rows_it_says_why() -> None:
    app = Host()
    async with app.run_test(size=(30, 6)):
        assert shown(app)[2:4] == ["nothing here", "send something"]
        assert app.table.current is None


async def test_the_cursor_stays_with_its_row_when_others_come_and_go() -> None:
    async with Host().run_test(size=(30, 6)) as pilot:
        app = await filled(pilot, "abc")
        await pilot.press("down")
        assert app.table.current == "b"
        app.table.show([row("x"), row("b"), row("c")])
        app.table.show([row("b"), row("c"), row("d")])
        assert app.table.current == "b"
        app.table.show([row("c"), row("d")])
        assert app.table.current == "c"
        app.table.show([])
        assert app.table.current is None
        app.table.show([row("e")])
        assert app.table.current == "e"


async def test_long_tables_scroll_under_their_headings_with_the_cursor_in_sight() -> None:
    async with Host().run_test(size=(30, 6)) as pilot:
        app = await filled(pilot, "abcdefghijkl")
        await pilot.press("end")
        await until(pilot, lambda: shown(app)[-1].startswith("▸l"))
        assert shown(app)[0].startswith(" name")
        assert [line[1] for line in shown(app)[1:]] == list("hijkl")
        await pilot.press("pageup")
        assert app.table.current == "h"
        await pilot.press("home")
        await until(pilot, lambda: shown(app)[1].startswith("▸a"))
        app.table.show([row("a")])
        await until(pilot, lambda: [line for line in shown(app)[1:] if line] == [shown(app)[1]])


async def test_enter_and_a_double_click_choose() -> None:
    async with Host().run_test(size=(30, 6)) as pilot:
        app = await filled(pilot, "abc")
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.chosen == ["b"])
        await pilot.click(app.table, offset=(3, 3))
        assert app.table.current == "c"
        await pilot.click(app.table, offset=(3, 3), times=2)
        await until(pilot, lambda: app.chosen[-1] == "c")
        await pilot.click(app.table, offset=(3, 0))
        await pilot.click(app.table, offset=(3, 5))
        assert app.table.current == "c"


async def test_what_changes_draws_its_own_line_and_lays_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Host().run_test(size=(30, 8)) as pilot:
        app = await filled(pilot, "abc")
        seen = await layouts(pilot, monkeypatch)
        drawn: list[object] = []
        monkeypatch.setattr(app.table, "refresh", lambda *regions, **_: drawn.extend(regions))
        app.table.show([row("a", 0), row("b", 1), row("c", 2)])
        assert drawn == []
        app.table.show([row("a", 0), row("b", 5), row("c", 2)])
        assert [region.y for region in drawn] == [2]
        drawn.clear()
        app.table.show([row("a", 0), row("b", 5), row("c", 2), row("d", 3)])
        await pilot.pause()
        assert {region.y for region in drawn} == {4}
        assert seen == []


def test_no_cell_is_dangerous() -> None:
    table = LiveTable(COLUMNS)
    table.show([Row(str(place), (text, text, text)) for place, text in enumerate(TEXTS)])
    assert not harmful("".join(table.lines(120)))


def test_ascii_needs_no_unicode() -> None:
    table = LiveTable(COLUMNS, glyphs="ascii")
    table.show([row("a name that is far too long for its column")])
    assert "".join(table.lines(24)).isascii()
