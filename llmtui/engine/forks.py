"""Running requests that another may name as its parent. Of those that ended, the prefix cache has all that is kept."""

from typing import TYPE_CHECKING

from llmtui.engine.kv_cache import KVSlab
from llmtui.engine.prefix_cache import PrefixCache, common

if TYPE_CHECKING:
    from llmtui.engine.sequence import Sequence as Generation


class Forks:
    """Finds parents by their ids, and copies what a child has in common with its own to the token.

    Whole blocks are in the prefix cache anyway. Of the block in which the two part, or which the parent has not filled
    yet, the rows before that point are copied from the parent's slab. Whoever has another salt finds no parent. Exact
    ones have none: what comes after the last whole block would have been computed in blocks of another size.
    """

    def __init__(self, prefixes: PrefixCache) -> None:
        self._prefixes = prefixes
        self._running: dict[str, Generation] = {}

    def begin(self, generation: "Generation") -> None:
        """From now on others may name it."""
        if not generation.params.exact:
            self._running[generation.request.request_id] = generation

    def end(self, generation: "Generation") -> None:
        """It runs no longer: keep its last block, too, which is not whole."""
        if self._running.pop(generation.request.request_id, None) is not None and generation.computed:
            ids = generation.ids[: generation.computed]
            self._prefixes.keep(generation.cache, ids, salt_of(generation), generation.offered, rest=True)

    def fill(self, child: "Generation", slab: KVSlab, begin: int) -> int:
        """Copy to the child's slab, from position `begin` on, what its parent has; how many tokens it has then."""
        parent = self._running.get(child.request.parent or "")
        if parent is None or salt_of(parent) != salt_of(child):
            return begin
        end = common(parent.ids[: parent.computed], child.ids[:-1])
        if end > begin:
            for layer in parent.cache.shelf.layers:
                slab.put(layer, begin, parent.cache.view(layer, begin, end))
        return max(begin, end)


def salt_of(generation: "Generation") -> str:
    """Who may share keys and values: requests of one client, and exact ones only what exact ones computed."""
    return f"{'exact' if generation.params.exact else 'any'} {generation.request.client}"
