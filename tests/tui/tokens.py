"""Tokens for tests of the screen, made without a model."""

import math
from collections.abc import Sequence

from llmtui.engine.events import Candidate, Stage, Token


def make_token(
    data: bytes = b" cat",
    *,
    index: int = 0,
    id: int = 1,
    is_prompt: bool = False,
    is_special: bool = False,
    prob: float | None = 0.5,
    rank: int | None = 1,
    ties: int | None = 0,
    entropy_bits: float | None = 1.0,
    candidates: Sequence[Candidate] = (),
    stages: Sequence[Stage] = (),
    u: float | None = None,
    sampled_prob: float | None = None,
) -> Token:
    """A token with these facts; `prob` is RAW, None for a first token."""
    first = prob is None
    return Token(
        index=index,
        id=id,
        bytes=data,
        text=data.decode("utf-8", "replace"),
        delta=data.decode("utf-8", "replace"),
        is_prompt=is_prompt,
        is_special=is_special,
        logprob=None if prob is None else math.log(prob),
        rank=None if first else rank,
        ties=None if first else ties,
        entropy_bits=None if first else entropy_bits,
        candidates=tuple(candidates),
        stages=tuple(stages),
        u=u,
        sampled_prob=sampled_prob,
        rows=1,
        step_ns=1_000_000,
    )


def make_candidate(id: int, data: bytes, prob: float, sampled_prob: float | None = None) -> Candidate:
    return Candidate(id=id, bytes=data, logprob=math.log(prob), sampled_prob=sampled_prob)


def bits(value: float) -> float:
    """The probability of so many bits."""
    return 2.0**-value


def make_tokens(words: Sequence[bytes], *, surprisal: float = 1.0) -> list[Token]:
    return [make_token(word, index=place, id=place, prob=bits(surprisal)) for place, word in enumerate(words)]
