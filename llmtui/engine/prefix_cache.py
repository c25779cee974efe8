"""Beginnings that were computed before: keys and values of blocks of tokens, found by the tokens up to their end."""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from llmtui.engine.kv_cache import KVSlab

BLOCK = 64


@dataclass(frozen=True, slots=True)
class Block:
    """Keys and values of the tokens of one block, of each layer: [BLOCK, 2, kv_heads, dim]. Never written to.

    The block at the end of a request has fewer tokens.
    """

    layers: dict[int, Tensor]

    @property
    def bytes(self) -> int:
        return sum(rows.nbytes for rows in self.layers.values())

    def write(self, slab: KVSlab, begin: int, count: int) -> None:
        """Copy the first `count` tokens to a slab, to positions from `begin` on."""
        for layer, rows in self.layers.items():
            slab.write(layer, begin, rows[:count])


class PrefixCache:
    """Blocks of one loaded model, at most `limit` bytes and `most_blocks` of them; the least recently used go first.

    A limit of 0 keeps nothing.

    A block's key is a hash of its tokens and of the key before it, so that equal keys mean equal beginnings. The first
    key comes from a salt: who has another one neither finds a block nor learns from the time it takes that it is there.
    """

    def __init__(self, limit: int, most_blocks: int | None = None) -> None:
        self.limit = limit
        self._most_blocks = most_blocks
        self._blocks: OrderedDict[bytes, Block] = OrderedDict()
        self.bytes = 0

    def fill(self, slab: KVSlab, ids: Sequence[int], salt: str) -> int:
        """Copy the longest known beginning of `ids` to an empty slab; how many tokens it has, a multiple of BLOCK."""
        keys = self._keys(ids, salt)
        known = next((n for n, key in enumerate(keys) if key not in self._blocks), len(keys))
        slab.reserve(known * BLOCK)
        for number, key in enumerate(keys[:known]):
            self._blocks[key].write(slab, number * BLOCK, BLOCK)
        self._touch(keys[:known])
        return known * BLOCK

    def fill_from(self, ids: Sequence[int], end: int, slab: KVSlab, begin: int, salt: str) -> int:
        """Copy positions `begin`, where a block begins, to `end` of a request with these ids that was kept to its rest.

        How many tokens the slab holds then: `begin` where the block is not there any more.
        """
        number = begin // BLOCK
        block = self._blocks.get(self._keys(ids, salt, rest=True)[number]) if begin < end else None
        if block is None or end > begin + BLOCK:
            return begin
        block.write(slab, begin, end - begin)
        return end

    def keep(self, slab: KVSlab, ids: Sequence[int], salt: str, begin: int, *, rest: bool = False) -> None:
        """Copy the whole blocks of `ids`, all of which the slab holds, that end after position `begin`.

        rest: the last one, too, that is not whole.
        """
        if not self.limit:
            return
        keys = self._keys(ids, salt, rest=rest)
        for number in range(begin // BLOCK, len(keys)):
            if keys[number] not in self._blocks:
                block = Block(slab.copy(number * BLOCK, min(len(ids), (number + 1) * BLOCK)))
                self._blocks[keys[number]] = block
                self.bytes += block.bytes
        self._touch(keys)
        while self.bytes > self.limit or (self._most_blocks is not None and len(self._blocks) > self._most_blocks):
            _, oldest = self._blocks.popitem(last=False)
            self.bytes -= oldest.bytes

    def clear(self) -> None:
        """Let all blocks go."""
        self._blocks.clear()
        self.bytes = 0

    def _touch(self, keys: list[bytes]) -> None:
        """Mark a chain as used; its end is older than its beginning, without which it could not be found."""
        for key in reversed(keys):
            if key in self._blocks:
                self._blocks.move_to_end(key)

    @staticmethod
    def _keys(ids: Sequence[int], salt: str, *, rest: bool = False) -> list[bytes]:
        """A key for each whole block of the ids, and for what is left after them if that is asked for."""
        key = hashlib.blake2b(salt.encode("utf-8", errors="surrogatepass"), digest_size=16).digest()
        keys = []
        for begin in range(0, len(ids) if rest else len(ids) - BLOCK + 1, BLOCK):
            key = hashlib.blake2b(key + array("q", ids[begin : begin + BLOCK]).tobytes(), digest_size=16).digest()
            keys.append(key)
        return keys
