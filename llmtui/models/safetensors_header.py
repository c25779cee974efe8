"""What a safetensors file holds, read from its header alone: no torch, no weights in memory."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The format's own limit: safetensors refuses to open a longer header.
MAX_HEADER_BYTES = 100_000_000
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


class HeaderError(ValueError):
    """The file is no whole safetensors file; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """One tensor: its name in the file, its shape, and its dtype in torch's word."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def is_buffer(self) -> bool:
        """Whether it is a table that old checkpoints store beside the weights: causal masks, rotary frequencies."""
        is_mask = len(self.shape) == 4 and self.shape[:2] == (1, 1) and self.shape[2] == self.shape[3]
        return is_mask or self.name.endswith(("masked_bias", "rotary_emb.inv_freq", "position_ids"))


def read_header(path: Path) -> tuple[TensorHeader, ...]:
    """The tensors of one safetensors file, in the header's order.

    Layout: 8 bytes little-endian header length, a JSON object, then the data that the header's offsets point into.
    Raises HeaderError if the header is broken or the file is shorter than it says, OSError if it cannot be read.
    Source: the format's description in the safetensors repository.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
            raise HeaderError("is not a whole safetensors file")
        raw = file.read(length)
    try:
        entries = {name: entry for name, entry in json.loads(raw).items() if name != "__metadata__"}
        ends = [int(entry["data_offsets"][1]) for entry in entries.values()]
        tensors = tuple(_tensor(name, entry) for name, entry in entries.items())
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise HeaderError("has a broken safetensors header") from None
    missing = 8 + length + max(ends, default=0) - size
    if missing > 0:
        raise HeaderError(f"is cut off: {missing} bytes are missing")
    return tensors


def _tensor(name: str, entry: dict[str, Any]) -> TensorHeader:
    code = str(entry["dtype"])
    return TensorHeader(name, tuple(int(length) for length in entry["shape"]), DTYPES.get(code, code.lower()))
