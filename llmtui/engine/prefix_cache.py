"""Beginnings that were computed before: keys and values of blocks of tokens, found by the tokens up to their end."""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from torch import Tensor

from llmtui.engine.kv_cache import KVSlab

BLOCK = 64
# memory of so many blocks that went is kept for those to come, of no more bytes than blocks may have
SPARE_BLOCKS = 16


@dataclass(frozen=True, slots=True)
class Block:
    """Tokens, and their keys and values of each layer: [2, kv_heads, BLOCK, dim]. Never written to while it is kept.

    The block at the end of a request has fewer than BLOCK of them, in as much memory: pieces of many sizes that come
    and go in any order leave holes in a process's memory, which then grows. before: the key of the block that it
    follows.
    """

    before: bytes
    ids: Sequence[int]
    layers: dict[int, Tensor]

    @property
    def bytes(self) -> int:
        return sum(known.nbytes for known in self.layers.values())

    def write(self, slab: KVSlab, begin: int, count: int) -> None:
        """Copy the first `count` tokens to a slab, to positions from `begin` on."""
        for layer, known in self.layers.items():
            slab.put(layer, begin, known[:, :, :count])


class PrefixCache:
    """Blocks of one loaded model, at most `limit` bytes and `most_blocks` of them; the least recently used go first.

    A limit of 0 keeps nothing.

    A block's key is a hash of its tokens and of the key before it, so that equal keys mean equal beginnings. The first
    key comes from a salt: who has another one neither finds a block nor learns from the time it takes that it is there.
    Where a beginning leaves the known blocks, it may still share the first tokens of one that follows them.
    """

    def __init__(self, limit: int, most_blocks: int | None = None) -> None:
        self.limit = limit
        self._most_blocks = most_blocks
        self._blocks: OrderedDict[bytes, Block] = OrderedDict()
        self._spare: list[Block] = []
        # by the key before them and their first token
        self._following: dict[tuple[bytes, int], list[bytes]] = {}
        self.bytes = 0

    @property
    def spare_bytes(self) -> int:
        """Of the memory that is kept for blocks to come."""
        return sum(block.bytes for block in list(self._spare))

    def fill(self, slab: KVSlab, ids: Sequence[int], salt: str, *, whole: bool = False) -> int:
        """Copy the longest known beginning of `ids` to an empty slab; how many tokens it has.

        whole: nothing but whole blocks.
        """
        keys = self._keys(ids, salt)
        known = next((n for n, key in enumerate(keys[1:]) if key not in self._blocks), len(keys) - 1)
        begin = known * BLOCK
        key, shared = (keys[known], 0) if whole else self._longest_after(keys[known], ids[begin : begin + BLOCK])
        slab.reserve(begin + shared)
        for number, whole_key in enumerate(keys[1 : known + 1]):
            self._blocks[whole_key].write(slab, number * BLOCK, BLOCK)
        if shared:
            self._blocks[key].write(slab, begin, shared)
        self._touch([*keys[1 : known + 1], key])
        return begin + shared

    def keep(self, slab: KVSlab, ids: Sequence[int], salt: str, begin: int, *, rest: bool = False) -> None:
        """Copy the whole blocks of `ids`, all of which the slab holds, that end after position `begin`.

        rest: the last one, too, that is not whole.
        """
        if not self.limit:
            return
        keys = self._keys(ids, salt, rest=rest)
        for number in range(begin // BLOCK, len(keys) - 1):
            end = min(len(ids), (number + 1) * BLOCK)
            own = array("q", ids[number * BLOCK : end])
            key, shared = self._longest_after(keys[number], own)
            if shared == len(own):
                keys[number + 1] = key  # there is one that begins like it, if not itself
            else:
                memory = self._spare.pop().layers if self._spare else {}
                slab.copy_to(memory, number * BLOCK, end, BLOCK)
                self._add(keys[number + 1], Block(keys[number], own, memory))
        self._touch(keys[1:])
        while self.bytes > self.limit or (self._most_blocks is not None and len(self._blocks) > self._most_blocks):
            self._remove(next(iter(self._blocks)))

    def clear(self) -> None:
        """Let all blocks go."""
        self._blocks.clear()
        self._spare.clear()
        self._following.clear()
        self.bytes = 0

    def _longest_after(self, before: bytes, ids: Sequence[int]) -> tuple[bytes, int]:
        """Of the blocks that follow one, the key of that which shares most of its first tokens with `ids`; how many."""
        rivals = self._following.get((before, ids[0]), ()) if ids else ()
        return max(((key, common(self._blocks[key].ids, ids)) for key in rivals), key=_shared, default=(before, 0))

    def _add(self, key: bytes, block: Block) -> None:
        """Keep a block in place of those that it begins with, to the last of their tokens."""
        rivals = self._following.setdefault((block.before, block.ids[0]), [])
        for rival in [k for k in rivals if common(self._blocks[k].ids, block.ids) == len(self._blocks[k].ids)]:
            self._remove(rival)
        self._following.setdefault((block.before, block.ids[0]), []).append(key)
        self._blocks[key] = block
        self.bytes += block.bytes

    def _remove(self, key: bytes) -> None:
        block = self._blocks.pop(key)
        self.bytes -= block.bytes
        # all blocks are of one size
        if len(self._spare) < SPARE_BLOCKS and (len(self._spare) + 1) * block.bytes <= self.limit:
            self._spare.append(block)
        rivals = self._following[block.before, block.ids[0]]
        rivals.remove(key)
        if not rivals:
            del self._following[block.before, block.ids[0]]

    def _touch(self, keys: list[bytes]) -> None:
        """Mark a chain as used; its end is older than its beginning, without which it could not be found."""
        for key in reversed(keys):
            if key in self._blocks:
                self._blocks.move_to_end(key)

    @staticmethod
    def _keys(ids: Sequence[int], salt: str, *, rest: bool = False) -> list[bytes]:
        """The salt's key, one for each whole block of the ids, and for what is left after them if that is asked for."""
        keys = [hashlib.blake2b(salt.encode("utf-8", errors="surrogatepass"), digest_size=16).digest()]
        for begin in range(0, len(ids) if rest else len(ids) - BLOCK + 1, BLOCK):
            own = array("q", ids[begin : begin + BLOCK]).tobytes()
            keys.append(hashlib.blake2b(keys[-1] + own, digest_size=16).digest())
        return keys


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two sequences have in common from their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


def _shared(found: tuple[bytes, int]) -> int:
    return found[1]
