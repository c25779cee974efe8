"""The generations that one HTTP request asks for: one, or several that share its connection."""

import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from llmtui.engine.errors import EngineBusy
from llmtui.engine.events import Event, Token
from llmtui.server.generation import Generation
from llmtui.server.streaming import POLL_SECONDS

# One request may ask for a hundred answers: only so many of them are in the engine at a time, the others stay here.
WINDOW = 4
# Passing on a token costs the engine a core for a moment: for the thread that answers, the kernel, a client beside it.
# Tokens that come faster than a screen shows them are told together. Nobody reads at their pace: they may wait longer.
TELLING_SECONDS = 1 / 60
FAST_TELLING_SECONDS = 1 / 30
SHARED_POLL_SECONDS = 0.02  # how long the other generations of a request may wait unread while one is listened to

Bundle = list[tuple[int, Event]]
"""Events that were there at one time, each with the number of its generation."""


def engine_id(request_id: str) -> str:
    """An id for one generation of an HTTP request, whose own may be the client's choice and come twice."""
    return f"{request_id}.{uuid.uuid4().hex[:8]}"


class Batch:
    """Runs generations, a few at a time, and merges what they report. The first ones are submitted at once.

    beginnings: begin each, under the id they are given. What the first one raises is raised; that the others find the
    queue full is waited out.
    """

    def __init__(
        self,
        request_id: str,
        beginnings: Sequence[Callable[[str], Generation]],
    ) -> None:
        self._waiting = deque((index, engine_id(request_id), begin) for index, begin in enumerate(beginnings))
        self._active: dict[int, Generation] = {}
        self._submit_next()
        try:
            self._fill()
        except BaseException:
            self.cancel()
            raise

    @property
    def ended(self) -> bool:
        """Whether nothing more will be told."""
        return not (self._active or self._waiting)

    def bundles(self, gone: Callable[[], bool]) -> Iterator[Bundle]:
        """What is told, for an answer that is streamed, until all have ended or the client leaves.

        The first token comes at once, the end, too; between them TELLING_SECONDS lie from one bundle to the next,
        FAST_TELLING_SECONDS after one of several tokens.
        Whoever stops reading cancels what is left. Raises what a later generation's beginning raises.
        """
        return self._bundles(gone, TELLING_SECONDS, FAST_TELLING_SECONDS)

    def events(self, gone: Callable[[], bool]) -> Iterator[tuple[int, Event]]:
        """The same, event by event, for an answer in one piece, which is in no hurry before the end."""
        return (told for bundle in self._bundles(gone, POLL_SECONDS, POLL_SECONDS) for told in bundle)

    def only_events(self, gone: Callable[[], bool]) -> Iterator[Event]:
        """`events` of a batch of one."""
        return (event for _, event in self.events(gone))

    def cancel(self) -> None:
        """Stop everything that runs and forget the rest: nobody reads on."""
        self._waiting.clear()
        for generation in self._active.values():
            generation.leave()
        self._active.clear()

    def _bundles(self, gone: Callable[[], bool], after_one: float, after_several: float) -> Iterator[Bundle]:
        """after_one, after_several: seconds after tokens were told in which only the end wakes the reader."""
        try:
            while not self.ended and not gone():
                bundle = self._take()
                if bundle:
                    yield bundle
                self._fill()
                tokens = sum(isinstance(event, Token) for _, event in bundle)
                if self._active and tokens:
                    self._rest(after_one if tokens == 1 else after_several)
        finally:
            self.cancel()

    def _rest(self, seconds: float) -> None:
        """Let events gather, but for the end."""
        if len(self._active) > 1 or self._waiting:  # another one than the first may end and make room
            seconds = min(seconds, SHARED_POLL_SECONDS)
        next(iter(self._active.values())).wait_for_end(seconds)

    def _take(self) -> Bundle:
        """What is there, of all; where nothing is, what comes next, if it comes soon."""
        if not self._active:  # the queue was full for those that are left
            threading.Event().wait(POLL_SECONDS)
            return []
        alone = len(self._active) == 1
        bundle = self._take_of(self._active, POLL_SECONDS if alone else 0.0)
        if not bundle and not alone:
            bundle = self._take_of([next(iter(self._active))], SHARED_POLL_SECONDS)
        self._active = {index: each for index, each in self._active.items() if not each.ended}
        return bundle

    def _take_of(self, indices: Iterable[int], timeout: float) -> Bundle:
        return [(index, event) for index in indices for event in self._active[index].take(timeout)]

    def _fill(self) -> None:
        try:
            while self._waiting and len(self._active) < WINDOW:
                self._submit_next()
        except EngineBusy:
            return

    def _submit_next(self) -> None:
        index, name, begin = self._waiting[0]
        self._active[index] = begin(name)
        self._waiting.popleft()
