"""Attention by our own kernel: what torch's own attention gives over each sequence's own keys and values."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from llmtui.engine import row_kernel
from llmtui.engine.attention import PackedBatch, Span
from llmtui.engine.branch_attention import BranchSpan, BranchTails
from llmtui.engine.kv_cache import KVPool, KVSlab
from llmtui.engine.lookahead import BranchRow

pytestmark = pytest.mark.usefixtures("each_build")


def rows_of(count: int, heads: int, kv_heads: int, dim: int) -> tuple[Tensor, Tensor]:
    """Queries, and keys and values, as a lean forward has them: views of one product."""
    joined = torch.randn(count, heads + 2 * kv_heads, dim, generator=torch.Generator().manual_seed(count))
    return joined[:, :heads], joined[:, heads:].unflatten(1, (2, kv_heads))


def slabs_of(begins: list[int], room: list[int], kv_heads: int, dim: int, *, narrow: bool = False) -> list[KVSlab]:
    """Sequences of which so many positions are known. narrow: in bfloat16."""
    generator, pool, slabs = torch.Generator().manual_seed(0), KVPool(narrow=narrow), []
    for begin, end in zip(begins, room, strict=True):
        slabs.append(KVSlab(pool, end))
        slabs[-1].write(0, 0, torch.randn(begin, 2, kv_heads, dim, generator=generator))
    return slabs


def exact(slab: KVSlab, end: int, query: Tensor, window: int | None) -> Tensor:
    """[heads, dim] float64 of one row over what its slab holds."""
    keys, values = slab.view(0, 0 if window is None else max(0, end - window), end).double()
    sharing = len(query) // len(keys)
    keys, values = keys.repeat_interleave(sharing, 0), values.repeat_interleave(sharing, 0)
    return scaled_dot_product_attention(query.double()[:, None], keys, values, scale=0.3)[:, 0]


SPANS = st.lists(st.tuples(st.integers(0, 150), st.integers(1, 20)), min_size=1, max_size=6)


@settings(deadline=None, max_examples=100)
@given(
    spans=SPANS,
    window=st.none() | st.integers(1, 200),
    kv_heads=st.integers(1, 3),
    sharing=st.integers(1, 4),
    vectors=st.integers(1, 16),
    narrow=st.booleans(),
)
def test_each_row_attends_over_its_own_sequence_up_to_itself_and_no_further_back_than_the_window(
    spans: list[tuple[int, int]], window: int | None, kv_heads: int, sharing: int, vectors: int, narrow: bool
) -> None:
    """Sequences on several shelves, some decoding and some with blocks of a prompt; what is narrow was rounded once."""
    heads, dim = kv_heads * sharing, 16 * vectors
    ends = [begin + count for begin, count in spans]
    slabs = slabs_of([begin for begin, _ in spans], ends, kv_heads, dim, narrow=narrow)
    before = [slab.view(0, 0, begin).clone() for slab, (begin, _) in zip(slabs, spans, strict=True)]
    batch = PackedBatch([Span(slab, b, b + n) for slab, (b, n) in zip(slabs, spans, strict=True)])
    query, rows = rows_of(sum(count for _, count in spans), heads, kv_heads, dim)
    attended = iter(zip(batch.attend(0, query, rows, 0.3, window), query, rows, strict=True))
    for slab, (begin, count), known in zip(slabs, spans, before, strict=True):
        assert torch.equal(slab.view(0, 0, begin), known)
        for end in range(begin + 1, begin + count + 1):
            got, own, written = next(attended)
            assert torch.equal(slab.view(0, end - 1, end)[:, :, 0], written.to(slab.view(0, 0, 1).dtype))
            torch.testing.assert_close(got.double(), exact(slab, end, own, window), rtol=1e-5, atol=3e-6)


@pytest.mark.parametrize(("window", "narrow"), [(None, False), (50, False), (None, True), (50, True)])
def test_a_row_gives_the_same_bits_in_any_company_in_any_block_and_by_any_number_of_threads(
    window: int | None, narrow: bool
) -> None:
    lengths = [200, 1, 130, 77]
    parts = [rows_of(length, 6, 3, 64) for length in lengths]

    def attend(block: int, threads: int, *, together: bool) -> list[Tensor]:
        slabs = slabs_of([0] * 4, lengths, 3, 64, narrow=narrow)
        torch.set_num_threads(threads)
        found: list[list[Tensor]] = [[] for _ in lengths]
        for begin in range(0, max(lengths), block):
            running = [n for n, length in enumerate(lengths) if begin < length]
            for mates in [running] if together else [[n] for n in running]:
                ends = [min(lengths[n], begin + block) for n in mates]
                batch = PackedBatch([Span(slabs[n], begin, end) for n, end in zip(mates, ends, strict=True)])
                query, rows = (
                    torch.cat([parts[n][of][begin:end] for n, end in zip(mates, ends, strict=True)]) for of in (0, 1)
                )
                counts = [end - begin for end in ends]
                for n, own in zip(mates, torch.split(batch.attend(0, query, rows, 0.3, window), counts), strict=True):
                    found[n].append(own)
        return [torch.cat(rows) for rows in found]

    threads = torch.get_num_threads()
    try:
        alone = attend(1, 1, together=False)
        for block, count, together in ((1, 2, True), (64, 2, True), (3, 1, True), (200, 2, False)):
            assert all(map(torch.equal, attend(block, count, together=together), alone))
    finally:
        torch.set_num_threads(threads)


@settings(deadline=None, max_examples=100)
@given(
    known=st.lists(st.integers(1, 150), min_size=1, max_size=3),
    depth=st.integers(1, 6),
    per_sequence=st.integers(1, 10),
    window=st.none() | st.integers(1, 200),
    kv_heads=st.integers(1, 3),
    sharing=st.integers(1, 4),
    vectors=st.integers(1, 4),
    narrow=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_a_branch_attends_as_its_sequence_would_had_it_gone_on_with_the_branchs_tokens(
    known: list[int],
    depth: int,
    per_sequence: int,
    window: int | None,
    kv_heads: int,
    sharing: int,
    vectors: int,
    narrow: bool,
    seed: int,
) -> None:
    """Branches that leave their sequences anywhere, beside rows of their sequences, to the last bit."""
    chance, heads, dim = random.Random(seed), kv_heads * sharing, 16 * vectors
    slabs = slabs_of(known, [end + 1 for end in known], kv_heads, dim, narrow=narrow)
    tails = [BranchTails(depth) for _ in known]
    starts = [[chance.randint(1, end + 1) for _ in range(per_sequence)] for end in known]
    for step in range(depth):
        branches = [
            BranchSpan(slab, own, [BranchRow(0, start, step, slot) for slot, start in enumerate(begun)])
            for slab, own, begun in zip(slabs, tails, starts, strict=True)
        ]
        spans = [
            span for slab, end, b in zip(slabs, known, branches, strict=True) for span in (Span(slab, end, end + 1), b)
        ]
        query, rows = rows_of((1 + per_sequence) * len(known), heads, kv_heads, dim)
        attended = PackedBatch(spans).attend(0, query, rows, 0.3, window)
        for n, (slab, begun) in enumerate(zip(slabs, starts, strict=True)):
            for slot, start in enumerate(begun):
                row = n * (1 + per_sequence) + 1 + slot
                fork = KVSlab(KVPool(narrow=narrow), start + depth)
                fork.write(0, 0, slab.view(0, 0, start).permute(2, 0, 1, 3).float())
                places = slice(slot * depth, slot * depth + step)
                fork.write(0, start, tails[n]._layers[0][:, :, places].permute(2, 0, 1, 3).float())
                alone = PackedBatch([Span(fork, start + step, start + step + 1)])
                expected = alone.attend(0, query[row : row + 1], rows[row : row + 1], 0.3, window)
                assert torch.equal(attended[row], expected[0])


def test_other_strides_than_a_lean_forwards_are_right_too() -> None:
    query, rows = rows_of(9, 4, 2, 16)
    others = query.transpose(0, 1).contiguous().transpose(0, 1)
    other_rows = rows.permute(3, 1, 2, 0).contiguous().permute(3, 1, 2, 0)
    assert (others.stride(), other_rows.stride()) != (query.stride(), rows.stride())
    found = [
        PackedBatch([Span(slabs_of([0], [9], 2, 16)[0], 0, 9)]).attend(0, *pair, 0.3)
        for pair in ((query, rows), (others, other_rows))
    ]
    assert torch.equal(*found)


def test_scores_far_apart_and_without_a_number_stay_in_their_row() -> None:
    slabs = slabs_of([39] * 3, [40] * 3, 1, 16)
    query, rows = rows_of(3, 1, 1, 16)
    query[0] *= 1e4
    slabs[1].view(0, 5, 6)[0] = torch.nan
    attended = PackedBatch([Span(slab, 39, 40) for slab in slabs]).attend(0, query, rows, 0.3)
    torch.testing.assert_close(attended[0].double(), exact(slabs[0], 40, query[0], None), rtol=1e-4, atol=1e-5)
    assert bool(attended[1].isnan().all())
    assert bool(attended[2].isfinite().all())


@pytest.mark.parametrize(("dim", "dtype"), [(24, torch.float32), (272, torch.float32), (64, torch.bfloat16)])
def test_what_it_does_not_know_is_left_to_torch(dim: int, dtype: torch.dtype) -> None:
    assert not row_kernel.suits(torch.zeros(1, 2, dim, dtype=dtype))
    assert row_kernel.suits(torch.zeros(1, 2, 64))
