"""Whose turn it is when several models have something to do: time is shared, however long a model's steps are."""

from collections.abc import Iterable
from typing import Generic, TypeVar

M = TypeVar("M")


class Turns(Generic[M]):
    """The seconds that each of those who run took, so that the next step is the one's who took the least.

    Those who have nothing to do are remembered, else whoever leaves after each step would never have taken any.
    """

    def __init__(self) -> None:
        self._taken: dict[M, float] = {}
        self._running: set[M] = set()

    def next(self, running: Iterable[M]) -> M:
        """Of those who run, at least one, the next; the first of equals.

        Whoever comes, or comes again, has taken as much as the one who took the least at least: nobody saves time up.
        """
        now = list(running)
        stayed = [self._taken[one] for one in now if one in self._running]
        least = min(stayed, default=max(self._taken.values(), default=0.0))
        for one in now:
            if one not in self._running:
                self._taken[one] = max(least, self._taken.get(one, 0.0))
        self._running = set(now)
        return min(now, key=self._taken.__getitem__)

    def took(self, one: M, seconds: float) -> None:
        """The step of one who was the next."""
        self._taken[one] += seconds
