"""From a row of logits to one token, with every stage on the record.

The vocabulary is ranked once by (logit, then lower id), and only as deep as needed. Bias and penalties change logits;
the temperature divides all of them; every filter then keeps a beginning of the ranking, so that the state between two
stages is one number: how many are kept. The draw is the inverse of the cumulative distribution at one float64 `u`.
The stages follow transformers' logits processors (generation/logits_process.py), which the tests hold them against.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llmtui.engine.events import Stage
from llmtui.engine.requests import SamplingParams, StageOrder

FIRST_DEPTH = 64
NEXT_DEPTH = 1024
# A sum of probabilities that reaches its limit but for float64 rounding has reached it.
ROUNDING = 1e-12

_ORDERS = {
    StageOrder.TRANSFORMERS: ("temperature", "top_k", "top_p", "min_p", "typical_p"),
    StageOrder.LLAMA_CPP: ("top_k", "typical_p", "top_p", "min_p", "temperature"),
}
_OFF = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0}


class Ranking:
    """The tokens of a row of logits, most probable first, equals by id; sorted only as deep as asked for.

    logits: [vocab] float32 on the CPU; -inf marks tokens that cannot be drawn and are not ranked.
    """

    def __init__(self, logits: Tensor, depth: int = FIRST_DEPTH) -> None:
        self.logits = logits
        self.row = logits.numpy()  # the same memory: NumPy counts and compares a row several times faster
        self.size = int(np.count_nonzero(self.row > -math.inf))
        self.ids: NDArray[np.int64] = np.empty(0, np.int64)
        self.values: NDArray[np.float64] = np.empty(0, np.float64)
        self.sort(depth)

    @classmethod
    def of_all(cls, logits: Tensor) -> "list[Ranking]":
        """The rankings of many rows, [n, vocab], in one pass."""
        depth = FIRST_DEPTH + 1
        if logits.shape[1] <= depth:
            return [cls(row) for row in logits]
        top = torch.topk(logits, depth)
        values, ids = top.values.numpy(), top.indices.numpy()
        order = np.lexsort((ids, -values))
        values, ids = np.take_along_axis(values, order, 1), np.take_along_axis(ids, order, 1)
        # equals of the last one may be anywhere; a row with tokens left out, or with what is no number, is rare
        plain = (values[:, -2] > values[:, -1]) & (logits.amin(-1).numpy() > -math.inf)
        return [
            cls._with(row, ids[n, :-1], values[n, :-1].astype(np.float64)) if plain[n] else cls(row)
            for n, row in enumerate(logits)
        ]

    @classmethod
    def _with(cls, logits: Tensor, ids: NDArray[np.int64], values: NDArray[np.float64]) -> "Ranking":
        """Of a row without -inf, whose beginning is known."""
        ranking = cls.__new__(cls)
        ranking.logits, ranking.row, ranking.size = logits, logits.numpy(), len(logits)
        ranking.ids, ranking.values = ids, values
        return ranking

    def sort(self, depth: int) -> None:
        """Make at least the first `depth` tokens available in `ids` and `values`, with all equals of the last one."""
        depth = min(depth, self.size)
        if depth <= len(self.ids):
            return
        if depth > NEXT_DEPTH:
            depth = self.size
        ids = torch.topk(self.logits, depth, sorted=False).indices.numpy()
        if depth < self.size:
            last = self.row[ids].min()
            ids = np.concatenate((ids[self.row[ids] > last], np.flatnonzero(self.row == last)))
        values = self.row[ids]
        order = np.lexsort((ids, -values))
        self.ids = ids[order]
        self.values = values[order].astype(np.float64)

    def deepen(self) -> bool:
        """Sort further, in the few steps that pay; False if everything is sorted."""
        if len(self.ids) >= self.size:
            return False
        self.sort(NEXT_DEPTH if len(self.ids) < NEXT_DEPTH else self.size)
        return True


@dataclass(frozen=True, slots=True)
class Distribution:
    """The SAMPLED distribution: the first `kept` tokens of a ranking at a temperature; temperature 0 is greedy.

    log_total: natural log of the sum over the kept tokens of exp(logit / temperature)
    """

    ranking: Ranking
    kept: int
    temperature: float
    stages: tuple[Stage, ...]
    log_total: float

    def prob(self, token_id: int) -> float:
        """SAMPLED probability of a token; 0.0 if a stage dropped it."""
        value = float(self.ranking.row[token_id])
        if value == -math.inf or not self._is_kept(token_id, value):
            return 0.0
        return math.exp(value / self.temperature - self.log_total)

    def draw(self, u: float) -> int:
        """The token at `u` in [0, 1): the first whose cumulative probability, most probable first, exceeds u."""
        while True:
            # float64: the cumulative sum of 150k float32 terms misses 1.0 by more than u's resolution
            cumulative = np.cumsum(np.exp(self.ranking.values[: self.kept] / self.temperature - self.log_total))
            place = int(np.searchsorted(cumulative, u, side="right"))
            if place < len(cumulative):
                return int(self.ranking.ids[place])
            if len(cumulative) >= self.kept or not self.ranking.deepen():
                # rounding left u above the last sum: the last token that adds to it is meant
                return int(self.ranking.ids[int(np.searchsorted(cumulative, cumulative[-1], side="left"))])

    def _is_kept(self, token_id: int, value: float) -> bool:
        if self.kept >= self.ranking.size:
            return True
        last = self.ranking.values[self.kept - 1]
        return bool(value > last or (value == last and token_id <= self.ranking.ids[self.kept - 1]))


def adjust(logits: Tensor, params: SamplingParams, prompt: Mapping[int, int], generated: Mapping[int, int]) -> Tensor:
    """Logits after bias and penalties; the row itself if there are none.

    logits: [vocab] float32. prompt, generated: how often each token id occurs there.
    Repetition: Keskar et al. 2019, over prompt and generation. Frequency and presence: OpenAI's, over the generation.
    """
    if params.logit_bias:
        ids = _in_vocabulary(params.logit_bias, len(logits))
        logits = logits.clone()
        logits[ids] += torch.tensor([params.logit_bias[i] for i in ids], dtype=torch.float32)
    seen = list(prompt.keys() | generated.keys())
    if params.repetition_penalty != 1.0 and seen:
        values = logits[seen]
        penalty = params.repetition_penalty
        logits = logits.clone()
        logits[seen] = torch.where(values < 0, values * penalty, values / penalty)
    if (params.frequency_penalty or params.presence_penalty) and generated:
        counts = torch.tensor(list(generated.values()), dtype=torch.float32)
        logits = logits.clone()
        logits[list(generated)] -= counts * params.frequency_penalty + params.presence_penalty
    return logits


def distribution(
    logits: Tensor,
    params: SamplingParams,
    raw_logits: Tensor | None = None,
    raw_log_sum: float | None = None,
    known: Ranking | None = None,
) -> Distribution:
    """What the next token is drawn from: the stages of `params` in its order over a row of adjusted logits.

    logits: [vocab] float32 on the CPU. raw_logits and the log of their summed exponentials give each stage's RAW mass;
    without them the adjusted ones stand in. known: a ranking, used if it is of these very logits.
    """
    raw = logits if raw_logits is None else raw_logits
    raw_sum = float(torch.logsumexp(raw, dim=-1)) if raw_log_sum is None else raw_log_sum
    greedy = params.temperature == 0
    depth = max(FIRST_DEPTH, params.top_k if params.top_k <= NEXT_DEPTH else 0)
    ranking = known if known is not None and known.logits is logits else Ranking(logits, depth)
    kept, temperature = ranking.size, 1.0
    stages: list[Stage] = []

    def record(name: str, value: float) -> None:
        stages.append(Stage(name, value, kept, _raw_mass(ranking, kept, raw, raw_sum)))

    if greedy:
        kept = 1
        record("greedy", 0.0)
        return Distribution(ranking, 1, 1.0, tuple(stages), log_total(ranking, 1, 1.0))
    for name in _ORDERS[params.stage_order]:
        value = getattr(params, name)
        if value == _OFF[name]:
            continue
        match name:
            case "temperature":
                temperature = value
            case "top_k":
                kept = keep_top_k(ranking, kept, value)
            case "top_p":
                kept = keep_top_p(ranking, kept, temperature, value)
            case "min_p":
                kept = keep_min_p(ranking, kept, temperature, value)
            case "typical_p":
                ranking = keep_typical(ranking, kept, temperature, value)
                kept = ranking.size
        record(name, value)
    return Distribution(ranking, kept, temperature, tuple(stages), log_total(ranking, kept, temperature))


def keep_top_k(ranking: Ranking, kept: int, k: int) -> int:
    """How many the k most probable are, ties with the k-th included (TopKLogitsWarper)."""
    if k >= kept:
        return kept
    ranking.sort(k)
    equals = int(np.searchsorted(-ranking.values, -ranking.values[k - 1], side="right"))
    return min(kept, equals)


def keep_top_p(ranking: Ranking, kept: int, temperature: float, p: float) -> int:
    """How many it takes, most probable first, for their probability to reach p; at least one (TopPLogitsWarper)."""
    log_sum = log_total(ranking, kept, temperature)
    while True:
        probs = np.exp(ranking.values[:kept] / temperature - log_sum)
        before = np.cumsum(probs) - probs
        count = int(np.searchsorted(before, p - ROUNDING, side="left"))
        if count < len(probs) or len(probs) >= kept or not ranking.deepen():
            return max(1, min(count, kept))


def keep_min_p(ranking: Ranking, kept: int, temperature: float, min_p: float) -> int:
    """How many are at least min_p times as probable as the most probable one (MinPLogitsWarper)."""
    limit = math.log(min_p) * temperature - ROUNDING
    while True:
        count = int(np.searchsorted(-(ranking.values[:kept] - ranking.values[0]), -limit, side="right"))
        if count < len(ranking.values[:kept]) or len(ranking.ids) >= kept or not ranking.deepen():
            return max(1, count)


def keep_typical(ranking: Ranking, kept: int, temperature: float, mass: float) -> Ranking:
    """The tokens whose surprisal is closest to the entropy, until they hold `mass` (Meister et al. 2022,
    TypicalLogitsWarper). They are no beginning of the ranking, so this makes a ranking of its own."""
    ranking.sort(kept)
    log_probs = ranking.values[:kept] / temperature - log_total(ranking, kept, temperature)
    probs = np.exp(log_probs)
    entropy = -float(np.sum(probs * log_probs))
    distance = np.abs(-log_probs - entropy)
    order = np.argsort(distance, kind="stable")
    last = min(int(np.sum(np.cumsum(probs[order]) < mass)), kept - 1)
    chosen = torch.from_numpy(ranking.ids[:kept][distance <= distance[order][last]])
    logits = torch.full_like(ranking.logits, -math.inf)
    logits[chosen] = ranking.logits[chosen]
    return Ranking(logits)


def log_total(ranking: Ranking, kept: int, temperature: float) -> float:
    """Natural log of the sum over the first `kept` tokens of exp(logit / temperature), in float64 where it is short."""
    if kept >= ranking.size:
        return float(torch.logsumexp(ranking.logits.double() / temperature, dim=-1))
    ranking.sort(kept)
    scaled = ranking.values[:kept] / temperature
    return float(scaled[0] + np.log(np.sum(np.exp(scaled - scaled[0]))))


def _raw_mass(ranking: Ranking, kept: int, raw: Tensor, raw_sum: float) -> float:
    """RAW probability that the first `kept` tokens hold together."""
    if kept >= ranking.size and ranking.size == len(raw):
        return 1.0
    ranking.sort(kept)
    chosen = ranking.values[:kept] if ranking.logits is raw else raw.numpy()[ranking.ids[:kept]].astype(np.float64)
    return min(1.0, float(np.exp(chosen - raw_sum).sum()))


def _in_vocabulary(ids: Mapping[int, float], vocab: int) -> list[int]:
    return [token_id for token_id in ids if token_id < vocab]
