"""Comparisons from the prompt to a token that two models disagree on: real models in processes of their own."""

from collections.abc import Callable
from dataclasses import replace
from threading import Event

import psutil
import pytest
from driving import Opened, send, until
from hostile import TEXTS, harmful, screen_text
from scripted_engine import token
from test_differences import columns, measured
from textual.pilot import Pilot
from textual.widgets import Input

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.loads import LoadProgress, LoadStage
from llmtui.insight.compare import Column, ModelChoice, Standing, Step
from llmtui.insight.divergence import Span
from llmtui.tui.compare_job import ComparisonView, News
from llmtui.tui.screens import compare_run
from llmtui.tui.screens.compare import CompareForm
from llmtui.tui.screens.compare_run import LEAST_WIDTH, CompareScreen
from llmtui.tui.screens.difference import DifferenceScreen
from llmtui.tui.widgets.status_bar import Tone

PROMPT = "Once upon a time"


async def open_form(pilot: Pilot[None], **values: str) -> CompareForm:
    await send(pilot, f"/compare {PROMPT}")
    await until(pilot, lambda: isinstance(pilot.app.screen, CompareForm) and pilot.app.screen.focused is not None)
    form = pilot.app.screen
    assert isinstance(form, CompareForm)
    for name, value in values.items():
        form.query_one(f"#{name.replace('_', '-') if name != 'max_tokens' else name}", Input).value = value
    return form


async def run(pilot: Pilot[None]) -> CompareScreen:
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
    screen = pilot.app.screen
    assert isinstance(screen, CompareScreen)
    return screen


def scripted(monkeypatch: pytest.MonkeyPatch, *news: News) -> None:
    """Let every comparison report these things, the last of them as its end."""

    def job(*_: object) -> Callable[[Callable[[News], None]], ComparisonView]:
        def work(report: Callable[[News], None]) -> ComparisonView:
            for one in news:
                report(one)
            assert isinstance(news[-1], ComparisonView)
            return news[-1]

        return work

    monkeypatch.setattr(compare_run, "compare_job", job)


async def test_models_fill_their_columns_one_that_cannot_be_loaded_with_its_reason(
    really: Opened, tiny_tales_engine: Engine
) -> None:
    async with really(knobs={"default_temperature": 0.0}) as pilot:
        await open_form(pilot, model_2="./nowhere", model_3="tiny-tales@bfloat16", max_tokens="6")
        screen = await run(pilot)
        await until(pilot, lambda: screen._ended, timeout=100)
        assert screen.status.text == "done · 2 of 3 models · without ./nowhere"
        params = SamplingParams(temperature=0.0, max_tokens=6)
        alone = tiny_tales_engine.submit(GenerationRequest(prompt=PROMPT, params=params)).result()
        assert screen.columns[0].output.text == alone.text
        assert "./nowhere is not a folder" in screen.columns[1].output.text
        first, _, third = screen.view.columns
        assert first.measured is not None
        assert third.mean_kl_bits is not None
        facts = "\n".join(screen.columns[2].facts.lines)
        assert f"{third.mean_kl_bits:.4f}" in facts
        assert f"{third.bits_per_byte:.3f}" in facts
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DifferenceScreen))
        difference = pilot.app.screen
        assert isinstance(difference, DifferenceScreen)
        await until(pilot, lambda: difference.tokens.cursor is not None)
        await pilot.press("end", "home", "right", "right")
        await until(pilot, lambda: difference.tokens.cursor == 2)
        assert third.differences is not None
        assert f"KL(p‖q) {third.differences[1].kl_bits:.4f} bit" in screen_text(pilot.app)
        assert difference.first.token is first.trace[2]
        assert difference.second.token is third.trace[2]


async def test_escape_ends_the_models_processes_and_keeps_the_texts_so_far(really: Opened) -> None:
    async with really() as pilot:
        await open_form(pilot, model_2="tiny-tales@float16", max_tokens="400")
        pilot.app.simulate_key("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        screen = pilot.app.screen
        assert isinstance(screen, CompareScreen)
        await until(pilot, lambda: all(column.written > 2 for column in screen.columns), timeout=100)
        assert "writes," in screen_text(pilot.app)
        pids = [model.pid or 0 for model in screen.comparison._processes]
        assert len(pids) == 2
        pilot.app.simulate_key("escape")
        await until(pilot, lambda: screen._ended, timeout=20)
        assert screen.status.text == "stopped · 0 of 2 models"
        for column in screen.columns:
            assert "stopped" in column.output.text
            assert len(column.output.text) > len("stopped") + 4
        assert not any(psutil.pid_exists(pid) for pid in pids)
        pilot.app.simulate_key("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareForm))


async def test_leaving_the_program_ends_the_models_processes(really: Opened) -> None:
    async with really() as pilot:
        await open_form(pilot, max_tokens="400")
        screen = await run(pilot)
        await until(pilot, lambda: screen.comparison._processes)
        processes = [psutil.Process(model.pid or 0) for model in screen.comparison._processes]
        await pilot.press("ctrl+q")
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert processes
    assert not alive


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"model_2": ""}, "models must be at least 2, got 1"),
        ({"max_tokens": "0"}, "max_tokens must be at least 1"),
        ({"max_tokens": "many"}, "max_tokens must be a whole number"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_runs(opened: Opened, values: dict[str, str], words: str) -> None:
    async with opened() as pilot:
        form = await open_form(pilot, **values)
        await pilot.press("enter")
        await until(pilot, lambda: words in screen_text(pilot.app))
        assert pilot.app.screen is form


async def test_the_form_begins_with_the_loaded_model_and_its_int8_and_suggests_what_is_there(opened: Opened) -> None:
    async with opened() as pilot:
        form = await open_form(pilot)
        assert form.choices == [ModelChoice("tiny-tales"), ModelChoice("tiny-tales", "int8")]
        await until(pilot, lambda: form.query_one("#model-3", Input).suggester is not None)
        form.query_one("#model-3", Input).focus()
        await pilot.press("t", "i")
        await until(pilot, lambda: form.query_one("#model-3", Input)._suggestion == "tiny-tales")
        await pilot.press("right")
        assert form.choices[2:] == [ModelChoice("tiny-tales")]


@pytest.mark.parametrize(("width", "shown"), [(120, 4), (80, 2), (50, 1)])
async def test_as_many_columns_as_are_worth_reading_are_in_sight_and_the_rest_is_gone_to(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, width: int, shown: int
) -> None:
    choices = {f"model_{n}": f"./{n}" for n in range(1, 5)}
    view = ComparisonView(tuple(Column(ModelChoice(name), problem=f"{name} is not there") for name in choices.values()))
    scripted(monkeypatch, view)
    async with opened(size=(width, 30)) as pilot:
        await open_form(pilot, **choices)
        screen = await run(pilot)

        def whole() -> list[int]:
            window = screen.query_one("#columns").region
            return [n for n, c in enumerate(screen.columns) if c.region.intersection(window).width >= LEAST_WIDTH]

        await until(pilot, lambda: whole() == list(range(shown)))
        await pilot.press("right", "right", "right", "right")
        await until(pilot, lambda: whole() == list(range(4 - shown, 4)))
        assert screen.columns[3].output.has_focus
        await pilot.press("left", "left", "left")
        await until(pilot, lambda: whole() == list(range(shown)))


async def test_texts_stream_into_their_columns_at_once_and_each_says_what_its_model_does(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    p, q = columns(0.1, 0.2, 0.3)
    begin, end = Event(), Event()

    def job(*_: object) -> Callable[[Callable[[News], None]], ComparisonView]:
        def work(report: Callable[[News], None]) -> ComparisonView:
            report(Step(0, Standing.LOADED))
            report(Step(1, LoadProgress(LoadStage.WEIGHTS, 3, 76)))
            report(Step(2, Standing.NO_ROOM))
            assert begin.wait(60)
            for place, words in [(0, " a"), (1, " the"), (0, " cat"), (1, " old"), (0, " sat")]:
                report(Step(place, token(4, words)))
            report(ComparisonView((None, replace(q, bits_per_byte=None, differences=None, trace=()))))
            assert end.wait(60)
            return ComparisonView((p, q, Column(ModelChoice("r"), problem="r is not there")))

        return work

    monkeypatch.setattr(compare_run, "compare_job", job)
    async with opened() as pilot:
        await open_form(pilot, model_3="r")
        screen = await run(pilot)

        def titles() -> list[str]:
            return [str(column.output.border_title or "") for column in screen.columns]

        await until(pilot, lambda: titles() == ["loaded", "reads weights, 3 of 76", "waits for memory"])
        assert "reads weights, 3 of 76" in screen_text(pilot.app)
        begin.set()
        await until(pilot, lambda: titles() == ["writes, 3 tokens", "has written", "waits for memory"])
        assert screen.columns[0].output.text == " a cat sat"
        assert screen.columns[1].output.text == measured().text
        assert screen.status.text == "writing by turns · 5 tokens"
        await pilot.press("enter")
        await until(pilot, lambda: "no two models" in screen.status.text)
        end.set()
        await until(pilot, lambda: screen._ended)
        assert titles() == ["", "", ""]
        assert screen.status.text == "done · 2 of 3 models · without r"


async def test_the_key_for_disagreements_and_other_models_of_other_vocabulary(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    p, q = columns(0.1, 0.2, 0.3)
    other = replace(q, choice=ModelChoice("bytes"), differences=None, trace=())
    spans = (Span(4, 11, (7.0, 7.5, 14.0)), Span(11, 16, (5.0, 5.0, 9.5)))
    scripted(monkeypatch, ComparisonView((p, q, other), spans))
    async with opened(size=(80, 24)) as pilot:
        await open_form(pilot, model_3="bytes")
        screen = await run(pilot)
        await until(pilot, lambda: screen._ended)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DifferenceScreen))
        difference = pilot.app.screen
        assert isinstance(difference, DifferenceScreen)
        await until(pilot, lambda: difference.tokens.cursor == 1)
        await pilot.press("right_square_bracket")
        assert difference.tokens.cursor == 3
        await pilot.press("left_square_bracket")
        assert difference.tokens.cursor == 1
        await until(pilot, lambda: "p expects P␣upon, q Q␣upon" in screen_text(pilot.app))
        assert difference.second.token is q.trace[1]
        await pilot.press("o")
        await until(pilot, lambda: "q 14.00 bit = 2.00 bit/byte" in screen_text(pilot.app))
        shown = screen_text(pilot.app)
        assert "KL" not in shown
        assert "rank" not in shown
        await pilot.press("o")
        await until(pilot, lambda: "KL(p‖q)" in screen_text(pilot.app))


async def test_there_must_be_two_models_to_be_compared(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    p, _ = columns()
    scripted(monkeypatch, ComparisonView((p, Column(ModelChoice("q"), problem="no"))))
    async with opened() as pilot:
        await open_form(pilot)
        screen = await run(pilot)
        await until(pilot, lambda: screen._ended)
        assert screen.status.tone is Tone.BAD
        await pilot.press("enter")
        await until(pilot, lambda: "no two models" in screen.status.text)


async def test_hostile_names_texts_and_reasons_are_shown_harmless(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    p, q = columns(0.1, 0.2, 0.3)
    everything = "".join(TEXTS)
    named = replace(p, choice=ModelChoice(everything), measured=replace(measured(), text=everything))
    failed = Column(ModelChoice(everything), problem=everything)
    scripted(monkeypatch, ComparisonView((named, failed, replace(q, choice=ModelChoice(everything)))))
    async with opened() as pilot:
        await open_form(pilot, model_2="x", model_3="y")
        screen = await run(pilot)
        await until(pilot, lambda: screen._ended)
        await pilot.pause()
        assert not harmful(screen_text(pilot.app)) - {"\n"}
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DifferenceScreen))
        await pilot.pause()
        assert not harmful(screen_text(pilot.app)) - {"\n"}


async def test_what_is_wrong_gets_the_focus_and_is_forgotten_when_one_types(opened: Opened) -> None:
    async with opened() as pilot:
        await send(pilot, "/compare")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareForm) and pilot.app.screen.focused is not None)
        form = pilot.app.screen
        assert isinstance(form, CompareForm)
        await pilot.press("enter")
        await until(pilot, lambda: "✗ prompt must not be empty" in screen_text(pilot.app))
        assert form.focused is form.prompt
        await pilot.press("a")
        await until(pilot, lambda: "✗" not in screen_text(pilot.app))
