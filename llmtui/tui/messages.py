"""What happened behind the screen: data for the main screen, never a widget, a lock or a tensor."""

from dataclasses import dataclass

from textual.message import Message

from llmtui.engine.events import Event
from llmtui.engine.loads import LoadProgress, ModelInfo


@dataclass
class LoadMoved(Message):
    """A load got further."""

    name: str
    progress: LoadProgress

    def can_replace(self, message: Message) -> bool:
        """Only the newest progress is worth drawing."""
        return isinstance(message, LoadMoved)


@dataclass
class ModelLoaded(Message):
    """A model is ready; it is the one that generates from now on."""

    info: ModelInfo


@dataclass
class LoadFailed(Message):
    """A load ended without a model; the one before it, if any, is still there. `cancelled`: on request."""

    name: str
    error: str
    cancelled: bool


@dataclass
class Refused(Message):
    """The engine did not take the request; `error` is a sentence for people."""

    error: str


@dataclass
class LessonTurned(Message):
    """The person wants to turn the page of the lessons by so many."""

    by: int


@dataclass
class Arrived(Message):
    """Events of the running generation, oldest first, and when the engine told each, in seconds from its beginning."""

    events: tuple[Event, ...]
    times: tuple[float, ...]
