"""The screen of a conversation with the engine: what the bridge reports of it, and what the status line says."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on

from llmtui.engine import Engine
from llmtui.engine.events import Finished
from llmtui.engine.requests import GenerationRequest
from llmtui.errors import LlmtuiError
from llmtui.tui.bridge import Bridge
from llmtui.tui.command_line import is_command, usage_of
from llmtui.tui.conductor import Conductor
from llmtui.tui.messages import Arrived, LoadFailed, LoadMoved, ModelLoaded, Refused
from llmtui.tui.progress import Progress, load_line, model_line, ready_line
from llmtui.tui.screens.generation import GenerationScreen
from llmtui.tui.session import Session
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.header import Header
from llmtui.tui.widgets.prompt import Prompt
from llmtui.tui.widgets.status_bar import Tone

if TYPE_CHECKING:
    from llmtui.tui.classroom import Classroom


class TalkScreen(GenerationScreen):
    """Shows loads and the session's own generation; what a person may do besides, the derived screen knows.

    bridge, conductor: there once it is mounted
    """

    bridge: Bridge
    conductor: Conductor

    def __init__(self, engine: Engine, session: Session, header: Header, *, glyphs: GlyphSet) -> None:
        super().__init__(glyphs=glyphs)
        self.engine = engine
        self.session = session
        self.header = header
        self.prompt = Prompt(glyphs=glyphs, id="prompt")
        self.progress: Progress | None = None
        self.classroom: Classroom | None = None

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
        self.attempt(self.conductor.send_waiting)
        self.remind()

    @on(LoadFailed)
    def _load_failed(self, message: LoadFailed) -> None:
        kept = self.engine.model
        self.header.show_model("no model" if kept is None else model_line(kept))
        after = "^O chooses a model" if kept is None else f"{kept.name} stays"
        sentence = f"{message.error}; {after}"
        self.status.show(sentence, Tone.CALM if message.cancelled else Tone.BAD)
        if not message.cancelled and not self.bridge.generating:
            self.panes.fail(sentence)
        self.give_back(self.conductor.take_back())

    @on(Refused)
    def _refused(self, message: Refused) -> None:
        self.progress = None
        self.panes.fail(message.error)
        self.status.show(message.error, Tone.BAD)
        self.give_back(self.session.withdraw())

    @on(Arrived)
    def _arrived(self, message: Arrived) -> None:
        if self.progress is None:
            return
        self.show_events(self.progress, message)
        if self.progress.end is not None:
            if isinstance(self.progress.end, Finished):
                self.session.finish(self.progress.end.text, self.progress.end.usage)
            self.remind()
        if self.classroom is not None:
            self.classroom.take(message.events)

    # what a person is told

    def attempt(self, begin: Callable[[], GenerationRequest | None]) -> bool:
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
        self.remind()
        return True

    def give_back(self, prompt: str | None) -> None:
        """Put a prompt that was not sent back where it was typed, unless something stands there."""
        if prompt is not None and not self.prompt.text:
            self.prompt.write(prompt)
        self.remind()

    def complain(self, error: LlmtuiError) -> None:
        """Say why something cannot be done."""
        self.status.show(str(error), Tone.BAD)

    def tell(self, sentence: str) -> None:
        """Say what was done."""
        self.status.show(sentence, Tone.CALM)
        self.remind()

    def remind(self) -> None:
        """At the right of the status line: what waits, what a /command takes, the mode; and the mode in the prompt."""
        self.prompt.invite(chat=self.session.chat)
        line = self.prompt.text
        if self.conductor.waiting is not None:
            self.status.show_aside("sent as soon as the model is ready; esc takes it back")
        elif is_command(line):
            self.status.show_aside(usage_of(line))
        else:
            self.status.show_aside("chat mode" if self.session.chat else "")

    @on(Prompt.Changed)
    def _typed(self) -> None:
        self.remind()
