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
    turns.leave("new")
    for _ in range(before):
        turns.took(turns.next(["here"]), length)
    assert turns.next(["new", "here"]) == "new"
    turns.took("new", length)
    assert turns.next(["new", "here"]) == "here"


def test_the_first_of_equals_is_the_next() -> None:
    turns: Turns[str] = Turns()
    assert turns.next(["b", "a", "b"]) == "b"
