"""A page of the lessons beside the panes: what to read, what to try, and what was found."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from llmtui.insight.lessons.course import COURSE
from llmtui.tui.learning import Learning
from llmtui.tui.messages import LessonTurned
from llmtui.tui.text import GlyphSet, visible
from llmtui.tui.wrapping import wrap

BOXES: Final[dict[GlyphSet, tuple[str, str]]] = {"unicode": ("☐", "✓"), "ascii": ("[ ]", "[x]")}


class LessonPane(VerticalScroll, can_focus=True):
    """Shows the lesson that the learner is at; n and p turn the page."""

    BINDING_GROUP_TITLE = "Lesson"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,right", "turn(1)", "Next lesson", show=False, tooltip="Go to the next lesson"),
        Binding("p,left", "turn(-1)", "Lesson before", show=False, tooltip="Go to the lesson before"),
    ]
    DEFAULT_CSS = """
    LessonPane {
        background: $surface;
        scrollbar-size-vertical: 1;
        padding: 0 1;
        border-title-color: $text;
        border-subtitle-color: $text-muted;
    }
    """

    def __init__(self, *, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(id=id)
        self._page = LessonPage(glyphs=glyphs)

    def compose(self) -> ComposeResult:
        yield self._page

    def show(self, learning: Learning) -> None:
        """Show the lesson as it stands."""
        self.border_title = Content(f"Lesson {learning.number + 1} of {len(COURSE)}")
        self.border_subtitle = Content("tab: n next, p back · f12 closes")
        turned = self._page.number != learning.number
        self._page.show(learning)
        if turned:
            self.scroll_home(animate=False)

    def action_turn(self, by: int) -> None:
        self.post_message(LessonTurned(by))


class LessonPage(Widget):
    """The page, wrapped to the width there is."""

    DEFAULT_CSS = """
    LessonPage { height: auto; }
    """

    def __init__(self, *, glyphs: GlyphSet) -> None:
        super().__init__()
        self._boxes = BOXES[glyphs]
        self._glyphs: GlyphSet = glyphs
        self._learning: Learning | None = None
        self.number: int | None = None

    def show(self, learning: Learning) -> None:
        self._learning = learning
        self.number = learning.number
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport
        return self._content(width).plain.count("\n") + 1

    def render(self) -> Content:
        return self._content(self.size.width)

    def _content(self, width: int) -> Content:
        if self._learning is None:
            return Content("")
        lesson, done = self._learning.lesson, self._learning.done
        lines = [Content.styled(line, "bold") for line in wrap(lesson.title, width)]
        for paragraph in lesson.text:
            lines += [Content(""), *map(Content, wrap(paragraph, width))]
        lines += [Content(""), Content.styled("Try it", "bold")]
        for task in lesson.tasks:
            found = done.get(task.id)
            box = self._boxes[found is not None]
            lines += [Content(""), *self._hanging(box, task.do, width, "$success" if found else "")]
            lines += self._hanging("", task.look_for, width, "$text-muted", indent=len(box) + 1)
            if found is not None:
                lines += self._hanging("", found, width, "bold", indent=len(box) + 1)
        return Content("\n").join(lines)

    def _hanging(self, head: str, text: str, width: int, style: str, *, indent: int = 0) -> list[Content]:
        """A text whose lines all begin under the first word after `head`."""
        indent = indent or len(head) + 1
        first, *others = wrap(visible(text, glyphs=self._glyphs), width - indent)
        begin = f"{head} ".rjust(indent) if head else " " * indent
        return [Content.styled(begin + first, style), *(Content.styled(" " * indent + line, style) for line in others)]
