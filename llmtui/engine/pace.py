"""How many prompt tokens a step may hold, from what steps were measured to take."""

SMALLEST_SHARE = 16
LARGEST_STEP = 512
# a step with prompt tokens lasts at most so many times as long as one without, for those who wait for their next token
PATIENCE = 3.5
# seconds that a step of nothing but prompt should take: cancelling waits for it
QUIET_SECONDS = 1.0
# a shorter prompt takes as long as reading the weights does, and says little about a long one
TELLING_TOKENS = 64
WEIGHT = 0.2


class Pace:
    """Sizes of the prompt's blocks in tokens; they start small and follow the machine and the model.

    beside: how many prompt tokens a step takes while others decode.
    """

    def __init__(self) -> None:
        self.beside = 2 * SMALLEST_SHARE
        self._decode_seconds: float | None = None
        self._prompt_seconds: float | None = None

    @property
    def quiet(self) -> int:
        """How many prompt tokens a step takes while nobody waits for a next token."""
        if self._prompt_seconds is None:
            return LARGEST_STEP
        return max(SMALLEST_SHARE, min(LARGEST_STEP, int(QUIET_SECONDS / self._prompt_seconds)))

    def record(self, decoding: int, prompt_tokens: int, seconds: float) -> None:
        """Learn from a step with so many sequences decoding and so many tokens of prompts."""
        if not prompt_tokens:
            self._decode_seconds = _mean(self._decode_seconds, seconds)
        elif not decoding:
            if prompt_tokens >= TELLING_TOKENS:
                self._prompt_seconds = _mean(self._prompt_seconds, seconds / prompt_tokens)
        elif self._decode_seconds is not None:
            if seconds > PATIENCE * self._decode_seconds:
                self.beside = max(SMALLEST_SHARE, self.beside // 2)
            elif prompt_tokens >= self.beside and seconds < PATIENCE / 2 * self._decode_seconds:
                self.beside = min(LARGEST_STEP, self.beside * 2)


def _mean(mean: float | None, value: float) -> float:
    return value if mean is None else mean + WEIGHT * (value - mean)
