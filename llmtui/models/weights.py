"""How many weights a model has and of what kind, from the headers of its files: what its memory is estimated by."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmtui import own_kernels
from llmtui.models.safetensors_header import TensorHeader

_HEADS = ("lm_head.weight", "embed_out.weight")
# the last part of an embedding's name; embed_out is gpt_neox's output layer
_EMBEDDING = re.compile(r"wte|wpe|embed_(?!out)\w+|\w*embeddings?")
# GPT-2's kind of linear layer, Conv1D, is stored as [inputs, outputs]
_TRANSPOSED = ("gpt2", "openai-gpt")
# FBGEMM computes int8 layers of fewer weights than this, oneDNN the larger ones, many rows of which it does faster
FEWEST_WEIGHTS_FOR_ONEDNN = 8 << 20
# FBGEMM holds an output's weights in blocks of so many inputs
FBGEMM_BLOCK = 512
# our own kernels hold so many outputs together, and of each so many inputs
PANEL, WORD = 16, 4
# transformers holds the experts of a layer as one block with a router before it, and neither is a linear layer
_EXPERTS = re.compile(r"\.experts\.|\.(gate|router)\.weight$")


@dataclass(frozen=True, slots=True)
class WeightCounts:
    """Weights of a model.

    all         each counted once, without stored buffers
    linear      those of them that are matrices of linear layers
    tied_head   of an output layer that shares the embedding's; 0 where it has its own
    int8_bytes  that the linear layers and a tied head take in int8
    """

    all: int = 0
    linear: int = 0
    tied_head: int = 0
    int8_bytes: int = 0


def count_weights(tensors: Iterable[TensorHeader], config: Mapping[str, Any]) -> WeightCounts:
    """Count what all files of a model hold."""
    shapes = {tensor.name: tensor for tensor in tensors if not tensor.is_buffer}
    if config.get("tie_word_embeddings") is True:
        shapes.pop("lm_head.weight", None)
    matrices = [tensor for tensor in shapes.values() if len(tensor.shape) == 2 and tensor.name.endswith("weight")]
    embeddings = [tensor for tensor in matrices if _is_embedding(tensor.name)]
    linear = [t for t in matrices if not _is_embedding(t.name) and _EXPERTS.search(t.name) is None]
    has_head = any(name.endswith(_HEADS) for name in shapes)
    tied = [] if has_head else sorted(embeddings, key=lambda tensor: tensor.elements)[-1:]
    flip = -1 if config.get("model_type") in _TRANSPOSED else 1
    return WeightCounts(
        all=sum(tensor.elements for tensor in shapes.values()),
        linear=sum(tensor.elements for tensor in linear),
        tied_head=sum(tensor.elements for tensor in tied),
        int8_bytes=sum(int8_bytes(*t.shape[::flip]) for t in linear) + sum(int8_bytes(*t.shape) for t in tied),
    )


def int8_bytes(outputs: int, inputs: int) -> int:
    """Of a linear layer in int8 but for its bias: weights as its kernel holds them, and 2 or 3 numbers an output."""
    if own_kernels.run_here():
        return -(-outputs // PANEL) * PANEL * (-(-inputs // WORD) * WORD + 2 * 4)
    block = FBGEMM_BLOCK if outputs * inputs < FEWEST_WEIGHTS_FOR_ONEDNN else 1
    return outputs * (-(-inputs // block) * block + 3 * 4)


def _is_embedding(name: str) -> bool:
    return _EMBEDDING.fullmatch(name.split(".")[-2] if "." in name else name) is not None
