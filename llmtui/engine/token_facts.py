"""What a token's event is made of: the row it was drawn from, or that predicted it, and the draw."""

import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from llmtui.engine.detokenize import Pieces
from llmtui.engine.draws import Draw
from llmtui.engine.events import BranchToken, Candidate, Token
from llmtui.engine.lazy import LazyTuple
from llmtui.engine.sampling import Odds
from llmtui.engine.telemetry import RawRow, logprob_of


@dataclass(frozen=True, slots=True)
class Step:
    """The forward that gave a token its row: its size in rows, and when it began by time.perf_counter_ns."""

    rows: int
    began_ns: int


def drawn_token(draw: Draw, index: int, text: str, delta: str, step: Step, pieces: Pieces, top: int) -> Token:
    """The event of a token that was drawn; top: how many candidates each distribution gives it."""
    token_id = draw.id
    return Token(
        index=index,
        id=token_id,
        bytes=pieces.bytes_of(token_id),
        text=text,
        delta=delta,
        is_prompt=False,
        is_special=pieces.is_special(token_id),
        logprob=draw.logprob,
        rank=draw.rank,
        ties=draw.ties,
        entropy_bits=draw.raw.entropy_bits,
        candidates=drawn_candidates(draw, pieces, top),
        stages=draw.stages,
        u=draw.u,
        sampled_prob=draw.sampled_prob,
        rows=step.rows,
        step_ns=time.perf_counter_ns() - step.began_ns,
    )


def drawn_candidates(draw: Draw, pieces: Pieces, top: int) -> LazyTuple[Candidate]:
    """The most probable tokens of both distributions and the one that was drawn."""
    if draw.ranking is draw.raw.ranking:
        return _of_one_ranking(draw, pieces, top)
    raw, ranking = draw.raw, draw.ranking
    likely = min(top, draw.kept)
    ranking.sort(likely)
    ids, logits = _ranked(raw, top, [*ranking.ids[:likely].tolist(), draw.id])
    adjusted = ranking.row[ids].tolist()
    return LazyTuple(partial(_drawn_candidates, ids, logits, raw.log_sum, adjusted, draw.odds, pieces))


def _of_one_ranking(draw: Draw, pieces: Pieces, top: int) -> LazyTuple[Candidate]:
    """Of one ranking, the beginning that is kept lies within the beginning of all."""
    ranking = draw.ranking
    ranking.sort(top)
    # in memory of their own: the row's is larger
    ids, logits = ranking.ids[:top].copy(), ranking.values[:top].copy()
    return LazyTuple(
        partial(_beginning_and_drawn, ids, logits, draw.id, draw.logit, draw.raw.log_sum, draw.odds, pieces)
    )


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
    return LazyTuple(partial(_prompt_candidates, *_ranked(raw, top, [token_id]), raw.log_sum, pieces))


def branch_token(raw: RawRow, token_id: int, pieces: Pieces) -> BranchToken:
    return BranchToken(token_id, pieces.bytes_of(token_id), raw.logprob(token_id))


def _ranked(raw: RawRow, top: int, others: list[int]) -> tuple[list[int], list[float]]:
    """The `top` most probable ids and the others, each once, by RAW probability, then id; and their logits."""
    ids = raw.top(top)
    logits: list[float] = raw.ranking.values[: len(ids)].tolist()
    rest = {i for i in others if i not in ids}
    if rest:
        row = raw.ranking.row
        ids += sorted(rest, key=lambda i: (-row[i], i))
        logits += row[ids[len(logits) :]].tolist()
    return ids, logits


# what candidates are made of must not hold the row: somebody may look at them long after


def _drawn_candidates(
    ids: list[int], logits: list[float], log_sum: float, adjusted: list[float], odds: Odds, pieces: Pieces
) -> tuple[Candidate, ...]:
    facts = zip(ids, logits, adjusted, strict=True)
    return tuple(
        Candidate(i, pieces.bytes_of(i), logprob_of(logit, log_sum), odds.prob(i, own)) for i, logit, own in facts
    )


def _beginning_and_drawn(
    top: NDArray[np.int64],
    top_logits: NDArray[np.float64],
    drawn: int,
    drawn_logit: float,
    log_sum: float,
    odds: Odds,
    pieces: Pieces,
) -> tuple[Candidate, ...]:
    ids: list[int] = top.tolist()
    logits: list[float] = top_logits.tolist()
    if drawn not in ids:
        ids.append(drawn)
        logits.append(drawn_logit)
    return _drawn_candidates(ids, logits, log_sum, logits, odds, pieces)


def _prompt_candidates(ids: list[int], logits: list[float], log_sum: float, pieces: Pieces) -> tuple[Candidate, ...]:
    facts = zip(ids, logits, strict=True)
    return tuple(Candidate(i, pieces.bytes_of(i), logprob_of(logit, log_sum), None) for i, logit in facts)
