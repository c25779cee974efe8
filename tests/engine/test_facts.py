"""The sums that follow from rows of logits, by our own kernel and by torch, against scipy's in float64."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp
from torch import Tensor

from llmtui.engine import facts_kernel, kernels
from llmtui.engine.telemetry import raw_rows

pytestmark = pytest.mark.usefixtures("each_kernels")


def logits_of(rows: int, vocab: int, seed: int, scale: float) -> Tensor:
    return torch.randn(rows, vocab, generator=torch.Generator().manual_seed(seed)) * scale


@settings(deadline=None, max_examples=60)
@given(
    vocab=st.integers(1, 3000) | st.just(50_257),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 5.0, 100.0]),
    offset=st.sampled_from([0.0, -1000.0, 3e4]),
    left_out=st.integers(0, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_log_sum_and_entropy_are_scipys(vocab: int, scale: float, offset: float, left_out: int, seed: int) -> None:
    rows = logits_of(3, vocab, seed, scale) + offset
    if left_out and vocab > 1:
        rows[1, 1 :: left_out + 1] = -math.inf
    for row, raw in zip(rows, raw_rows(rows), strict=True):
        logits = row.double().numpy()
        logprobs = log_softmax(logits)
        possible = logprobs > -math.inf
        entropy = -float(np.sum(np.exp(logprobs[possible]) * logprobs[possible])) / math.log(2)
        assert raw.log_sum == pytest.approx(float(logsumexp(logits)), rel=1e-6, abs=1e-6)
        assert raw.entropy_bits == pytest.approx(entropy, rel=2e-6, abs=2e-6)
        assert raw.ranking.size == int(possible.sum())


def test_rows_that_are_not_beside_each_other_in_memory_are_read_where_they_are() -> None:
    whole = logits_of(9, 700, 1, 3.0)
    for rows in (whole[1:4], whole[4::2], whole[:, 1:]):
        for row, raw in zip(rows, raw_rows(rows), strict=True):
            (alone,) = raw_rows(row[None])
            assert torch.equal(raw.logits, row)
            assert raw.log_sum == pytest.approx(alone.log_sum, rel=1e-7)
            assert raw.ranking.ids.tolist() == alone.ranking.ids.tolist()


def test_more_equals_than_there_is_room_for_are_ranked_all_the_same() -> None:
    row = torch.zeros(5000)
    row[10 : 10 + 2 * facts_kernel.ROOM] = 0.5
    row[77] = 1.0
    (raw,) = raw_rows(row[None])
    expected = [*range(10, 77), *range(78, 10 + 2 * facts_kernel.ROOM)]
    assert raw.ranking.ids.tolist() == [77, *expected]
    assert raw.rank_and_ties(77) == (1, 0)
    assert raw.rank_and_ties(10) == (2, len(expected) - 1)


def test_a_row_has_the_same_bits_alone_and_among_others() -> None:
    if kernels.KERNELS is None:
        pytest.skip("torch's sums of one row are NumPy's")
    rows = logits_of(16, 5120, 3, 4.0)
    for row, raw in zip(rows, raw_rows(rows), strict=True):
        (alone,) = raw_rows(row[None])
        assert (alone.log_sum, alone.entropy_bits) == (raw.log_sum, raw.entropy_bits)
