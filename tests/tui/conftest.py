from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from driving import Opened, until
from scripted_engine import ScriptedEngine
from textual.pilot import Pilot

from llmtui.engine import Engine
from llmtui.settings import Settings
from llmtui.tui.app import LlmTui


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings that read no file and no environment of the person who runs the tests."""

    def make(**values: Any) -> Settings:
        return Settings(_env_file=tmp_path / "none", **values)

    return make


@pytest.fixture
def opened(engine: ScriptedEngine, settings: Callable[..., Settings]) -> Opened:
    """The program on the scripted engine. loaded: whether the first load has ended well."""

    @asynccontextmanager
    async def open_app(
        *, size: tuple[int, int] = (120, 40), loaded: bool = True, knobs: dict[str, Any] | None = None, **options: Any
    ) -> AsyncIterator[Pilot[None]]:
        app = LlmTui(engine, settings(**(knobs or {})), watch_machine=False, **options)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: engine.loads)
            if loaded:
                engine.finish_load()
                await until(pilot, lambda: app.main.status.text.startswith("ready"))
            yield pilot

    return open_app


@pytest.fixture
def really(tiny_tales_engine: Engine, settings: Callable[..., Settings]) -> Opened:
    """The program on the real engine with the embedded model, which is loaded already."""

    @asynccontextmanager
    async def open_app(
        *, size: tuple[int, int] = (120, 40), knobs: dict[str, Any] | None = None
    ) -> AsyncIterator[Pilot[None]]:
        app = LlmTui(tiny_tales_engine, settings(**(knobs or {})), watch_machine=False)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.main.status.text.startswith("ready"), timeout=60)
            yield pilot

    return open_app
