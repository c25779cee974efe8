"""The screen of the program: the panes, the prompt, and what each action does to them."""

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
from llmtui.engine.events import Finished
from llmtui.engine.loads import LoadTask
from llmtui.engine.requests import GenerationRequest
from llmtui.errors import LlmtuiError
from llmtui.settings import Settings
from llmtui.tui import commands, windows
from llmtui.tui.actions import Action, bindings
from llmtui.tui.bridge import Bridge
from llmtui.tui.clipboard import advice
from llmtui.tui.command_line import completed, is_command, parse_command, text_of, usage_of
from llmtui.tui.conductor import Conductor
from llmtui.tui.messages import Arrived, LessonTurned, LoadFailed, LoadMoved, ModelLoaded, Refused
from llmtui.tui.monitoring import Monitoring
from llmtui.tui.progress import Progress, load_line, model_line, ready_line
from llmtui.tui.screens.generation import GenerationScreen
from llmtui.tui.screens.sizes import TOO_SMALL
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
    from llmtui.tui.classroom import Classroom


class MainScreen(GenerationScreen):
    """Shows what the bridge reports, and hands what the person does to the conductor."""

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
        super().__init__(glyphs=glyphs)
        self.engine = engine
        self.session = session
        self.progress: Progress | None = None
        self.classroom: Classroom | None = None
        self.monitoring = Monitoring(engine, self)
        self._settings = settings
        self._lesson = lesson
        self._load_first = load
        self._load_named = load_named
        self._serving = serving
        self._watch_machine = watch_machine
        self.header = Header(serving=serving, glyphs=glyphs, id="header")
        self.body = Horizontal(self.panes, id="body")
        self.prompt = Prompt(glyphs=glyphs, id="prompt")

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
            self._give_back(self.conductor.take_back())
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

    # what the bridge reports

    @on(LoadMoved)
    def _load_moved(self, message: LoadMoved) -> None:
        line = load_line(message.name, message.progress, self.glyphs)
        if self.engine.model is None:
            self.header.show_model(f"loading {message.name}")
        if self.bridge.generating:
            self.status.show_aside(line)
        else:
            self.status.show(line, Tone.BUSY)

    @on(ModelLoaded)
    def _model_loaded(self, message: ModelLoaded) -> None:
        info = message.info
        self.header.show_model(model_line(info))
        self.panes.use_vocabulary(info.vocab_size)
        self.session.chat = self.session.chat and info.has_chat_template
        if not self.bridge.generating:
            self.status.show(ready_line(info), Tone.GOOD)
        self._attempt(self.conductor.send_waiting)
        self._remind()

    @on(LoadFailed)
    def _load_failed(self, message: LoadFailed) -> None:
        kept = self.engine.model
        self.header.show_model("no model" if kept is None else model_line(kept))
        after = "^O chooses a model" if kept is None else f"{kept.name} stays"
        sentence = f"{message.error}; {after}"
        self.status.show(sentence, Tone.CALM if message.cancelled else Tone.BAD)
        if not message.cancelled and not self.bridge.generating:
            self.panes.fail(sentence)
        self._give_back(self.conductor.take_back())

    @on(Refused)
    def _refused(self, message: Refused) -> None:
        self.progress = None
        self.panes.fail(message.error)
        self.status.show(message.error, Tone.BAD)
        self._give_back(self.session.withdraw())

    @on(Arrived)
    def _arrived(self, message: Arrived) -> None:
        if self.progress is None:
            return
        self.show_events(self.progress, message)
        if self.progress.end is not None:
            if isinstance(self.progress.end, Finished):
                self.session.finish(self.progress.end.text, self.progress.end.usage)
            self._remind()
        if self.classroom is not None:
            self.classroom.take(message.events)

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
        elif self._attempt(lambda: self.conductor.send(text_of(line))):
            self.prompt.take()

    @on(LessonTurned)
    def _page_turned(self, message: LessonTurned) -> None:
        if self.classroom is not None:
            self.classroom.turn(message.by)

    @on(Prompt.Changed)
    def _typed(self) -> None:
        self._remind()

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
            self._give_back(waiting)
            self.status.show("the prompt is back: it is not sent", Tone.CALM)
        elif not self.conductor.stop():
            self.prompt.focus()
        self._remind()

    def action_again(self) -> None:
        self._attempt(self.conductor.again)

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
        self._tell(commands.set_parameter(self.session, argument))

    def action_seed(self, argument: str) -> None:
        self._tell(commands.set_seed(self.session, argument))

    def action_chat(self, argument: str = "") -> None:
        self._tell(commands.set_chat(self.session, argument, self.engine.model))

    def action_save(self, argument: str) -> None:
        self._tell(commands.save(self.session, argument))

    def action_copy(self) -> None:
        text = self.get_selected_text() or (self.session.runs[-1].text if self.session.runs else "")
        if text:
            self.app.copy_to_clipboard(text)
            self._tell(advice(text))
        else:
            self._tell("there is no text to copy yet")

    def action_interrupt(self) -> None:
        if self.get_selected_text():
            self.action_copy()
        elif not self.conductor.stop():
            self._tell("^C copies and stops; ^Q quits")

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

    # small talk

    def _attempt(self, begin: Callable[[], GenerationRequest | None]) -> bool:
        """Begin a generation, and show it; False: it could not be begun, and the status says why."""
        try:
            request = begin()
        except LlmtuiError as error:
            self.complain(error)
            return False
        model = self.engine.model
        if request is not None and model is not None:
            self.progress = Progress(model.context)
            self.panes.begin(request, self.session.last_prompt or "")
            if self.classroom is not None:
                self.classroom.begin(request, model)
            self.status.show(self.progress.line(), Tone.BUSY)
        self._remind()
        return True

    def prompt_at_hand(self) -> str:
        """What is being typed, or else the last prompt."""
        typed = self.prompt.text
        return typed if typed and not typed.startswith("/") else self.session.last_prompt or ""

    def _give_back(self, prompt: str | None) -> None:
        if prompt is not None and not self.prompt.text:
            self.prompt.write(prompt)
        self._remind()

    def complain(self, error: LlmtuiError) -> None:
        """Say why something cannot be done."""
        self.status.show(str(error), Tone.BAD)

    def _tell(self, sentence: str) -> None:
        self.status.show(sentence, Tone.CALM)
        self._remind()

    def _remind(self) -> None:
        """At the right of the status line: what waits, what a /command takes, the mode; and the mode in the prompt."""
        self.prompt.invite(chat=self.session.chat)
        line = self.prompt.text
        if self.conductor.waiting is not None:
            self.status.show_aside("sent as soon as the model is ready; esc takes it back")
        elif is_command(line):
            self.status.show_aside(usage_of(line))
        else:
            self.status.show_aside("chat mode" if self.session.chat else "")
