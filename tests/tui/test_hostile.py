"""Whatever comes from a person, a model, a file or a log: nothing of it may reach the terminal raw, or crash."""

from pathlib import Path

from driving import Opened, app_of, send, until
from hostile import BYTES, TEXTS, harmful, screen_text
from scripted_engine import ScriptedEngine, model_info
from test_model_picker import entry, open_picker
from textual import events
from textual.widgets import Input

from llmtui.engine.loads import LoadStage
from llmtui.models.errors import ModelNotFound

ALL = "".join(TEXTS) + "".join(map(chr, range(256)))


def clean(screen: str) -> bool:
    return not harmful(screen) - {"\n"}


async def test_every_byte_from_the_model_is_shown_and_none_is_obeyed(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)
        engine.runs[0].start()
        for start in range(0, len(BYTES), 40):
            engine.runs[0].yield_tokens(BYTES[start : start + 40])
            await until(pilot, lambda start=start: len(app.main.panes.tokens.tokens) > start)
            await pilot.pause()
            assert clean(screen_text(app))
        engine.runs[0].fail("it failed: " + ALL)
        await until(pilot, lambda: not app.main.bridge.generating)
        await pilot.pause()
        assert clean(screen_text(app))
        assert clean(app.main.panes.output.text)
        assert len(app.main.panes.tokens.tokens) == 1 + len(BYTES)
        await pilot.press("tab", "tab", "home")
        for _ in range(0, len(BYTES), 60):
            await pilot.press("down")
            assert clean(screen_text(app))


async def test_a_hostile_prompt_is_shown_harmless_wherever_it_appears(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        for place, text in enumerate(TEXTS):
            app.main.prompt.write("")
            app.main.prompt.post_message(events.Paste("x" + text))
            await until(pilot, lambda: app.main.prompt.text)
            await pilot.pause()
            assert clean(screen_text(app))
            app.main.prompt.write("x" + text)
            await pilot.pause()
            assert clean(screen_text(app))
            await pilot.press("enter")
            await until(pilot, lambda place=place: len(engine.runs) == place + 1)
            engine.runs[-1].finish()
            await until(pilot, lambda: not app.main.bridge.generating)
            await pilot.press("up")
            await pilot.pause()
            assert clean(screen_text(app))
            assert clean(app.main.panes.output.text)


async def test_a_hostile_command_is_refused_harmlessly(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        for text in TEXTS:
            for line in (f"/{text}", f"/set {text} 1", f"/set seed {text}", f"/save {text}/x", f"/theme {text}"):
                app.main.prompt.write(line)
                app.simulate_key("enter")
                await pilot.pause()
                assert clean(screen_text(app))
                assert app.is_running


async def test_hostile_model_names_and_load_errors_are_shown_harmless(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        for place, text in enumerate(TEXTS):
            app.main.choose_model(text)
            engine.advance_load(LoadStage.WEIGHTS, 1, 2)
            await until(pilot, lambda: "reading weights" in app.main.status.text)
            assert clean(screen_text(app))
            engine.finish_load(model_info(text))
            await until(pilot, lambda: app.main.status.text.startswith("ready"))
            await send(pilot, "Once")
            await until(pilot, lambda place=place: len(engine.runs) == place + 1)
            engine.runs[-1].start()
            engine.runs[-1].finish()
            await until(pilot, lambda: not app.main.bridge.generating)
            app.main.choose_model(text)
            engine.fail_load(ModelNotFound(f"{text} is no model"))
            await until(pilot, lambda: "is no model" in app.main.status.text)
            assert clean(screen_text(app))
            assert clean(app.main.panes.output.text)


async def test_hostile_names_in_the_model_list_are_shown_harmless(opened: Opened) -> None:
    async with opened() as pilot:
        entries = [entry(text, problem=text if place % 2 else None) for place, text in enumerate(TEXTS)]
        await open_picker(pilot, lambda: entries)
        await until(pilot, lambda: "81.9M" in screen_text(pilot.app))
        for text in ("", *TEXTS):
            pilot.app.screen.query_one(Input).value = text
            await pilot.pause()
            await pilot.press("down")
            await pilot.pause()
            assert clean(screen_text(pilot.app))


async def test_hostile_log_lines_are_shown_harmless(opened: Opened, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"\n".join(BYTES))
    async with opened(log_file=log) as pilot:
        await pilot.press("f8")
        await until(pilot, lambda: "Log" in screen_text(pilot.app))
        for _ in range(12):
            assert clean(screen_text(pilot.app))
            await pilot.press("pageup")


async def test_hostile_parameters_are_refused_harmlessly(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        await pilot.press("f5")
        await until(pilot, lambda: app.screen.query("#stop"))
        for name in ("temperature", "seed", "stop"):
            for text in TEXTS:
                app.screen.query_one(f"#{name}", Input).value = text
                await pilot.pause()
                assert clean(screen_text(app))
                assert app.is_running
