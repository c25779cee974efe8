"""A token, drawn: from a row of logits by the stages of a request, with what is told of it."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor

from llmtui.engine import draw_kernel
from llmtui.engine.events import Stage
from llmtui.engine.ranking import Ranking
from llmtui.engine.requests import SamplingParams
from llmtui.engine.sampling import Odds, adjust, adjusts, distribution, stages_of
from llmtui.engine.telemetry import RawRow, logprob_of


class Draw(NamedTuple):
    """A token, and what it was drawn from, by which random number; None: greedily.

    raw, logit          the row as the model gave it, and what that gave the token
    rank, ties, stages, sampled_prob  as the token's event has them
    ranking, kept, odds of the adjusted logits, how many of them the stages kept, and what makes their probabilities
    """

    id: int
    u: float | None
    raw: RawRow
    logit: float
    rank: int
    ties: int
    stages: tuple[Stage, ...]
    sampled_prob: float
    ranking: Ranking
    kept: int
    odds: Odds

    @property
    def logprob(self) -> float:
        """Natural log of the token's RAW probability."""
        return logprob_of(self.logit, self.raw.log_sum)


class Drawer:
    """Draws the tokens of one request, one after the other."""

    def __init__(self, params: SamplingParams, prompt_ids: Iterable[int]) -> None:
        self._params = params
        self._stages = stages_of(params)
        self._coded = None
        # how often each token id occurs, which only bias and penalties ask
        self._prompt: Counter[int] = Counter()
        self._generated: Counter[int] = Counter()
        self._adjusts = adjusts(params)
        if self._adjusts:
            self._prompt.update(prompt_ids)
        else:
            self._coded = draw_kernel.coded(self._stages)

    def draw(self, raw: RawRow, u: float | None) -> Draw:
        """The token at `u`; it counts as generated."""
        if self._coded is not None:
            found = draw_kernel.draw(raw.ranking, raw.log_sum, self._coded, u or 0.0)
            if found is not None:
                return self._found(found, raw, u)
        if not self._adjusts:
            return self._step_by_step(raw.logits, raw, u)
        draw = self._step_by_step(adjust(raw.logits, self._params, self._prompt, self._generated), raw, u)
        self._generated[draw.id] += 1
        return draw

    def _step_by_step(self, logits: Tensor, raw: RawRow, u: float | None) -> Draw:
        dist = distribution(logits, self._params, raw)
        token_id = dist.draw(u or 0.0)
        ranking, odds = dist.ranking, dist.odds
        logit, adjusted = float(raw.ranking.row[token_id]), float(ranking.row[token_id])
        rank, ties = raw.rank_and_ties(token_id)
        prob = odds.prob(token_id, adjusted)
        return Draw(token_id, u, raw, logit, rank, ties, dist.stages, prob, ranking, dist.kept, odds)

    def _found(self, found: draw_kernel.Found, raw: RawRow, u: float | None) -> Draw:
        token_id, rank, ties, logit, highest, last, last_id, kept, mass, left = found
        odds = Odds(highest, last, last_id, self._params.temperature or 1.0, mass)
        acted = zip(self._stages, left, strict=True)
        stages = tuple([Stage(name, value, count, held) for (name, value), (count, held) in acted])
        return Draw(token_id, u, raw, logit, rank, ties, stages, odds.prob(token_id, logit), raw.ranking, kept, odds)
