"""Forwards: what a step computes for which sequences."""

import inspect
from collections.abc import Sequence as SequenceOf
from typing import Any, Protocol

import torch
from torch import Tensor

from llmtui.engine.attention import PackedBatch, Span, packing, register_attention
from llmtui.engine.kv_cache import KVSlab
from llmtui.engine.scheduler import Slice

KVCache = Any  # a KVSlab or transformers' DynamicCache; its keys and values belong to the engine's thread


class Runner(Protocol):
    """Computes slices of sequences that share a model.

    path: how, in words. packs: whether several slices share one forward.
    """

    path: str
    packs: bool

    def forward(self, work: SequenceOf[Slice]) -> list[Tensor]:
        """One tensor for each slice: [rows, vocab] float32 on the CPU; its last row alone unless `all_rows`."""
        ...


class PlainRunner:
    """One sequence at a time through transformers' own forward and cache: right for every architecture."""

    path = "one sequence at a time"
    packs = False

    def __init__(self, model: Any, device: str) -> None:
        self._model = model
        self._device = device
        self._keeps_rows = "logits_to_keep" in inspect.signature(model.forward).parameters

    def forward(self, work: SequenceOf[Slice]) -> list[Tensor]:
        with torch.inference_mode():
            return [self._forward_one(part) for part in work]

    def _forward_one(self, part: Slice) -> Tensor:
        sequence = part.sequence
        if sequence.cache is None:
            sequence.cache = self._new_cache()
        ids = torch.tensor([sequence.ids[part.begin : part.end]], device=self._device)
        kept = {"logits_to_keep": 0 if part.all_rows else 1} if self._keeps_rows else {}
        output = self._model(input_ids=ids, past_key_values=sequence.cache, use_cache=True, **kept)
        rows: Tensor = output.logits[0] if part.all_rows else output.logits[0, -1:]
        return rows.float().cpu()

    def _new_cache(self) -> KVCache:
        from transformers import DynamicCache

        return DynamicCache(config=self._model.config)


class PackedRunner:
    """All slices in one forward, their tokens side by side: the weights are read once for all of them.

    For models whose attention goes through transformers' interface and asks it for nothing but causal or sliding
    attention; `self_check.find_runner` tells which.
    """

    path = "many sequences in one forward"
    packs = True

    def __init__(self, model: Any, device: str) -> None:
        register_attention()
        self._model = model
        self._device = device

    def forward(self, work: SequenceOf[Slice]) -> list[Tensor]:
        spans = [Span(_slab_of(part), part.begin, part.end) for part in work]
        ids = [i for part in work for i in part.sequence.ids[part.begin : part.end]]
        return self.forward_spans(spans, ids, [part.all_rows for part in work])

    def forward_spans(self, spans: SequenceOf[Span], ids: list[int], all_rows: SequenceOf[bool]) -> list[Tensor]:
        """Logits of each span: [rows, vocab] float32 on the CPU, its last row alone where `all_rows` is not set.

        ids: the tokens of all spans, one after the other.
        """
        positions = [position for span in spans for position in range(span.begin, span.end)]
        kept: list[int] = []
        counts, end = [], 0
        for span, every in zip(spans, all_rows, strict=True):
            begin, end = end, end + span.end - span.begin
            kept.extend(range(begin, end) if every else (end - 1,))
            counts.append(end - begin if every else 1)
        batch = PackedBatch(spans)
        with torch.inference_mode(), packing(self._model.config):
            logits = self._model(
                input_ids=torch.tensor([ids], device=self._device),
                position_ids=torch.tensor([positions], device=self._device),
                past_key_values=batch,
                use_cache=True,
                logits_to_keep=0 if len(kept) == len(ids) else torch.tensor(kept, device=self._device),
                packed=batch,
            ).logits
            return list(logits[0].float().cpu().split(counts))


def _slab_of(part: Slice) -> KVSlab:
    sequence = part.sequence
    if sequence.cache is None:
        sequence.cache = KVSlab(sequence.prompt_length + sequence.max_tokens)
    slab: KVSlab = sequence.cache
    return slab
