"""The actions of the main screen that open a window; each window is imported when it is first opened."""

from typing import TYPE_CHECKING

from textual.screen import Screen

from llmtui.engine import Engine
from llmtui.tui.bridge import Bridge
from llmtui.tui.serving import Serving
from llmtui.tui.session import Session
from llmtui.tui.text import GlyphSet

if TYPE_CHECKING:
    from textual.signal import Signal

    from llmtui.system.monitor import Monitor
    from llmtui.system.reading import Sample


class MainWindows(Screen[None]):
    """What opens above the main screen, which itself sets what stands here."""

    engine: Engine
    session: Session
    bridge: Bridge
    glyphs: GlyphSet
    monitor: "Monitor | None"
    looked: "Signal[Sample]"
    _dtype: str
    _serving: Serving | None

    def choose_model(self, name: str | None) -> None:
        """Load a model by name; None: nothing was chosen."""
        raise NotImplementedError

    def prompt_at_hand(self) -> str:
        """What is being typed, or else the last prompt."""
        raise NotImplementedError

    def action_models(self, argument: str = "") -> None:
        if argument:
            self.choose_model(argument)
            return
        from llmtui.tui.screens.models import ModelPicker

        self.app.push_screen(ModelPicker(self.bridge, self.engine.model, dtype=self._dtype), self.choose_model)

    def action_requests(self) -> None:
        from llmtui.tui.screens.requests import RequestsScreen

        self.app.push_screen(RequestsScreen(self.engine, self.bridge, self._serving, glyphs=self.glyphs))

    def action_monitor(self) -> None:
        from llmtui.tui.screens.monitor import MonitorScreen

        history = () if self.monitor is None else self.monitor.history
        self.app.push_screen(MonitorScreen(history, self.looked, glyphs=self.glyphs))

    def action_parameters(self) -> None:
        from llmtui.tui.screens.parameters import ParameterScreen

        self.app.push_screen(ParameterScreen(self.session))

    def action_sweep(self, argument: str = "") -> None:
        from llmtui.tui.screens.sweep import SweepForm

        prompt = argument or self.prompt_at_hand()
        self.app.push_screen(SweepForm(self.engine, self.bridge, self.session, prompt, glyphs=self.glyphs))
