"""Which rows lookahead asks for, and what it makes of them; without a model."""

import random

from hypothesis import given
from hypothesis import strategies as st

from llmtui.engine.events import BranchToken, Lookahead
from llmtui.engine.lookahead import LOOKAHEAD_ROWS, BranchRow, Explorer

END = 99


def token(token_id: int) -> BranchToken:
    return BranchToken(token_id, b"x", -1.0)


def alternatives(*ids: int) -> list[BranchToken]:
    return [token(i) for i in ids]


def ids_of(lookahead: Lookahead) -> list[list[int]]:
    return [[branch.id, *(t.id for t in branch.tokens)] for branch in lookahead.branches]


def step(explorer: Explorer, room: int = LOOKAHEAD_ROWS) -> list[Lookahead]:
    """Each row is followed by its own id plus one."""
    return explorer.accept([token(row.id + 1) for row in explorer.rows(room)])


def test_each_alternative_is_continued_to_its_depth() -> None:
    explorer = Explorer(3, 1000, ())
    explorer.offer(7, alternatives(10, 20))
    assert [(row.position, row.id) for row in explorer.rows(16)] == [(7, 10), (7, 20)]
    assert explorer.accept(alternatives(11, 21)) == []
    assert [(row.position, row.id) for row in explorer.rows(16)] == [(8, 11), (8, 21)]
    assert explorer.accept(alternatives(12, 22)) == []
    explorer.rows(16)
    (done,) = explorer.accept(alternatives(13, 23))
    assert (done.index, ids_of(done)) == (7, [[10, 11, 12, 13], [20, 21, 22, 23]])
    assert explorer.rows(16) == ()


def test_a_round_begins_with_every_token_as_long_as_there_is_room() -> None:
    explorer, done = Explorer(5, 1000, ()), list[Lookahead]()
    for index in range(30):
        explorer.offer(index, alternatives(10, 20, 30))
        done += step(explorer)
    assert [lookahead.index for lookahead in done] == list(range(26))


def test_where_room_is_short_some_tokens_have_no_round_and_each_round_is_whole() -> None:
    explorer, done = Explorer(5, 1000, ()), list[Lookahead]()
    for index in range(30):
        explorer.offer(index, alternatives(10, 20, 30))
        done += step(explorer, room=7)
    assert all(len(branch.tokens) == 5 for lookahead in done for branch in lookahead.branches)
    assert [lookahead.index for lookahead in done][:4] == [0, 1, 5, 6]


def test_without_room_for_all_that_is_under_way_nothing_is_computed_and_what_came_is_told() -> None:
    explorer = Explorer(5, 1000, ())
    explorer.offer(3, alternatives(10, 20))
    step(explorer)
    explorer.offer(4, alternatives(30, 40))
    assert explorer.rows(1) == ()
    (told,) = explorer.drop()
    assert (told.index, ids_of(told)) == (3, [[10, 11], [20, 21]])
    assert explorer.drop() == []


def test_a_branch_ends_with_the_text_and_with_the_context() -> None:
    explorer = Explorer(5, 12, {END})
    explorer.offer(9, alternatives(END - 1, 20))
    assert step(explorer) == []
    assert [row.id for row in explorer.rows(16)] == [21]
    explorer.accept(alternatives(22))
    (done,) = step(explorer)
    assert ids_of(done) == [[END - 1, END], [20, 21, 22, 23]]
    explorer.offer(12, alternatives(1))
    assert explorer.rows(16) == ()


@given(
    st.lists(st.tuples(st.integers(0, LOOKAHEAD_ROWS), st.integers(0, 8)), max_size=40),
    st.integers(1, 6),
    st.randoms(use_true_random=False),
)
def test_rows_stay_within_the_room_and_never_share_a_slot(
    steps: list[tuple[int, int]], depth: int, rng: random.Random
) -> None:
    explorer, begun, told = Explorer(depth, 1000, {END}), set[int](), list[Lookahead]()
    for index, (room, width) in enumerate(steps):
        explorer.offer(index, alternatives(*range(width)))
        rows = explorer.rows(room)
        assert len(rows) <= room
        assert len({row.slot for row in rows}) == len(rows)
        assert all(0 <= row.slot < LOOKAHEAD_ROWS and row.step < depth for row in rows)
        begun |= {row.start for row in rows}
        ends = [token(rng.choice((0, 0, END))) for _ in rows]
        told += explorer.accept(ends) if rows else explorer.drop()
    told += explorer.drop()
    assert sorted(lookahead.index for lookahead in told) == sorted(begun)


def test_a_row_lies_after_the_tokens_its_branch_has() -> None:
    assert BranchRow(1, 40, 3, 0).position == 43
