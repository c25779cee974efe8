"""What the screens of a generation share: its panes, the line that says how far it is, and the keys of both."""

from textual.screen import Screen

from llmtui.engine.events import Failed, Finished
from llmtui.tui.messages import Arrived
from llmtui.tui.progress import Progress
from llmtui.tui.screens.sizes import HEIGHTS, WIDTHS
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.panes import Panes
from llmtui.tui.widgets.status_bar import StatusBar, Tone


class GenerationScreen(Screen[None]):
    """Shows the events of one generation; whose it is, and what else there is to do, the derived screens know."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(self, *, glyphs: GlyphSet, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self.glyphs: GlyphSet = glyphs
        self.panes = Panes(glyphs=glyphs, id="panes")
        self.status = StatusBar(glyphs=glyphs, id="status")

    def show_events(self, progress: Progress, arrived: Arrived) -> None:
        """Count events of the generation, and show them."""
        for event, seconds in zip(arrived.events, arrived.times, strict=True):
            progress.take(event, seconds)
        self.panes.take(arrived.events)
        self.status.show(progress.line(), tone_of(progress.end))

    def action_colour(self) -> None:
        if self.panes.tokens.region.area == 0:
            self.action_tokens()
        else:
            self.panes.next_colour()

    def action_tokens(self) -> None:
        one_pane = any(self.has_class(name) for name in ("-narrow", "-short", "-lesson"))
        self.toggle_class("-tokens" if one_pane else "-side-hidden")

    def action_sampled(self) -> None:
        self.panes.inspector.toggle_sampled()


def tone_of(end: Finished | Failed | None) -> Tone:
    """How the status of a generation is meant; None: it has not ended."""
    match end:
        case None:
            return Tone.BUSY
        case Finished(reason="stop" | "length"):
            return Tone.GOOD
        case Finished():
            return Tone.CALM
        case Failed():
            return Tone.BAD
