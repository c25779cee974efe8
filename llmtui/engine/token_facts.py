"""What a token's event is made of: the row it was drawn from, or that predicted it, and the draw."""

import time
from dataclasses import dataclass
from functools import partial

from llmtui.engine.detokenize import Pieces
from llmtui.engine.events import BranchToken, Candidate, Token
from llmtui.engine.lazy import LazyTuple
from llmtui.engine.sampling import Distribution, Odds
from llmtui.engine.telemetry import RawRow, logprob_of


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
    rank, ties = raw.rank_and_ties(draw.id)
    odds = draw.dist.odds
    return Token(
        index=index,
        id=draw.id,
        bytes=pieces.bytes_of(draw.id),
        text=text,
        delta=delta,
        is_prompt=False,
        is_special=pieces.is_special(draw.id),
        logprob=raw.logprob(draw.id),
        rank=rank,
        ties=ties,
        entropy_bits=raw.entropy_bits,
        candidates=drawn_candidates(draw, odds, pieces, top),
        stages=draw.dist.stages,
        u=draw.u,
        sampled_prob=odds.prob(draw.id, float(draw.dist.ranking.row[draw.id])),
        rows=step.rows,
        step_ns=time.perf_counter_ns() - step.began_ns,
    )


def drawn_candidates(draw: Draw, odds: Odds, pieces: Pieces, top: int) -> LazyTuple[Candidate]:
    """The most probable tokens of both distributions and the one that was drawn."""
    raw, dist = draw.raw, draw.dist
    if dist.ranking is raw.ranking:
        # of one ranking, the beginning that is kept lies within the beginning of all
        ids, logits = _ranked(raw, top, [draw.id])
        adjusted = logits
    else:
        ids, logits = _ranked(raw, top, [*dist.ranking.ids[: min(top, dist.kept)].tolist(), draw.id])
        adjusted = dist.ranking.row[ids].tolist()
    return LazyTuple(partial(_drawn_candidates, ids, logits, raw.log_sum, adjusted, odds, pieces))


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


def _prompt_candidates(ids: list[int], logits: list[float], log_sum: float, pieces: Pieces) -> tuple[Candidate, ...]:
    facts = zip(ids, logits, strict=True)
    return tuple(Candidate(i, pieces.bytes_of(i), logprob_of(logit, log_sum), None) for i, logit in facts)
