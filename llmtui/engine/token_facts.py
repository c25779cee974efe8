"""What a token's event is made of: the row it was drawn from, or that predicted it, and the draw."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from llmtui.engine.detokenize import Pieces
from llmtui.engine.events import BranchToken, Candidate, Token
from llmtui.engine.lazy import LazyTuple
from llmtui.engine.sampling import Distribution
from llmtui.engine.telemetry import RawRow


@dataclass(frozen=True, slots=True)
class Step:
    """The forward that gave a token its row: its size in rows, and when it began by time.perf_counter_ns."""

    rows: int
    began_ns: int


@dataclass(frozen=True, slots=True)
class Draw:
    """A token, the row and the distribution that it was drawn from, and by which random number; None: greedily."""

    id: int
    raw: RawRow
    dist: Distribution
    u: float | None


def drawn_token(draw: Draw, index: int, text: str, delta: str, step: Step, pieces: Pieces, top: int) -> Token:
    """The event of a token that was drawn; top: how many candidates each distribution gives it."""
    raw = draw.raw
    ids, logprobs, probs = _drawn_columns(draw, top)
    place = ids.index(draw.id)
    rank, ties = raw.rank_and_ties(draw.id)
    return Token(
        index=index,
        id=draw.id,
        bytes=pieces.bytes_of(draw.id),
        text=text,
        delta=delta,
        is_prompt=False,
        is_special=pieces.is_special(draw.id),
        logprob=logprobs[place],
        rank=rank,
        ties=ties,
        entropy_bits=raw.entropy_bits,
        candidates=LazyTuple(partial(_candidates, ids, logprobs, probs, pieces)),
        stages=draw.dist.stages,
        u=draw.u,
        sampled_prob=probs[place],
        rows=step.rows,
        step_ns=time.perf_counter_ns() - step.began_ns,
    )


def drawn_candidates(draw: Draw, pieces: Pieces, top: int) -> LazyTuple[Candidate]:
    """The most probable tokens of both distributions and the one that was drawn."""
    return LazyTuple(partial(_candidates, *_drawn_columns(draw, top), pieces))


def _drawn_columns(draw: Draw, top: int) -> tuple[list[int], list[float], list[float]]:
    """Of each candidate its id, its logprob and its SAMPLED probability."""
    raw, dist = draw.raw, draw.dist
    # of one ranking, the beginning that is kept lies within the beginning of all
    kept = [] if dist.ranking is raw.ranking else dist.ranking.ids[: min(top, dist.kept)].tolist()
    ids = _ranked(raw, top, [*kept, draw.id])
    return ids, raw.logprobs(ids), dist.probs(ids)


def prompt_token(
    raw: RawRow | None, index: int, token_id: int, text: str, step: Step, pieces: Pieces, top: int
) -> Token:
    """The event of a token of a prompt; raw: the row that predicted it, None for the first token."""
    rank, ties = (None, None) if raw is None else raw.checked().rank_and_ties(token_id)
    return Token(
        index=index,
        id=token_id,
        bytes=pieces.bytes_of(token_id),
        text=text,
        delta="",
        is_prompt=True,
        is_special=pieces.is_special(token_id),
        logprob=None if raw is None else raw.logprob(token_id),
        rank=rank,
        ties=ties,
        entropy_bits=None if raw is None else raw.entropy_bits,
        candidates=() if raw is None else prompt_candidates(raw, token_id, pieces, top),
        stages=(),
        u=None,
        sampled_prob=None,
        rows=step.rows,
        step_ns=time.perf_counter_ns() - step.began_ns,
    )


def prompt_candidates(raw: RawRow, token_id: int, pieces: Pieces, top: int) -> LazyTuple[Candidate]:
    """The most probable tokens of a row and the one that came."""
    ids = _ranked(raw, top, [token_id])
    return LazyTuple(partial(_candidates, ids, raw.logprobs(ids), [None] * len(ids), pieces))


def branch_token(raw: RawRow, token_id: int, pieces: Pieces) -> BranchToken:
    return BranchToken(token_id, pieces.bytes_of(token_id), raw.logprob(token_id))


def _ranked(raw: RawRow, top: int, others: list[int]) -> list[int]:
    """The `top` most probable ids and the others, each once, by RAW probability, then id."""
    ids = raw.top(top)
    rest = set(others).difference(ids)
    return ids + sorted(rest, key=lambda i: (-raw.ranking.row[i], i))


def _candidates(
    ids: list[int], logprobs: list[float], probs: Sequence[float | None], pieces: Pieces
) -> tuple[Candidate, ...]:
    facts = zip(ids, logprobs, probs, strict=True)
    return tuple(Candidate(i, pieces.bytes_of(i), logprob, prob) for i, logprob, prob in facts)
