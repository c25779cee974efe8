"""Attention by our own kernel: what torch's own attention gives over each sequence's own keys and values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from llmtui.engine import kernels, row_kernel

PLACES, CAPACITY = 5, 256

pytestmark = pytest.mark.skipif(kernels.KERNELS is None, reason="our own kernels do not run here")


def shelf_of(kv_heads: int, dim: int) -> Tensor:
    return torch.randn(2, PLACES, kv_heads, CAPACITY, dim, generator=torch.Generator().manual_seed(dim))


def rows_of(count: int, heads: int, kv_heads: int, dim: int) -> tuple[Tensor, Tensor]:
    """Queries, and keys and values, as a lean forward has them: views of one product."""
    joined = torch.randn(count, heads + 2 * kv_heads, dim, generator=torch.Generator().manual_seed(count))
    return joined[:, :heads], joined[:, heads:].unflatten(1, (2, kv_heads))


def attend(shelf: Tensor, ends: dict[int, int], query: Tensor, rows: Tensor, window: int | None = None) -> Tensor:
    places, own = torch.tensor(list(ends)), torch.tensor(list(ends.values()))
    return row_kernel.attend(shelf, places, own, max(ends.values()), query, rows, 0.3, window)


def exact(shelf: Tensor, place: int, end: int, query: Tensor, window: int | None) -> Tensor:
    """[heads, dim] float64 of one row over what its place holds."""
    first = 0 if window is None else max(0, end - window)
    keys, values = shelf[:, place, :, first:end].double()
    sharing = len(query) // len(keys)
    keys, values = keys.repeat_interleave(sharing, 0), values.repeat_interleave(sharing, 0)
    return scaled_dot_product_attention(query.double()[:, None], keys, values, scale=0.3)[:, 0]


@settings(deadline=None, max_examples=100)
@given(
    ends=st.dictionaries(st.integers(0, PLACES - 1), st.integers(1, CAPACITY), min_size=1),
    window=st.none() | st.integers(1, CAPACITY + 1),
    kv_heads=st.integers(1, 3),
    sharing=st.integers(1, 4),
    vectors=st.integers(1, 16),
)
def test_each_row_attends_over_its_own_sequence_and_no_further_back_than_the_window(
    ends: dict[int, int], window: int | None, kv_heads: int, sharing: int, vectors: int
) -> None:
    heads, dim = kv_heads * sharing, 16 * vectors
    shelf = shelf_of(kv_heads, dim)
    before = shelf.clone()
    query, rows = rows_of(len(ends), heads, kv_heads, dim)
    attended = attend(shelf, ends, query, rows, window)
    for row, (place, end) in enumerate(ends.items()):
        before[:, place, :, end - 1] = rows[row]
        torch.testing.assert_close(
            attended[row].double(), exact(shelf, place, end, query[row], window), rtol=1e-5, atol=3e-6
        )
    # the new keys and values are written, and nothing else
    assert torch.equal(shelf, before)


def test_a_row_gives_the_same_bits_in_any_company_and_with_any_number_of_threads() -> None:
    ends = {0: 200, 1: 1, 3: 256, 4: 77}
    query, rows = rows_of(len(ends), 6, 3, 64)
    shelf = shelf_of(3, 64)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        together = attend(shelf.clone(), ends, query, rows)
    finally:
        torch.set_num_threads(threads)
    for row, (place, end) in enumerate(ends.items()):
        alone = attend(shelf.clone(), {place: end}, query[row : row + 1], rows[row : row + 1])
        assert torch.equal(alone[0], together[row])


def test_other_strides_than_a_lean_forwards_are_right_too() -> None:
    shelf, ends = shelf_of(2, 16), {2: 9, 4: 100}
    query, rows = rows_of(2, 4, 2, 16)
    apart = (
        query.transpose(0, 1).contiguous().transpose(0, 1),
        rows.permute(3, 1, 2, 0).contiguous().permute(3, 1, 2, 0),
    )
    assert apart[0].stride() != query.stride()
    assert torch.equal(attend(shelf.clone(), ends, *apart), attend(shelf, ends, query, rows))


def test_scores_far_apart_and_without_a_number_stay_in_their_row() -> None:
    shelf, ends = shelf_of(1, 16), {0: 40, 1: 40, 2: 40}
    query, rows = rows_of(3, 1, 1, 16)
    query[0] *= 1e4
    shelf[0, 1, 0, 5] = torch.nan
    attended = attend(shelf, ends, query, rows)
    torch.testing.assert_close(attended[0].double(), exact(shelf, 0, 40, query[0], None), rtol=1e-4, atol=1e-5)
    assert bool(attended[1].isnan().all())
    assert bool(attended[2].isfinite().all())


@pytest.mark.parametrize(("dim", "dtype"), [(24, torch.float32), (272, torch.float32), (64, torch.bfloat16)])
def test_what_it_does_not_know_is_left_to_torch(dim: int, dtype: torch.dtype) -> None:
    assert not row_kernel.suits(torch.zeros(1, 2, dim, dtype=dtype), torch.zeros(2, 1, 2, 8, dim, dtype=dtype))
    assert row_kernel.suits(torch.zeros(1, 2, 64), torch.zeros(2, 1, 2, 8, 64))
