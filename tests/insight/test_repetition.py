"""Repetition against counting by hand."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtui.insight.repetition import distinct, longest_repeat
from llmtui.insight.sweep import first_difference

few_words = st.lists(st.integers(0, 3), max_size=24)


@given(few_words)
def test_distinct_counts_different_words_and_pairs(ids: list[int]) -> None:
    assert distinct(ids, 1) == (len(set(ids)) / len(ids) if ids else None)
    pairs = list(pairwise(ids))
    assert distinct(ids, 2) == (len(set(pairs)) / len(pairs) if pairs else None)


@given(few_words)
def test_longest_repeat_is_the_longest_slice_found_twice(ids: list[int]) -> None:
    found = 0
    for begin in range(len(ids)):
        for other in range(begin + 1, len(ids)):
            length = 0
            while other + length < len(ids) and ids[begin + length] == ids[other + length]:
                length += 1
            found = max(found, length)
    assert longest_repeat(ids) == found


@pytest.mark.parametrize(
    ("ids", "others", "at"),
    [([1, 2, 3], [1, 2, 3], None), ([1, 2], [1, 3], 1), ([1, 2], [1, 2, 3], 2), ([], [1], 0), ([], [], None)],
)
def test_first_difference_is_an_index_of_a_generated_token(ids: list[int], others: list[int], at: int | None) -> None:
    assert first_difference(ids, others) == at
    assert first_difference(others, ids) == at
