"""How fast tokens come, and when a place will be free."""

import math
import time
from collections import deque


class Speedometer:
    """Counts tokens and requests, and says how fast they come. Written by the engine's thread, read by any."""

    WINDOW = 128
    STALE_SECONDS = 2.0

    def __init__(self) -> None:
        self.tokens = 0
        self._counts: deque[tuple[float, int]] = deque(maxlen=self.WINDOW)
        self._mean_request_seconds = 1.0

    def count(self, tokens: int) -> None:
        """So many came together, now."""
        if not tokens:
            return
        now = time.perf_counter()
        if self._counts and now - self._counts[-1][0] > self.STALE_SECONDS:
            self._counts.clear()
        self.tokens += tokens
        self._counts.append((now, tokens))

    def ended(self, seconds: float) -> None:
        self._mean_request_seconds += 0.2 * (seconds - self._mean_request_seconds)

    def tokens_per_second(self) -> float:
        """Of the latest: those after the first moment over the time since then; 0.0 when none came for a while."""
        counts = list(self._counts)
        if len(counts) < 2 or time.perf_counter() - counts[-1][0] > self.STALE_SECONDS:
            return 0.0
        return sum(tokens for _, tokens in counts[1:]) / (counts[-1][0] - counts[0][0])

    def retry_after(self, waiting: int, max_running: int) -> float:
        """Seconds until a place is likely to be free, from how long requests took lately."""
        return float(min(60, max(1, math.ceil(self._mean_request_seconds * (waiting + 1) / max_running))))
