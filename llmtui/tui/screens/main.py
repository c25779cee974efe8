"""The screen of the program: the panes, the prompt, and what each action does to them."""

import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import ScreenResume
from textual.signal import Signal
from textual.widgets import Static

from llmtui.engine import Engine
from llmtui.engine.events import Failed, Finished
from llmtui.engine.loads import LoadTask
from llmtui.engine.requests import GenerationRequest
from llmtui.errors import LlmtuiError
from llmtui.tui import commands
from llmtui.tui.actions import Action, bindings, matching_commands, parse_command
from llmtui.tui.bridge import Bridge
from llmtui.tui.clipboard import advice
from llmtui.tui.conductor import Conductor
from llmtui.tui.messages import Arrived, LessonTurned, LoadFailed, LoadMoved, ModelLoaded, Refused
from llmtui.tui.progress import Progress, load_line, model_line, ready_line
from llmtui.tui.screens.main_windows import MainWindows
from llmtui.tui.screens.sizes import HEIGHTS, TOO_SMALL, WIDTHS
from llmtui.tui.serving import Serving
from llmtui.tui.session import Session
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.gauge import SAMPLES as GAUGE_SAMPLES
from llmtui.tui.widgets.header import Header
from llmtui.tui.widgets.key_bar import KeyBar
from llmtui.tui.widgets.panes import Panes
from llmtui.tui.widgets.prompt import Prompt
from llmtui.tui.widgets.status_bar import StatusBar, Tone

if TYPE_CHECKING:
    from llmtui.system.monitor import Monitor
    from llmtui.system.reading import Sample
    from llmtui.tui.classroom import Classroom

LOOK_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


class MainScreen(MainWindows):
    """Shows what the bridge reports, and hands what the person does to the conductor."""

    AUTO_FOCUS = "#prompt"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("screen")]

    def __init__(
        self,
        engine: Engine,
        session: Session,
        *,
        load: Callable[[], LoadTask],
        load_named: Callable[[str], LoadTask],
        dtype: str = "auto",
        serving: Serving | None = None,
        lesson: str | None = None,
        watch_machine: bool = True,
        glyphs: GlyphSet = "unicode",
    ) -> None:
        super().__init__()
        self.engine = engine
        self.session = session
        self.progress: Progress | None = None
        self.classroom: Classroom | None = None
        self._lesson = lesson
        self._load_first = load
        self._load_named = load_named
        self._dtype = dtype
        self.monitor: Monitor | None = None
        self.looked: Signal[Sample] = Signal(self, "looked")
        self._serving = serving
        self._watch_machine = watch_machine
        self.glyphs: GlyphSet = glyphs
        self.header = Header(serving=serving, glyphs=glyphs, id="header")
        self.panes = Panes(glyphs=glyphs, id="panes")
        self.body = Horizontal(self.panes, id="body")
        self.status = StatusBar(glyphs=glyphs, id="status")
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
        self.status.show("starting", Tone.BUSY)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """The first frame is out: now the model."""
        if self._watch_machine:
            # here and now: while the load's thread links torch's libraries, an import of another library waits for the
            # dynamic loader and keeps the interpreter, 0.18 s, from everybody
            import llmtui.system.monitor  # noqa: F401

            self.bridge.run(self._make_monitor, self.watch_machine, self._cannot_watch)
        try:
            self.bridge.load(self._load_first)
        except LlmtuiError as error:
            self.complain(error)
            self._give_back(self.conductor.take_back())
        finally:
            self.conductor.load_is_coming = False
        if self._lesson is not None:
            self.action_learn(self._lesson)

    def _make_monitor(self) -> "Monitor":
        """In a thread of its own: a GPU's driver takes a moment to answer."""
        from llmtui.system.monitor import LocalReader, Monitor

        return Monitor(LocalReader(engine=self.engine))

    def watch_machine(self, monitor: "Monitor") -> None:
        """Look at the machine and the engine from now on, once a second."""
        self.monitor = monitor
        self.set_interval(LOOK_SECONDS, self.look)

    def _cannot_watch(self, error: Exception) -> None:
        logger.error("the machine cannot be watched", exc_info=error)

    def look(self) -> None:
        """Take a sample and show it, wherever it is shown.

        Not below a window: every change there would draw the window above it, too.
        """
        if self.monitor is None:
            return
        sample = self.monitor.sample()
        if self.app.screen is self:
            self.header.show_sample(sample)
        self.looked.publish(sample)

    @on(ScreenResume)
    def _catch_up(self) -> None:
        """A window was closed: show what was sampled meanwhile."""
        for sample in list(self.monitor.history)[-GAUGE_SAMPLES:] if self.monitor is not None else ():
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
        for event in message.events:
            self.progress.take(event)
        self.panes.take(message.events)
        tone = Tone.BUSY
        match self.progress.end:
            case Finished() as end:
                self.session.finish(end.text, end.usage)
                tone = Tone.GOOD if end.reason in ("stop", "length") else Tone.CALM
            case Failed():
                tone = Tone.BAD
        self.status.show(self.progress.line(), tone)
        if self.progress.end is not None:
            self._remind()
        if self.classroom is not None:
            self.classroom.take(message.events)

    # what the person does

    @on(Prompt.Submitted)
    async def _submitted(self, message: Prompt.Submitted) -> None:
        text = message.text
        if text.startswith("/") and not text.startswith("//") and "\n" not in text:
            try:
                action, argument = parse_command(text)
                self.prompt.take()
                await self.perform(action, argument)
            except LlmtuiError as error:
                self.complain(error)
        elif self._attempt(lambda: self.conductor.send(text[1:] if text.startswith("//") else text)):
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

    def action_colour(self) -> None:
        if self.panes.tokens.region.area == 0:
            self.action_tokens()
        else:
            self.panes.next_colour()

    def action_tokens(self) -> None:
        one_pane = self.has_class("-narrow") or self.has_class("-short") or self.has_class("-lesson")
        self.toggle_class("-tokens" if one_pane else "-side-hidden")
        if self.focused is None:
            self.prompt.focus()

    def action_sampled(self) -> None:
        self.panes.inspector.toggle_sampled()

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
        completed = self.prompt.has_focus and self._complete()
        if not completed:
            self.focus_next()

    def action_previous_pane(self) -> None:
        self.focus_previous()

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

    def _complete(self) -> bool:
        text = self.prompt.text
        found = matching_commands(text[1:]) if text.startswith("/") and " " not in text else []
        if len(found) != 1:
            return False
        self.prompt.write(f"/{found[0].slash}{' ' if found[0].argument else ''}")
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
        """At the right of the status line: what waits, what a /command takes, the mode."""
        text = self.prompt.text
        if self.conductor.waiting is not None:
            self.status.show_aside("sent as soon as the model is ready; esc takes it back")
        elif text.startswith("/") and not text.startswith("//") and "\n" not in text:
            found = matching_commands(text[1:].partition(" ")[0])
            self.status.show_aside(
                found[0].usage + ": " + found[0].help if len(found) == 1 else "  ".join(a.usage for a in found)
            )
        else:
            self.status.show_aside("chat mode" if self.session.chat else "")
