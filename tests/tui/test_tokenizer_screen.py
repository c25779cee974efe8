from pathlib import Path

import pytest
from driving import Opened, app_of, send, until
from hostile import TEXTS, harmful, screen_text
from textual.pilot import Pilot
from textual.widgets import Input, Static, TextArea

from llmtui.insight.tokenization import read_tokenizer, tokenize
from llmtui.models.catalog import embedded_path
from llmtui.tui.screens.tokenizer import TokenizerColumn, TokenizerScreen, summary
from llmtui.tui.widgets.piece_flow import PieceTable


async def open_tokenizer(pilot: Pilot[None]) -> TokenizerScreen:
    await send(pilot, "/tokenizer")
    await until(pilot, lambda: isinstance(pilot.app.screen, TokenizerScreen))
    screen = pilot.app.screen
    assert isinstance(screen, TokenizerScreen)
    await until(pilot, lambda: "characters a token" in screen_text(pilot.app))
    return screen


def rows(column: TokenizerColumn) -> list[tuple[int, bytes]]:
    return [(piece.id, piece.bytes) for piece in column.query_one(PieceTable)._pieces]


def expected(text: str) -> list[tuple[int, bytes]]:
    result = tokenize(read_tokenizer(embedded_path()), text)
    return [(piece.id, piece.bytes) for piece in result.pieces]


async def test_what_comes_while_the_window_goes_is_left_alone(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await open_tokenizer(pilot)
        column = screen.query_one("#first", TokenizerColumn)
        late = column._if_here(lambda result: column._cut_done(result, "Once"))
        result = tokenize(read_tokenizer(embedded_path()), "Once")
        # a window that closes loses its parts one after the other, and is the last to go
        await column.query_one(PieceTable).remove()
        pilot.app.pop_screen()
        assert screen.is_attached
        late(result)
        await until(pilot, lambda: not screen.is_attached)
        late(result)


async def test_the_tokens_follow_what_is_typed(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await open_tokenizer(pilot)
        area, first = screen.query_one(TextArea), screen.query_one("#first", TokenizerColumn)
        area.load_text("The foxes ran.")
        await until(pilot, lambda: rows(first) == expected("The foxes ran."))
        area.move_cursor(area.document.end)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: rows(first) == expected("The foxes ran.!"))
        assert "15 characters" in screen_text(pilot.app)


async def test_the_last_prompt_is_the_text_to_begin_with(opened: Opened) -> None:
    async with opened() as pilot:
        await send(pilot, "A fox")
        screen = await open_tokenizer(pilot)
        assert screen.query_one(TextArea).text == "A fox"


async def test_a_second_tokenizer_stands_beside_the_first(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await open_tokenizer(pilot)
        second = screen.query_one("#second", TokenizerColumn)
        assert rows(second) == []
        name = second.query_one(Input)
        name.focus()
        name.value = "tiny-tales"
        await until(pilot, lambda: name.has_focus)
        await pilot.press("enter")
        await until(pilot, lambda: rows(second) == rows(screen.query_one("#first", TokenizerColumn)) != [])


async def test_a_tokenizer_that_cannot_be_read_says_why_and_the_other_goes_on(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    async with opened(size=(80, 24)) as pilot:
        screen = await open_tokenizer(pilot)
        second = screen.query_one("#second", TokenizerColumn)
        name = second.query_one(Input)
        name.focus()
        name.value = str(tmp_path)
        await until(pilot, lambda: name.has_focus)
        await pilot.press("enter")
        await until(pilot, lambda: "its tokenizer could not be read" in str(second.query_one(".sum", Static).content))
        assert rows(second) == []
        screen.query_one(TextArea).load_text("on")
        await until(pilot, lambda: rows(screen.query_one("#first", TokenizerColumn)) == expected("on"))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_nothing_of_a_hostile_text_reaches_the_terminal_raw(opened: Opened, size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        screen = await open_tokenizer(pilot)
        text = "\n".join(t for t in TEXTS if t.isascii() or t.encode("utf-8", "ignore").decode() == t)
        screen.query_one(TextArea).load_text(text)
        wanted = expected(screen.query_one(TextArea).text)
        await until(pilot, lambda: rows(screen.query_one("#first", TokenizerColumn)) == wanted)
        for y in range(min(200, len(wanted))):
            shown = (
                screen.query_one("#first", TokenizerColumn)
                .query_one(PieceTable)
                ._row(screen.query_one("#first", TokenizerColumn).query_one(PieceTable)._pieces[y], 60)
            )
            assert not harmful(shown)


async def test_the_window_closes_while_a_tokenizer_is_still_being_read(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        await send(pilot, "/tokenizer")
        await until(pilot, lambda: isinstance(app.screen, TokenizerScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main and not app.main.bridge._jobs)


def test_the_summary_counts_tokens_characters_and_bytes() -> None:
    result = tokenize(read_tokenizer(embedded_path()), "naïve 🦊")
    assert summary(result) == (
        f"{len(result.pieces)} tokens · {7 / len(result.pieces):.2f} characters a token · 7 characters · 11 bytes"
    )
