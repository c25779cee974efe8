"""The screen. Importing this imports no Textual: the terminal is set up first."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from llmtui.engine.imports import collector_off
from llmtui.system.terminal import detect_terminal

if TYPE_CHECKING:
    from llmtui.engine import Engine
    from llmtui.engine.loads import LoadTask
    from llmtui.settings import Settings
    from llmtui.tui.serving import Serving


def run(
    engine: "Engine",
    settings: "Settings",
    *,
    serving: "Serving | None" = None,
    load: "Callable[[], LoadTask] | None" = None,
    log_file: Path | None = None,
    lesson: str | None = None,
) -> int:
    """Show the screen until the person leaves; returns the exit code.

    serving: the API beside the screen, if there is one. load: begins the first load, after the first frame is out;
    without it the model of the settings is loaded. log_file: where native code's writes go, and what the log window
    shows. lesson: the number of one to begin with; empty: the next one that is left.
    """
    prepare_terminal()
    with collector_off():
        from llmtui.tui.app import LlmTui

    with ExitStack() as terminal:
        if log_file is not None:
            from llmtui.system.stdio import native_writes_to

            terminal.enter_context(native_writes_to(log_file))
        app = LlmTui(engine, settings, load=load, serving=serving, log_file=log_file, lesson=lesson)
        app.run(mouse=settings.mouse)
    return app.return_code or 0


def prepare_terminal() -> None:
    """Set what Textual reads when it is imported. Values that the person has set stay."""
    terminal = detect_terminal(os.environ)
    os.environ.setdefault("TEXTUAL_FPS", str(terminal.frame_rate))
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
