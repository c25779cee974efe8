"""One token out of a ranking by our own kernel: a microsecond for what `sampling.py` does in some thirty steps."""

from collections.abc import Sequence

import numpy as np

from llmtui.engine import kernels
from llmtui.engine.ranking import Ranking

# `native/draws.h` has the same numbers
KINDS = {"temperature": 0, "top_k": 1, "top_p": 2, "min_p": 3, "greedy": 4}
# any larger top_k keeps everything, too
LARGEST = 2**53


# Of a token its id, rank, ties and logit; the highest logit; logit and id of the last token kept, minus infinity and -1
# where all are; how many are kept, and their mass as `sampling.Distribution` has it; and after each stage how many were
# kept and what RAW probability they hold together.
Found = tuple[int, int, int, float, float, float, int, int, float, tuple[tuple[int, float], ...]]


def coded(stages: Sequence[tuple[str, float]]) -> bytes | None:
    """Stages as the kernel takes them; None: it does not know all of them, or there is no kernel."""
    if kernels.KERNELS is None or any(name not in KINDS for name, _ in stages):
        return None
    return np.array([(KINDS[name], min(value, LARGEST)) for name, value in stages], np.float64).tobytes()


def draw(ranking: Ranking, log_sum: float, stages: bytes, u: float) -> Found | None:
    """The token at `u`; None where more of the ranking must be known. log_sum: ln of the sum of exp(logits)."""
    assert kernels.KERNELS is not None
    found: Found | None = kernels.KERNELS.draw(
        ranking.ids, ranking.values, ranking.row, ranking.size, log_sum, stages, u
    )
    return found
