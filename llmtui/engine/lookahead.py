"""What would have come instead: the alternatives of a token, each continued greedily in rows beside the real ones.

Pure bookkeeping of one sequence: which rows to compute next, and what came of them. A round begins with each newest
token for which there are rows; several rounds are under way at once, one step of depth apart.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from llmtui.engine.events import Branch, BranchToken, Lookahead

# Rows of a forward, the real ones included, beyond which none is added for lookahead.
LOOKAHEAD_ROWS = 16


@dataclass(frozen=True, slots=True)
class BranchRow:
    """One row to compute: the latest token of a branch.

    start  position of the alternative, the first token that the sequence itself does not have
    step   how many tokens the branch has before this one
    slot   where its keys and values lie
    """

    id: int
    start: int
    step: int
    slot: int

    @property
    def position(self) -> int:
        return self.start + self.step


@dataclass(slots=True)
class _Growing:
    """A branch under way; `full`: nothing more is asked of it."""

    alternative: BranchToken
    slot: int
    tokens: list[BranchToken] = field(default_factory=list)
    full: bool = False

    @property
    def latest(self) -> int:
        return self.tokens[-1].id if self.tokens else self.alternative.id


@dataclass(slots=True)
class _Round:
    """The branches of one token's alternatives."""

    index: int
    branches: list[_Growing]

    def event(self) -> Lookahead:
        branches = ((branch.alternative, tuple(branch.tokens)) for branch in self.branches)
        return Lookahead(self.index, tuple(Branch(a.id, a.bytes, a.logprob, tokens) for a, tokens in branches))


class Explorer:
    """The rounds of one sequence.

    depth    tokens that each alternative is continued by
    context  positions that the model has: a branch ends there, and with a token of `end_ids`
    """

    def __init__(self, depth: int, context: int, end_ids: Collection[int]) -> None:
        self.depth = depth
        self._context = context
        self._end_ids = end_ids
        self._rounds: list[_Round] = []
        self._free = list(range(LOOKAHEAD_ROWS))
        self._next: tuple[int, Sequence[BranchToken]] | None = None

    def offer(self, index: int, alternatives: Sequence[BranchToken]) -> None:
        """A token was drawn: the next round may begin with its alternatives, in place of what was offered before."""
        self._next = (index, alternatives) if alternatives and index < self._context else None

    def rows(self, room: int) -> tuple[BranchRow, ...]:
        """What to compute in the next forward, at most `room` rows; the offer is taken if it fits in.

        Where those under way need more than the room, nothing is computed: `drop` them.
        """
        under_way = self._under_way()
        if self._next is not None and len(under_way) + len(self._next[1]) <= room:
            index, alternatives = self._next
            self._next = None
            begun = _Round(index, [_Growing(token, self._free.pop()) for token in alternatives])
            self._rounds.append(begun)
            under_way += [(begun, branch) for branch in begun.branches]
        if len(under_way) > room:
            return ()
        return tuple(BranchRow(b.latest, r.index, len(b.tokens), b.slot) for r, b in under_way)

    def accept(self, tokens: Sequence[BranchToken]) -> list[Lookahead]:
        """Take the greedy continuations of the rows asked for, in their order; the rounds that are complete now."""
        for (around, branch), token in zip(self._under_way(), tokens, strict=True):
            branch.tokens.append(token)
            length = len(branch.tokens)
            at_end = around.index + length >= self._context
            if length == self.depth or token.id in self._end_ids or at_end:
                branch.full = True
                self._free.append(branch.slot)
        complete = [around for around in self._rounds if all(branch.full for branch in around.branches)]
        self._forget(complete)
        return [around.event() for around in complete]

    def drop(self) -> list[Lookahead]:
        """Give up all rounds; those that have come to something, as far as they came."""
        told = [around.event() for around in self._rounds if any(branch.tokens for branch in around.branches)]
        self._forget(list(self._rounds))
        return told

    def _under_way(self) -> list[tuple[_Round, _Growing]]:
        return [(around, branch) for around in self._rounds for branch in around.branches if not branch.full]

    def _forget(self, rounds: list[_Round]) -> None:
        for around in rounds:
            self._rounds.remove(around)
            self._free += [branch.slot for branch in around.branches if not branch.full]
