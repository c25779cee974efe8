"""Text to token ids, once, before training."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import tokenizer
from .dataset import Ids, read_documents
from .recipe import Recipe, log, needed, write_atomically

CHUNK = 2000  # documents encoded at a time


def encode(recipe: Recipe) -> None:
    """Stage `encode`: save the ids of all documents in a row, each ended by <|endoftext|>, and where they start."""
    bpe = tokenizer.load(recipe).backend_tokenizer
    end = bpe.token_to_id(tokenizer.END_OF_TEXT)
    for name in ("train", "valid"):
        documents = read_documents(needed(recipe.text(name), "corpus"))
        parts: list[Ids] = []
        for i in range(0, len(documents), CHUNK):
            encodings = bpe.encode_batch_fast(documents[i : i + CHUNK])
            parts += [np.array([*encoding.ids, end], dtype=np.uint16) for encoding in encodings]
        ids = np.concatenate(parts)
        lengths = [len(part) for part in parts]
        _save(recipe.ids(name), ids)
        _save(recipe.starts(name), np.cumsum([0, *lengths[:-1]], dtype=np.int64))
        log.info("%s: %d tokens, %.2f characters per token", name, len(ids), sum(map(len, documents)) / len(ids))


def _save(path: Path, array: Ids | NDArray[np.int64]) -> None:
    def write(part: Path) -> None:
        with part.open("wb") as file:
            np.save(file, array)

    write_atomically(path, write)
