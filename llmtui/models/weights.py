"""How many weights a model has and of what kind, from the headers of its files: what its memory is estimated by."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmtui.models.safetensors_header import TensorHeader

_HEADS = ("lm_head.weight", "embed_out.weight")
# the last part of an embedding's name; embed_out is gpt_neox's output layer
_EMBEDDING = re.compile(r"wte|wpe|embed_(?!out)\w+|\w*embeddings?")
# transformers holds the experts of a layer as one block with a router before it, and neither is a linear layer
_EXPERTS = re.compile(r"\.experts\.|\.(gate|router)\.weight$")


@dataclass(frozen=True, slots=True)
class WeightCounts:
    """Weights of a model.

    all        each counted once, without stored buffers
    linear     those of them that are matrices of linear layers
    tied_head  of an output layer that shares the embedding's; 0 where it has its own
    """

    all: int = 0
    linear: int = 0
    tied_head: int = 0


def count_weights(tensors: Iterable[TensorHeader], config: Mapping[str, Any]) -> WeightCounts:
    """Count what all files of a model hold."""
    shapes = {tensor.name: tensor for tensor in tensors if not tensor.is_buffer}
    if config.get("tie_word_embeddings") is True:
        shapes.pop("lm_head.weight", None)
    matrices = [tensor for tensor in shapes.values() if len(tensor.shape) == 2 and tensor.name.endswith("weight")]
    embeddings = [tensor.elements for tensor in matrices if _is_embedding(tensor.name)]
    experts = [tensor.elements for tensor in matrices if _EXPERTS.search(tensor.name)]
    has_head = any(name.endswith(_HEADS) for name in shapes)
    return WeightCounts(
        all=sum(tensor.elements for tensor in shapes.values()),
        linear=sum(tensor.elements for tensor in matrices) - sum(embeddings) - sum(experts),
        tied_head=0 if has_head else max(embeddings, default=0),
    )


def _is_embedding(name: str) -> bool:
    return _EMBEDDING.fullmatch(name.split(".")[-2] if "." in name else name) is not None
