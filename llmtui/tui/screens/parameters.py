"""The sampling parameters, to see and to set."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Input, Static

from llmtui.engine.errors import ParameterError
from llmtui.tui.screens.window import Window
from llmtui.tui.session import KNOBS, Session
from llmtui.tui.text import visible


class ParameterScreen(Window[None]):
    """One line for each parameter; a value counts as soon as it is a good one."""

    NAME = "Parameters of the next run"
    HINT = "type to change · ↑ ↓ choose · esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
        Binding("f5", "close", "Close", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            with VerticalScroll(classes="scroll", can_focus=False):
                for knob in KNOBS:
                    with Horizontal(classes="row"):
                        yield Static(knob.name, classes="name", markup=False)
                        yield Input(self._session.value(knob.name), id=knob.name, classes="value", select_on_focus=True)
                        yield Static(knob.help, classes="help", markup=False)
            yield Static("", id="problem", markup=False)

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        problem = self.query_one("#problem", Static)
        name = message.input.id or ""
        try:
            if message.value != self._session.value(name):
                self._session.set(name, message.value)
            problem.update("", layout=False)
        except ParameterError as error:
            problem.update(visible(f"✗ {error}"), layout=False)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.focus_next()
