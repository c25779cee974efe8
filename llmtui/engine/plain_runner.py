"""Forwards of one sequence at a time, by the model's own forward."""

import inspect
import sys
from collections.abc import Sequence as SequenceOf
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from llmtui.engine.plain_prefixes import PlainPrefixes
from llmtui.engine.scheduler import PREFILL_BLOCK, Slice

if TYPE_CHECKING:
    from llmtui.engine.sequence import Sequence


class PlainRunner:
    """One sequence at a time through transformers' own forward and cache."""

    path = "one sequence at a time"
    packs = False
    narrow = False
    block = PREFILL_BLOCK
    spare_bytes = 0

    def __init__(self, model: Any, device: str) -> None:
        self._model = model
        self._device = device
        self._keeps_rows = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._prefixes = PlainPrefixes()
        self.rewinds = bool(self.new_cache().is_croppable)

    @property
    def prefix_bytes(self) -> int:
        return self._prefixes.bytes

    @property
    def kept_bytes(self) -> int:
        return self.prefix_bytes

    def keep_at_most(self, limit: int) -> None:
        self._prefixes.limit = limit

    def forget(self) -> None:
        self._prefixes.clear()

    def begin(self, sequence: "Sequence") -> int:
        sequence.cache = self.new_cache()
        if sequence.params.speculate:
            # else layers with a sliding window keep nothing beyond it, and could not go back
            sequence.cache.activate_past_recording()
        with torch.inference_mode():
            return self._prefixes.begin(sequence)

    def end(self, sequence: "Sequence") -> None:
        self._prefixes.end(sequence)
        sequence.cache = None

    def new_cache(self) -> Any:
        """One that holds nothing."""
        from transformers import DynamicCache

        return DynamicCache(config=self._model.config)

    def forward(self, work: SequenceOf[Slice]) -> tuple[Tensor, list[int]]:
        with torch.inference_mode():
            rows = [self._forward_one(part) for part in work]
            return torch.cat(rows), [len(own) for own in rows]

    def read(self, ids: SequenceOf[int]) -> Tensor:
        return read_whole(self._model, ids, self._device)

    def read_on(self, cache: Any, ids: SequenceOf[int], *, all_rows: bool) -> Tensor:
        """Logits of tokens that follow those in a cache, which gets them, too; `all_rows`, or of the last one alone."""
        kept = {"logits_to_keep": 0 if all_rows else 1} if self._keeps_rows else {}
        with torch.inference_mode():
            input_ids = torch.tensor([list(ids)], device=self._device)
            output = self._model(input_ids=input_ids, past_key_values=cache, use_cache=True, **kept)
            rows: Tensor = output.logits[0] if all_rows else output.logits[0, -1:]
            return rows.float().cpu()

    def _forward_one(self, part: Slice) -> Tensor:
        cache = part.sequence.cache
        if part.sequence.params.speculate and part.begin:
            # what the last step computed for guesses that did not come true; with 0, windows go back to their width
            cache.crop(part.begin - cache.get_seq_length())
        return self.read_on(cache, part.ids, all_rows=part.all_rows)


class WholeTextRunner:
    """One sequence at a time, each token from all that comes before it, computed anew.

    For models whose forward does not go on where a cache of transformers' ends: without one, or with a state of theirs.
    """

    path = "one sequence at a time, its whole text for each token"
    packs = False
    rewinds = True
    narrow = False
    # each block would begin anew
    block = sys.maxsize
    prefix_bytes = spare_bytes = kept_bytes = 0

    def __init__(self, model: Any, device: str) -> None:
        self._model = model
        self._device = device

    def keep_at_most(self, limit: int) -> None:
        """There is nothing to keep."""

    def forget(self) -> None:
        """There is nothing to forget."""

    def begin(self, sequence: "Sequence") -> int:
        del sequence
        return 0

    def end(self, sequence: "Sequence") -> None:
        """It has no cache."""

    def forward(self, work: SequenceOf[Slice]) -> tuple[Tensor, list[int]]:
        rows = [self._forward_one(part) for part in work]
        return torch.cat(rows), [len(own) for own in rows]

    def read(self, ids: SequenceOf[int]) -> Tensor:
        return read_whole(self._model, ids, self._device)

    def _forward_one(self, part: Slice) -> Tensor:
        logits = self.read([*part.sequence.ids[: part.begin], *part.ids])
        return logits[part.begin :] if part.all_rows else logits[-1:]


def read_whole(model: Any, ids: SequenceOf[int], device: str) -> Tensor:
    """Logits of every token of a text, by the model's own forward: [tokens, vocab] float32 on the CPU."""
    with torch.inference_mode():
        logits: Tensor = model(input_ids=torch.tensor([list(ids)], device=device)).logits
        return logits[0].float().cpu()
