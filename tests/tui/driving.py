"""Driving the program as a person does, and waiting for what must come true."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from llmtui.tui.app import LlmTui

Window = TypeVar("Window", bound=Screen[Any])
Opened = Callable[..., AbstractAsyncContextManager[Pilot[None]]]
KEYS = {" ": "space", "/": "slash", "\n": "ctrl+j", ".": "full_stop", "_": "underscore", "-": "minus"}


async def until(pilot: Pilot[None], true: Callable[[], object], timeout: float = 30.0) -> None:
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


async def open_window(pilot: Pilot[None], key: str, kind: type[Window]) -> Window:
    """The window that a key opens, once it takes keys itself."""
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.focused is not None)
    screen = pilot.app.screen
    assert isinstance(screen, kind)
    return screen


def app_of(pilot: Pilot[None]) -> LlmTui:
    assert isinstance(pilot.app, LlmTui)
    return pilot.app


async def layouts(pilot: Pilot[None], monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A list that every layout of the screen is put in, once those of the start are over."""
    app: App[None] = pilot.app
    await until(pilot, lambda: not app.screen._layout_required)
    seen: list[object] = []
    original = app.screen._refresh_layout

    def refresh_layout(*args: object, **kwargs: object) -> None:
        seen.append((args, kwargs))
        original(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(app.screen, "_refresh_layout", refresh_layout)
    return seen
