"""One generation of an HTTP request: its events, and those who watch them go by."""

from collections.abc import Sequence
from typing import Protocol

from llmtui.engine.events import Event
from llmtui.engine.stream import Stream


class Watcher(Protocol):
    """Counts or keeps what a generation tells. Called by the thread that answers the request."""

    def see(self, event: Event, told_at: float, /) -> None:
        """The next event, before the client reads it; when the engine told it, by time.perf_counter()."""

    def client_left(self) -> None:
        """The client reads no further, and the generation had not ended."""


class Generation:
    """A stream whose events are seen by watchers when they are read."""

    def __init__(self, stream: Stream, watchers: Sequence[Watcher]) -> None:
        self._stream = stream
        self._watchers = watchers

    @property
    def ended(self) -> bool:
        """Whether the last event has been read."""
        return self._stream.ended

    def take(self, timeout: float = 0.0) -> list[Event]:
        """All events that are there; where none is, what comes within `timeout` seconds."""
        events: list[Event] = []
        while (event := self._stream.poll(0.0 if events else timeout)) is not None:
            for watcher in self._watchers:
                watcher.see(event, self._stream.told_at)
            events.append(event)
        return events

    def wait_for_end(self, timeout: float) -> None:
        """Wait until its last event is there, for `timeout` seconds at most."""
        self._stream.wait_for_end(timeout)

    def leave(self) -> None:
        """Stop it: nobody reads on. What was told until now counts."""
        self._stream.cancel()
        self.take()
        if not self.ended:
            for watcher in self._watchers:
                watcher.client_left()
