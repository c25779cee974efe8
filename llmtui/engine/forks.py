"""Requests that another may name as its parent: those that run, and the latest that ended."""

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from llmtui.engine.kv_cache import KVSlab
from llmtui.engine.prefix_cache import Block, PrefixCache

if TYPE_CHECKING:
    from llmtui.engine.sequence import Sequence as Generation

REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Trail:
    """The tokens that a request which has ended had computed, and who may share them."""

    salt: str
    ids: Sequence[int]


class Forks:
    """Finds parents by their ids, and copies what a child has in common with its own to the token.

    Whole blocks are in the prefix cache anyway, under the child's own tokens. Of the block in which the two part, or
    which the parent did not fill, the rows before that point are copied: from the parent's slab while it runs, from the
    prefix cache afterwards. Whoever has another salt finds no parent. Exact ones have none: what comes after the last
    whole block would have been computed in blocks of another size.
    """

    def __init__(self, prefixes: PrefixCache) -> None:
        self._prefixes = prefixes
        self._running: dict[str, Generation] = {}
        self._ended: OrderedDict[str, Trail] = OrderedDict()

    def begin(self, generation: "Generation") -> None:
        """From now on others may name it."""
        if not generation.params.exact:
            self._running[generation.request.request_id] = generation

    def end(self, generation: "Generation") -> None:
        """It runs no longer: remember its tokens, and keep its last block, which is not whole."""
        request_id = generation.request.request_id
        if self._running.pop(request_id, None) is None or not generation.computed:
            return
        salt, ids = salt_of(generation), array("q", generation.ids[: generation.computed])
        self._prefixes.keep(generation.cache, ids, salt, generation.computed, rest=True)
        self._ended[request_id] = Trail(salt, ids)
        self._ended.move_to_end(request_id)
        if len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)

    def fill(self, child: "Generation", slab: KVSlab, begin: int) -> int:
        """Copy to the child's slab, from position `begin` on, what its parent has of it; how many tokens it has then.

        begin: where the whole blocks end that were found.
        """
        parent, salt, wanted = child.request.parent or "", salt_of(child), child.ids[:-1]
        running, ended = self._running.get(parent), self._ended.get(parent)
        if running is not None and salt_of(running) == salt:
            end = common(running.ids[: running.computed], wanted)
            if end > begin:
                Block(running.cache.copy(begin, end)).write(slab, begin, end - begin)
            return max(begin, end)
        if ended is not None and ended.salt == salt:
            return self._prefixes.fill_from(ended.ids, common(ended.ids, wanted), slab, begin, salt)
        return begin

    def clear(self) -> None:
        """Forget those that ended."""
        self._ended.clear()


def salt_of(generation: "Generation") -> str:
    """Who may share keys and values: requests of one client, and exact ones only what exact ones computed."""
    return f"{'exact' if generation.params.exact else 'any'} {generation.request.client}"


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two sequences have in common from their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
