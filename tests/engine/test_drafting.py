"""Guesses from what the sequence says already, against a search by brute force."""

from hypothesis import given
from hypothesis import strategies as st

from llmtui.engine.drafting import LONGEST, SHORTEST, PromptLookup

# few different tokens, so that most n-grams come again
REPETITIVE = st.lists(st.integers(0, 3), max_size=60)


def by_search(ids: list[int], count: int) -> tuple[int, ...]:
    """What followed the latest earlier place of the longest n-gram, copied token by token onto a copy that grows."""
    for length in range(LONGEST, SHORTEST - 1, -1):
        for begin in range(len(ids) - length - 1, -1, -1):
            if ids[begin : begin + length] == ids[len(ids) - length :]:
                grown = list(ids)
                for place in range(begin + length, begin + length + count):
                    grown.append(grown[place])
                return tuple(grown[len(ids) :])
    return ()


@given(REPETITIVE, st.integers(0, 9))
def test_a_guess_is_what_followed_the_same_tokens_last_time(ids: list[int], count: int) -> None:
    assert PromptLookup().draft(ids, count) == by_search(ids, count)


@given(st.lists(REPETITIVE, max_size=8), st.integers(1, 5))
def test_a_sequence_that_grows_is_searched_as_if_it_were_new(parts: list[list[int]], count: int) -> None:
    lookup, ids = PromptLookup(), list[int]()
    for part in parts:
        ids.extend(part)
        assert lookup.draft(ids, count) == by_search(ids, count)


def test_a_circle_is_expected_to_turn_on() -> None:
    assert PromptLookup().draft([7, 8, 9, 7, 8, 9, 7], 8) == (8, 9, 7, 8, 9, 7, 8, 9)


def test_nothing_is_guessed_where_nothing_came_before() -> None:
    assert PromptLookup().draft([], 4) == ()
    assert PromptLookup().draft([5], 4) == ()
    assert PromptLookup().draft([1, 2, 3, 4, 1], 4) == ()
