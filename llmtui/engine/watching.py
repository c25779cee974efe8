"""A second reader of somebody's request: what came before is told again, then what comes, as it comes."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmtui.engine.events import Event, Failed, Finished, Queued, Started
from llmtui.engine.live import RequestView, view_of_ended
from llmtui.engine.loads import ModelInfo
from llmtui.engine.requests import GenerationRequest
from llmtui.engine.stream import Stream

if TYPE_CHECKING:
    from llmtui.engine.detokenize import Pieces
    from llmtui.engine.sequence import Sequence

# So many requests are kept after their end, so that short ones can be looked at, too.
KEPT_ENDED = 16
# So many events of a request are kept for those who come later.
REPLAYED = 1024
# Candidates of each token drawn while somebody watches, however few the request's own reader asked for.
TOP_CANDIDATES = 10


@dataclass(slots=True)
class Watch:
    """A request of somebody, and its events for one more reader.

    model       the one it runs on
    prompt      as text, whatever it was sent as; of a conversation what the chat template made of it
    stream      the newest REPLAYED events so far, then those to come; `cancel` stops watching, the request goes on
    rich_from   place in the sequence of the first token with TOP_CANDIDATES candidates at least; tokens before it have
                as many as the request asked for. None until the first event is there.
    """

    request: GenerationRequest
    model: ModelInfo
    prompt: str
    stream: Stream
    rich_from: int | None = None


class WatchedStream(Stream):
    """The events of one request, for its own reader and for those who watch. The engine's thread alone writes.

    While nobody watches, an event costs one more entry in a short list. What a step tells is held until all its
    sequences have advanced: a reader that wakes while the next one advances takes the time from it.
    """

    def __init__(self, request_id: str, cancel: Callable[[], None]) -> None:
        super().__init__(request_id, cancel)
        self._heads: list[Event] = []
        self._latest: deque[Event] = deque(maxlen=REPLAYED)
        self._watchers: list[Stream] = []
        self._held: list[tuple[Event, Event]] = []

    @property
    def end(self) -> Finished | Failed | None:
        """The last event of the request, once it was told."""
        last = self._latest[-1] if self._latest else None
        return last if isinstance(last, (Finished, Failed)) else None

    def put(self, event: Event) -> None:
        """Tell an event now, after those that are held."""
        self.hold(event)
        self.release()

    def hold(self, event: Event, richer: Callable[[], Event] | None = None) -> None:
        """Tell an event at `release`. richer: makes the one that watchers get instead; called only if there are any."""
        (self._heads if isinstance(event, (Queued, Started)) else self._latest).append(event)
        self._held.append((event, richer() if richer is not None and self._watchers else event))

    def release(self) -> None:
        """Tell all that is held."""
        for event, watched in self._held:
            super().put(event)
            for watcher in self._watchers:
                watcher.put(watched)
        self._held.clear()

    def join(self, watcher: Stream) -> None:
        """Tell one more reader all that is kept, and from now on whatever comes."""
        self.release()
        for event in (*self._heads, *self._latest):
            watcher.put(event)
        self._watchers.append(watcher)

    def leave(self, watcher: Stream) -> None:
        """Tell a reader nothing more."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)


def watch_running(sequence: "Sequence", call: Callable[[Callable[[], None]], None]) -> Watch:
    """Read along with a request that waits or runs. call: does something on the engine's thread."""
    # the reader may outlive the sequence, and must not keep its model in memory
    stream = sequence.stream
    reader = Stream(sequence.request.request_id, lambda: call(lambda: stream.leave(reader)))
    prompt = sequence.model.detokenize(sequence.ids[: sequence.prompt_length])
    watch = Watch(sequence.request, sequence.model.info, prompt, reader)

    def join() -> None:
        watch.rich_from = len(sequence.ids)
        stream.join(reader)

    call(join)
    return watch


@dataclass(frozen=True, slots=True)
class EndedRequest:
    """What is kept of a request that has ended: no weights, no keys and values."""

    view: RequestView
    request: GenerationRequest
    model: ModelInfo
    pieces: "Pieces"
    prompt_ids: tuple[int, ...]
    stream: WatchedStream

    def watch(self) -> Watch:
        """All its events that are kept."""
        from llmtui.engine.detokenize import text_of

        reader = Stream(self.request.request_id, lambda: None)
        self.stream.join(reader)
        self.stream.leave(reader)
        ids = self.prompt_ids
        return Watch(self.request, self.model, text_of(self.pieces, ids), reader, len(ids) + self.view.generated_tokens)


def remember(ended: tuple[EndedRequest, ...], sequence: "Sequence") -> tuple[EndedRequest, ...]:
    """The last requests that ended, now that one more has."""
    end = sequence.stream.end
    if end is None:
        return ended
    newest = EndedRequest(
        view_of_ended(sequence, end),
        sequence.request,
        sequence.model.info,
        sequence.model.pieces,
        tuple(sequence.ids[: sequence.prompt_length]),
        sequence.stream,
    )
    return (*ended[1 - KEPT_ENDED :], newest)
