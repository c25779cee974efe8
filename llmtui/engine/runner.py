"""Forwards: what a step computes for which sequences."""

import inspect
from collections.abc import Sequence as SequenceOf
from typing import Any, Protocol

import torch
from torch import Tensor

from llmtui.engine.scheduler import Slice

KVCache = Any  # transformers' DynamicCache; its keys and values belong to the engine's thread


class Runner(Protocol):
    """Computes slices of sequences that share a model."""

    path: str

    def forward(self, work: SequenceOf[Slice]) -> list[Tensor]:
        """One tensor for each slice: [rows, vocab] float32 on the CPU; its last row alone unless `all_rows`."""
        ...


class PlainRunner:
    """One sequence at a time through transformers' own forward and cache: right for every architecture."""

    path = "one sequence at a time"

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
