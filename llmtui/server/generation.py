"""One generation of an HTTP request: its events, and those who watch them go by."""

from collections.abc import Sequence
from typing import Protocol

from llmtui.engine.events import Event
from llmtui.engine.stream import Stream


class Watcher(Protocol):
    """Counts or keeps what a generation tells. Called by the thread that answers the request."""

    def see(self, event: Event) -> None:
        """The next event, before the client reads it."""

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

    def poll(self, timeout: float = 0.0) -> Event | None:
        """The next event; None if none comes within `timeout` seconds."""
        event = self._stream.poll(timeout)
        if event is not None:
            for watcher in self._watchers:
                watcher.see(event)
        return event

    def leave(self) -> None:
        """Stop it: nobody reads on."""
        self._stream.cancel()
        if not self.ended:
            for watcher in self._watchers:
                watcher.client_left()
