"""What opens above the main screen. Each window is imported when it is first opened: most are not, in most sittings."""

from pathlib import Path
from typing import TYPE_CHECKING

from llmtui.settings import Settings
from llmtui.tui.serving import Serving
from llmtui.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from llmtui.tui.screens.main import MainScreen


def open_models(main: "MainScreen", settings: Settings) -> None:
    from llmtui.tui.screens.models import ModelPicker

    main.app.push_screen(ModelPicker(main.bridge, main.engine.model, dtype=settings.dtype), main.choose_model)


def open_parameters(main: "MainScreen") -> None:
    from llmtui.tui.screens.parameters import ParameterScreen

    main.app.push_screen(ParameterScreen(main.session))


def open_requests(main: "MainScreen", serving: Serving | None) -> None:
    from llmtui.tui.screens.requests import RequestsScreen

    main.app.push_screen(RequestsScreen(main.engine, main.bridge, serving, glyphs=main.glyphs))


def open_monitor(main: "MainScreen") -> None:
    from llmtui.tui.screens.monitor import MonitorScreen

    monitoring = main.monitoring
    main.app.push_screen(MonitorScreen(lambda: monitoring.history, monitoring.looked, glyphs=main.glyphs))


def open_sweep(main: "MainScreen", prompt: str) -> None:
    from llmtui.tui.screens.sweep import SweepForm

    main.app.push_screen(SweepForm(main.engine, main.bridge, main.session, prompt, glyphs=main.glyphs))


def open_compare(main: "MainScreen", prompt: str, settings: Settings) -> None:
    from llmtui.tui.screens.compare import CompareForm

    model = settings.model_name if main.engine.model is None else main.engine.model.name
    main.app.push_screen(
        CompareForm(main.bridge, main.session, prompt, model, settings.device, settings.dtype, glyphs=main.glyphs)
    )


def open_tokenizer(main: "MainScreen", settings: Settings) -> None:
    from llmtui.tui.screens.tokenizer import TokenizerScreen

    model = settings.model_name if main.engine.model is None else main.engine.model.name
    main.app.push_screen(TokenizerScreen(main.bridge, model, main.session.last_prompt or "", glyphs=main.glyphs))


def open_architecture(main: "MainScreen", name: str, settings: Settings) -> None:
    """Of the loaded model, or of the one with that name."""
    from llmtui.tui.screens.architecture import ArchitectureScreen, read_architecture

    loaded = None if name else main.engine.model
    name = loaded.name if loaded is not None else name or settings.model_name
    folder = None if loaded is None else Path(loaded.path)
    dtype = settings.dtype if loaded is None else loaded.dtype
    tokens = 0 if loaded is None else len(main.panes.tokens.tokens)
    main.app.push_screen(
        ArchitectureScreen(
            main.bridge,
            name,
            lambda: read_architecture(name, folder, settings.device, dtype),
            tokens,
            glyphs=main.glyphs,
        )
    )


def open_help(main: "MainScreen") -> None:
    """Above a window, its keys first, and those of what has the focus in it."""
    from llmtui.tui.actions import keys_of
    from llmtui.tui.screens.help import HelpScreen, KeysHere

    screen, here = main.app.screen, None
    if screen is not main:
        # a prompt's keys do there what the window's hint says
        inside = [] if screen.focused is None or isinstance(screen.focused, Prompt) else keys_of(type(screen.focused))
        here = KeysHere("In this window", [*inside, *keys_of(type(screen))])
    main.app.push_screen(HelpScreen(here))


def open_logs(main: "MainScreen", log_file: Path | None) -> None:
    from llmtui.tui.screens.logs import LogScreen

    main.app.push_screen(LogScreen(log_file))
