"""What the weights of a model's linear layers may be held as, what each costs, and how a model's name says which."""

from dataclasses import dataclass
from typing import Final

from llmtui.setting_values import DTYPES

HELD_OUT_BYTES: Final = 12_000
"""How much held-out text the bits per byte below were measured on; `insight/held_out.py` measures them again."""


@dataclass(frozen=True, slots=True)
class DtypeCost:
    """What holding the linear layers so costs on a CPU.

    weight_bytes   of one weight of a linear layer; everything else stays float32
    bits_per_byte  of the embedded model on text it never saw, by our own kernels where they know the dtype,
                   of AVX-512 (of AVX2 bfloat16 has 0.15343, the others the same)
    flags          of /proc/cpuinfo, one of which torch's kernel needs where our own do not run; none: any CPU runs it
    needs          the same in words
    """

    weight_bytes: int
    bits_per_byte: float
    flags: tuple[str, ...] = ()
    needs: str = ""


COSTS: Final[dict[str, DtypeCost]] = {
    "float32": DtypeCost(4, 0.15344),
    "bfloat16": DtypeCost(2, 0.15342, ("avx512_bf16", "amx_bf16"), "AVX512-BF16 or AMX"),
    "float16": DtypeCost(2, 0.15344),
    "int8": DtypeCost(1, 0.15350, ("avx512_vnni",), "AVX512-VNNI"),
}


def split_dtype(text: str) -> tuple[str, str | None]:
    """The name and the dtype of `NAME@DTYPE`; an @ that no dtype follows belongs to the name, and there is None."""
    name, at, suffix = text.rpartition("@")
    return (name, suffix) if at and name and suffix in DTYPES else (text, None)
