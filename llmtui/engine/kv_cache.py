"""A sequence's keys and values: written in place, and never copied but when a slab doubles."""

from torch import Tensor

FIRST_CAPACITY = 128


class KVSlab:
    """Keys and values of one sequence, for each layer a slab [1, kv_heads, capacity, dim] that doubles when full.

    limit: tokens that the sequence can reach; no slab grows beyond it. bytes: of all slabs.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keys: dict[int, Tensor] = {}
        self._values: dict[int, Tensor] = {}
        self.bytes = 0

    @property
    def layers(self) -> int:
        """How many layers have written to it."""
        return len(self._keys)

    def write(self, layer: int, begin: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Put down the keys and values of positions from `begin` on; views of all up to the last of them.

        keys, values: [1, kv_heads, rows, dim]. Writing the same positions again replaces them.
        """
        rows = keys.shape[2]
        end = begin + rows
        slab = self._keys.get(layer)
        if slab is None or end > slab.shape[2]:
            self._keys[layer] = self._grown(slab, begin, end, keys)
            self._values[layer] = self._grown(self._values.get(layer), begin, end, values)
        key_slab, value_slab = self._keys[layer], self._values[layer]
        key_slab.narrow(2, begin, rows).copy_(keys)
        value_slab.narrow(2, begin, rows).copy_(values)
        return key_slab.narrow(2, 0, end), value_slab.narrow(2, 0, end)

    def view(self, layer: int, begin: int, end: int) -> tuple[Tensor, Tensor]:
        """Keys and values of positions `begin` to `end`, to be read: [kv_heads, end - begin, dim]."""
        return self._keys[layer][0, :, begin:end], self._values[layer][0, :, begin:end]

    def copy(self, begin: int, end: int) -> dict[int, tuple[Tensor, Tensor]]:
        """Keys and values of positions `begin` to `end`, of each layer, in memory of their own."""
        return {
            layer: (keys[:, :, begin:end].clone(), self._values[layer][:, :, begin:end].clone())
            for layer, keys in self._keys.items()
        }

    def _grown(self, slab: Tensor | None, begin: int, end: int, like: Tensor) -> Tensor:
        capacity = FIRST_CAPACITY
        while capacity < end:
            capacity *= 2
        grown = like.new_empty(1, like.shape[1], max(end, min(capacity, self._limit)), like.shape[3])
        self.bytes += grown.nbytes
        if slab is not None:
            self.bytes -= slab.nbytes
            grown[:, :, :begin] = slab[:, :, :begin]
        return grown
