"""The text on disk, and the rows of tokens that training reads."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .corpus.mix import MIXES, SHARES, documents
from .recipe import CONTEXT, Recipe, log, write_atomically

SEPARATOR = "\n\f\n"
Ids = NDArray[np.uint16]


def make_corpus(recipe: Recipe) -> None:
    """Stage `corpus`: write the training text, and held-out text from another seed in the usual mix."""
    for name, seed, megabytes, shares in (
        ("train", recipe.seed, recipe.mb, MIXES[recipe.mix]),
        ("valid", recipe.seed + 10_000, recipe.valid_mb, SHARES),
    ):
        path = recipe.text(name)
        write_documents(path, (text for _, text in documents(seed, int(megabytes * 1e6), shares)))
        log.info("%s: %.1f MB", path, path.stat().st_size / 1e6)


def write_documents(path: Path, texts: Iterable[str]) -> None:
    """Write the texts, each ended by a line with a form feed."""

    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(text + SEPARATOR for text in texts)

    write_atomically(path, write)


def read_documents(path: Path) -> list[str]:
    """The texts that `write_documents` wrote."""
    return path.read_text(encoding="utf-8").split(SEPARATOR)[:-1]


def rows(ids: Ids, starts: NDArray[np.int64], length: int) -> list[int]:
    """Where the rows begin: each with a whole document.

    A document that the end of a row cuts off is repeated at the start of the next row, so that every document that
    fits is seen whole. Rows have `length` tokens and one more, the last target.
    """
    out: list[int] = []
    i = 0
    while i < len(starts) and starts[i] + length + 1 <= len(ids):
        out.append(int(starts[i]))
        cut_off = int(np.searchsorted(starts, starts[i] + length, side="right")) - 1
        i = max(i + 1, cut_off)
    return out


class Split:
    """The tokens of one part of the text, and its rows."""

    def __init__(self, recipe: Recipe, name: str) -> None:
        self.ids: Ids = np.load(recipe.ids(name))
        self.rows = rows(self.ids, np.load(recipe.starts(name)), CONTEXT)

    def batch(self, begins: Iterable[int], length: int) -> NDArray[np.int64]:
        """[rows, length + 1]: the tokens from each begin on."""
        return np.stack([self.ids[begin : begin + length + 1] for begin in begins]).astype(np.int64)
