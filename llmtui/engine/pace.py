"""How many prompt tokens a step may hold, predicted from what recent steps took.

No fixed block and no fixed share of a step would do: what a prompt token costs beside others differs a hundredfold
between machines and models, and who waits for a next token waits for all of it.
"""

import statistics
from collections import deque

SMALLEST_SHARE = 8
# beside others before anything is known of what that costs
FIRST_SHARE = 32
LARGEST_STEP = 512
# sizes are multiples of it: the first product with a new number of rows takes longer than those after it
GRAIN = 8
# a step with prompt tokens is to last so many times as long as one without, for those who wait for their next token
PATIENCE = 2.5
# seconds that a step of nothing but prompt should take: cancelling waits for it
QUIET_SECONDS = 1.0
# a shorter prompt takes as long as reading the weights does, and says little about a long one
TELLING_TOKENS = 64
# medians of so many steps: those of them that something else held up do not count
REMEMBERED_STEPS = 9


class Pace:
    """Sizes of the prompts' blocks in tokens; they start small and follow the machine and the model.

    Prompts of which every token is scored are kept apart: facts of all rows cost more than the rows.
    """

    def __init__(self) -> None:
        self._decode: deque[tuple[int, float]] = deque(maxlen=REMEMBERED_STEPS)
        self._alone: deque[float] = deque(maxlen=REMEMBERED_STEPS)
        self._beside = {scored: deque[tuple[int, float]](maxlen=REMEMBERED_STEPS) for scored in (False, True)}

    @property
    def quiet(self) -> int:
        """How many prompt tokens a step takes while nobody waits for a next token."""
        if not self._alone:
            return LARGEST_STEP
        return _within(QUIET_SECONDS, statistics.median(self._alone), LARGEST_STEP)

    def beside(self, decoding: int, *, scored: bool = False) -> int:
        """How many prompt tokens a step takes beside so many rows of those that decode, SMALLEST_SHARE at least."""
        steps = self._beside[scored]
        if not self._decode or not (steps or self._alone):
            return FIRST_SHARE
        # an estimate holds for steps like those it was made of: a larger one is tried in steps of twice the size
        most = min(LARGEST_STEP, 2 * max(tokens for tokens, _ in steps)) if steps else FIRST_SHARE
        cost = statistics.median(seconds / tokens for tokens, seconds in steps) if steps else min(self._alone)
        return _within((PATIENCE - 1) * self._decode_seconds(decoding), cost, most)

    def record(self, decoding: int, prompt_tokens: int, seconds: float, *, scored: bool = False) -> None:
        """Learn from a step: so many rows of those that decode, and so many tokens of prompts, scored or not."""
        if not prompt_tokens:
            if decoding:
                self._decode.append((decoding, seconds))
        elif not decoding:
            if prompt_tokens >= TELLING_TOKENS and not scored:
                self._alone.append(seconds / prompt_tokens)
        elif self._decode and prompt_tokens >= SMALLEST_SHARE:
            self._beside[scored].append((prompt_tokens, seconds - self._decode_seconds(decoding)))

    def _decode_seconds(self, decoding: int) -> float:
        """Of a step of so many rows and no prompt, at least: k of n rows take no less than k/n of their time."""
        return statistics.median(seconds * min(1.0, decoding / rows) for rows, seconds in self._decode)


def _within(seconds: float, cost: float, most: int) -> int:
    """How many tokens that take `cost` each fit into the time: at least SMALLEST_SHARE, at most `most`."""
    fitting = most if seconds >= cost * most else int(seconds / cost)
    return max(SMALLEST_SHARE, fitting // GRAIN * GRAIN)
