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
        self._times: deque[float] = deque(maxlen=self.WINDOW)
        self._mean_request_seconds = 1.0

    def count(self, tokens: int) -> None:
        if not tokens:
            return
        now = time.perf_counter()
        if self._times and now - self._times[-1] > self.STALE_SECONDS:
            self._times.clear()
        self.tokens += tokens
        self._times.append(now)

    def ended(self, seconds: float) -> None:
        self._mean_request_seconds += 0.2 * (seconds - self._mean_request_seconds)

    def tokens_per_second(self) -> float:
        """Over the latest tokens; 0.0 when none came for a while."""
        times = list(self._times)
        if len(times) < 2 or time.perf_counter() - times[-1] > self.STALE_SECONDS:
            return 0.0
        return (len(times) - 1) / (times[-1] - times[0])

    def retry_after(self, waiting: int, max_running: int) -> float:
        """Seconds until a place is likely to be free, from how long requests took lately."""
        return float(min(60, max(1, math.ceil(self._mean_request_seconds * (waiting + 1) / max_running))))
