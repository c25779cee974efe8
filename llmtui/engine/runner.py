"""Forwards: what a step computes for which sequences."""

from collections.abc import Sequence as SequenceOf
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from llmtui.engine.attention import PackedBatch, PackedForward, Span
from llmtui.engine.branch_attention import BranchSpan
from llmtui.engine.forks import Forks, salt_of
from llmtui.engine.kv_cache import FIRST_CAPACITY, KVPool, KVSlab
from llmtui.engine.prefix_cache import BLOCK, PrefixCache
from llmtui.engine.scheduler import PREFILL_BLOCK, Slice

if TYPE_CHECKING:
    from llmtui.engine.sequence import Sequence

# a small model would fill the room with the ends of a thousand requests, which nobody begins with again
PREFIX_CONTEXTS = 16

KVCache = Any  # a KVSlab or transformers' DynamicCache; its keys and values belong to the engine's thread


class Runner(Protocol):
    """Computes slices of sequences that share a model.

    path: how, in words. packs: whether several slices share one forward. rewinds: whether what was computed for
    guesses that did not come true can be computed again. narrow: whether keys and values are kept in bfloat16.
    block: how many tokens of a prompt a forward takes that has no other sequence.
    """

    path: str
    packs: bool
    rewinds: bool
    narrow: bool
    block: int

    @property
    def prefix_bytes(self) -> int:
        """Bytes of keys and values kept of requests, for later ones that begin like them."""
        ...

    @property
    def spare_bytes(self) -> int:
        """Bytes of memory kept for keys and values to come."""
        ...

    @property
    def kept_bytes(self) -> int:
        """All that `forget` lets go."""
        ...

    def keep_at_most(self, limit: int) -> None:
        """So many `prefix_bytes`; none are kept before this is called."""
        ...

    def forget(self) -> None:
        """Let go of what is kept of requests that have ended, and of spare memory."""
        ...

    def begin(self, sequence: "Sequence") -> int:
        """Give a sequence its cache; how many tokens of its prompt that cache holds already."""
        ...

    def end(self, sequence: "Sequence") -> None:
        """It runs no longer; its cache is still there."""
        ...

    def forward(self, work: SequenceOf[Slice]) -> tuple[Tensor, list[int]]:
        """Logits of all slices, [rows, vocab] float32 on the CPU, and how many rows each of them has.

        A slice has its last row alone unless `all_rows`, and then those of its branches.
        """
        ...

    def read(self, ids: SequenceOf[int]) -> Tensor:
        """Logits of every token of a text, computed at once: [tokens, vocab] float32 on the CPU."""
        ...


class PackedRunner:
    """All slices in one forward, their tokens side by side: the weights are read once for all of them.

    context: tokens that the model can hold; beginnings of so many contexts are kept at most. None: of any number.
    narrow: keys and values are kept in bfloat16, for our own attention alone.
    """

    path = "many sequences in one forward"
    packs = True
    rewinds = True
    block = PREFILL_BLOCK

    def __init__(
        self, forward: PackedForward, device: str, context: int | None = None, *, narrow: bool = False
    ) -> None:
        self.forward_rows = forward
        self.narrow = narrow
        self._device = device
        self._pool = KVPool(device, narrow=narrow)
        self._prefixes = PrefixCache(0, context and PREFIX_CONTEXTS * -(-context // BLOCK))
        self._forks = Forks(self._prefixes)

    @property
    def prefix_bytes(self) -> int:
        return self._prefixes.bytes

    @property
    def spare_bytes(self) -> int:
        return self._prefixes.spare_bytes + self._pool.idle_bytes

    @property
    def kept_bytes(self) -> int:
        return self.prefix_bytes + self.spare_bytes

    def keep_at_most(self, limit: int) -> None:
        self._prefixes.limit = limit

    def forget(self) -> None:
        self._prefixes.clear()
        self._pool.clear()

    def begin(self, sequence: "Sequence") -> int:
        # a move copies everything while others wait for their next token
        wanted = sequence.prompt_length + sequence.max_tokens - 1
        sequence.cache = KVSlab(self._pool, min(wanted, 2 * max(sequence.prompt_length, FIRST_CAPACITY)))
        self._forks.begin(sequence)
        if sequence.params.prompt_logprobs:
            return 0  # every row of the prompt is asked for
        with torch.inference_mode():
            # the last token is left to compute: its row gives the first new one
            exact = sequence.params.exact  # a part of a block was not computed as it would be now
            begin = self._prefixes.fill(sequence.cache, sequence.ids[:-1], salt_of(sequence), whole=exact)
            return self._forks.fill(sequence, sequence.cache, begin) if sequence.request.parent else begin

    def end(self, sequence: "Sequence") -> None:
        with torch.inference_mode():
            self._forks.end(sequence)

    def forward(self, work: SequenceOf[Slice]) -> tuple[Tensor, list[int]]:
        spans: list[Span | BranchSpan] = []
        ids: list[int] = []
        all_rows: list[bool] = []
        counts: list[int] = []
        for part in work:
            own, every = part.ids, part.all_rows
            if own:
                spans.append(Span(part.sequence.cache, part.begin, part.begin + len(own)))
                ids += own
                all_rows.append(every)
            if part.branches:
                spans.append(BranchSpan(part.sequence.cache, part.sequence.tails, part.branches))
                ids += [row.id for row in part.branches]
                all_rows.append(True)
            counts.append((len(own) if every or not own else 1) + len(part.branches))
        logits = self._rows(spans, ids, all_rows)
        for part in work:
            self._keep(part.sequence, part.end)
        return logits, counts

    def read(self, ids: SequenceOf[int]) -> Tensor:
        span = Span(KVSlab(self._pool, len(ids)), 0, len(ids))
        return self.forward_spans([span], list(ids), [True])[0]

    def _keep(self, sequence: "Sequence", end: int) -> None:
        """Offer the prefix cache the blocks that are complete now that the tokens up to `end` are computed."""
        if sequence.params.exact:
            # what decoding computes row by row has other bits than the same tokens as a prompt, in blocks
            end = min(end, sequence.prompt_length)
        if end // BLOCK > sequence.offered // BLOCK:
            with torch.inference_mode():
                self._prefixes.keep(sequence.cache, sequence.ids[:end], salt_of(sequence), sequence.offered)
            sequence.offered = end

    def forward_spans(
        self, spans: SequenceOf[Span | BranchSpan], ids: list[int], all_rows: SequenceOf[bool]
    ) -> list[Tensor]:
        """Logits of each span: [rows, vocab] float32 on the CPU, its last row alone where `all_rows` is not set.

        ids: the tokens of all spans, one after the other.
        """
        counts = [len(span.positions) if every else 1 for span, every in zip(spans, all_rows, strict=True)]
        return list(torch.split(self._rows(spans, ids, all_rows), counts))

    def _rows(self, spans: SequenceOf[Span | BranchSpan], ids: list[int], all_rows: SequenceOf[bool]) -> Tensor:
        """The same, one after the other."""
        positions: list[int] = []
        kept: list[int] = []
        for span, every in zip(spans, all_rows, strict=True):
            begin = len(positions)
            positions += span.positions
            end = len(positions)
            kept += range(begin, end) if every else (end - 1,)
        with torch.inference_mode():
            logits = self.forward_rows(
                torch.tensor(ids, device=self._device),
                torch.tensor(positions, device=self._device),
                PackedBatch(spans, self._device),
                None if len(kept) == len(ids) else torch.tensor(kept, device=self._device),
            )
            return logits.float().cpu()
