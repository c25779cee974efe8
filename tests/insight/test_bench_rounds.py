"""How benchmarks take their numbers: in turn, in rounds, with medians that are medians."""

import statistics
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtui.insight.bench.rounds import Round, Values, alternate, ratio, spread, spread_of

NUMBERS = st.lists(st.floats(0.001, 1000), min_size=1, max_size=9)


@given(NUMBERS)
def test_a_spread_is_the_median_between_the_smallest_and_the_largest(samples: list[float]) -> None:
    found = spread(samples)
    assert found is not None
    ordered = sorted(samples)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    assert found.median == pytest.approx(median)
    assert (found.low, found.high, found.samples) == (ordered[0], ordered[-1], len(ordered))


def test_of_nothing_there_is_no_spread_and_no_ratio() -> None:
    assert spread([]) is None
    assert spread_of([{}, {"other": 1.0}], "a") is None
    assert ratio([{"a": 1.0}, {"b": 2.0}, {"a": 3.0, "b": 0.0}], "a", "b") is None


@given(st.lists(st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)), min_size=1, max_size=7))
def test_ratios_are_taken_within_rounds_before_the_median(pairs: list[tuple[float, float]]) -> None:
    rounds: list[Round] = [{"a": a, "b": b} for a, b in pairs]
    # a round that was interrupted between the two has no ratio
    found = ratio([*rounds, {"a": 1e6}], "a", "b")
    assert found is not None
    assert found.median == statistics.median(a / b for a, b in pairs)
    assert found.samples == len(pairs)


def counting(log: list[str], name: str, value: float) -> Callable[[], float]:
    def way() -> float:
        log.append(name)
        return value

    return way


def test_every_way_warms_up_uncounted_and_each_round_begins_one_further() -> None:
    log: list[str] = []
    shown: list[tuple[int, int, str]] = []

    def several() -> Values:
        log.append("c")
        return {"median": 3.0, "p99": 4.0}

    rounds: list[Round] = []
    ways = {"a": counting(log, "a", 1.0), "b": counting(log, "b", 2.0), "c": several}
    alternate(ways, 4, rounds, lambda done, total, name: shown.append((done, total, name)))
    assert "".join(log) == "abc" + "abc" + "bca" + "cab" + "abc"
    assert rounds == [{"a": 1.0, "b": 2.0, "median": 3.0, "p99": 4.0}] * 4
    assert shown == [(i, 15, name) for i, name in enumerate(log)]


def test_an_interruption_leaves_what_was_measured() -> None:
    turns = iter([1.0, 2.0, 3.0])

    def stops() -> float:
        try:
            return next(turns)
        except StopIteration:
            raise KeyboardInterrupt from None

    rounds: list[Round] = []
    with pytest.raises(KeyboardInterrupt):
        alternate({"a": lambda: 5.0, "b": stops}, 5, rounds)
    # the first of b's was its warming up
    assert rounds == [{"a": 5.0, "b": 2.0}, {"b": 3.0, "a": 5.0}, {"a": 5.0}]
