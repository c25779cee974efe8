from dataclasses import replace

import pytest
import torch
from driving import Opened, app_of, send, until
from hostile import screen_text
from scripted_engine import ScriptedEngine, model_info
from transformers import GPT2Config

from llmtui.engine.quantize import choose_precision
from llmtui.insight.architecture import architecture_of
from llmtui.insight.block_diagram import block_diagram
from llmtui.insight.meta_model import without_weights
from llmtui.models.catalog import embedded_path
from llmtui.tui.architecture_text import diagram_lines, summary_lines
from llmtui.tui.screens.architecture import ArchitectureScreen
from llmtui.tui.text import cell_width


@pytest.mark.parametrize("width", [40, 68, 84, 100])
@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
def test_the_diagram_fits_the_width_and_the_glyphs(width: int, glyphs: str) -> None:
    lines = diagram_lines(block_diagram(GPT2Config(), torch.float32), width=width, glyphs=glyphs)  # type: ignore[arg-type]
    assert max(map(cell_width, lines)) <= width
    assert sum("GPT2Block" in line for line in lines) == 1
    if glyphs == "ascii":
        assert all(line.isascii() for line in lines)


def test_keys_and_values_of_the_text_in_memory() -> None:
    facts = architecture_of(without_weights(GPT2Config(), torch.float32))
    lines = "\n".join(summary_lines(facts, "gpt2", tokens_now=100))
    # 12 layers, keys and values, 768 wide, 4 bytes
    assert f"{12 * 2 * 768 * 4 * 100 / 1e6:.1f} MB for the 100 tokens" in lines
    assert f"{12 * 2 * 768 * 4 * 1024 / 1e6:.1f} MB with the context full" in lines


async def test_the_window_speaks_of_the_dtype_that_the_model_was_loaded_as(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened(size=(120, 40)) as pilot:
        engine.model = replace(model_info(), path=str(embedded_path()), dtype="int8")
        await send(pilot, "/architecture")
        note = choose_precision("int8", "cpu", None).note
        await until(pilot, lambda: note in screen_text(pilot.app), timeout=60)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_loaded_models_numbers_are_shown(
    opened: Opened, engine: ScriptedEngine, size: tuple[int, int]
) -> None:
    async with opened(size=size) as pilot:
        engine.model = model_info()
        object.__setattr__(engine.model, "path", str(embedded_path()))
        await send(pilot, "/architecture")
        await until(pilot, lambda: "6,180,864" in screen_text(pilot.app), timeout=60)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is app_of(pilot).main)


async def test_a_model_that_is_not_there_is_told_and_the_window_closes_meanwhile(opened: Opened) -> None:
    async with opened() as pilot:
        await send(pilot, "/architecture ./nowhere")
        await until(pilot, lambda: isinstance(pilot.app.screen, ArchitectureScreen))
        await until(pilot, lambda: "nowhere" in screen_text(pilot.app) and "✗" in screen_text(pilot.app), timeout=60)
        await pilot.press("escape")
        await send(pilot, "/architecture tiny-tales")
        await until(pilot, lambda: isinstance(pilot.app.screen, ArchitectureScreen))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is app_of(pilot).main)
        await until(pilot, lambda: not app_of(pilot).main.bridge._jobs, timeout=60)
