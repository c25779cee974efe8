"""Keys that come together, as over a slow line: each does what it would have done alone."""

import asyncio
import time

from driving import Opened, app_of, send, until
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from llmtui.tui.key_order import PATIENCE_SECONDS
from llmtui.tui.screens.compare import CompareForm
from llmtui.tui.screens.parameters import ParameterScreen
from llmtui.tui.screens.sweep import SweepForm


def at_once(pilot: Pilot[None], *keys: str) -> None:
    """Send keys as a terminal that had them all in one packet; a key of one sign is typed."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_text_after_down_goes_to_the_next_field(opened: Opened) -> None:
    async with opened() as pilot:
        await send(pilot, "/compare The fox")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareForm) and pilot.app.screen.focused is not None)
        form = pilot.app.screen
        at_once(pilot, *"abc", "down", *"def", "down", *"ghi", "down", *"12")
        await until(pilot, lambda: form.query_one("#max_tokens", Input).value == "12")
        values = [form.query_one(f"#model-{place}", Input).value for place in (1, 2, 3, 4)]
        assert values[1:] == ["abc", "def", "ghi"]


async def test_down_leaves_the_prompt_of_a_form_from_its_last_line(opened: Opened) -> None:
    async with opened() as pilot:
        await send(pilot, "/sweep The fox")
        await until(pilot, lambda: isinstance(pilot.app.screen, SweepForm) and pilot.app.screen.focused is not None)
        form = pilot.app.screen
        at_once(pilot, "up", "ctrl+j", *"b", "up", "down", "down", *"3")
        await until(pilot, lambda: form.query_one("#temperature", Input).value == "3")
        assert isinstance(form, SweepForm)
        assert form.prompt.text == "The fox\nb"


async def test_text_after_a_key_that_opens_a_window_goes_into_the_window(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        at_once(pilot, "f5", *"1", "down", *"7", "escape", *"hi")
        await until(pilot, lambda: app.main.prompt.text == "hi")
        params = app.main.session.params
        assert (params.temperature, params.top_k) == (1.0, 7)


async def test_a_command_and_what_is_typed_into_its_window_may_come_at_once(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        app.main.prompt.write("/sweep The fox")
        at_once(pilot, "enter", *"05", "down", *"3")
        await until(pilot, lambda: isinstance(pilot.app.screen, SweepForm) and pilot.app.screen.focused is not None)
        form = pilot.app.screen
        await until(pilot, lambda: form.query_one("#top_k", Input).value == "3")
        assert form.query_one("#temperature", Input).value == "05"
        assert app.main.prompt.text == ""


async def test_a_key_waits_no_longer_than_patience_lasts(opened: Opened) -> None:
    async with opened() as pilot:
        app, stuck = app_of(pilot), asyncio.Event()
        app.main.prompt.call_later(stuck.wait)
        at_once(pilot, "a", "ctrl+q")
        begun = time.monotonic()
        while not app._exit and time.monotonic() - begun < 10:
            await asyncio.sleep(0.01)
        stuck.set()
        assert time.monotonic() - begun < 2 * PATIENCE_SECONDS + 1


async def test_a_paste_and_keys_keep_their_order(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        at_once(pilot, "a")
        pilot.app.post_message(events.Paste("bc"))
        at_once(pilot, "d", "f5")
        await until(pilot, lambda: isinstance(pilot.app.screen, ParameterScreen))
        assert app.main.prompt.text == "abcd"
