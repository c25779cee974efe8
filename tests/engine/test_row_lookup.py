"""Attention by looking rows up: what torch's own attention gives over each sequence's own keys and values."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from llmtui.engine.row_lookup import RowLookup

HEADS, DIM, CAPACITY, PLACES = 3, 8, 32, 5


@settings(deadline=None, max_examples=60)
@given(
    ends=st.dictionaries(st.integers(0, PLACES - 1), st.integers(1, CAPACITY), min_size=1),
    window=st.none() | st.integers(1, CAPACITY + 1),
    layers=st.integers(1, 3),
)
def test_each_row_attends_over_its_own_sequence_and_no_further_back_than_the_window(
    ends: dict[int, int], window: int | None, layers: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    ordered = dict(sorted(ends.items()))
    lookup = RowLookup(torch.tensor(list(ordered)), torch.tensor(list(ordered.values())), HEADS, CAPACITY, window)
    for _ in range(layers):
        query = torch.randn(len(ordered), HEADS, DIM, generator=generator)
        shelf = torch.randn(2, PLACES, HEADS, CAPACITY, DIM, generator=generator)
        keys, values = shelf.view(2, -1, DIM)
        attended = lookup.attend(query, keys, values, 0.3)
        for row, (place, end) in enumerate(ordered.items()):
            first = 0 if window is None else max(0, end - window)
            own = shelf[:, place, :, first:end]
            alone = scaled_dot_product_attention(query[row, :, None], *own, scale=0.3)
            torch.testing.assert_close(attended[row], alone[:, 0], rtol=1e-5, atol=1e-6)


def test_a_row_depends_on_no_other() -> None:
    query = torch.randn(2, HEADS, DIM)
    keys, values = torch.randn(2, PLACES * HEADS * CAPACITY, DIM)
    both = RowLookup(torch.tensor([1, 3]), torch.tensor([9, 9]), HEADS, CAPACITY, None)
    one = RowLookup(torch.tensor([1]), torch.tensor([9]), HEADS, CAPACITY, None)
    beside = both.attend(query, keys, values, 0.3)[0]
    assert torch.equal(beside, one.attend(query[:1], keys, values, 0.3)[0])
