"""The requests of all who ask, as they stand: to watch, to open, to stop."""

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from llmtui.engine import Engine
from llmtui.engine.live import RequestView
from llmtui.engine.watching import Watch
from llmtui.tui.bridge import Bridge
from llmtui.tui.progress import SEPARATOR
from llmtui.tui.screens.window import Window, is_open
from llmtui.tui.serving import Serving
from llmtui.tui.text import GlyphSet, visible
from llmtui.tui.widgets.live_table import Column, LiveTable, Row
from llmtui.units import duration

LOOK_SECONDS: Final = 1.0
COLUMNS: Final = (
    Column("client", 0),
    Column("model", 16, from_width=88),
    Column("state", 7),
    Column("tokens", 9, ">"),
    Column("tok/s", 6, ">"),
    Column("waited", 8, ">"),
    Column("runs", 8, ">"),
    Column("id", 12, from_width=96),
)
ENDED: Final = {"finished": "done", "cancelled": "stopped", "failed": "failed"}
NOT_SERVING: Final = "The API is off: start llmtui --serve, and programs can send some. Your own stand here, too."


class RequestsScreen(Window[None]):
    """A row for each request that waits or runs, and for the last that ended; looked at once a second."""

    NAME = "Requests"
    HINT = "Enter opens · x stops · esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,delete", "cancel", "Stop the request", show=False),
        Binding("f4", "close", "Close", show=False),
    ]

    def __init__(
        self, engine: Engine, bridge: Bridge, serving: Serving | None, *, glyphs: GlyphSet = "unicode"
    ) -> None:
        super().__init__()
        self._engine = engine
        self._bridge = bridge
        self._serving = serving
        self._glyphs: GlyphSet = glyphs
        self._views: dict[str, RequestView] = {}
        self.table = LiveTable(COLUMNS, empty=empty_words(serving), glyphs=glyphs, id="table")

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            yield Static("", id="facts", markup=False)
            yield self.table
            yield Static("", id="said", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(LOOK_SECONDS, self.look)
        self.look()

    def look(self) -> None:
        """Show what waits and runs at this moment, and below it what ended last, the newest first."""
        views = [*self._engine.requests(), *reversed(self._engine.ended_requests())]
        self._views = {view.id: view for view in views}
        self.table.show([row(view) for view in views])
        stats = self._engine.stats()
        facts = facts_line(self._serving, stats.running, stats.waiting, stats.tokens_per_second)
        self._show("#facts", facts)

    def action_cancel(self) -> None:
        """Stop the request under the cursor."""
        view = self._views.get(self.table.current or "")
        if view is None:
            self._say("there is no request to stop")
            return
        if view.state in ENDED:
            self._say(f"{view.client}'s request {short_id(view.id)} has ended already")
            return
        self._engine.cancel(view.id)
        self._say(f"stopped {view.client}'s request {short_id(view.id)} after {view.generated_tokens} tokens")

    @on(LiveTable.Chosen)
    def _open(self, message: LiveTable.Chosen) -> None:
        key = message.key
        self._bridge.run(lambda: self._engine.watch(key), self._opened, lambda error: self._say(str(error)))

    def _opened(self, watch: Watch) -> None:
        if not self.is_current:
            watch.stream.cancel()
            return
        from llmtui.tui.screens.watch import WatchScreen

        self.app.push_screen(WatchScreen(self._engine, watch, glyphs=self._glyphs))

    def _say(self, sentence: str) -> None:
        if is_open(self):
            self._show("#said", sentence)

    def _show(self, where: str, text: str) -> None:
        line = self.query_one(where, Static)
        text = visible(text, glyphs=self._glyphs)
        if line.content != text:
            line.update(text, layout=False)


def row(view: RequestView) -> Row:
    """A request as a row; one that does not run is faint."""
    return Row(
        view.id,
        (
            view.client,
            view.model,
            ENDED.get(view.state, view.state),
            f"{view.generated_tokens}/{view.max_tokens}",
            "–" if view.tokens_per_second is None else f"{view.tokens_per_second:.1f}",
            duration(view.queued),
            "–" if view.state == "waiting" else duration(view.running),
            short_id(view.id),
        ),
        faint=view.state != "running",
    )


def facts_line(serving: Serving | None, running: int, waiting: int, tokens_per_second: float) -> str:
    """Where the API is and whose requests it takes, and the engine's queue and speed."""
    parts = [f"{running} running, {waiting} waiting"]
    if running:
        parts.append(f"{tokens_per_second:.1f} tok/s in all")
    if serving is not None:
        parts.append(serving.url)
        if serving.generated_key is not None:
            parts.append(f"key for this run: {serving.generated_key}")
        elif serving.key_names:
            parts.append(f"keys: {', '.join(serving.key_names)}")
        else:
            parts.append("no key needed")
    return SEPARATOR.join(parts)


def empty_words(serving: Serving | None) -> str:
    """What stands in the place of rows while there are none."""
    if serving is None:
        return f"No request has come yet.\n\n{NOT_SERVING}"
    return f"No request has come yet. This sends one:\n\n{serving.example}"


def short_id(request_id: str) -> str:
    """The beginning of an id: enough to tell it from the others on a screen."""
    return request_id[:12]
