"""The Textual application: themes, walls and windows around the main screen. It wires, and decides nothing."""

import logging
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from rich.console import Console
from rich.text import Text
from textual.app import App
from textual.binding import BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.events import Event, Key, Paste
from textual.filter import LineFilter

from llmtui.engine import Engine
from llmtui.engine.loads import LoadTask
from llmtui.models.dtypes import split_dtype
from llmtui.settings import Settings
from llmtui.tui import clipboard, windows
from llmtui.tui.actions import bindings
from llmtui.tui.command_line import CommandError
from llmtui.tui.key_order import KeyOrder
from llmtui.tui.linefilter import HarmlessText
from llmtui.tui.screens.main import MainScreen
from llmtui.tui.serving import Serving
from llmtui.tui.session import Session
from llmtui.tui.text import visible_multiline
from llmtui.tui.theme import DARK, THEMES

logger = logging.getLogger(__name__)


def _palette() -> type[Provider]:
    from llmtui.tui.palette import ActionProvider

    return ActionProvider


class LlmTui(App[None]):
    """llmtui in a terminal."""

    TITLE = "llmtui"
    CSS_PATH = "screens/main.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        load: Callable[[], LoadTask] | None = None,
        serving: Serving | None = None,
        log_file: Path | None = None,
        lesson: str | None = None,
        watch_machine: bool = True,
    ) -> None:
        super().__init__()
        # sys.stderr is a file while the screen is up: what a crash says must reach the terminal.
        self.error_console = Console(markup=False, highlight=False, file=sys.__stderr__)
        self.engine = engine
        self.settings = settings
        self.log_file = log_file
        self._lesson = lesson
        self._load_first = load or (lambda: self._load_named(settings.model_name))
        self._serving = serving
        self._watch_machine = watch_machine
        self._harmless = HarmlessText()
        self._key_order = KeyOrder(self)
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = DARK.name
        self.set_class(settings.glyphs == "ascii", "-ascii")

    def get_default_screen(self) -> MainScreen:
        return MainScreen(
            self.engine,
            Session.from_settings(self.settings),
            self.settings,
            load=self._load_first,
            load_named=self._load_named,
            serving=self._serving,
            lesson=self._lesson,
            watch_machine=self._watch_machine,
            glyphs="ascii" if self.settings.glyphs == "ascii" else "unicode",
        )

    @property
    def main(self) -> MainScreen:
        """The screen under all windows."""
        screen = self.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    def get_driver_class(self) -> type[Driver]:
        chosen = super().get_driver_class()
        if sys.platform == "win32":
            return chosen
        from textual.drivers.linux_driver import LinuxDriver

        from llmtui.tui.terminal_driver import TerminalDriver

        return TerminalDriver if chosen is LinuxDriver else chosen

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self._harmless]

    async def on_event(self, event: Event) -> None:
        keyed = isinstance(event, (Key, Paste)) and not event.is_forwarded
        if not (keyed and self._key_order.hold(event)):
            await super().on_event(event)

    def copy_to_clipboard(self, text: str) -> None:
        """Send a text to the terminal's clipboard, and keep it for ^V."""
        self._clipboard = text
        sequence = clipboard.osc52(text)
        if self._driver is not None and sequence is not None:
            self._driver.write(sequence)

    def action_theme(self, argument: str = "") -> None:
        other = "light" if self.current_theme.dark else "dark"
        if argument and argument not in THEMES:
            raise CommandError("type /theme dark or /theme light")
        self.theme = THEMES[argument or other].name

    def action_logs(self) -> None:
        windows.open_logs(self.main, self.log_file)

    def action_help(self) -> None:
        windows.open_help(self.main)

    def action_tokenizer(self) -> None:
        windows.open_tokenizer(self.main, self.settings)

    def action_architecture(self, argument: str = "") -> None:
        if self.main.classroom is not None:
            self.main.classroom.look("architecture")
        windows.open_architecture(self.main, argument, self.settings)

    def action_compare(self, argument: str = "") -> None:
        windows.open_compare(self.main, argument or self.main.prompt_at_hand(), self.settings)

    def action_repaint(self) -> None:
        self.refresh(layout=True)

    def _load_named(self, wish: str) -> LoadTask:
        """A model by name, folder or Hugging Face id, `@DTYPE` after it where not the settings' dtype is wanted."""
        name, dtype = split_dtype(wish)
        return self.engine.load(name, device=self.settings.device, dtype=dtype or self.settings.dtype)

    def _fatal_error(self) -> None:
        """Leave with what happened, but without the values of variables: they hold prompts and texts."""
        logger.critical("the screen failed", exc_info=True)
        self.bell()
        self._exit_renderables.append(Text(visible_multiline(traceback.format_exc())))
        self._close_messages_no_wait()
