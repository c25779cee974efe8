"""Beginnings that were computed before, of models that run one sequence at a time: in transformers' own caches.

A layer that keeps all positions never writes to the tensors it has: what a request computed can be kept for those to
come, and taken from one that runs, without a copy. Layers that keep something else (a window, a state) have no
beginnings to give.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from llmtui.engine.forks import salt_of
from llmtui.engine.prefix_cache import BLOCK, common

if TYPE_CHECKING:
    from llmtui.engine.sequence import Sequence as Generation


# whoever begins looks at all of them
MOST = 16


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """Tokens, and their keys and values of each layer: [1, kv_heads, at least as many, dim]."""

    salt: str
    ids: Sequence[int]
    layers: list[tuple[Tensor, Tensor]]

    @property
    def bytes(self) -> int:
        return sum(keys.nbytes + values.nbytes for keys, values in self.layers)

    def begins(self, other: "Beginning") -> bool:
        """Whether all of it is the beginning of the other one."""
        return self.salt == other.salt and common(self.ids, other.ids) == len(self.ids)


class PlainPrefixes:
    """What the last requests computed, at most MOST of them and `limit` bytes, the least recently used go first.

    A running request gives what it has so far to one that names it as its parent. Who has another salt finds nothing.
    """

    def __init__(self) -> None:
        self.limit = 0
        self._kept: list[Beginning] = []
        self._running: dict[str, Generation] = {}

    @property
    def bytes(self) -> int:
        return sum(known.bytes for known in self._kept)

    def begin(self, generation: "Generation") -> int:
        """Give a sequence's empty cache the longest beginning that is known; how many tokens it has."""
        parent = self._running.get(generation.request.parent or "")
        of_parent = None if parent is None else _computed(parent)
        self._running[generation.request.request_id] = generation
        known = [*self._kept, *(() if of_parent is None else (of_parent,))]
        longest = max(known, key=lambda beginning: _shared(beginning, generation), default=None)
        count = 0 if longest is None else _shared(longest, generation)
        if longest is None or not count or not _keeps_all(generation.cache):
            return 0
        for number, (keys, values) in enumerate(longest.layers):
            generation.cache.update(keys[:, :, :count], values[:, :, :count], number)
        if longest is not of_parent:
            self._kept.remove(longest)
            self._kept.append(longest)
        return count

    def end(self, generation: "Generation") -> None:
        """It runs no longer: keep what it computed, if none that is kept begins with it."""
        self._running.pop(generation.request.request_id, None)
        computed = _computed(generation)
        if computed is None or computed.bytes > self.limit or any(computed.begins(other) for other in self._kept):
            return
        self._kept = [*(other for other in self._kept if not other.begins(computed)), computed][-MOST:]
        while self.bytes > self.limit:
            self._kept.pop(0)

    def clear(self) -> None:
        """Let all that is kept go."""
        self._kept.clear()


def _computed(generation: "Generation") -> Beginning | None:
    """What it has computed so far; None where its cache does not keep all of it."""
    if not _keeps_all(generation.cache):
        return None
    # of exact ones what decoding computed has other bits than the same tokens as a prompt, in blocks
    end = min(generation.computed, generation.prompt_length) if generation.params.exact else generation.computed
    layers = generation.cache.layers
    if not end or not all(layer.is_initialized and layer.keys.shape[2] >= end for layer in layers):
        return None
    return Beginning(salt_of(generation), tuple(generation.ids[:end]), [(layer.keys, layer.values) for layer in layers])


def _shared(beginning: Beginning, generation: "Generation") -> int:
    """How many first tokens it need not compute; the last one is left: its row gives the first new one."""
    if beginning.salt != salt_of(generation) or generation.params.prompt_logprobs:
        return 0
    count = common(beginning.ids, generation.ids[:-1])
    return count // BLOCK * BLOCK if generation.params.exact else count


def _keeps_all(cache: Any) -> bool:
    from transformers.cache_utils import DynamicLayer

    return cache is not None and all(type(layer) is DynamicLayer for layer in cache.layers)
