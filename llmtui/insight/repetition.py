"""How much a text repeats itself, counted in tokens."""

from collections.abc import Hashable, Sequence


def distinct(tokens: Sequence[Hashable], n: int) -> float | None:
    """Distinct-n: different n-grams over all n-grams (Li et al. 2016); None where there is no n-gram."""
    total = len(tokens) - n + 1
    return len({tuple(tokens[i : i + n]) for i in range(total)}) / total if total > 0 else None


def longest_repeat(tokens: Sequence[Hashable]) -> int:
    """The length of the longest run of tokens that occurs at least twice; the two may overlap. 0: nothing repeats."""
    # every beginning of a run that repeats does so, too: search for the last length that has one
    low, high = 0, max(0, len(tokens) - 1)
    while low < high:
        middle = (low + high + 1) // 2
        if _repeats(tokens, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _repeats(tokens: Sequence[Hashable], length: int) -> bool:
    seen = set()
    for i in range(len(tokens) - length + 1):
        run = tuple(tokens[i : i + length])
        if run in seen:
            return True
        seen.add(run)
    return False
