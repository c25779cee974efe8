"""The screen of the program: its parts, and what each action does to them."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import ScreenResume
from textual.widgets import Static

from llmtui.engine import Engine
from llmtui.engine.loads import LoadTask
from llmtui.errors import LlmtuiError
from llmtui.settings import Settings
from llmtui.tui import commands, windows
from llmtui.tui.actions import Action, bindings
from llmtui.tui.bridge import Bridge
from llmtui.tui.clipboard import advice
from llmtui.tui.command_line import completed, is_command, parse_command, text_of
from llmtui.tui.conductor import Conductor
from llmtui.tui.messages import LessonTurned
from llmtui.tui.monitoring import Monitoring
from llmtui.tui.screens.sizes import TOO_SMALL
from llmtui.tui.screens.talk import TalkScreen
from llmtui.tui.serving import Serving
from llmtui.tui.session import Session
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.gauge import SAMPLES as GAUGE_SAMPLES
from llmtui.tui.widgets.header import Header
from llmtui.tui.widgets.key_bar import KeyBar
from llmtui.tui.widgets.prompt import Prompt
from llmtui.tui.widgets.status_bar import Tone

if TYPE_CHECKING:
    from llmtui.system.reading import Sample


class MainScreen(TalkScreen):
    """Hands what the person does to the conductor, and opens windows."""

    AUTO_FOCUS = "#prompt"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("screen")]

    def __init__(
        self,
        engine: Engine,
        session: Session,
        settings: Settings,
        *,
        load: Callable[[], LoadTask],
        load_named: Callable[[str], LoadTask],
        serving: Serving | None = None,
        lesson: str | None = None,
        watch_machine: bool = True,
        glyphs: GlyphSet = "unicode",
    ) -> None:
        super().__init__(engine, session, Header(serving=serving, glyphs=glyphs, id="header"), glyphs=glyphs)
        self.monitoring = Monitoring(engine, self)
        self._settings = settings
        self._lesson = lesson
        self._load_first = load
        self._load_named = load_named
        self._serving = serving
        self._watch_machine = watch_machine
        self.body = Horizontal(self.panes, id="body")

    def compose(self) -> ComposeResult:
        yield self.header
        yield self.body
        yield self.status
        yield self.prompt
        yield KeyBar(id="keys")
        yield Static(TOO_SMALL, id="too-small", markup=False)

    def on_mount(self) -> None:
        self.bridge = Bridge(self.engine, self)
        self.conductor = Conductor(self.engine, self.session, self.bridge, self._load_named)
        self.conductor.load_is_coming = True
        self.monitoring.looked.subscribe(self, self._looked, immediate=True)
        self.status.show("starting", Tone.BUSY)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """The first frame is out: now the model."""
        if self._watch_machine:
            self.monitoring.begin(self.bridge)
        try:
            self.bridge.load(self._load_first)
        except LlmtuiError as error:
            self.complain(error)
            self.give_back(self.conductor.take_back())
        finally:
            self.conductor.load_is_coming = False
        if self._lesson is not None:
            self.action_learn(self._lesson)

    def _looked(self, sample: "Sample") -> None:
        """Show it, but not below a window: every change there would draw the window above it, too."""
        if self.app.screen is self:
            self.header.show_sample(sample)

    @on(ScreenResume)
    def _catch_up(self) -> None:
        """A window was closed: show what was sampled meanwhile."""
        for sample in list(self.monitoring.history)[-GAUGE_SAMPLES:]:
            self.header.show_sample(sample)

    # what the person does

    @on(Prompt.Submitted)
    async def _submitted(self, message: Prompt.Submitted) -> None:
        line = message.text
        if is_command(line):
            try:
                action, argument = parse_command(line)
                self.prompt.take()
                await self.perform(action, argument)
            except LlmtuiError as error:
                self.complain(error)
        elif self.attempt(lambda: self.conductor.send(text_of(line))):
            self.prompt.take()

    @on(LessonTurned)
    def _page_turned(self, message: LessonTurned) -> None:
        if self.classroom is not None:
            self.classroom.turn(message.by)

    @on(Prompt.ScrollWanted)
    def _scroll(self, message: Prompt.ScrollWanted) -> None:
        self.panes.output.page(message.pages)

    @on(Prompt.Warned)
    def _warned(self, message: Prompt.Warned) -> None:
        self.status.show(message.reason, Tone.BAD)

    async def perform(self, action: Action, argument: str = "") -> None:
        """Do an action of the table. Raises LlmtuiError where it cannot be done."""
        target = {"app": self.app, "screen": self, "prompt": self.prompt}[action.target]
        method = getattr(target, f"action_{action.id}")
        result = method(argument) if action.argument else method()
        if inspect.isawaitable(result):
            await result

    def type_command(self, action: Action) -> None:
        """Begin a command for the person to finish."""
        self.prompt.write(f"/{action.slash} ")
        self.prompt.focus()

    def choose_model(self, name: str | None) -> None:
        """Load a model by name, folder or Hugging Face id; None: nothing was chosen."""
        if name is None:
            return
        try:
            self.conductor.load(name)
        except LlmtuiError as error:
            self.complain(error)

    def action_stop(self) -> None:
        waiting = self.conductor.take_back()
        if waiting is not None:
            self.give_back(waiting)
            self.status.show("the prompt is back: it is not sent", Tone.CALM)
        elif not self.conductor.stop():
            self.prompt.focus()
        self.remind()

    def action_again(self) -> None:
        self.attempt(self.conductor.again)

    def action_new(self) -> None:
        self.bridge.cancel_generation()
        self.progress = None
        self.session.forget()
        self.panes.clear()
        self.status.show("new", Tone.CALM)
        self.prompt.focus()

    def action_learn(self, argument: str = "") -> None:
        if self.classroom is None:
            from llmtui.tui.classroom import Classroom

            self.classroom = Classroom(self)
        if argument == "try":
            self.classroom.try_crowd()
        elif self.has_class("-lesson") and not argument:
            self.classroom.close()
        else:
            self.classroom.open(argument)

    def action_tokens(self) -> None:
        if self.classroom is not None and self.has_class("-lesson") and self.has_class("-narrow"):
            # the lesson has the one place there is
            self.classroom.close()
            self.add_class("-tokens")
        else:
            super().action_tokens()
        if self.focused is None:
            self.prompt.focus()

    def action_set(self, argument: str) -> None:
        self.tell(commands.set_parameter(self.session, argument))

    def action_seed(self, argument: str) -> None:
        self.tell(commands.set_seed(self.session, argument))

    def action_chat(self, argument: str = "") -> None:
        self.tell(commands.set_chat(self.session, argument, self.engine.model))

    def action_save(self, argument: str) -> None:
        self.tell(commands.save(self.session, argument))

    def action_copy(self) -> None:
        text = self.get_selected_text() or (self.session.runs[-1].text if self.session.runs else "")
        if text:
            self.app.copy_to_clipboard(text)
            self.tell(advice(text))
        else:
            self.tell("there is no text to copy yet")

    def action_interrupt(self) -> None:
        if self.get_selected_text():
            self.action_copy()
        elif not self.conductor.stop():
            self.tell("^C copies and stops; ^Q quits")

    def action_next_pane(self) -> None:
        command = completed(self.prompt.text) if self.prompt.has_focus else None
        if command is None:
            self.focus_next()
        else:
            self.prompt.write(command)

    def action_previous_pane(self) -> None:
        self.focus_previous()

    # what opens above it

    def action_models(self, argument: str = "") -> None:
        if argument:
            self.choose_model(argument)
        else:
            windows.open_models(self, self._settings)

    def action_parameters(self) -> None:
        windows.open_parameters(self)

    def action_requests(self) -> None:
        windows.open_requests(self, self._serving)

    def action_monitor(self) -> None:
        windows.open_monitor(self)

    def action_sweep(self, argument: str = "") -> None:
        windows.open_sweep(self, argument or self.prompt_at_hand())

    def prompt_at_hand(self) -> str:
        """What is being typed, or else the last prompt."""
        typed = self.prompt.text
        return typed if typed and not typed.startswith("/") else self.session.last_prompt or ""
