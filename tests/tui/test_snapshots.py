"""Pictures of the screen. Look at a changed one before it is accepted: pytest --snapshot-update."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from driving import app_of, send, until
from hostile import screen_text
from samples import busy_minutes
from scripted_engine import ScriptedEngine, model_info
from test_compare_screen import open_form, scripted
from test_compare_screen import run as run_comparison
from test_differences import columns
from textual.pilot import Pilot
from textual.widgets import Input

from llmtui.engine import GenerationRequest, SamplingParams
from llmtui.insight.compare import Column, ModelChoice
from llmtui.models.catalog import embedded_path
from llmtui.settings import Settings
from llmtui.system.reading import Sample
from llmtui.tui.app import LlmTui
from llmtui.tui.compare_job import ComparisonView
from llmtui.tui.screens.difference import DifferenceScreen
from llmtui.tui.screens.help import HelpScreen
from llmtui.tui.screens.monitor import MonitorScreen
from llmtui.tui.screens.requests import RequestsScreen
from llmtui.tui.screens.sweep import SweepForm
from llmtui.tui.screens.sweep_run import SweepScreen
from llmtui.tui.screens.watch import WatchScreen
from llmtui.tui.serving import Serving

Snap = Callable[..., bool]
Steps = Callable[[Pilot[None]], Awaitable[None]]
SERVING = Serving("http://127.0.0.1:5000", ("alice", "bob"))
SIZES = [(120, 40), (80, 24)]


@pytest.fixture
def snap(
    snap_compare: Snap, engine: ScriptedEngine, settings: Callable[..., Settings]
) -> Callable[[tuple[int, int], Steps], bool]:
    """Compare the screen, after some steps, with its picture. All that moves is held still."""

    def compare(size: tuple[int, int], steps: Steps) -> bool:
        app = LlmTui(engine, settings(seed=42), serving=SERVING, watch_machine=False)

        async def before(pilot: Pilot[Any]) -> None:
            await until(pilot, lambda: engine.loads)
            engine.finish_load()
            await until(pilot, lambda: app.main.status.text.startswith("ready"))
            for percent in (31.0, 87.0, 64.0, 90.0, 87.0):
                used = int(percent / 100 * 4 * 2**30)
                app.main.header.show_machine(
                    Sample(0.0, cpu_percent=percent, ram_used_bytes=used, ram_total_bytes=4 * 2**30)
                )
            await steps(pilot)
            await until(pilot, lambda: not app.main.bridge._timer._active.is_set())
            await pilot.pause()

        return snap_compare(app, terminal_size=size, run_before=before)

    return compare


@pytest.fixture
def tale(engine: ScriptedEngine) -> Steps:
    """A generation that has ended."""

    async def steps(pilot: Pilot[None]) -> None:
        await send(pilot, "Once upon a time")
        await until(pilot, lambda: engine.runs)
        engine.runs[0].start()
        engine.runs[0].yield_tokens(57)
        engine.runs[0].finish()

    return steps


@pytest.mark.parametrize("size", SIZES, ids=["wide", "small"])
def test_the_first_screen(snap: Callable[..., bool], size: tuple[int, int]) -> None:
    async def nothing(pilot: Pilot[None]) -> None:
        pass

    assert snap(size, nothing)


@pytest.mark.parametrize("size", SIZES, ids=["wide", "small"])
def test_a_generation_that_has_ended(snap: Callable[..., bool], tale: Steps, size: tuple[int, int]) -> None:
    assert snap(size, tale)


def test_the_tokens_on_a_small_screen(snap: Callable[..., bool], tale: Steps) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await tale(pilot)
        app = app_of(pilot)
        tokens = app.main.panes.tokens
        await until(pilot, lambda: app.main.progress is not None and app.main.progress.end is not None)
        await pilot.press("f2")
        await until(pilot, lambda: tokens.region.area > 0)
        await pilot.press("tab")
        await until(pilot, lambda: tokens.has_focus)
        await pilot.press("home", *["right"] * 7)
        await until(pilot, lambda: tokens.cursor == 7)

    assert snap((80, 24), steps)


def test_the_light_theme_with_a_command_half_typed(snap: Callable[..., bool], tale: Steps) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await tale(pilot)
        await send(pilot, "/theme light")
        await until(pilot, lambda: not pilot.app.current_theme.dark)
        await pilot.press("slash", "s", "e")
        await until(pilot, lambda: app_of(pilot).main.prompt.text == "/se")

    assert snap((120, 40), steps)


def test_the_help(snap: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("f1")
        await until(
            pilot, lambda: isinstance(pilot.app.screen, HelpScreen) and pilot.app.screen.query("*").last().region
        )

    assert snap((120, 40), steps)


@pytest.fixture
def crowd(engine: ScriptedEngine) -> Steps:
    """Requests of several clients, and the window that shows them."""

    async def steps(pilot: Pilot[None]) -> None:
        for place, client in enumerate(("alice", "bob", "alice", "10.0.0.7")):
            engine.submit(
                GenerationRequest(
                    prompt="Once upon a time",
                    client=client,
                    params=SamplingParams(max_tokens=200),
                    request_id=f"{place}f2a9c04d1e8.5b7",
                )
            )
            if place < 2:
                engine.runs[-1].start()
                engine.runs[-1].yield_tokens(57 - 20 * place)
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(pilot.app.screen, RequestsScreen) and pilot.app.screen.focused)
        app_of(pilot).main.header.show_queue(2, 2)

    return steps


@pytest.mark.parametrize("size", SIZES, ids=["wide", "small"])
def test_the_requests_of_all(snap: Callable[..., bool], crowd: Steps, size: tuple[int, int]) -> None:
    assert snap(size, crowd)


@pytest.mark.parametrize("size", SIZES, ids=["wide", "small"])
def test_somebody_elses_request(
    snap: Callable[..., bool], crowd: Steps, size: tuple[int, int], engine: ScriptedEngine
) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await crowd(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, WatchScreen) and pilot.app.screen.focused)
        engine.runs[0].finish()
        screen = pilot.app.screen
        assert isinstance(screen, WatchScreen)
        await until(pilot, lambda: screen.progress.end is not None)
        await pilot.press("home", *["right"] * 7)
        await until(pilot, lambda: screen.panes.tokens.cursor == 7)

    assert snap(size, steps)


@pytest.mark.parametrize("size", SIZES, ids=["wide", "small"])
def test_the_monitor(snap: Callable[..., bool], size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        main = app_of(pilot).main
        pilot.app.push_screen(MonitorScreen(busy_minutes, main.monitoring.looked))
        await until(pilot, lambda: isinstance(pilot.app.screen, MonitorScreen) and pilot.app.screen.view.size.height)

    assert snap(size, steps)


@pytest.mark.parametrize("size", SIZES, ids=["wide", "small"])
def test_a_sweep_with_the_cursor_on_a_cell_that_differs(
    snap: Callable[..., bool], engine: ScriptedEngine, size: tuple[int, int]
) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await send(pilot, "/sweep Once upon a time")
        await until(pilot, lambda: isinstance(pilot.app.screen, SweepForm) and pilot.app.screen.focused is not None)
        pilot.app.screen.query_one("#top_p", Input).value = "0.9, 1"
        pilot.app.screen.query_one("#seeds", Input).value = "2"
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: len(engine.runs) == 12)
        for place, run in enumerate(engine.runs):
            run.start()
            run.yield_tokens([" there", " was", *([" a", " fox"] if place % 5 < 3 else [" an", " owl", "."])])
            if place < 11:
                run.finish()
        screen = pilot.app.screen
        assert isinstance(screen, SweepScreen)
        await until(pilot, lambda: screen.view.done == 11 and len(screen.view.cells) == 12)
        await pilot.press("escape")
        await until(pilot, lambda: screen.status.text.startswith("stopped"))
        screen._moved(replace(screen.view, seconds=1.5))
        await pilot.press("down")
        await until(pilot, lambda: screen.grid.cursor == (1, 0))

    assert snap(size, steps)


@pytest.mark.parametrize("size", SIZES, ids=["wide", "small"])
def test_a_comparison_of_three_models_one_of_which_cannot_be_loaded(
    snap: Callable[..., bool], monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    p, q = columns(0.0013, 0.2, 3.0)
    scripted(monkeypatch, ComparisonView((p, Column(ModelChoice("./x"), problem="./x is not a folder"), q)))

    async def steps(pilot: Pilot[None]) -> None:
        await open_form(pilot, model_2="./x", model_3="q")
        screen = await run_comparison(pilot)
        await until(pilot, lambda: screen.status.text.startswith("done"))

    assert snap(size, steps)


@pytest.mark.parametrize("size", SIZES, ids=["wide", "small"])
def test_where_two_models_differ(
    snap: Callable[..., bool], monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    scripted(monkeypatch, ComparisonView(columns(0.0013, 0.2, 3.0)))

    async def steps(pilot: Pilot[None]) -> None:
        await open_form(pilot)
        screen = await run_comparison(pilot)
        await until(pilot, lambda: screen.status.text.startswith("done"))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DifferenceScreen))
        difference = pilot.app.screen
        assert isinstance(difference, DifferenceScreen)
        await until(pilot, lambda: difference.tokens.cursor == 1)

    assert snap(size, steps)


@pytest.mark.parametrize("size", SIZES, ids=["wide", "small"])
def test_a_text_and_its_cuts(snap: Callable[..., bool], size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await send(pilot, "/tokenizer")
        await until(pilot, lambda: "characters a token" in screen_text(pilot.app))

    assert snap(size, steps)


@pytest.mark.usefixtures("torch_alone")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "small"])
def test_the_way_of_a_token(
    snap: Callable[..., bool], engine: ScriptedEngine, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # the same picture on every processor
    monkeypatch.setattr("llmtui.engine.quantize._mkl_is_slow", lambda: False)

    async def steps(pilot: Pilot[None]) -> None:
        engine.model = replace(model_info(), path=str(embedded_path()))
        await send(pilot, "/architecture")
        await until(pilot, lambda: "6,180,864" in screen_text(pilot.app), timeout=60)

    assert snap(size, steps)


@pytest.mark.parametrize("size", SIZES, ids=["wide", "small"])
def test_a_lesson_with_something_found(
    snap: Callable[..., bool],
    engine: ScriptedEngine,
    size: tuple[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llmtui.system.learned.state_dir", lambda: tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await send(pilot, "/learn 3")
        await send(pilot, "/set temperature 0")
        await send(pilot, "The cat sat")
        await until(pilot, lambda: engine.runs)
        engine.runs[0].start()
        engine.runs[0].yield_tokens([" on"])
        engine.runs[0].finish()
        await until(pilot, lambda: "lesson 3: 1 of 3 done" in app_of(pilot).main.status.aside)

    assert snap(size, steps)
