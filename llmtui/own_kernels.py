"""Whether llmtui's own kernels run here: built with this installation, for instructions that this processor has."""

import sys
from functools import cache
from pathlib import Path

from llmtui.processor import CPUINFO, cpu_flags

NEEDED = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16", "fma"})
# there oneDNN multiplies matrices with AMX, and nobody has measured which is faster
BETTER_SERVED = frozenset({"amx_bf16"})


@cache
def run_here() -> bool:
    """Imports nothing: who only wants to know how much memory a model takes asks, too."""
    return sys.platform == "linux" and are_built() and suit(cpu_flags(CPUINFO))


def are_built() -> bool:
    return any((Path(__file__).parent / "engine").glob("_kernels.*.so"))


def suit(flags: frozenset[str]) -> bool:
    """Whether a processor with these features has what they are made of, and nothing better."""
    return flags >= NEEDED and not flags & BETTER_SERVED
