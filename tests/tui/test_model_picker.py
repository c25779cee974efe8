import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from driving import Opened, app_of, send, type_text, until
from hostile import screen_text
from scripted_engine import ScriptedEngine
from textual.pilot import Pilot
from textual.widgets import Input

from llmtui import own_kernels
from llmtui.models.catalog import CatalogEntry
from llmtui.models.dtypes import COSTS
from llmtui.models.weights import WeightCounts
from llmtui.tui.screens.models import ModelPicker, dtype_words


def entry(name: str, *, problem: str | None = None, parameters: int | None = 81_912_576) -> CatalogEntry:
    return CatalogEntry(
        name=name,
        kind="cache",
        path=Path("/models") / "somewhere",
        architecture="GPT2LMHeadModel",
        weights=None if parameters is None else WeightCounts(parameters),
        size_bytes=353 * 10**6,
        context=1024,
        has_chat_template=False,
        dtype="float32",
        problem=problem,
    )


ENTRIES = (
    entry("tiny-tales", parameters=6_200_000),
    entry("distilgpt2"),
    entry("org/broken", problem="it has only pickled weights"),
)


async def open_picker(
    pilot: Pilot[None], list_models: Callable[[], Sequence[CatalogEntry]] = lambda: ENTRIES
) -> list[str | None]:
    app = app_of(pilot)
    chosen: list[str | None] = []

    def choose(name: str | None) -> None:
        chosen.append(name)
        app.main.choose_model(name)

    app.push_screen(ModelPicker(app.main.bridge, app.engine.model, list_models), choose)
    await until(pilot, lambda: isinstance(app.screen, ModelPicker) and app.screen.focused is not None)
    return chosen


async def test_the_real_catalog_lists_the_embedded_model_first(opened: Opened) -> None:
    async with opened() as pilot:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "embedded" in screen_text(pilot.app))
        row = next(line for line in screen_text(pilot.app).splitlines() if "embedded" in line)
        assert "● tiny-tales" in row
        assert "6.2M" in row


async def test_models_are_listed_with_parameters_size_and_what_is_wrong(opened: Opened) -> None:
    async with opened() as pilot:
        await open_picker(pilot)
        await until(pilot, lambda: "distilgpt2" in screen_text(pilot.app))
        lines = screen_text(pilot.app).splitlines()
        assert any("distilgpt2" in line and "81.9M" in line and "353M" in line and "1024" in line for line in lines)
        assert any("org/broken" in line and "cannot be run" in line for line in lines)
        await pilot.press("down", "down")
        await until(pilot, lambda: "it has only pickled weights" in screen_text(pilot.app))


async def test_choosing_loads_in_the_background_with_the_settings_device(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened(knobs={"device": "cpu", "dtype": "bfloat16"}) as pilot:
        chosen = await open_picker(pilot)
        await until(pilot, lambda: "distilgpt2" in screen_text(pilot.app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: chosen == ["distilgpt2"])
        assert engine.wishes[-1] == ("distilgpt2", "cpu", "bfloat16")
        await until(pilot, lambda: "loading distilgpt2" in app_of(pilot).main.status.text)


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("tiny", "tiny-tales"),
        ("dist", "distilgpt2"),
        ("gpt2", "gpt2"),
        ("./my/model", "./my/model"),
        ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"),
        ("distilgpt2", "distilgpt2"),
    ],
)
async def test_what_is_typed_narrows_the_list_or_is_a_name_itself(opened: Opened, typed: str, chosen: str) -> None:
    async with opened() as pilot:
        choices = await open_picker(pilot)
        await until(pilot, lambda: "distilgpt2" in screen_text(pilot.app))
        pilot.app.screen.query_one(Input).value = typed
        await until(pilot, lambda: chosen in screen_text(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: choices == [chosen])


async def test_a_model_that_cannot_be_run_is_not_chosen(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        chosen = await open_picker(pilot)
        await until(pilot, lambda: "org/broken" in screen_text(pilot.app))
        await type_text(pilot, "org/")
        await pilot.press("enter")
        await until(pilot, lambda: "cannot be run: it has only pickled weights" in screen_text(pilot.app))
        assert chosen == []
        assert len(engine.loads) == 1


async def test_the_window_can_be_left_while_the_models_are_still_being_listed(
    opened: Opened, engine: ScriptedEngine
) -> None:
    gate = threading.Event()
    async with opened() as pilot:
        app = app_of(pilot)
        chosen = await open_picker(pilot, lambda: (gate.wait(20), ENTRIES)[1])
        assert "looking for models" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        gate.set()
        await until(pilot, lambda: app.main.bridge._jobs == 0)
        assert chosen == [None]
        assert len(engine.loads) == 1


async def test_no_models_and_no_catalog_are_told(opened: Opened) -> None:
    def broken() -> Sequence[CatalogEntry]:
        raise PermissionError(13, "Permission denied")

    async with opened() as pilot:
        await open_picker(pilot, lambda: ())
        await until(pilot, lambda: "no model on this machine" in screen_text(pilot.app))
        await pilot.press("escape")
        await open_picker(pilot, broken)
        await until(pilot, lambda: "cannot be listed" in screen_text(pilot.app))


ALL_FLAGS = frozenset({"avx512_vnni", "avx512_bf16"})


async def test_a_key_chooses_the_dtype_and_what_it_costs_stands_beside_it(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened(knobs={"device": "cpu", "dtype": "float16"}) as pilot:
        app = app_of(pilot)
        app.push_screen(
            ModelPicker(app.main.bridge, app.engine.model, lambda: ENTRIES, dtype="float16", flags=ALL_FLAGS),
            app.main.choose_model,
        )
        await until(pilot, lambda: isinstance(app.screen, ModelPicker) and app.screen.focused is not None)
        await until(pilot, lambda: "distilgpt2" in screen_text(app))
        assert "load as float16 · 2 bytes a weight" in screen_text(app)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "load as int8 · 1 byte a weight in linear layers" in screen_text(app))
        assert f"{COSTS['int8'].bits_per_byte:.5f} bits per byte" in screen_text(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: engine.wishes[-1] == ("distilgpt2", "cpu", "int8"))


async def test_the_loaded_model_tells_what_runs_it(opened: Opened) -> None:
    async with opened() as pilot:
        await open_picker(pilot)
        await until(pilot, lambda: "loaded, 25M of weights · one at a time" in screen_text(pilot.app))


def test_a_dtype_that_this_cpu_lacks_says_what_runs_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_kernels, "run_here", lambda: None)
    expected = "this CPU runs float32 instead: it needs AVX512-VNNI, or llmtui's own kernels"
    assert dtype_words("int8", frozenset({"avx2"})) == expected
    monkeypatch.setattr(own_kernels, "run_here", lambda: "AVX2")
    assert dtype_words("int8", frozenset({"avx2"})).startswith("1 byte a weight")
    assert dtype_words("int8", frozenset()).startswith("1 byte a weight")
    assert dtype_words("auto", ALL_FLAGS).startswith("float32 on a CPU")


@pytest.mark.parametrize(
    ("typed", "wish"),
    [("gpt2@int8", ("gpt2", "int8")), ("gpt2", ("gpt2", "auto")), ("me@home", ("me@home", "auto"))],
)
async def test_a_name_may_carry_its_dtype(
    opened: Opened, engine: ScriptedEngine, typed: str, wish: tuple[str, str]
) -> None:
    async with opened() as pilot:
        await send(pilot, f"/models {typed}")
        await until(pilot, lambda: len(engine.wishes) == 2)
        assert (engine.wishes[-1][0], engine.wishes[-1][2]) == wish
