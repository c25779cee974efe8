"""One token out of a ranking by our own kernel: a microsecond for what `sampling.py` does in some thirty steps."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from llmtui.engine import kernels
from llmtui.engine.ranking import Ranking

# `native/draws.h` has the same numbers
KINDS = {"temperature": 0, "top_k": 1, "top_p": 2, "min_p": 3, "greedy": 4}


class Found(NamedTuple):
    """A token, how it stands among all, and what made it: as `sampling.Distribution` and `RawRow` tell it.

    logit, highest  of the token, and of the most probable one
    last, last_id   logit and id of the last token kept; minus infinity and -1 where all are
    left            after each stage how many tokens were kept, and what RAW probability they hold together
    """

    id: int
    rank: int
    ties: int
    logit: float
    highest: float
    last: float
    last_id: int
    kept: int
    mass: float
    left: tuple[tuple[int, float], ...]


def coded(stages: Sequence[tuple[str, float]]) -> bytes | None:
    """Stages as the kernel takes them; None: it does not know all of them, or there is no kernel."""
    if kernels.KERNELS is None or any(name not in KINDS for name, _ in stages):
        return None
    return np.array([(KINDS[name], value) for name, value in stages], np.float64).tobytes()


def draw(ranking: Ranking, log_sum: float, stages: bytes, u: float) -> Found | None:
    """The token at `u`; None where more of the ranking must be known. log_sum: ln of the sum of exp(logits)."""
    assert kernels.KERNELS is not None
    found = kernels.KERNELS.draw(ranking.ids, ranking.values, ranking.row, ranking.size, log_sum, stages, u)
    return None if found is None else Found._make(found)
