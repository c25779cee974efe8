"""The sums and the most probable tokens of rows of logits by our own kernel, which reads each row three times."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llmtui.engine import kernels
from llmtui.engine.ranking import FIRST_DEPTH, Beginning

# of a row, for its most probable tokens; where equals are more than these, they are looked for as without a kernel
ROOM = 256


# A row of logits; the highest; the sums of its shares, e^(logit - highest), and of share * ln(share); how many are
# above minus infinity; and the most probable tokens, if there was room for them.
Found = tuple[NDArray[np.float32], float, float, float, int, Beginning | None]


def runs_on(logits: Tensor) -> bool:
    return kernels.KERNELS is not None and logits.device.type == "cpu" and logits.dtype is torch.float32


def find(logits: Tensor) -> list[Found]:
    """Of each row of [rows, vocab] float32 on the CPU."""
    assert kernels.KERNELS is not None
    logits = logits.contiguous()
    count, vocab = logits.shape
    # one piece of memory for all that is found: counts, facts, ids and values, 8 bytes each
    memory = np.empty(count * (5 + 2 * ROOM), np.int64)
    begin = memory.__array_interface__["data"][0]
    counts, facts, ids, values = (begin + 8 * count * words for words in (0, 1, 5, 5 + ROOM))
    kernels.KERNELS.find_facts(logits.data_ptr(), count, vocab, FIRST_DEPTH, facts, ROOM, ids, values, counts)
    all_ids, all_values = memory[5 * count :].reshape(2, count, ROOM)
    found = zip(
        logits.numpy(),
        memory[:count].tolist(),
        memory[count : 5 * count].view(np.float64).reshape(count, 4).tolist(),
        all_ids,
        all_values.view(np.float64),
        strict=True,
    )
    return [
        (row, highest, total, products, vocab - int(impossible), None if n < 0 else (ids[:n], values[:n]))
        for row, n, (highest, total, products, impossible), ids, values in found
    ]
