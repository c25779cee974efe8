"""How two models differ on the same tokens, and on the same bytes where their tokens differ. Arrays in, numbers out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

LogProbs = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PositionDifference:
    """Two models at one token that both were shown the same beginning of.

    index          of the token, 0 is the first; `id` is the token that is there
    kl_bits        KL(p‖q): what it costs to expect q where p is true; p is the reference
    top1, top1_other  the most probable ids of p and of q
    rank, rank_other  1 + the number of tokens more probable than `id` in p and in q
    """

    index: int
    id: int
    kl_bits: float
    top1: int
    top1_other: int
    rank: int
    rank_other: int

    @property
    def agrees(self) -> bool:
        return self.top1 == self.top1_other


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token's bytes in a text, and its surprisal there; None for the first, which nothing predicts."""

    start: int
    end: int
    bits: float | None


def differences(ids: Sequence[int], p: LogProbs, q: LogProbs) -> list[PositionDifference]:
    """Compare two models position by position.

    ids: the n tokens both were shown. p, q: [n - 1, vocabulary] natural-log probabilities of tokens 1 to n - 1. Where
    one has more columns (padding that no token uses), both are taken over the shared ones.
    """
    shared = min(p.shape[1], q.shape[1])
    p, q = _normalised(p[:, :shared]), _normalised(q[:, :shared])
    kl = kl_bits(p, q)
    return [
        PositionDifference(
            index=row + 1,
            id=ids[row + 1],
            kl_bits=float(kl[row]),
            top1=int(p[row].argmax()),
            top1_other=int(q[row].argmax()),
            rank=int(np.count_nonzero(p[row] > p[row, ids[row + 1]])) + 1,
            rank_other=int(np.count_nonzero(q[row] > q[row, ids[row + 1]])) + 1,
        )
        for row in range(min(len(p), len(q), len(ids) - 1))
    ]


def kl_bits(p: LogProbs, q: LogProbs) -> NDArray[np.float64]:
    """KL(p‖q) of each row, in bits; infinite where p gives probability to what q excludes (Kullback & Leibler 1951)."""
    rows = min(len(p), len(q))
    divergences = np.zeros(rows)
    # row by row: float64 copies of whole arrays would be gigabytes
    for row in range(rows):
        one, other = p[row].astype(np.float64), q[row].astype(np.float64)
        possible = one > -np.inf
        terms = np.exp(one[possible]) * (one[possible] - other[possible])
        divergences[row] = max(0.0, float(terms.sum())) / np.log(2)
    return divergences


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes between two places of a text that are ends of tokens for every model.

    bits: for each model, the surprisal of all its tokens there: what can be compared whatever the tokens are.
    """

    start: int
    end: int
    bits: tuple[float, ...]


def common_spans(models: Sequence[Sequence[ScoredToken]]) -> tuple[Span, ...]:
    """The shortest stretches of bytes that all models scored, from boundary to common boundary, in order.

    models: for each, its tokens of one and the same text, in order.
    """
    common = set.intersection(*(_boundaries(tokens) for tokens in models)) if models else set()
    places = sorted(place for place in common if all(place >= _scored_from(tokens) for tokens in models))
    return tuple(
        Span(start, end, tuple(_bits_between(tokens, start, end) for tokens in models))
        for start, end in pairwise(places)
    )


def bits_per_byte(models: Sequence[Sequence[ScoredToken]]) -> list[float] | None:
    """Surprisal per byte of each model over the bytes that all of them scored; None where there are none.

    models: for each, its tokens of one and the same text, in order.
    """
    spans = common_spans(models)
    if not spans:
        return None
    size = spans[-1].end - spans[0].start
    return [sum(span.bits[place] for span in spans) / size for place in range(len(models))]


def _bits_between(tokens: Sequence[ScoredToken], start: int, end: int) -> float:
    return sum(token.bits or 0.0 for token in tokens if start < token.end <= end)


def _boundaries(tokens: Sequence[ScoredToken]) -> set[int]:
    """The ends of tokens that no token reaches across: several tokens of one character share it."""
    found = set()
    reached = 0
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        reached = max(reached, token.end)
        if following is None or following.start >= reached:
            found.add(reached)
    return found | {0}


def _scored_from(tokens: Sequence[ScoredToken]) -> int:
    """The end of the last token without a surprisal."""
    return max((token.end for token in tokens if token.bits is None), default=0)


def _normalised(logprobs: LogProbs) -> LogProbs:
    top = logprobs.max(axis=1, keepdims=True)
    total: LogProbs = top + np.log(np.exp(logprobs - top).sum(axis=1, keepdims=True))
    difference: LogProbs = logprobs - total
    return difference
