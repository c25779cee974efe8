"""Guesses of what comes next, from what the sequence says already: text that repeats itself costs fewer forwards.

Source: Saxena 2023, "Prompt Lookup Decoding". A guess never decides anything: the draw does, and a guess that differs
from it is thrown away.
"""

from collections.abc import Sequence

# A shorter n-gram, a single token, has been followed by too much to tell what follows now.
SHORTEST = 2
LONGEST = 3


class PromptLookup:
    """Finds where the latest tokens of one growing sequence stood before, and what followed them there.

    Each token is indexed once, when the first guess after it is asked for.
    """

    def __init__(self) -> None:
        self._ends: dict[tuple[int, ...], int] = {}
        self._indexed = 0

    def draft(self, ids: Sequence[int], count: int) -> tuple[int, ...]:
        """At most `count` guesses for what follows `ids`, which are those of the call before and perhaps more.

        The longest n-gram at the end of `ids` that stands earlier in them is taken, at its latest place; the guesses
        are what followed it. Where these reach the end of `ids`, the guesses themselves go on being copied: a sequence
        that turns in a circle is expected to turn on. Empty where no n-gram of at least SHORTEST tokens is found.
        """
        self._index(ids)
        for length in range(min(LONGEST, len(ids) - 1), SHORTEST - 1, -1):
            end = self._ends.get(tuple(ids[-length:]))
            if end is not None:
                period = len(ids) - end
                return tuple(ids[end + i % period] for i in range(count))
        return ()

    def _index(self, ids: Sequence[int]) -> None:
        """Note where each n-gram that something follows ends; a later place replaces an earlier one."""
        for end in range(max(self._indexed, SHORTEST), len(ids)):
            for length in range(SHORTEST, min(LONGEST, end) + 1):
                self._ends[tuple(ids[end - length : end])] = end
        self._indexed = len(ids)
