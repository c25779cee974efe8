"""Driving the program as a person does, and waiting for what must come true."""

import asyncio
import time
from collections.abc import Callable

from textual.pilot import Pilot

from llmtui.tui.app import LlmTui

KEYS = {" ": "space", "/": "slash", "\n": "ctrl+j", ".": "full_stop", "_": "underscore", "-": "minus"}


async def until(pilot: Pilot[None], true: Callable[[], object], timeout: float = 10.0) -> None:
    """Let the program run until `true()`; fail after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come true within {timeout} s")
        await asyncio.sleep(0)
        await pilot.pause(0.005)


async def type_text(pilot: Pilot[None], text: str) -> None:
    """Press the keys of a text."""
    await pilot.press(*(KEYS.get(char, char) for char in text))


async def send(pilot: Pilot[None], text: str) -> None:
    """Put a text into the prompt and press Enter."""
    app_of(pilot).main.prompt.write(text)
    await pilot.press("enter")


def app_of(pilot: Pilot[None]) -> LlmTui:
    assert isinstance(pilot.app, LlmTui)
    return pilot.app
