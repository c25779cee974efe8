"""Who runs next: admission, fair turns between clients, and blocks of prompt between the tokens of others."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmtui.engine.sequence import Sequence

PREFILL_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a sequence to compute in one step: its tokens from `begin` to `end`.

    all_rows: every row of logits is wanted, to score the prompt; else the last one alone.
    """

    sequence: "Sequence"
    begin: int
    end: int

    @property
    def all_rows(self) -> bool:
        return self.sequence.params.prompt_logprobs and self.begin < self.sequence.prompt_length


class Scheduler:
    """Waiting sequences by client, running ones in a ring. Used by the engine's thread alone."""

    def __init__(self, max_running: int) -> None:
        self._max_running = max_running
        self._waiting: OrderedDict[str, deque[Sequence]] = OrderedDict()
        self._running: deque[Sequence] = deque()

    def add(self, sequence: "Sequence") -> int:
        """Queue a sequence; how many are before it."""
        position = self.waiting
        self._waiting.setdefault(sequence.request.client, deque()).append(sequence)
        return position

    def admit(self) -> list["Sequence"]:
        """Let waiting sequences run while there is room, one of each client in turn; those that begin now."""
        begun = []
        while self._waiting and len(self._running) < self._max_running:
            client, queue = self._waiting.popitem(last=False)
            sequence = queue.popleft()
            if queue:
                self._waiting[client] = queue
            self._running.append(sequence)
            begun.append(sequence)
        return begun

    def plan(self) -> list[Slice]:
        """What to compute in the next step: of each sequence in it, the tokens that are known but not computed."""
        if not self._running:
            return []
        sequence = self._running[0]
        self._running.rotate(-1)
        return [Slice(sequence, sequence.computed, min(len(sequence.ids), sequence.computed + PREFILL_BLOCK))]

    def drop(self, sequence: "Sequence") -> None:
        """Forget a sequence, wherever it is."""
        if sequence in self._running:
            self._running.remove(sequence)
            return
        queue = self._waiting.get(sequence.request.client)
        if queue is not None and sequence in queue:
            queue.remove(sequence)
            if not queue:
                del self._waiting[sequence.request.client]

    def everything(self) -> list["Sequence"]:
        return [*self._running, *(sequence for queue in self._waiting.values() for sequence in queue)]

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return sum(len(queue) for queue in self._waiting.values())
