"""Whose turn it is when several models have something to do: time is shared, however long a model's steps are."""

from collections.abc import Iterable
from typing import Generic, TypeVar

M = TypeVar("M")


class Turns(Generic[M]):
    """The seconds that each of those who run took, so that the next step is the one's who took the least."""

    def __init__(self) -> None:
        self._taken: dict[M, float] = {}

    def next(self, running: Iterable[M]) -> M:
        """Of those who run, at least one, the next; the first of equals.

        Whoever comes, or comes again, has taken as much as the one who took the least: nobody saves time up.
        """
        known = {one: self._taken[one] for one in running if one in self._taken}
        least = min(known.values(), default=0.0)
        self._taken = {one: known.get(one, least) for one in running}
        return min(self._taken, key=self._taken.__getitem__)

    def took(self, one: M, seconds: float) -> None:
        """The step of one who was the next."""
        if one in self._taken:
            self._taken[one] += seconds

    def leave(self, one: M) -> None:
        """It has nothing to do any more."""
        self._taken.pop(one, None)
