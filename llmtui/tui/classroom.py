"""The lessons on the main screen: opens the page beside the panes, and tells the course what the learner does."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmtui.engine.events import Event
from llmtui.engine.loads import ModelInfo
from llmtui.engine.requests import GenerationRequest
from llmtui.errors import LlmtuiError
from llmtui.insight.lessons.crowd import try_crowd
from llmtui.insight.lessons.observation import Crowd, Look
from llmtui.system.learned import load_learned, save_learned
from llmtui.tui.learning import Learning
from llmtui.tui.widgets.lesson_pane import LessonPane
from llmtui.tui.widgets.status_bar import Tone

if TYPE_CHECKING:
    from llmtui.tui.screens.main import MainScreen

CROWD_PROMPT = "Once upon a time"

logger = logging.getLogger(__name__)


class Classroom:
    """Made when the learner first opens a lesson; from then on every run counts, whether the page is shown or not."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen
        self.learning = Learning(load_learned(), self._keep)
        self.pane = LessonPane(glyphs=screen.glyphs, id="lesson")
        screen.body.mount(self.pane, before=0)
        screen.watch(screen.panes.tokens, "cursor", self._cursor_moved, init=False)

    def open(self, argument: str) -> None:
        """Show a page: the one left off at, or another by its number. Raises CommandError."""
        if argument:
            self.learning.go(argument)
        self._screen.add_class("-lesson")
        self.pane.show(self.learning)

    def turn(self, by: int) -> None:
        """Go on or back by so many pages; the first and the last one are the ends."""
        self.learning.turn(by)
        self.pane.show(self.learning)

    def close(self) -> None:
        """Put the page away; what was done stays."""
        if self.pane.has_focus:
            self._screen.prompt.focus()
        self._screen.remove_class("-lesson")

    def begin(self, request: GenerationRequest, model: ModelInfo) -> None:
        """A generation begins."""
        self.learning.begin(request, model)

    def take(self, events: Sequence[Event]) -> None:
        """Events of the generation."""
        self._tell(self.learning.take(events))

    def look(self, at: str) -> None:
        """The learner opened something."""
        self._tell(self.learning.see(Look(at)))

    def try_crowd(self) -> None:
        """Measure one request alone and several at once, in the background."""
        screen = self._screen
        screen.status.show("one request alone, then eight at once", Tone.BUSY)
        screen.bridge.run(lambda: try_crowd(screen.engine, CROWD_PROMPT), self._crowd_seen, self._crowd_failed)

    def _crowd_seen(self, crowd: Crowd) -> None:
        self._screen.status.show(
            f"alone {crowd.alone:,.0f} tok/s · {crowd.requests} at once {crowd.together:,.0f} tok/s", Tone.GOOD
        )
        self._tell(self.learning.see(crowd))

    def _crowd_failed(self, error: Exception) -> None:
        if not isinstance(error, LlmtuiError):
            logger.error("the crowd of a lesson failed", exc_info=error)
        self._screen.status.show(str(error) or type(error).__name__, Tone.BAD)

    def _cursor_moved(self, cursor: int | None) -> None:
        if cursor is not None:
            self.look("token")

    def _tell(self, lessons: list[int]) -> None:
        """Say that something was done; what it shows stands on the lesson's page."""
        if lessons:
            self.pane.show(self.learning)
            here = self.learning.number
            number = here if here in lessons else lessons[0]
            self._screen.status.show_aside(f"lesson {number + 1}: {self.learning.so_far(number)}")

    def _keep(self, done: dict[str, str]) -> None:
        try:
            save_learned(done)
        except LlmtuiError as error:
            self._screen.complain(error)
