"""Somebody's request: its tokens as they are chosen, like one's own."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from llmtui.engine import Engine
from llmtui.engine.events import Token
from llmtui.engine.watching import TOP_CANDIDATES, Watch
from llmtui.tui.bridge import Bridge
from llmtui.tui.clipboard import advice
from llmtui.tui.messages import Arrived
from llmtui.tui.progress import SEPARATOR, Progress
from llmtui.tui.screens.generation import GenerationScreen
from llmtui.tui.screens.sizes import TOO_SMALL
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.header import Title

HINT = " esc closes, x stops the request · ^T colour · f2 text, tokens · tab next pane"


class WatchScreen(GenerationScreen):
    """Follows a request of somebody else. Leaving it changes nothing for that request."""

    AUTO_FOCUS = "#tokens"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False, tooltip="Close; the request goes on"),
        Binding("x,delete", "cancel", "Stop", show=False, tooltip="Stop this request"),
        Binding("ctrl+t", "colour", "Colour", show=False, tooltip="What the colour of a token tells"),
        Binding("f2,f3", "tokens", "Tokens", show=False, tooltip="Show or hide the tokens"),
        Binding("s", "sampled", "Raw or sampled", show=False, tooltip="Bars of the RAW or the SAMPLED distribution"),
        Binding("tab", "app.focus_next", "Next pane", show=False),
        Binding("shift+tab", "app.focus_previous", "Previous pane", show=False),
        Binding("ctrl+c", "copy_or_close", "Copy", show=False, tooltip="Copy what is selected, or close"),
    ]

    def __init__(self, engine: Engine, watch: Watch, *, glyphs: GlyphSet = "unicode") -> None:
        # one pane at a time on a small terminal: the tokens first
        super().__init__(glyphs=glyphs, classes="-tokens")
        self._engine = engine
        self._watch = watch
        self.progress = Progress(watch.model.context)
        self.title_line = Title(glyphs=glyphs, id="title")

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.panes
        yield self.status
        yield Static(HINT, id="hint", markup=False)
        yield Static(TOO_SMALL, id="too-small", markup=False)

    def on_mount(self) -> None:
        watch = self._watch
        facts = (f"request of {watch.request.client}", watch.model.name, watch.request.request_id)
        self.title_line.show(SEPARATOR.join(facts))
        self.panes.use_vocabulary(watch.model.vocab_size)
        self.panes.begin(watch.request, watch.prompt, self._ranked)
        Bridge(self._engine, self).follow(watch.stream)

    def on_unmount(self) -> None:
        self._watch.stream.cancel()

    @on(Arrived)
    def _arrived(self, message: Arrived) -> None:
        if self.progress.seen_from is None:
            self.progress.seen_from = self._watch.rich_from
        self.show_events(self.progress, message)

    def action_close(self) -> None:
        self.dismiss(None)

    def action_cancel(self) -> None:
        if self.progress.end is None:
            self._engine.cancel(self._watch.request.request_id)
        else:
            self.status.show_aside("it has ended already")

    def action_tokens(self) -> None:
        super().action_tokens()
        self.call_after_refresh(self._focus_what_is_there)

    def action_copy_or_close(self) -> None:
        text = self.get_selected_text()
        if text:
            self.app.copy_to_clipboard(text)
            self.status.show_aside(advice(text))
        else:
            self.dismiss(None)

    def _focus_what_is_there(self) -> None:
        """The pane that had the focus may be hidden now: the keys shall go on to work."""
        shown = self.panes.tokens if self.panes.tokens.region.area else self.panes.output
        if self.focused is None or self.focused.region.area == 0:
            shown.focus()

    def _ranked(self, token: Token) -> int:
        """How many of a token's first candidates are the most probable ones."""
        asked = self._watch.request.params.top_logprobs
        rich = self._watch.rich_from is not None and token.index >= self._watch.rich_from
        return max(asked, TOP_CANDIDATES) if rich else asked
