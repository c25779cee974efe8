"""Who runs next: admission, fair turns between clients, and blocks of prompt beside the tokens of others."""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmtui.engine.lookahead import LOOKAHEAD_ROWS, BranchRow
from llmtui.engine.pace import SMALLEST_SHARE
from llmtui.engine.turns import Turns

if TYPE_CHECKING:
    from llmtui.engine.sequence import Sequence

PREFILL_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a sequence to compute in one step: its tokens from `begin` to `end`, then its drafts and branches.

    drafts:   guesses of what follows `end`; only where the step draws a token
    branches: rows of lookahead; their logits follow those of the slice's own rows
    all_rows: every row of logits is wanted, to score the prompt or to draw after the drafts; else the last one alone.
    """

    sequence: "Sequence"
    begin: int
    end: int
    drafts: tuple[int, ...] = ()
    branches: tuple[BranchRow, ...] = ()

    @property
    def size(self) -> int:
        """How many known tokens it computes."""
        return self.end - self.begin

    @property
    def scored(self) -> bool:
        """Whether it holds tokens of a prompt whose facts are asked for."""
        return self.sequence.params.prompt_logprobs and self.begin < self.sequence.prompt_length

    @property
    def all_rows(self) -> bool:
        return bool(self.drafts) or self.scored

    @property
    def ids(self) -> list[int]:
        """The tokens to compute, but for the branches."""
        return [*self.sequence.ids[self.begin : self.end], *self.drafts]

    @property
    def last(self) -> int:
        """The position after the last one computed, but for the branches."""
        return self.end + len(self.drafts)

    @property
    def rows(self) -> int:
        """How many rows of the forward it has."""
        return self.last - self.begin + len(self.branches)


class Scheduler:
    """Waiting sequences by client, running ones in a ring. Used by the engine's thread alone, but for the two counts.

    waiting, running: how many do; any thread may read them.
    """

    def __init__(self, max_running: int) -> None:
        self.waiting = 0
        self._max_running = max_running
        self._waiting: OrderedDict[str, deque[Sequence]] = OrderedDict()
        self._running: deque[Sequence] = deque()
        # by names: what is remembered must not keep a model in memory
        self._turns: Turns[str] = Turns()

    def add(self, sequence: "Sequence") -> int:
        """Queue a sequence; how many are before it."""
        self._waiting.setdefault(sequence.request.client, deque()).append(sequence)
        self.waiting += 1
        return self.waiting - 1

    def admit(self) -> list["Sequence"]:
        """Let waiting sequences run while there is room, one of each client in turn; those that begin now."""
        begun = []
        while self._waiting and len(self._running) < self._max_running:
            client, queue = self._waiting.popitem(last=False)
            sequence = queue.popleft()
            self.waiting -= 1
            if queue:
                self._waiting[client] = queue
            self._running.append(sequence)
            begun.append(sequence)
        return begun

    def plan(self) -> list[Slice]:
        """What to compute in the next step: of each sequence in it, tokens that are known but not computed.

        The models share time, however many sequences each of them has. The first of the ring that is of the model whose
        turn it is decides: if it runs alone, it has the step for itself, else it shares the step with all others of its
        model. Of those in the step, each that decodes gets its token; prompts share what the pace leaves them.
        """
        if not self._running:
            return []
        name = self._turns.next([s.model.info.name for s in self._running])
        lead = next(s for s in self._running if s.model.info.name == name)
        if lead.runs_alone:
            work = [self._branches_between(lead) or _block(lead, lead.model.runner.block)]
        else:
            mates = [s for s in self._running if s.model is lead.model and not s.runs_alone]
            work = self._with_branches([_block(s, 1) for s in mates if s.pending == 1])
            work += self._prefill([s for s in mates if s.pending > 1], sum(part.rows for part in work))
        self._turn(work)
        return work

    def took(self, work: list[Slice], seconds: float) -> None:
        """A step that was planned has been computed and told: turns and the size of the next ones follow from it."""
        self._turns.took(work[0].sequence.model.info.name, seconds)
        if not work[0].sequence.runs_alone and not any(part.branches for part in work):
            decoding = sum(part.rows for part in work if part.size == 1)
            prompts = sum(part.size for part in work if part.size > 1)
            scored = any(part.scored for part in work)
            work[0].sequence.model.pace.record(decoding, prompts, seconds, scored=scored)

    def _with_branches(self, work: list[Slice]) -> list[Slice]:
        """The slices of those that decode, with rows of lookahead as far as nobody real needs the room.

        Nobody does while all that run decode in this very step and nobody waits.
        """
        quiet = len(work) == len(self._running) and not self._waiting
        room = LOOKAHEAD_ROWS - sum(part.rows for part in work) if quiet else 0
        filled = []
        for part in work:
            branches = part.sequence.branches(room)
            room -= len(branches)
            filled.append(replace(part, branches=branches) if branches else part)
        return filled

    def _branches_between(self, sequence: "Sequence") -> Slice | None:
        """A step of nothing but lookahead for one that runs alone, after each of its own and with nobody beside it."""
        quiet = len(self._running) == 1 and not self._waiting
        branches = sequence.branches(LOOKAHEAD_ROWS if quiet else 0, between=True)
        return Slice(sequence, sequence.computed, sequence.computed, branches=branches) if branches else None

    def _prefill(self, sequences: list["Sequence"], decoding: int) -> list[Slice]:
        """Blocks of prompts, one of each client in turn, as many tokens as the pace allows beside so many rows."""
        if not sequences:
            return []
        pace = sequences[0].model.pace
        scored = any(s.params.prompt_logprobs for s in sequences)
        room = pace.beside(decoding, scored=scored) if decoding else pace.quiet
        work = []
        for sequence in _clients_in_turn(sequences):
            # all rows of logits at once would be vocabulary times room
            part = _block(sequence, min(room, PREFILL_BLOCK) if sequence.params.prompt_logprobs else room)
            room -= part.size
            work.append(part)
            if room < SMALLEST_SHARE:
                break
        return work

    def _turn(self, work: list[Slice]) -> None:
        """Send those that had their turn to the end of the ring."""
        if len(self._running) > 1:
            served = [part.sequence for part in work]
            self._running = deque([*(s for s in self._running if s not in served), *served])

    def drop(self, sequence: "Sequence") -> None:
        """Forget a sequence, wherever it is."""
        if sequence in self._running:
            self._running.remove(sequence)
            return
        queue = self._waiting.get(sequence.request.client)
        if queue is not None and sequence in queue:
            queue.remove(sequence)
            self.waiting -= 1
            if not queue:
                del self._waiting[sequence.request.client]

    def everything(self) -> list["Sequence"]:
        return [*self._running, *(sequence for queue in self._waiting.values() for sequence in queue)]

    @property
    def running(self) -> int:
        return len(self._running)


def _block(sequence: "Sequence", size: int) -> Slice:
    """The next `size` tokens of a sequence that are not computed, or as many as there are."""
    end = min(len(sequence.ids), sequence.computed + size)
    return Slice(sequence, sequence.computed, end, sequence.drafts())


def _clients_in_turn(sequences: Iterable["Sequence"]) -> list["Sequence"]:
    """The first of each client, then the second of each, and so on; within that, in the order given."""
    before: Counter[str] = Counter()
    places = []
    for sequence in sequences:
        places.append((before[sequence.request.client], sequence))
        before[sequence.request.client] += 1
    return [sequence for _, sequence in sorted(places, key=lambda place: place[0])]
