"""How fast this machine reads memory, and how much of it a model reads for a token: the limit of decoding.

A token of one stream needs every weight once, so that weights' bytes times tokens per second cannot pass the bandwidth
of where the weights are: of memory, or of a cache that is large enough for them.
"""

import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

GIB = 1 << 30
LEAST_BUFFER = GIB
# a buffer so many times the last cache is read from memory in all but a fourth of it, at most
TIMES_CACHE = 4
COLUMNS = 4096
METHOD = "matrix-vector products over a float32 buffer, with the engine's threads"


def read_bandwidth(buffer_bytes: int, passes: int, device: str = "cpu") -> list[float]:
    """Bytes per second of each pass over a buffer: a matrix-vector product, which reads each number once."""
    matrix = torch.ones(max(1, buffer_bytes // (4 * COLUMNS)), COLUMNS, device=device)
    vector = torch.ones(COLUMNS, device=device)
    speeds = []
    for counted in range(-1, passes):
        began = time.perf_counter()
        torch.mv(matrix, vector)[0].item()  # the number is there only when the product is done, on a GPU, too
        if counted >= 0:
            speeds.append(matrix.nbytes / (time.perf_counter() - began))
    return speeds


def buffer_size(cache_bytes: int | None, free_bytes: int) -> int:
    """Bytes to read so that the last cache hardly helps, but no more than a quarter of the memory that is free."""
    return min(max(LEAST_BUFFER, TIMES_CACHE * (cache_bytes or 0)), free_bytes // 4)


def last_cache_bytes(folder: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> int | None:
    """The size of the processor's last cache, as Linux tells it; None where it does not."""
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    sizes = []
    for file in sorted(folder.glob("index*/size")):
        text = file.read_text().strip()
        if text[:-1].isdigit() and text[-1:] in units:
            sizes.append(int(text[:-1]) * units[text[-1]])
    return max(sizes, default=None)


def weight_bytes_per_token(model: nn.Module) -> int:
    """Bytes of weights that a forward over one token reads, each once.

    Tables of embeddings do not count, a row of them is read, but for one that is the output layer, too. Of a mixture
    of experts all count, though a token meets a few.
    """
    storages: dict[int, int] = {}
    packed = 0
    for module in model.modules():
        own: Any = getattr(module, "weight_bytes", None)
        if isinstance(own, int):
            packed += own
        elif not isinstance(module, nn.Embedding):
            for parameter in module.parameters(recurse=False):
                storage = parameter.untyped_storage()
                storages[storage.data_ptr()] = parameter.nbytes
    return packed + sum(storages.values())
