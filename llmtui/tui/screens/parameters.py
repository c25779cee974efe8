"""The sampling parameters, to see and to set."""

from contextlib import suppress
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from llmtui.engine.errors import ParameterError
from llmtui.tui.screens.form import Form
from llmtui.tui.session import KNOBS, Session


class ParameterScreen(Form[None]):
    """One line for each parameter; a value counts as soon as it is a good one, and one that does not is pointed at."""

    NAME = "Parameters of the next run"
    HINT = "type to change · ↑ ↓ choose · esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "app.focus_next", "Next", show=False, tooltip="Go to the next field"),
        Binding("f5", "close", "Close", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._first = {knob.name: session.value(knob.name) for knob in KNOBS}
        self._wrong: dict[str, str] = {}
        self._warned = False

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            with Vertical(classes="scroll"):
                for knob in KNOBS:
                    yield from self.row(knob.name, knob.name, self._session.value(knob.name), knob.help)
            yield Static("", id="told", markup=False)

    def action_close(self) -> None:
        """Close; with a value that was not taken only when asked twice."""
        if not self._wrong or self._warned:
            self.dismiss(None)
            return
        self._warned = True
        first = next(iter(self._wrong))
        self.query_one(f"#{first}", Input).focus()
        kept = ", ".join(f"{name} stays {self._session.value(name)}" for name in self._wrong)
        self.tell(f"✗ not taken: {kept}. Correct it, or esc again closes.", wrong=True)

    @on(Input.Changed)
    def _changed(self) -> None:
        self._warned = False
        for knob in KNOBS:
            # one that was wrong beside another's old value may be good now
            self._take(knob.name, self.query_one(f"#{knob.name}", Input).value)
            problem = self._wrong.get(knob.name)
            self.note(knob.name, knob.help if problem is None else f"✗ {problem}", wrong=problem is not None)
        problems = [f"✗ {name} {problem}" for name, problem in self._wrong.items()]
        self.tell("; ".join(problems), wrong=bool(problems))

    def _take(self, name: str, text: str) -> None:
        try:
            if text != self._session.value(name):
                self._session.set(name, text)
            self._wrong.pop(name, None)
        except ParameterError as error:
            self._wrong[name] = error.problem
            # not what was good on the way: 9 of 9.5
            with suppress(ParameterError):
                self._session.set(name, self._first[name])

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.focus_next()
