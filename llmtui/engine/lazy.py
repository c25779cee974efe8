"""Sequences that are made when they are first read."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class LazyTuple(Sequence[T], Generic[T]):
    """A tuple that a function makes when somebody first looks into it; it compares, hashes and pickles as that tuple.

    Any thread may be the first; two at once make it twice, and one of the two is kept.
    """

    __slots__ = ("_made",)

    def __init__(self, make: Callable[[], tuple[T, ...]]) -> None:
        self._made: tuple[T, ...] | Callable[[], tuple[T, ...]] = make

    def _all(self) -> tuple[T, ...]:
        made = self._made
        if not isinstance(made, tuple):
            made = self._made = made()
        return made

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...
    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        return self._all()[place]

    def __eq__(self, other: object) -> bool:
        return self._all() == (other._all() if isinstance(other, LazyTuple) else other)

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (self._all(),)
