"""The README's pictures are the real screens: the embedded model, seed 42. pytest --snapshot-update draws them anew."""

import html
import re
from pathlib import Path

import pytest
from driving import Opened, send, until
from test_sweep_screen import open_form as open_sweep
from test_sweep_screen import run as run_sweep

from llmtui.engine.events import Finished
from llmtui.system.reading import Sample
from llmtui.tui.app import LlmTui

PICTURE = Path(__file__).parent / "picture.svg"
SWEEP = Path(__file__).parent / "sweep.svg"
KNOBS = {"seed": 42, "default_temperature": 0.8, "default_top_p": 0.95, "max_new_tokens": 90}


def words(svg: str) -> str:
    """The text of a picture, without its numbers: speeds differ from run to run."""
    text = html.unescape(" ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg)))
    return re.sub(r"[\d.]+", "#", " ".join(text.split()))


async def test_the_readmes_picture_shows_what_the_program_shows(really: Opened, request: pytest.FixtureRequest) -> None:
    async with really(size=(120, 40), knobs=KNOBS) as pilot:
        app = pilot.app
        assert isinstance(app, LlmTui)
        await send(pilot, "Once upon a time")
        await until(pilot, lambda: app.main.progress is not None and isinstance(app.main.progress.end, Finished))
        for percent in (22.0, 61.0, 87.0, 96.0, 87.0):
            app.main.header.show_machine(
                Sample(0.0, cpu_percent=percent, ram_used_bytes=3 * 2**30, ram_total_bytes=16 * 2**30)
            )
        app.main.panes.tokens.focus()
        await pilot.press("home", *["right"] * 9)
        await until(pilot, lambda: app.main.panes.tokens.cursor == 9)
        await pilot.pause()
        picture = app.export_screenshot(title="llmtui")
    compare_with(PICTURE, picture, request)


async def test_the_picture_of_a_sweep_shows_what_the_program_shows(
    really: Opened, request: pytest.FixtureRequest
) -> None:
    async with really(size=(100, 22), knobs=KNOBS) as pilot:
        form = await open_sweep(pilot, temperature="0.2, 0.7, 1.2", top_p="0.8, 1", seeds="2", max_tokens="40")
        screen = await run_sweep(pilot, form)
        await pilot.press("down", "end")
        await until(pilot, lambda: screen.grid.cursor == (1, 3))
        await pilot.pause()
        compare_with(SWEEP, pilot.app.export_screenshot(title="llmtui"), request)


def compare_with(path: Path, picture: str, request: pytest.FixtureRequest) -> None:
    if request.config.option.update_snapshots:
        path.write_text(picture)
    assert words(path.read_text()) == words(picture)
