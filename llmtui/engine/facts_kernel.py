"""The sums and the most probable tokens of rows of logits by our own kernel, which reads each row three times."""

from collections.abc import Sequence

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


def runs_on(outputs: Sequence[Tensor]) -> bool:
    return kernels.KERNELS is not None and outputs[0].device.type == "cpu" and outputs[0].dtype is torch.float32


def find(outputs: Sequence[Tensor]) -> list[Found]:
    """Of each row of each of the outputs, [rows, vocab] float32 on the CPU."""
    assert kernels.KERNELS is not None
    vocab = outputs[0].shape[1]
    outputs = [output.contiguous() for output in outputs]
    addresses = [output.data_ptr() + 4 * vocab * n for output in outputs for n in range(len(output))]
    rows = [row for output in outputs for row in output.numpy()]
    count = len(rows)
    # one piece of memory for all that is found: addresses, counts, facts, ids and values, 8 bytes each
    memory = np.empty(count * (6 + 2 * ROOM), np.int64)
    memory[:count] = addresses
    begin = memory.__array_interface__["data"][0]
    where, counts, facts, ids, values = (begin + 8 * count * words for words in (0, 1, 2, 6, 6 + ROOM))
    kernels.KERNELS.find_facts(where, count, vocab, FIRST_DEPTH, facts, ROOM, ids, values, counts)
    all_ids, all_values = memory[6 * count :].reshape(2, count, ROOM)
    found = zip(
        rows,
        memory[count : 2 * count].tolist(),
        memory[2 * count : 6 * count].view(np.float64).reshape(count, 4).tolist(),
        all_ids,
        all_values.view(np.float64),
        strict=True,
    )
    return [
        (row, highest, total, products, vocab - int(impossible), None if n < 0 else (ids[:n], values[:n]))
        for row, n, (highest, total, products, impossible), ids, values in found
    ]
