"""Attention of single rows by our own kernel: each key and value is read once, by whichever thread's head it is."""

import torch
from torch import Tensor

from llmtui.engine import kernels

# of the numbers of a head
VECTOR, MOST = 16, 256


def runs_on(device: str | torch.device) -> bool:
    """Whether there is a kernel for this device."""
    return kernels.KERNELS is not None and str(device) == "cpu"


def suits(query: Tensor, shelf: Tensor) -> bool:
    """Whether it can do this. query: [n, heads, dim]; shelf: [2, places, kv_heads, capacity, dim]."""
    dim = shelf.shape[-1]
    return runs_on(query.device) and query.dtype is torch.float32 and dim % VECTOR == 0 and dim <= MOST


def attend(
    shelf: Tensor,
    places: Tensor,
    ends: Tensor,
    longest: int,
    query: Tensor,
    rows: Tensor,
    scaling: float | None,
    window: int | None,
) -> Tensor:
    """Write each row's key and value down; its attention over all that its sequence has up to it: [n, heads, dim].

    shelf: [2, places, kv_heads, capacity, dim]; places, ends: each row's place on it and the end of its sequence, [n]
    int64; longest: of the ends. query: [n, heads, dim]; rows: [n, 2, kv_heads, dim]; window: how many positions a row
    sees, itself included, None: all.
    """
    assert kernels.KERNELS is not None
    _, all_places, kv_heads, capacity, dim = shelf.shape
    count, heads, _ = query.shape
    if query.stride()[1:] != (dim, 1):
        query = query.contiguous()
    if rows.stride()[1:] != (kv_heads * dim, dim, 1):
        rows = rows.contiguous()
    attended = torch.empty(count, heads, dim)
    kernels.KERNELS.attend(
        shelf.data_ptr(), all_places, kv_heads, capacity, dim,
        places.data_ptr(), ends.data_ptr(), longest, window or 0,
        query.data_ptr(), query.stride(0), rows.data_ptr(), rows.stride(0), count, heads,
        dim**-0.5 if scaling is None else scaling, attended.data_ptr(),
    )  # fmt: skip
    return attended
