"""Which of llmtui's own kernels run here: built with this installation, for instructions that this processor has."""

import sys
from functools import cache
from pathlib import Path
from typing import Final

from llmtui.processor import CPUINFO, cpu_flags

NEEDED: Final = {
    "AVX-512": frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16", "fma"}),
    "AVX2": frozenset({"avx2", "fma"}),
}
"""What each build of them is made of, the fastest first."""
# there oneDNN multiplies matrices with AMX, and nobody has measured which is faster
BETTER_SERVED = frozenset({"amx_bf16"})


@cache
def run_here() -> str | None:
    """The instructions of those that run; None: none do.

    Imports nothing: who only wants to know how much memory a model takes asks, too.
    """
    found = [name for name in suit(cpu_flags(CPUINFO)) if is_built(name)] if sys.platform == "linux" else []
    return found[0] if found else None


def module_of(instructions: str) -> str:
    """The name, in `llmtui.engine`, of the module built of these instructions, as pyproject.toml has it."""
    return f"_kernels_{instructions.replace('-', '').lower()}"


def is_built(instructions: str) -> bool:
    return any((Path(__file__).parent / "engine").glob(f"{module_of(instructions)}.*.so"))


def suit(flags: frozenset[str]) -> list[str]:
    """The builds for a processor with these features, the fastest first; none where something serves it better."""
    return [] if flags & BETTER_SERVED else [name for name, needed in NEEDED.items() if flags >= needed]
