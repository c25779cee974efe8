"""Keys and values of running sequences: written in place, and side by side, so that one call attends for many.

Memory comes in shelves. A shelf has places of one capacity: of each layer a tensor [2, places, kv_heads, capacity,
dim], the keys, then the values, so that the heads of all places are one batch of matrices. A sequence holds one place
and moves to one of twice the capacity when that is full, so that those who share a shelf are of similar length.

Where keys and values come or go as the rows of a forward, they are [n, 2, kv_heads, dim]. They are kept in the type in
which they come, or in bfloat16, where our own attention reads them: half the memory, and half of what is read of it.
"""

import math
import mmap
import sys

import torch
from torch import Tensor

FIRST_CAPACITY = 128
MOST_PLACES = 16
# of one shelf: beyond that, what one call more for each sequence costs is nothing beside what it computes
SHELF_TOKENS = 16384

# shelves that nobody uses keep so much: memory that is new takes longer to come than keys and values to be copied
KEPT_BYTES = 128 << 20

NOWHERE = torch.empty(0, dtype=torch.int64)


class Shelf:
    """Places of one capacity. The memory for a layer is made when its first row is written.

    narrow: it is of bfloat16.
    """

    def __init__(self, capacity: int, places: int, *, narrow: bool = False) -> None:
        self.capacity = capacity
        self._narrow = narrow
        self._used = [0] * places
        self._touched = [0] * places
        self._free = set(range(places))
        self.layers: dict[int, Tensor] = {}
        self._addresses = NOWHERE

    @property
    def full(self) -> bool:
        return not self._free

    def take(self) -> int:
        """The lowest free place: those in use lie together."""
        place = min(self._free)
        self._free.discard(place)
        with torch.inference_mode():
            # rows that are masked count nothing, but an infinity times nothing is no number
            for rows in self.layers.values():
                rows[:, place, :, : self._used[place]] = 0
        return place

    def give_back(self, place: int, used: int) -> None:
        """used: how many rows were written."""
        self._used[place] = used
        self._touched[place] = max(used, self._touched[place])
        self._free.add(place)

    @property
    def idle(self) -> bool:
        """Whether nobody has a place on it."""
        return len(self._free) == len(self._used)

    @property
    def touched_bytes(self) -> int:
        """Of its memory what was ever written: the rest is not there."""
        of_all_rows = sum(known.nbytes for known in self.layers.values())
        return sum(self._touched) * of_all_rows // (len(self._used) * self.capacity)

    def clear(self) -> None:
        """Let its memory go, of which nobody has a place."""
        self.layers.clear()
        self._addresses = NOWHERE
        self._used = [0] * len(self._used)
        self._touched = self._used.copy()

    def rows(self, layer: int, like: Tensor) -> Tensor:
        """[2, places, kv_heads, capacity, dim] of a layer; like: rows that are about to be written."""
        known = self.layers.get(layer)
        if known is None:
            _, two, heads, dim = like.shape
            dtype = torch.bfloat16 if self._narrow else like.dtype
            known = self.layers[layer] = _zeros((two, len(self._used), heads, self.capacity, dim), dtype, like.device)
        return known

    def addresses(self, layers: int, kv_heads: int, dim: int) -> Tensor:
        """Of `rows` of so many layers, for rows in float32: [layers] int64."""
        if len(self._addresses) < layers:
            like = torch.empty(0, 2, kv_heads, dim)
            self._addresses = torch.tensor([self.rows(layer, like).data_ptr() for layer in range(layers)])
        return self._addresses

    def shape(self, kv_heads: int, dim: int) -> tuple[bool, int, int, int, int]:
        """Whether it is of bfloat16, its places, heads of keys, capacity and numbers of a head."""
        return self._narrow, len(self._used), kv_heads, self.capacity, dim


class KVPool:
    """The shelves of one model on one device. narrow: of bfloat16, for our own attention alone."""

    def __init__(self, device: str = "cpu", *, narrow: bool = False) -> None:
        self._narrow = narrow
        # memory that nobody has touched costs nothing on a CPU alone
        self._shelf_tokens = SHELF_TOKENS if device == "cpu" else 0
        self._shelves: dict[int, list[Shelf]] = {}
        # and what each of them keeps, that which was used last at the end
        self._idle: dict[Shelf, int] = {}

    @property
    def idle_bytes(self) -> int:
        """Of the memory of shelves that nobody uses, kept for those who come: at most KEPT_BYTES."""
        return sum(list(self._idle.values()))

    def place(self, capacity: int) -> tuple[Shelf, int]:
        """A free place for so many tokens."""
        shelves = self._shelves.setdefault(capacity, [])
        shelf = next((shelf for shelf in shelves if not shelf.full), None)
        if shelf is None:
            shelf = Shelf(capacity, max(1, min(MOST_PLACES, self._shelf_tokens // capacity)), narrow=self._narrow)
            shelves.append(shelf)
        place = shelf.take()
        self._idle.pop(shelf, None)
        return shelf, place

    def give_back(self, shelf: Shelf, place: int, used: int) -> None:
        """A place is free again. used: how many of its rows were written."""
        shelf.give_back(place, used)
        if not shelf.idle:
            return
        kept = shelf.touched_bytes
        if kept > KEPT_BYTES:
            shelf.clear()
            return
        self._idle[shelf] = kept
        while self.idle_bytes > KEPT_BYTES:
            self._clear(next(iter(self._idle)))

    def clear(self) -> None:
        """Let the memory of shelves that nobody uses go."""
        for shelf in list(self._idle):
            self._clear(shelf)

    def _clear(self, idle: Shelf) -> None:
        del self._idle[idle]
        idle.clear()


class KVSlab:
    """Keys and values of one sequence: its place on a shelf, which is free again when nothing refers to the slab.

    room: for so many tokens it need not move.
    """

    def __init__(self, pool: KVPool | None = None, room: int = FIRST_CAPACITY) -> None:
        self._pool = pool or KVPool()
        self._length = 0
        self.shelf, self.place = self._pool.place(capacity_for(room))

    def __del__(self) -> None:
        self._pool.give_back(self.shelf, self.place, self._length)

    @property
    def layers(self) -> int:
        """How many layers have written to its shelf."""
        return len(self.shelf.layers)

    @property
    def bytes(self) -> int:
        """What its place takes."""
        return sum(rows[:, 0].nbytes for rows in list(self.shelf.layers.values()))

    def reserve(self, end: int) -> None:
        """Have room for positions below `end`; what is there moves if it must."""
        if end > self.shelf.capacity:
            shelf, place = self._pool.place(capacity_for(end))
            for layer in self.shelf.layers:
                known = self.view(layer, 0, self._length)
                shelf.rows(layer, _by_position(known))[:, place, :, : self._length] = known
            self._pool.give_back(self.shelf, self.place, self._length)
            self.shelf, self.place = shelf, place
        self._length = max(self._length, end)

    def write(self, layer: int, begin: int, rows: Tensor) -> Tensor:
        """Put down keys and values of positions from `begin` on; a view of all up to the last: [2, kv_heads, end, dim].

        rows: [n, 2, kv_heads, dim]. Writing the same positions again replaces them.
        """
        end = begin + rows.shape[0]
        self.reserve(end)
        place = self.shelf.rows(layer, rows)[:, self.place]
        place[:, :, begin:end] = rows.permute(1, 2, 0, 3)
        return place[:, :, :end]

    def view(self, layer: int, begin: int, end: int) -> Tensor:
        """Keys and values of positions `begin` to `end`, to be read: [2, kv_heads, end - begin, dim]."""
        return self.shelf.layers[layer][:, self.place, :, begin:end]

    def copy_to(self, memory: dict[int, Tensor], begin: int, end: int, room: int) -> None:
        """Copy positions `begin` to `end` of each layer to the first ones of its memory.

        memory: [2, kv_heads, room, dim] of each layer, made where it is not there.
        """
        for layer in self.shelf.layers:
            known = self.view(layer, begin, end)
            if layer not in memory:
                two, heads, _, dim = known.shape
                memory[layer] = known.new_empty(two, heads, room, dim)
            memory[layer][:, :, : end - begin] = known

    def put(self, layer: int, begin: int, known: Tensor) -> None:
        """Put down [2, kv_heads, n, dim], as `view` gives it, at positions from `begin` on."""
        end = begin + known.shape[2]
        self.reserve(end)
        self.shelf.rows(layer, _by_position(known))[:, self.place, :, begin:end] = known


def _by_position(known: Tensor) -> Tensor:
    """[2, kv_heads, n, dim] as rows: [n, 2, kv_heads, dim]."""
    return known.permute(2, 0, 1, 3)


def capacity_for(tokens: int) -> int:
    """Of the smallest place that holds so many."""
    capacity = FIRST_CAPACITY
    while capacity < tokens:
        capacity *= 2
    return capacity


def _zeros(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """On a CPU, memory that is not there before it is touched; torch's own zeros are written at once."""
    if device.type != "cpu":
        return torch.zeros(shape, dtype=dtype, device=device)
    count = math.prod(shape)
    return torch.frombuffer(_untouched(count * dtype.itemsize), dtype=dtype, count=count).view(shape)


def _untouched(size: int) -> mmap.mmap:
    if sys.platform == "win32":
        return mmap.mmap(-1, size)
    # private: shared pages, Python's default, take half as long again to come and three times as long to go
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
