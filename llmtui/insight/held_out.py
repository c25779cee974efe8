"""What a dtype costs: how well a model predicts text of the kind that the embedded model was trained on."""

import math
from collections.abc import Iterable

import torch
from torch.nn import functional

from llmtui.engine.loaded import LoadedModel
from llmtui.models.training.corpus.mix import documents

HELD_OUT_SEED = 20_261_123


def held_out_texts(size: int) -> list[str]:
    """At least `size` bytes of the training text's generator from a seed that training never used; always the same."""
    return [text for _, text in documents(HELD_OUT_SEED, size)]


def bits_per_byte(loaded: LoadedModel, texts: Iterable[str]) -> float:
    """Surprisal of the texts in bits, divided by their UTF-8 bytes; for `Engine.run_job`.

    Each text is cut to the context. Its first token is given, so neither its bits nor its bytes count. The bits of
    special tokens count; they have no bytes.
    Source: the cross-entropy of transformers' loss, in bits; bytes make models with other tokenizers comparable.
    """
    bits, size = 0.0, 0
    for text in texts:
        ids = loaded.tokenize(text)[: loaded.info.context]
        logits = loaded.runner.read(ids)[:-1]
        bits += functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="sum").item() / math.log(2)
        size += sum(len(loaded.pieces.bytes_of(i)) for i in ids[1:] if not loaded.pieces.is_special(i))
    return bits / size
