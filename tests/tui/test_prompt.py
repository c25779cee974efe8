import pytest
from driving import Opened, app_of, send, type_text, until
from scripted_engine import ScriptedEngine
from textual import events

from llmtui.tui.widgets.output import Kind
from llmtui.tui.widgets.prompt import MAX_TEXT


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter", "alt+enter"])
async def test_a_new_line_is_begun_without_sending(opened: Opened, engine: ScriptedEngine, key: str) -> None:
    async with opened() as pilot:
        await type_text(pilot, "one")
        await pilot.press(key)
        await type_text(pilot, "two")
        assert app_of(pilot).main.prompt.text == "one\ntwo"
        assert not engine.runs
        await pilot.press("enter")
        await until(pilot, lambda: engine.runs)
        assert engine.runs[0].request.prompt == "one\ntwo"
        assert app_of(pilot).main.prompt.text == ""


async def test_the_prompt_grows_to_five_lines_and_no_further(opened: Opened) -> None:
    async with opened() as pilot:
        prompt = app_of(pilot).main.prompt
        heights = []
        for _ in range(8):
            heights.append(prompt.size.height)
            await pilot.press("x", "ctrl+j")
            await pilot.pause()
        assert heights == [1, 2, 3, 4, 5, 5, 5, 5]


async def test_the_arrows_walk_earlier_prompts_at_the_edges_and_keep_the_draft(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        for place, text in enumerate(("first", "second\nline")):
            await send(pilot, text)
            await until(pilot, lambda place=place: len(engine.runs) == place + 1)
            engine.runs[place].start()
            engine.runs[place].finish("stop")
            await until(pilot, lambda: not main.bridge.generating)
        await type_text(pilot, "draft")
        await pilot.press("up")
        assert main.prompt.text == "second\nline"
        await pilot.press("up")
        assert main.prompt.text == "second\nline"
        assert main.prompt.cursor_location[0] == 0
        await pilot.press("up")
        assert main.prompt.text == "first"
        await pilot.press("up")
        assert main.prompt.text == "first"
        await pilot.press("down", "down")
        assert main.prompt.text == "draft"


async def test_the_same_prompt_twice_is_one_step_of_history(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        for place in range(2):
            await send(pilot, "same")
            await until(pilot, lambda place=place: len(engine.runs) == place + 1)
            engine.runs[place].start()
            engine.runs[place].finish("stop")
            await until(pilot, lambda: not main.bridge.generating)
        await pilot.press("up", "down")
        assert main.prompt.text == ""


async def test_page_keys_in_the_prompt_scroll_the_output(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)
        engine.runs[0].start()
        engine.runs[0].yield_tokens(["line\n"] * 100)
        await until(pilot, lambda: main.panes.output.scroll_offset.y > 50)
        at = main.panes.output.scroll_offset.y
        await pilot.press("pageup")
        await until(pilot, lambda: main.panes.output.scroll_offset.y < at - 10)
        assert main.prompt.has_focus
        await pilot.press("pagedown")
        await until(pilot, lambda: main.panes.output.scroll_offset.y == at)


async def test_a_paste_keeps_its_text_and_loses_what_a_terminal_would_obey(opened: Opened) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.prompt.post_message(events.Paste("a\r\nb\rc\td \x1b[2Je\x9b\u202ef\u2028 é 漢 می\u200cخواهم 👩\u200d🚀"))
        await until(pilot, lambda: main.prompt.text)
        assert main.prompt.text == "a\nb\nc\td [2Jef é 漢 می\u200cخواهم 👩\u200d🚀"
        assert "4 control characters were left out" in main.status.text


async def test_a_large_paste_is_taken_at_once_and_a_huge_one_refused_with_a_way_out(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        large = "word " * (MAX_TEXT // 5)
        main.prompt.post_message(events.Paste(large))
        await until(pilot, lambda: main.prompt.text == large, timeout=20)
        assert main.prompt.size.height == 5
        main.prompt.post_message(events.Paste("x"))
        await until(pilot, lambda: "too many to paste" in main.status.text)
        assert main.prompt.text == large
        assert "llmtui generate -" in main.status.text
        await pilot.press("enter")
        await until(pilot, lambda: engine.runs)
        assert engine.runs[0].request.prompt == large
        assert len(main.panes.output.text) < 10_000
        assert "more characters" in main.panes.output.text


async def test_nothing_is_sent_from_an_empty_prompt(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "type a text" in app_of(pilot).main.status.text)
        assert not engine.runs


async def test_control_c_copies_what_is_selected_in_the_prompt(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        await type_text(pilot, "copy me")
        await pilot.press("f7", "ctrl+c")
        assert app.clipboard == "copy me"
        assert app.is_running


async def test_what_is_sent_is_seen_also_where_one_had_scrolled_up(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.panes.output.add(Kind.TEXT, "\n".join(f"line {n}" for n in range(100)))
        await pilot.press("pageup", "pageup")
        await until(pilot, lambda: not main.panes.output.is_vertical_scroll_end)
        await send(pilot, "Once upon a time")
        await until(pilot, lambda: engine.runs)
        assert main.panes.output.is_vertical_scroll_end


async def test_an_empty_prompt_cannot_be_taken_for_a_typed_one(opened: Opened) -> None:
    async with opened() as pilot:
        assert str(app_of(pilot).main.prompt.placeholder).startswith("Type a beginning")
