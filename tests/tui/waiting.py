"""Waiting for what a test needs, instead of for a time."""

from collections.abc import Callable

import pytest
from textual.app import App
from textual.pilot import Pilot


async def until(pilot: Pilot[None], true: Callable[[], bool]) -> None:
    """Wait until a predicate is true."""
    for _ in range(500):
        if true():
            return
        await pilot.pause()
    raise AssertionError("it did not come true")


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
