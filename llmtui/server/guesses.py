"""Guessing keys: an address that shows many wrong ones has to wait before it may show others."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable

from llmtui.server.errors import ApiError

WRONG_KEYS = 20  # of one address in a minute
MINUTE = 60.0
MANY = 1024  # addresses beyond which those are forgotten that showed no wrong key for a minute; right keys, the oldest


class Guesses:
    """The wrong keys of each address in the last minute.

    Beyond WRONG_KEYS no answer tells whether a key is right. A key that was right from the same address before is
    always answered: others behind one proxy or router must not shut out those who have theirs.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: dict[str, deque[float]] = {}
        self._known: dict[tuple[str, str], None] = {}  # as a set with an order

    @property
    def addresses(self) -> int:
        """How many are remembered for their wrong keys."""
        return len(self._wrong)

    def count(self, address: str, name: str | None) -> None:
        """An address showed the key of that name, or a wrong one. Raises ApiError (429) where it may not go on so."""
        with self._lock:
            if name is not None and (address, name) in self._known:
                return
            seconds = self._seconds_to_wait(address)
            if seconds > 0:
                message = f"too many wrong API keys came from this address: try again in {math.ceil(seconds)} s"
                raise ApiError(429, "too_many_wrong_keys", message, retry_after=seconds)
            if name is not None:
                self._known[address, name] = None
                if len(self._known) > MANY:
                    self._known.pop(next(iter(self._known)))
                return
            self._wrong.setdefault(address, deque(maxlen=WRONG_KEYS)).append(self._clock())
            if len(self._wrong) > MANY:
                self._forget_old()

    def _seconds_to_wait(self, address: str) -> float:
        times = self._wrong.get(address)
        return 0.0 if times is None or len(times) < WRONG_KEYS else times[0] + MINUTE - self._clock()

    def _forget_old(self) -> None:
        now = self._clock()
        self._wrong = {address: times for address, times in self._wrong.items() if times[-1] + MINUTE > now}
