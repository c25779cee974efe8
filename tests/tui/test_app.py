import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import Opened, app_of, send, type_text, until
from hostile import screen_text
from scripted_engine import ScriptedEngine, model_info
from textual.content import Content

from llmtui.engine.errors import ContextOverflow, EngineClosed
from llmtui.engine.loads import LoadStage, LoadTask
from llmtui.engine.requests import GenerationRequest
from llmtui.models.errors import ModelUnreachable
from llmtui.settings import Settings
from llmtui.tui import heat
from llmtui.tui.app import LlmTui
from llmtui.tui.screens.requests import RequestsScreen
from llmtui.tui.widgets.status_bar import Tone


async def test_a_prompt_becomes_text_tokens_and_facts_on_the_real_model(really: Opened) -> None:
    async with really(knobs={"seed": 7, "max_new_tokens": 24}) as pilot:
        main = app_of(pilot).main
        await send(pilot, "Once upon a time")
        await until(pilot, lambda: main.progress is not None and main.progress.end is not None, timeout=60)
        run = main.session.runs[-1]
        assert run.text
        assert run.text in main.panes.output.text
        shown = b"".join(token.bytes for token in main.panes.tokens.tokens).decode()
        assert shown == "Once upon a time" + run.text
        assert run.usage is not None
        assert len(main.panes.tokens.tokens) == run.usage.total_tokens
        assert "seed 7" in main.panes.output.text
        assert "seed 7" in main.status.text
        assert f"{run.usage.completion_tokens}/24" in main.status.text
        assert "tok/s" in main.status.text
        assert main.panes.inspector.token is main.panes.tokens.tokens[-1]


async def test_what_would_have_come_instead_is_told_beside_the_alternatives(really: Opened) -> None:
    async with really(knobs={"seed": 7, "max_new_tokens": 24}) as pilot:
        main = app_of(pilot).main
        await send(pilot, "/set lookahead 3")
        assert main.status.text == "lookahead is 3 from the next run on"
        await send(pilot, "Once upon a time")
        await until(pilot, lambda: main.progress is not None and main.progress.end is not None, timeout=60)
        await pilot.press("tab", "tab", *["left"] * 8)
        inspector = main.panes.inspector
        lines = "\n".join(inspector.render_line(y).text for y in range(inspector.size.height))
        assert lines.count("→ ") >= 3
        # it has ended: nothing is on its way any more
        await pilot.press("end")
        assert "→ …" not in inspector.render_line(1).text


async def test_again_with_a_seed_gives_the_same_text_and_without_one_a_fresh_seed(really: Opened) -> None:
    async with really(knobs={"seed": 7, "max_new_tokens": 16, "default_temperature": 1.0}) as pilot:
        main = app_of(pilot).main

        def ended(runs: int) -> Callable[[], bool]:
            return lambda: len(main.session.runs) == runs and main.session.runs[-1].usage is not None

        await send(pilot, "The little boat")
        await until(pilot, ended(1), timeout=60)
        await pilot.press("ctrl+g")
        await until(pilot, ended(2), timeout=60)
        await send(pilot, "/seed off")
        await pilot.press("ctrl+g")
        await until(pilot, ended(3), timeout=60)
        assert main.session.runs[0].text == main.session.runs[1].text
        seeds = re.findall(r"seed (\d+)", main.panes.output.text)
        assert seeds[:2] == ["7", "7"]
        assert seeds[2] != "7"


async def test_escape_stops_the_real_generation_and_keeps_the_text(really: Opened) -> None:
    async with really(knobs={"max_new_tokens": 400}) as pilot:
        main = app_of(pilot).main
        await type_text(pilot, "Once")
        # pilot.press waits until the processor is idle, and a generation would be over by then
        pilot.app.simulate_key("enter")
        await until(pilot, lambda: len(main.panes.tokens.tokens) > 5, timeout=60)
        pilot.app.simulate_key("escape")
        await until(pilot, lambda: main.progress is not None and main.progress.end is not None)
        run = main.session.runs[-1]
        assert run.usage is not None
        assert 1 <= run.usage.completion_tokens < 250
        assert run.text in main.panes.output.text
        assert main.status.text.startswith("stopped")


async def test_the_load_begins_only_after_the_first_frame(
    engine: ScriptedEngine, settings: Callable[..., Settings]
) -> None:
    app = LlmTui(engine, settings(), watch_machine=False)
    shown_at_load: list[str] = []
    load = engine.load

    def note(*args: str, **options: str) -> object:
        shown_at_load.append(screen_text(app))
        return load(*args, **options)

    engine.load = note
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: engine.loads)
        assert "Enter sends" in shown_at_load[0]
        assert "Type a text below" in shown_at_load[0]
        assert engine.wishes == [("tiny-tales", "auto", "auto")]


async def test_a_load_shows_stage_and_progress(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened(loaded=False) as pilot:
        main = app_of(pilot).main
        engine.advance_load(LoadStage.DOWNLOAD, 120 * 10**6, 480 * 10**6)
        await until(pilot, lambda: "downloading" in main.status.text)
        assert "120M of 480M" in main.status.text
        assert "esc stops" in main.status.text
        assert main.status.text.count("━") == 4
        assert main.status.text.count("╌") == 12
        engine.finish_load()
        await until(pilot, lambda: main.header.query_one("#title").text == "tiny-tales · 6.2M · fp32 · cpu")


async def test_a_prompt_sent_while_the_model_loads_runs_as_soon_as_it_is_ready(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened(loaded=False) as pilot:
        main = app_of(pilot).main
        await send(pilot, "Once upon")
        await until(pilot, lambda: "as soon as the model is ready" in main.status.aside)
        assert main.prompt.text == ""
        assert not engine.runs
        engine.finish_load()
        await until(pilot, lambda: engine.runs)
        assert engine.runs[0].request.prompt == "Once upon"
        assert main.status.aside == ""


@pytest.mark.parametrize("begins", [True, False])
async def test_a_prompt_sent_before_the_first_load_has_begun_waits_for_it_too(
    engine: ScriptedEngine, settings: Callable[..., Settings], begins: bool
) -> None:
    def load() -> LoadTask:
        assert app.main.conductor.send("Once upon") is None
        if not begins:
            raise EngineClosed
        return engine.load("tiny-tales")

    app = LlmTui(engine, settings(), load=load, watch_machine=False)
    async with app.run_test(size=(120, 40)) as pilot:
        if begins:
            await until(pilot, lambda: engine.loads)
            engine.finish_load()
            await until(pilot, lambda: engine.runs)
            assert engine.runs[0].request.prompt == "Once upon"
        else:
            await until(pilot, lambda: app.main.prompt.text == "Once upon")
            assert app.main.status.tone is Tone.BAD
            await pilot.press("enter")
            await until(pilot, lambda: "no model is loaded" in app.main.status.text)


async def test_escape_takes_a_waiting_prompt_back_before_it_stops_the_load(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened(loaded=False) as pilot:
        main = app_of(pilot).main
        await send(pilot, "Once upon")
        await until(pilot, lambda: main.status.aside)
        await pilot.press("escape")
        assert main.prompt.text == "Once upon"
        assert not engine.loads[0].cancel_requested.is_set()
        await pilot.press("escape")
        assert engine.loads[0].cancel_requested.is_set()
        engine.stop_load()
        await until(pilot, lambda: "stopped" in main.status.text)
        await pilot.press("enter")
        await until(pilot, lambda: "no model is loaded" in main.status.text)
        assert main.prompt.text == "Once upon"
        assert main.status.tone is Tone.BAD


async def test_a_failed_load_says_why_and_the_model_before_it_keeps_running(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await send(pilot, "/models gpt2")
        await until(pilot, lambda: len(engine.loads) == 2)
        engine.fail_load(ModelUnreachable("gpt2 is not on this machine and the Hub does not answer"))
        await until(pilot, lambda: "the Hub does not answer" in main.status.text)
        assert "tiny-tales stays" in main.status.text
        assert "gpt2 is not on this machine and the Hub does not answer; tiny-tales stays" in main.panes.output.text
        assert main.status.tone is Tone.BAD
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)


async def test_another_model_may_load_while_one_generates(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)
        engine.runs[0].start()
        engine.runs[0].yield_tokens(3)
        await send(pilot, "/models gpt2")
        await until(pilot, lambda: "loading gpt2" in main.status.aside)
        await until(pilot, lambda: main.status.text.startswith("generating 3/"))
        engine.finish_load(model_info("gpt2", context=2048))
        await until(pilot, lambda: "gpt2" in main.header.query_one("#title").text)
        engine.runs[0].finish()
        await until(pilot, lambda: main.status.text.startswith("done"))
        await send(pilot, "Twice")
        await until(pilot, lambda: len(engine.runs) == 2)
        assert engine.runs[1].model.name == "gpt2"


async def test_a_refused_prompt_comes_back_with_the_reason(
    settings: Callable[..., Settings],
) -> None:
    def refuse(request: GenerationRequest) -> None:
        assert request.prompt == "far too long"
        raise ContextOverflow(2000, 1024)

    engine = ScriptedEngine(before_submit=refuse)
    app = LlmTui(engine, settings(), watch_machine=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: engine.loads)
        engine.finish_load()
        await until(pilot, lambda: app.main.status.text.startswith("ready"))
        await send(pilot, "far too long")
        await until(pilot, lambda: app.main.status.tone is Tone.BAD)
        assert app.main.status.text == str(ContextOverflow(2000, 1024))
        assert app.main.prompt.text == "far too long"
        assert app.main.session.runs == []
        assert str(ContextOverflow(2000, 1024)) in app.main.panes.output.text.replace("\n", " ")


async def test_typing_goes_on_while_a_huge_prompt_is_tokenised(settings: Callable[..., Settings]) -> None:
    gate = threading.Event()
    engine = ScriptedEngine(before_submit=lambda _: (gate.wait(20), None)[1])
    app = LlmTui(engine, settings(), watch_machine=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: engine.loads)
        engine.finish_load()
        await until(pilot, lambda: app.main.status.text.startswith("ready"))
        await send(pilot, "one")
        await type_text(pilot, "two")
        assert app.main.prompt.text == "two"
        assert not engine.runs
        await pilot.press("escape")
        gate.set()
        await until(pilot, lambda: engine.runs and engine.runs[0].cancelled)


async def test_a_failed_step_is_told_and_the_next_prompt_works(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)
        engine.runs[0].start()
        engine.runs[0].yield_tokens(2)
        engine.runs[0].fail("out of memory: choose a smaller model")
        await until(pilot, lambda: main.status.tone is Tone.BAD)
        assert "out of memory: choose a smaller model" in main.panes.output.text
        await send(pilot, "Twice")
        await until(pilot, lambda: len(engine.runs) == 2)


async def test_one_generation_at_a_time_and_the_second_prompt_is_not_lost(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)
        await send(pilot, "Twice")
        assert "esc stops" in main.status.text
        assert main.prompt.text == "Twice"
        assert len(engine.runs) == 1


async def test_what_the_screen_asks_of_the_engine(opened: Opened, engine: ScriptedEngine) -> None:
    knobs = {"default_temperature": 0.3, "default_top_k": 7, "default_top_p": 0.9, "max_new_tokens": 11, "seed": 5}
    async with opened(knobs=knobs | {"max_length": 99}) as pilot:
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)
        request = engine.runs[0].request
        params = request.params
        assert (request.prompt, request.client, request.clip) == ("Once", "screen", True)
        assert (params.temperature, params.top_k, params.top_p) == (0.3, 7, 0.9)
        assert (params.max_tokens, params.max_length, params.seed) == (11, 99, 5)
        assert params.prompt_logprobs
        assert params.top_logprobs == 10


async def test_chat_mode_sends_the_conversation_and_says_so(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened(loaded=False) as pilot:
        main = app_of(pilot).main
        engine.finish_load(model_info("talker", chat=True))
        await until(pilot, lambda: main.status.text.startswith("ready"))
        await send(pilot, "/chat on")
        await until(pilot, lambda: main.status.aside == "chat mode")
        await until(pilot, lambda: "Type a message" in screen_text(pilot.app))
        for place, words in enumerate(("hello", "and you")):
            await send(pilot, words)
            await until(pilot, lambda place=place: len(engine.runs) == place + 1)
            engine.runs[place].start()
            engine.runs[place].yield_tokens([f" answer{place}"])
            engine.runs[place].finish("stop")
            await until(pilot, lambda: not main.bridge.generating)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: len(engine.runs) == 3)
        turns = [
            [(turn.role, turn.content) for turn in run.request.messages] for run in engine.runs if run.request.messages
        ]
        assert turns[0] == [("user", "hello")]
        assert turns[1] == [("user", "hello"), ("assistant", " answer0"), ("user", "and you")]
        assert turns[2] == turns[1]


async def test_a_model_without_chat_template_refuses_chat_mode(opened: Opened) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await send(pilot, "/chat on")
        await until(pilot, lambda: "no chat template" in main.status.text)
        assert not main.session.chat


async def test_the_colours_are_explained_below_the_tokens_in_every_mode_and_theme(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        legends = []
        for key in ("", "ctrl+t", "ctrl+t", "ctrl+t", "ctrl+t"):
            await pilot.press(*key.split())
            side = app.main.query_one("#side")
            legends.append(Content.from_markup(side.border_subtitle or "").plain)
        bits = "≤0.5 ≤1 ≤2 ≤4 ≤8 >8 bit"
        assert legends == [bits, bits, "rank 1 ≤10 ≤100 ≤1000 >1000", bits, ""]
        await pilot.press("ctrl+t")
        for theme in ("dark", "light"):
            await send(pilot, f"/theme {theme}")
            await until(pilot, lambda: bits in screen_text(app))
            drawn = [part for strip in app.screen._compositor.render_strips(app.size) for part in strip]
            [label] = [part for part in drawn if part.text == ">8 bit"]
            assert label.style is not None
            assert label.style.bgcolor == heat.style(5, dark=theme == "dark").bgcolor


async def test_new_clears_and_stops(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)
        engine.runs[0].start()
        engine.runs[0].yield_tokens(4)
        await until(pilot, lambda: main.panes.tokens.tokens)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: engine.runs[0].cancelled and not main.bridge.generating)
        assert main.panes.output.text == ""
        assert not main.panes.tokens.tokens
        assert main.session.runs == []


async def test_the_cursor_walks_tokens_and_the_inspector_follows(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        panes = app_of(pilot).main.panes
        await send(pilot, "Once upon")
        await until(pilot, lambda: engine.runs)
        engine.runs[0].start()
        engine.runs[0].yield_tokens(5)
        engine.runs[0].finish()
        await until(pilot, lambda: len(panes.tokens.tokens) == 7)
        await pilot.press("tab", "tab")
        assert panes.tokens.has_focus
        await pilot.press("home")
        assert panes.inspector.token is panes.tokens.tokens[0]
        await pilot.press("right", "right", "right")
        assert panes.inspector.token is panes.tokens.tokens[3]
        assert not panes.inspector.sampled
        await pilot.press("s")
        assert panes.inspector.sampled
        await pilot.press("escape")
        assert app_of(pilot).main.prompt.has_focus


@pytest.mark.parametrize("size", [(80, 24), (99, 40), (120, 29)])
async def test_a_small_terminal_shows_one_pane_and_flips(opened: Opened, size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        main = app_of(pilot).main
        panes = main.panes
        assert panes.output.region.area
        assert not panes.tokens.region.area
        await pilot.press("f2")
        await until(pilot, lambda: panes.tokens.region.area and not panes.output.region.area)
        assert panes.inspector.size.height == 3
        assert main.prompt.has_focus
        await pilot.press("f3")
        await until(pilot, lambda: panes.output.region.area and not panes.tokens.region.area)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: panes.tokens.region.area)
        assert panes.tokens.mode == "surprisal"
        await pilot.press("ctrl+t")
        assert panes.tokens.mode == "entropy"


async def test_a_wide_terminal_hides_the_side_column_and_brings_it_back(opened: Opened) -> None:
    async with opened() as pilot:
        panes = app_of(pilot).main.panes
        width = panes.output.region.width
        await pilot.press("f2")
        await until(pilot, lambda: panes.output.region.width > width + 40)
        await pilot.press("f2")
        await until(pilot, lambda: panes.output.region.width == width)


async def test_the_smallest_terminal_that_works_and_what_a_smaller_one_says(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened(size=(40, 12)) as pilot:
        main = app_of(pilot).main
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)
        engine.runs[0].start()
        engine.runs[0].yield_tokens(4)
        await until(pilot, lambda: "there was" in screen_text(pilot.app))
        assert main.prompt.size.height >= 1
        await pilot.resize_terminal(39, 12)
        await until(pilot, lambda: "40 × 12" in screen_text(pilot.app))
        await pilot.resize_terminal(40, 11)
        await until(pilot, lambda: "40 × 12" in screen_text(pilot.app))
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "there was" in screen_text(pilot.app))


async def test_control_c_stops_and_never_quits(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: engine.runs[0].cancelled and not main.bridge.generating)
        await pilot.press("ctrl+c", "ctrl+c")
        assert "^Q quits" in main.status.text
        assert pilot.app.is_running


@pytest.mark.parametrize("moment", ["loading", "submitting", "generating", "picking"])
async def test_quitting_waits_for_no_thread(settings: Callable[..., Settings], moment: str) -> None:
    gate = threading.Event()
    engine = ScriptedEngine(before_submit=lambda _: (moment == "submitting" and gate.wait(60), None)[1])
    app = LlmTui(engine, settings(), watch_machine=False)
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: engine.loads)
            if moment != "loading":
                engine.finish_load()
                await until(pilot, lambda: app.main.status.text.startswith("ready"))
                await send(pilot, "Once")
            if moment in ("generating", "picking"):
                await until(pilot, lambda: engine.runs)
                engine.runs[0].start()
            if moment == "picking":
                await pilot.press("ctrl+o")
            began = time.monotonic()
            await pilot.press("ctrl+q")
            await until(pilot, lambda: not app.is_running)
        assert time.monotonic() - began < 30.0
    finally:
        gate.set()


async def test_nothing_ticks_while_nothing_happens(opened: Opened) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await until(pilot, lambda: not main.bridge._timer._active.is_set())
        running = [timer for node in app_of(pilot).query("*") for timer in node._timers if timer._active.is_set()]
        assert running == []
        assert not main.prompt.cursor_blink


async def test_what_arrives_lays_nothing_out(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)
        engine.runs[0].start()
        engine.runs[0].yield_tokens(2)
        await until(pilot, lambda: len(app.main.panes.tokens.tokens) == 3)
        layouts: list[object] = []
        reflow = app.main._compositor.reflow
        app.main._compositor.reflow = lambda *args: (layouts.append(args), reflow(*args))[1]
        for total in (60, 300, 900):
            engine.runs[0].yield_tokens(total - len(app.main.panes.tokens.tokens))
            await until(pilot, lambda total=total: len(app.main.panes.tokens.tokens) == total)
        assert app.main.panes.output.max_scroll_y > 0
        assert not layouts
        await pilot.press("f2")
        await until(pilot, lambda: layouts)


async def test_a_crash_tells_no_prompt(opened: Opened, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - it is raised where the program is left
        async with opened() as pilot:
            app = app_of(pilot)
            await type_text(pilot, "secret words")

            def crash() -> None:
                secret = app.main.prompt.text  # noqa: F841 - what a traceback with locals would show
                raise ZeroDivisionError

            app.call_later(crash)
            await until(pilot, lambda: not app.is_running)
    shown = capfd.readouterr().err
    assert "ZeroDivisionError" in shown
    assert "secret words" not in shown


async def test_save_writes_a_new_file_and_never_over_one(
    opened: Opened, engine: ScriptedEngine, tmp_path: Path
) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)
        engine.runs[0].start()
        engine.runs[0].yield_tokens([" upon", "\x1b[2J"])
        engine.runs[0].finish()
        await until(pilot, lambda: not main.bridge.generating)
        target = tmp_path / "tale.txt"
        main.prompt.write(f"/save {target}")
        await pilot.press("enter")
        await until(pilot, lambda: "saved" in main.status.text)
        assert target.read_text() == "Once upon\x1b[2J\n"
        target.write_text("mine")
        main.prompt.write(f"/save {target}")
        await pilot.press("enter")
        await until(pilot, lambda: "there already" in main.status.text)
        assert target.read_text() == "mine"


async def test_themes_and_help_and_logs_open_and_close(opened: Opened, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"first line\n\x1b[31mred\xff\n")
    async with opened(log_file=log) as pilot:
        app = app_of(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: "Keys and commands" in screen_text(app))
        await until(pilot, lambda: "/models [NAME]" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        await pilot.press("f8")
        await until(pilot, lambda: "first line" in screen_text(app))
        assert "‹ESC›[31mred" in screen_text(app)
        await pilot.press("escape")
        await send(pilot, "/theme light")
        await until(pilot, lambda: not app.current_theme.dark)
        await send(pilot, "/theme")
        await until(pilot, lambda: app.current_theme.dark)


async def test_the_help_of_a_window_begins_with_its_own_keys(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, RequestsScreen) and app.screen.focused is not None)
        window = app.screen
        await pilot.press("f1")
        await until(pilot, lambda: "In this window" in screen_text(app))
        lines = [line.strip(" │┃▌▐▏▕") for line in screen_text(app).splitlines()]
        keys = lines[
            lines.index("In this window") : lines.index(next(line for line in lines if "Keys and commands" in line))
        ]
        assert any(line.startswith("x delete") and "Stop the request" in line for line in keys)
        assert any(line.startswith("f4 esc") and "Close this window" in line for line in keys)
        assert any(line.startswith("enter") for line in keys)
        await pilot.press("f1")
        await until(pilot, lambda: app.screen is window)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        await pilot.press("f1")
        await until(pilot, lambda: "Keys and commands" in screen_text(app))
        assert "In this window" not in screen_text(app)


def test_importing_the_screen_imports_neither_torch_nor_the_windows() -> None:
    code = (
        "import sys, llmtui.tui; assert 'textual' not in sys.modules\n"
        "import llmtui.tui.app\n"
        "for name in ('torch', 'transformers', 'psutil', 'flask', 'llmtui.models.catalog', 'llmtui.tui.screens.models',"
        " 'llmtui.tui.screens.help', 'llmtui.tui.palette', 'textual.widgets._markdown', 'markdown_it.main'):\n"
        "    assert name not in sys.modules, name"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
