"""From a row of logits to one token, with every stage on the record.

The vocabulary is ranked once by (logit, then lower id), and only as deep as needed. Bias and penalties change logits;
the temperature divides all of them; every filter then keeps a beginning of the ranking, so that the state between two
stages is one number: how many are kept. The draw is the inverse of the cumulative distribution at one float64 `u`.
The stages follow transformers' logits processors (generation/logits_process.py), which the tests hold them against.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llmtui.engine.events import Stage
from llmtui.engine.ranking import FIRST_DEPTH, NEXT_DEPTH, Ranking
from llmtui.engine.requests import SamplingParams, StageOrder
from llmtui.engine.telemetry import RawRow

# A sum of probabilities that reaches its limit but for float64 rounding has reached it.
ROUNDING = 1e-12

_ORDERS = {
    StageOrder.TRANSFORMERS: ("temperature", "top_k", "top_p", "min_p", "typical_p"),
    StageOrder.LLAMA_CPP: ("top_k", "typical_p", "top_p", "min_p", "temperature"),
}
_OFF = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0}
_GREEDY = (("greedy", 0.0),)


class Odds(NamedTuple):
    """What makes SAMPLED probabilities of adjusted logits, without the row: of the highest, and of the last one kept.

    mass: of all kept tokens together, as `Ranking.mass` has it
    """

    highest: float
    last: float
    last_id: int
    temperature: float
    mass: float

    def prob(self, token_id: int, logit: float) -> float:
        """SAMPLED probability of a token; 0.0 if a stage dropped it."""
        if logit > self.last or (logit == self.last and token_id <= self.last_id):
            return math.exp((logit - self.highest) / self.temperature) / self.mass
        return 0.0


@dataclass(frozen=True, slots=True)
class Distribution:
    """The SAMPLED distribution: the first `kept` tokens of a ranking at a temperature; temperature 0 is greedy.

    mass: of the kept tokens together, as `Ranking.mass` has it
    """

    ranking: Ranking
    kept: int
    temperature: float
    stages: tuple[Stage, ...]
    mass: float

    def prob(self, token_id: int) -> float:
        """SAMPLED probability of a token; 0.0 if a stage dropped it."""
        return self.odds.prob(token_id, float(self.ranking.row[token_id]))

    @property
    def odds(self) -> Odds:
        ranking = self.ranking
        last, last_id = -math.inf, -1
        if self.kept < ranking.size:
            last, last_id = float(ranking.values[self.kept - 1]), int(ranking.ids[self.kept - 1])
        return Odds(float(ranking.values[0]), last, last_id, self.temperature, self.mass)

    def kept_probs(self) -> NDArray[np.float64]:
        """SAMPLED probabilities of the kept tokens, in the ranking's order."""
        self.ranking.sort(self.kept)
        values = self.ranking.values[: self.kept]
        probs: NDArray[np.float64] = np.exp((values - values[0]) / self.temperature) / self.mass
        return probs

    def draw(self, u: float) -> int:
        """The token at `u` in [0, 1): the first whose cumulative probability, most probable first, exceeds u."""
        while True:
            masses = self.ranking.masses(self.temperature)[: self.kept]
            place = int(masses.searchsorted(u * self.mass, side="right"))
            if place < len(masses):
                return int(self.ranking.ids[place])
            if len(masses) >= self.kept or not self.ranking.deepen():
                # rounding left u above the last sum: the last token that adds to it is meant
                return int(self.ranking.ids[int(masses.searchsorted(masses[-1]))])


def stages_of(params: SamplingParams) -> tuple[tuple[str, float], ...]:
    """The stages that act, in their order, each with its value."""
    if params.temperature == 0:
        return _GREEDY
    values = [(name, getattr(params, name)) for name in _ORDERS[params.stage_order]]
    return tuple((name, value) for name, value in values if value != _OFF[name])


def adjusts(params: SamplingParams) -> bool:
    """Whether `adjust` may change anything."""
    return bool(
        params.logit_bias or params.repetition_penalty != 1.0 or params.frequency_penalty or params.presence_penalty
    )


def adjust(logits: Tensor, params: SamplingParams, prompt: Mapping[int, int], generated: Mapping[int, int]) -> Tensor:
    """Logits after bias and penalties; the row itself if there are none.

    logits: [vocab] float32. prompt, generated: how often each token id occurs there.
    Repetition: Keskar et al. 2019, over prompt and generation. Frequency and presence: OpenAI's, over the generation.
    """
    if params.logit_bias:
        ids = _in_vocabulary(params.logit_bias, len(logits))
        logits = logits.clone()
        logits[ids] += torch.tensor([params.logit_bias[i] for i in ids], dtype=torch.float32)
    if params.repetition_penalty != 1.0 and (prompt or generated):
        seen = list(prompt.keys() | generated.keys())
        values = logits[seen]
        penalty = params.repetition_penalty
        logits = logits.clone()
        logits[seen] = torch.where(values < 0, values * penalty, values / penalty)
    if (params.frequency_penalty or params.presence_penalty) and generated:
        counts = torch.tensor(list(generated.values()), dtype=torch.float32)
        logits = logits.clone()
        logits[list(generated)] -= counts * params.frequency_penalty + params.presence_penalty
    return logits


def distribution(logits: Tensor, params: SamplingParams, raw: RawRow | None = None) -> Distribution:
    """What the next token is drawn from: the stages of `params` in its order over a row of adjusted logits.

    logits: [vocab] float32 on the CPU. raw: what each stage's RAW mass is a part of; without it the adjusted logits
    stand in.
    """
    if raw is None:
        raw = RawRow.of(logits)
    depth = max(FIRST_DEPTH, min(params.top_k, NEXT_DEPTH))
    ranking = raw.ranking if logits is raw.logits else Ranking(logits, depth)
    if params.temperature == 0:
        return Distribution(ranking, 1, 1.0, (Stage("greedy", 0.0, 1, raw.mass(ranking, 1)),), 1.0)
    kept, temperature = ranking.size, 1.0
    stages: list[Stage] = []
    for name, value in stages_of(params):
        match name:
            case "temperature":
                temperature = value
            case "top_k":
                kept = keep_top_k(ranking, kept, params.top_k)
            case "top_p":
                kept = keep_top_p(ranking, kept, temperature, value)
            case "min_p":
                kept = keep_min_p(ranking, kept, temperature, value)
            case "typical_p":
                ranking = keep_typical(ranking, kept, temperature, value)
                kept = ranking.size
        stages.append(Stage(name, value, kept, raw.mass(ranking, kept)))
    return Distribution(ranking, kept, temperature, tuple(stages), ranking.mass(kept, temperature))


def keep_top_k(ranking: Ranking, kept: int, k: int) -> int:
    """How many the k most probable are, ties with the k-th included (TopKLogitsWarper)."""
    if k >= kept:
        return kept
    ranking.sort(k)
    return min(kept, ranking.after_equals(k - 1))


def keep_top_p(ranking: Ranking, kept: int, temperature: float, p: float) -> int:
    """How many it takes, most probable first, for their probability to reach p; at least one (TopPLogitsWarper)."""
    limit = (p - ROUNDING) * ranking.mass(kept, temperature)
    while True:
        masses = ranking.masses(temperature)[:kept]
        count = int(masses.searchsorted(limit)) + 1
        if count <= len(masses) or len(masses) >= kept or not ranking.deepen():
            return min(count, kept)


def keep_min_p(ranking: Ranking, kept: int, temperature: float, min_p: float) -> int:
    """How many are at least min_p times as probable as the most probable one (MinPLogitsWarper)."""
    limit = math.log(min_p) * temperature - ROUNDING
    while True:
        values = ranking.values[:kept]
        count = int(np.count_nonzero(values - values[0] >= limit))
        if count < len(values) or len(values) >= kept or not ranking.deepen():
            return max(1, count)


def keep_typical(ranking: Ranking, kept: int, temperature: float, mass: float) -> Ranking:
    """The tokens whose surprisal is closest to the entropy, until they hold `mass` (Meister et al. 2022,
    TypicalLogitsWarper). They are no beginning of the ranking, so this makes a ranking of its own."""
    ranking.sort(kept)
    values = ranking.values[:kept]
    log_probs = (values - values[0]) / temperature - math.log(ranking.mass(kept, temperature))
    probs = np.exp(log_probs)
    entropy = -float(np.sum(probs * log_probs))
    distance = np.abs(-log_probs - entropy)
    order = np.argsort(distance, kind="stable")
    last = min(int(np.sum(np.cumsum(probs[order]) < mass)), kept - 1)
    chosen = torch.from_numpy(ranking.ids[:kept][distance <= distance[order][last]])
    logits = torch.full_like(ranking.logits, -math.inf)
    logits[chosen] = ranking.logits[chosen]
    return Ranking(logits)


def _in_vocabulary(ids: Mapping[int, float], vocab: int) -> list[int]:
    return [token_id for token_id in ids if token_id < vocab]
