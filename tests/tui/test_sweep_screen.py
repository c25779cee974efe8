"""The sweep from the prompt to a token of a cell, on the real engine; stopping and its like on the scripted one."""

import time
from dataclasses import replace

import pytest
from driving import Opened, app_of, send, until
from hostile import TEXTS, harmful, screen_text
from scripted_engine import ScriptedEngine
from textual.pilot import Pilot
from textual.widgets import Input

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.insight.at_position import settings_at
from llmtui.insight.grid import Setting
from llmtui.tui.screens.cell import CellScreen
from llmtui.tui.screens.position import PositionScreen
from llmtui.tui.screens.sweep import SweepForm
from llmtui.tui.screens.sweep_run import SweepScreen
from llmtui.tui.sweep_form import SweepPlan
from llmtui.tui.sweep_job import CANDIDATES, KEPT_CANDIDATES, with_candidates
from llmtui.tui.widgets.status_bar import Tone

SMALL = {"temperature": "0, 1.4", "seeds": "2", "max_tokens": "6"}


async def open_form(pilot: Pilot[None], prompt: str = "Once upon a time", **values: str) -> SweepForm:
    await send(pilot, f"/sweep {prompt}")
    await until(pilot, lambda: isinstance(pilot.app.screen, SweepForm) and pilot.app.screen.focused is not None)
    form = pilot.app.screen
    assert isinstance(form, SweepForm)
    for name, value in values.items():
        form.query_one(f"#{name}", Input).value = value
    await pilot.pause()
    return form


async def run(pilot: Pilot[None], _: SweepForm, *, done: bool = True) -> SweepScreen:
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, SweepScreen))
    screen = pilot.app.screen
    assert isinstance(screen, SweepScreen)
    if done:
        await until(pilot, lambda: screen.status.text.startswith("done"), timeout=60)
    return screen


async def test_a_sweep_fills_the_grid_with_what_each_setting_and_seed_writes_alone(
    really: Opened, tiny_tales_engine: Engine
) -> None:
    async with really() as pilot:
        screen = await run(pilot, await open_form(pilot, **SMALL))
        for (setting, seed), cell in screen.view.cells.items():
            params = SamplingParams(temperature=setting.temperature, top_k=50, seed=seed, max_tokens=6)
            alone = tiny_tales_engine.submit(GenerationRequest(prompt="Once upon a time", params=params)).result()
            assert cell.text == alone.text
            assert f"{cell.mean_surprisal:.2f}" in screen_text(pilot.app)
        assert "4 of 4 cells" in screen.status.text
        reference = screen.view.cells[Setting(0.0, 50, 1.0), 0]
        assert screen.text.parts == (reference.text, "")
        assert "the reference" in screen_text(pilot.app)


async def test_the_part_of_a_text_that_differs_begins_at_the_first_token_that_does(really: Opened) -> None:
    async with really() as pilot:
        screen = await run(pilot, await open_form(pilot, **SMALL))
        await pilot.press("down", "right")
        cell = screen.view.cells[Setting(1.4, 50, 1.0), 1]
        reference = screen.view.cells[Setting(0.0, 50, 1.0), 1]
        assert cell.diverges_at is not None
        shared, own = screen.text.parts
        assert shared + own == cell.text
        assert reference.text.startswith(shared)
        assert len("".join(token.text for token in screen.view.traces[cell.key][: cell.diverges_at])) == len(shared)
        assert f"differs at #{cell.diverges_at}" in screen_text(pilot.app)


async def test_m_goes_around_all_numbers(really: Opened) -> None:
    async with really() as pilot:
        screen = await run(pilot, await open_form(pilot, **SMALL))
        titles = []
        for _ in range(8):
            titles.append(screen.grid.render_line(0).text.split("   ")[0].strip())
            await pilot.press("m")
        assert len(set(titles)) == 8
        assert screen.measure == 0
        await pilot.press("M")
        assert screen.grid.render_line(0).text.startswith("first token that differs")


async def test_a_cell_opens_at_the_difference_and_its_tokens_are_walked_as_on_the_main_screen(really: Opened) -> None:
    async with really() as pilot:
        screen = await run(pilot, await open_form(pilot, **SMALL))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, CellScreen))
        opened = pilot.app.screen
        assert isinstance(opened, CellScreen)
        cell = screen.view.cells[Setting(1.4, 50, 1.0), 0]
        await until(pilot, lambda: opened.inspector.token is not None)
        assert opened.inspector.token is opened.tokens.tokens[cell.diverges_at or 0]
        assert [token.id for token in opened.tokens.tokens] == list(cell.ids)
        assert all(len(token.candidates) >= CANDIDATES for token in opened.tokens.tokens)
        await pilot.press("home")
        await until(pilot, lambda: opened.inspector.token is opened.tokens.tokens[0])
        await pilot.press("s", "ctrl+t")
        assert opened.inspector.sampled
        await until(pilot, lambda: "seed 0 · colour: entropy" in screen_text(pilot.app))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, SweepForm))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is app_of(pilot).main)


async def test_one_position_is_shown_under_every_setting_without_generating(
    really: Opened, tiny_tales_engine: Engine
) -> None:
    async with really() as pilot:
        before = tiny_tales_engine.stats().generated_tokens
        await open_form(pilot, temperature="0, 0.7, 1.4", top_p="0.5, 1", at="4")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PositionScreen))
        screen = pilot.app.screen
        assert isinstance(screen, PositionScreen)
        await until(pilot, lambda: screen.status.tone is Tone.GOOD, timeout=30)
        settings = [Setting(t, 50, p) for t in (0.0, 0.7, 1.4) for p in (0.5, 1.0)]
        expected = settings_at(tiny_tales_engine, "Once upon a time", 4, settings, [0, 1, 2], SamplingParams(), top=20)
        shown = screen_text(pilot.app)
        for at in expected.settings:
            assert f"{at.entropy_bits:.2f}" in shown
        assert f"RAW entropy {expected.raw_entropy_bits:.2f} bit" in shown
        await pilot.press("end", "pagedown", "m")
        await until(pilot, lambda: "50 kept" in screen_text(pilot.app))
        assert "30 more" in screen.query_one("#choice-lines").render().plain
        assert tiny_tales_engine.stats().generated_tokens == before


async def test_a_position_that_the_prompt_does_not_have_is_named(really: Opened) -> None:
    async with really() as pilot:
        await open_form(pilot, at="9")
        await pilot.press("enter")
        await until(pilot, lambda: "at must be between 1 and the prompt's own 4 tokens" in screen_text(pilot.app))


async def test_the_prompt_is_what_is_typed_or_else_the_last_one(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await send(pilot, "The last one")
        await until(pilot, lambda: engine.runs)
        engine.runs[0].start()
        engine.runs[0].finish()
        await until(pilot, lambda: not main.bridge.generating)
        for typed, wanted in (("", "The last one"), ("being typed\ntwo lines", "being typed\ntwo lines")):
            main.prompt.write(typed)
            await pilot.press("f9")
            await until(pilot, lambda: isinstance(pilot.app.screen, SweepForm) and pilot.app.screen.focused is not None)
            form = pilot.app.screen
            assert isinstance(form, SweepForm)
            assert form.prompt.text == wanted
            await pilot.press("escape")
            await until(pilot, lambda: pilot.app.screen is main)


async def test_what_was_typed_stands_there_again_until_something_else_would(opened: Opened) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main

        async def values_of(prompt: str) -> tuple[str, str, str]:
            form = await open_form(pilot, prompt)
            values = form.prompt.text, form.values["temperature"], form.values["top_k"]
            await pilot.press("escape")
            await until(pilot, lambda: pilot.app.screen is main)
            return values

        usual = await values_of("Once upon a time")
        form = await open_form(pilot, temperature="0.2, 1.4")
        form.prompt.write("Once there was")
        await pilot.pause()
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is main)
        assert await values_of("Once upon a time") == ("Once there was", "0.2, 1.4", usual[2])
        assert await values_of("Another") == ("Another", "0.2, 1.4", usual[2])
        main.session.params = replace(main.session.params, temperature=0.3)
        assert (await values_of("Another"))[1] not in ("0.2, 1.4", usual[1])


async def test_what_is_wrong_is_told_beside_its_field_and_nothing_runs(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        form = await open_form(pilot, temperature="0.2,,1", top_p="7")
        for name, words in (("temperature", "must be numbers with commas"), ("top_p", "must be above 0")):
            note = form.query_one(f"#{name}-note")
            assert words in note.render().plain
            assert note.has_class("-wrong")
        await pilot.press("enter")
        assert pilot.app.screen is form
        form.query_one("#temperature", Input).value = "0.2"
        form.query_one("#top_p", Input).value = "1"
        form.prompt.write("")
        await pilot.press("enter")
        await until(pilot, lambda: "prompt must not be empty" in screen_text(pilot.app))
        assert not engine.runs


async def test_many_cells_are_asked_about_first(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        form = await open_form(pilot, temperature="0.5", seeds="257", max_tokens="1")
        await pilot.press("enter")
        await until(pilot, lambda: "257 cells are more than 256" in screen_text(pilot.app))
        assert not engine.runs
        form.query_one("#seeds", Input).value = "258"
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: "258 cells are more than 256" in screen_text(pilot.app))
        await run(pilot, form, done=False)
        await until(pilot, lambda: len(engine.runs) == 16)


async def test_without_a_model_a_sweep_waits_to_be_asked_for_again(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened(loaded=False) as pilot:
        form = await open_form(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "a model is still to be loaded" in screen_text(pilot.app))
        engine.finish_load()
        await until(pilot, lambda: app_of(pilot).main.bridge.loading is None)
        await run(pilot, form, done=False)


async def test_cells_fill_while_they_run_and_escape_stops_and_keeps_them(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened() as pilot:
        screen = await run(pilot, await open_form(pilot, **SMALL), done=False)
        await until(pilot, lambda: len(engine.runs) == 4)
        assert screen_text(pilot.app).count("·") > 4
        for scripted in engine.runs[:2]:
            scripted.start()
            scripted.yield_tokens(3)
        await until(pilot, lambda: "2.00…" in screen_text(pilot.app))
        assert "there was a" in screen_text(pilot.app)
        await pilot.press("enter")
        await until(pilot, lambda: "cannot be walked: it is still to be written" in screen_text(pilot.app))
        engine.runs[0].finish()
        await until(pilot, lambda: "1 of 4 cells" in screen_text(pilot.app))
        await pilot.press("escape")
        await until(pilot, lambda: screen.status.text.startswith("stopped"))
        assert all(run.cancelled for run in engine.runs[1:])
        assert [cell.finish_reason for cell in screen.view.cells.values()] == ["length", "cancelled"]
        assert pilot.app.screen is screen
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, CellScreen))


async def test_a_cell_that_fails_ends_the_sweep_with_the_reason(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        screen = await run(pilot, await open_form(pilot, **SMALL), done=False)
        await until(pilot, lambda: len(engine.runs) == 4)
        engine.runs[2].start()
        engine.runs[2].fail("out of memory")
        await until(pilot, lambda: screen.status.text == "out of memory")
        assert screen.status.tone is Tone.BAD
        assert all(scripted.cancelled for place, scripted in enumerate(engine.runs) if place != 2)


async def test_leaving_the_program_stops_the_sweep(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        await run(pilot, await open_form(pilot, **SMALL), done=False)
        await until(pilot, lambda: len(engine.runs) == 4)
        await pilot.press("ctrl+q")
    deadline = time.monotonic() + 30
    while not all(scripted.cancelled for scripted in engine.runs):
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_hostile_prompts_fields_and_texts_are_shown_harmless(opened: Opened, engine: ScriptedEngine) -> None:
    everything = "".join(TEXTS)
    async with opened() as pilot:
        form = await open_form(pilot, "x", temperature=everything, seeds=everything)
        form.prompt.write("x" + everything)
        await pilot.pause()
        assert not harmful(screen_text(pilot.app)) - {"\n"}
        for name, value in SMALL.items():
            form.query_one(f"#{name}", Input).value = value
        await pilot.pause()
        screen = await run(pilot, form, done=False)
        await until(pilot, lambda: len(engine.runs) == 4)
        for place, scripted in enumerate(engine.runs):
            scripted.yield_tokens([text.encode("utf-8", "surrogatepass") for text in TEXTS[place:]])
            scripted.finish()
        await until(pilot, lambda: screen.status.text.startswith("done"))
        for key in ("right", "down", "enter"):
            await pilot.press(key)
            assert not harmful(screen_text(pilot.app)) - {"\n"}
        await until(pilot, lambda: isinstance(pilot.app.screen, CellScreen))
        assert not harmful(screen_text(pilot.app)) - {"\n"}


@pytest.mark.parametrize(("cells", "tokens"), [(1, 1), (27, 40), (256, 200), (10_000, 200)])
def test_candidates_are_kept_within_bounds_however_large_the_sweep(cells: int, tokens: int) -> None:
    base = GenerationRequest(prompt="x", params=SamplingParams(max_tokens=tokens))
    plan = SweepPlan(base, (Setting(1.0, 0, 1.0),), tuple(range(cells)), None)
    wanted = with_candidates(plan).params.top_logprobs
    assert 0 <= wanted <= CANDIDATES
    assert wanted * cells * tokens <= KEPT_CANDIDATES
    assert replace(base.params, top_logprobs=wanted) == with_candidates(plan).params


async def test_a_narrow_frame_keeps_the_key_that_closes_and_what_the_cell_is(really: Opened) -> None:
    async with really(size=(60, 20)) as pilot:
        screen = await run(pilot, await open_form(pilot, **SMALL))
        await until(pilot, lambda: "· … · esc stops, then closes" in screen_text(pilot.app))
        assert "· seed 0 · the reference" in screen_text(pilot.app)
        screen.action_measure(0)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, CellScreen))
        await until(pilot, lambda: "· colour: surprisal" in screen_text(pilot.app))
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "s raw or sampled · esc closes" in screen_text(pilot.app))
