"""Time is shared among those who run, whatever a step of each takes."""

from hypothesis import given
from hypothesis import strategies as st

from llmtui.engine.turns import Turns


@given(st.lists(st.floats(0.001, 10), min_size=1, max_size=5), st.integers(1, 200))
def test_nobody_gets_ahead_by_more_than_one_step(lengths: list[float], steps: int) -> None:
    turns: Turns[int] = Turns()
    taken = [0.0] * len(lengths)
    for _ in range(steps):
        one = turns.next(range(len(lengths)))
        turns.took(one, lengths[one])
        taken[one] += lengths[one]
    assert max(taken) - min(taken) <= max(lengths) * (1 + 1e-9)


@given(st.floats(0.001, 10), st.integers(1, 50))
def test_whoever_comes_gets_neither_what_it_missed_nor_has_to_wait(length: float, before: int) -> None:
    turns: Turns[str] = Turns()
    for _ in range(before):
        turns.took(turns.next(["here"]), length)
    order = []
    for _ in range(10):
        order.append(turns.next(["here", "new"]))
        turns.took(order[-1], length)
    assert order.count("new") == 5
    for _ in range(before):
        turns.took(turns.next(["here"]), length)
    assert turns.next(["new", "here"]) == "new"
    turns.took("new", length)
    assert turns.next(["new", "here"]) == "here"


@given(st.floats(0.1, 10), st.floats(0.01, 1))
def test_whoever_leaves_after_each_step_takes_no_more_than_its_share(long: float, short: float) -> None:
    turns: Turns[str] = Turns()
    taken = {"here": 0.0, "comes and goes": 0.0}
    here_again = True
    for _ in range(200):
        one = turns.next(["here", "comes and goes"] if here_again else ["here"])
        turns.took(one, long if one != "here" else short)
        taken[one] += long if one != "here" else short
        here_again = one == "here"
    assert taken["comes and goes"] <= taken["here"] + long + short


def test_all_who_come_together_begin_level() -> None:
    turns: Turns[str] = Turns()
    for _ in range(5):
        turns.took(turns.next(["before"]), 1.0)
    turns.took(turns.next(["other"]), 0.1)
    order = []
    for _ in range(6):
        order.append(turns.next(["new", "before"]))
        turns.took(order[-1], 1.0)
    assert order.count("new") == 3


def test_the_first_of_equals_is_the_next() -> None:
    turns: Turns[str] = Turns()
    assert turns.next(["b", "a", "b"]) == "b"
