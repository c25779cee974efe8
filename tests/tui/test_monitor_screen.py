"""The monitor's lines and its screen."""

import pytest
from driving import Opened, app_of, layouts, until
from hostile import TEXTS, harmful, screen_text
from hypothesis import given
from hypothesis import strategies as st
from samples import busy_minutes, sample
from textual.app import App
from textual.events import Key

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.settings import Settings
from llmtui.system.monitor import LocalReader, Monitor
from llmtui.system.reading import EngineFigures, ModelFigures, Sample
from llmtui.tui.app import LlmTui
from llmtui.tui.monitor_lines import NOTHING_YET, monitor_lines
from llmtui.tui.screens.monitor import MonitorScreen
from llmtui.tui.text import cell_width


def line(history: list[Sample], label: str, width: int = 104, height: int = 40) -> str:
    """The first line of that name."""
    return next(line.text for line in monitor_lines(history, width, height) if line.text.strip().startswith(label))


def test_before_the_first_look_it_says_so() -> None:
    assert [line.text for line in monitor_lines([], 60, 20)] == [NOTHING_YET]


def test_shares_are_measured_by_the_whole_and_counts_by_the_largest_in_sight() -> None:
    history = [sample(second, tokens_per_second=float(speed)) for second, speed in enumerate((0, 50, 100, 200, 100))]
    assert line(history, "speed").split() == ["speed", "100.0", "tok/s", "▁▂▄█▄", "max", "200"]
    idle = [Sample(0.0, cpu_percent=3.0, core_percents=(3.0,)), Sample(1.0, cpu_percent=4.0, core_percents=(4.0,))]
    assert line(idle, "cpu").split() == ["cpu", "4%", "▁▁", "of", "100%"]
    full = [Sample(0.0, ram_used_bytes=8 * 10**9, ram_total_bytes=16 * 10**9)]
    assert line(full, "ram").split() == ["ram", "8.0G", "of", "16G", "▄", "of", "16G"]


def test_where_no_bar_has_room_the_numbers_stand_whole() -> None:
    history = [sample(0), sample(1)]
    assert line(history, "ram", width=34).split()[0:3:2] == ["ram", "of"]
    assert all("…" not in line(history, label, width=34) for label in ("cpu", "ram", "memory", "speed", "kv"))
    strip = line([sample(0, cores=96), sample(1, cores=96)], "each", width=34, height=8)
    assert strip.startswith("  each     ")
    assert cell_width(strip) == 34


def test_only_what_fits_is_in_sight() -> None:
    history = [sample(second, tokens_per_second=900.0 if second == 0 else 10.0) for second in range(200)]
    assert "max 10" in line(history, "speed")
    assert "max 900" in line(history[:10], "speed")


def test_many_cores_are_bars_beside_each_other_and_few_have_their_own_past() -> None:
    few = [line.text for line in monitor_lines([sample(0), sample(1)], 104, 30)]
    assert [text.split()[:2] for text in few if text.startswith("  core")] == [["core", str(n)] for n in range(4)]
    many = [line.text for line in monitor_lines([sample(0, cores=96), sample(1, cores=96)], 68, 18)]
    assert not [text for text in many if text.startswith("  core")]
    strips = [text for text in many if text.startswith(("  each     ", " " * 11))]
    assert sum(len(text[11:].strip()) for text in strips) == 96


def test_an_engine_without_a_model_and_a_machine_that_is_not_known() -> None:
    history = [Sample(0.0, engine=EngineFigures("loading", (), 0, 0, 0, 0, 0, 0, 0), tokens_per_second=0.0)]
    assert line(history, "engine") == "engine · loading"
    assert "–" in line(history, "cpu")


@given(st.integers(1, 200), st.integers(1, 60), st.sampled_from(["unicode", "ascii"]), st.integers(1, 130))
def test_no_line_is_wider_than_the_screen(width: int, height: int, glyphs: str, cores: int) -> None:
    history = [sample(second, cores=cores, gpus=2) for second in range(3)]
    lines = monitor_lines(history, width, height, glyphs)  # type: ignore[arg-type]
    assert all(cell_width(line.text) <= width for line in lines)
    if glyphs == "ascii":
        assert all(line.text.isascii() for line in lines[1:] if "·" not in line.text)


def test_names_are_harmless() -> None:
    engine = EngineFigures("ready", tuple(ModelFigures(text, 1) for text in TEXTS), 0, 0, 0, 0, 0, 0, 0)
    assert not harmful("".join(line.text for line in monitor_lines([Sample(0.0, engine=engine)], 400, 40)))


async def test_each_look_draws_the_lines_that_changed_and_lays_nothing_out(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        history = busy_minutes()
        app.push_screen(MonitorScreen(lambda: history, app.main.monitoring.looked))
        await until(pilot, lambda: isinstance(app.screen, MonitorScreen) and app.screen.view.size.height)
        screen = app.screen
        assert isinstance(screen, MonitorScreen)
        seen = await layouts(pilot, monkeypatch)
        drawn: list[object] = []
        monkeypatch.setattr(screen.view, "refresh", lambda *regions, **_: drawn.extend(regions))
        app.main.monitoring.looked.publish(history[-1])
        await pilot.pause()
        assert drawn == []
        history.append(sample(120, gpus=1))
        app.main.monitoring.looked.publish(history[-1])
        await until(pilot, lambda: bool(drawn))
        assert seen == []
        await pilot.press("alt+m")
        await until(pilot, lambda: app.screen is app.main)


async def test_its_key_opens_it_from_the_prompt_as_a_terminal_sends_it(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        # a terminal's alt+m comes with the letter, which a text area would take for typed
        app.post_message(Key("alt+m", "m"))
        await until(pilot, lambda: isinstance(app.screen, MonitorScreen))
        assert app.main.prompt.text == ""


async def test_opened_before_the_machine_can_be_looked_at_it_fills_when_it_can(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        await pilot.press("alt+m")
        await until(pilot, lambda: NOTHING_YET in screen_text(app))
        app.main.monitoring.use(Monitor(LocalReader()))
        app.main.monitoring.look()
        await until(pilot, lambda: NOTHING_YET not in screen_text(app) and "cpu" in screen_text(app))


async def test_the_real_engines_numbers_are_on_the_screen(tiny_tales_engine: Engine) -> None:
    app: App[None] = LlmTui(tiny_tales_engine, Settings(_env_file=None), watch_machine=False)
    async with app.run_test(size=(120, 40)) as pilot:
        main = app_of(pilot).main
        await until(pilot, lambda: main.status.text.startswith("ready"), timeout=60)
        main.monitoring.use(Monitor(LocalReader(engine=tiny_tales_engine)))
        params = SamplingParams(max_tokens=30, ignore_eos=True)
        tiny_tales_engine.submit(GenerationRequest(prompt="Once upon a time", params=params)).result()
        main.monitoring.look()
        await pilot.press("alt+m")
        await until(pilot, lambda: isinstance(app.screen, MonitorScreen) and app.screen.view.size.height)
        assert "engine · ready · tiny-tales" in screen_text(app)
        [newest] = main.monitoring.history
        assert newest.tokens_per_second is not None
        assert newest.tokens_per_second > 0
        assert f"{newest.tokens_per_second:.1f} tok/s" in screen_text(app)
        assert newest.engine is not None
        assert newest.engine.generated_tokens == tiny_tales_engine.stats().generated_tokens
