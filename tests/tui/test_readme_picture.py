"""The README's picture is the real screen: the embedded model, seed 42. pytest --snapshot-update draws it anew."""

import html
import re
from pathlib import Path

import pytest
from conftest import Opened
from driving import send, until

from llmtui.engine.events import Finished
from llmtui.system.reading import Sample
from llmtui.tui.app import LlmTui

PICTURE = Path(__file__).parent / "picture.svg"
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
    if request.config.option.update_snapshots:
        PICTURE.write_text(picture)
    assert words(PICTURE.read_text()) == words(picture)
