"""KL, ranks and bits per byte against scipy and counting by hand."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtui.insight.divergence import ScoredToken, Span, bits_per_byte, common_spans, differences, kl_bits


def random_rows(seed: int, rows: int = 6, vocabulary: int = 50, scale: float = 4.0) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(rows, vocabulary), scale=scale)
    return scipy.special.log_softmax(logits, axis=1).astype(np.float32)


@given(st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_kl_is_scipys_relative_entropy(seed: int) -> None:
    p, q = random_rows(seed), random_rows(seed + 1)
    expected = scipy.special.rel_entr(np.exp(p.astype(float)), np.exp(q.astype(float))).sum(axis=1) / np.log(2)
    assert kl_bits(p, q) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_model_does_not_differ_from_itself_and_the_order_matters() -> None:
    p, q = random_rows(1), random_rows(2)
    assert np.all(kl_bits(p, p) == 0)
    assert not np.allclose(kl_bits(p, q), kl_bits(q, p))


def test_impossible_tokens_add_nothing_or_everything() -> None:
    half = np.log(np.array([[0.5, 0.5, 0.0]], dtype=np.float32) + 1e-45).astype(np.float32)
    half[0, 2] = -np.inf
    one = np.array([[0.0, -np.inf, -np.inf]], dtype=np.float32)
    assert kl_bits(one, half) == pytest.approx([1.0])
    assert kl_bits(half, one) == [np.inf]


def test_ranks_and_favourites_are_those_of_sorting() -> None:
    p, q = random_rows(3), random_rows(4)
    ids = [9, 4, 4, 30, 2, 0, 49]
    found = differences(ids, p, q)
    assert [at.index for at in found] == [1, 2, 3, 4, 5, 6]
    for row, at in enumerate(found):
        assert at.id == ids[row + 1]
        assert at.rank == int(scipy.stats.rankdata(-p[row], method="min")[at.id])
        assert at.rank_other == int(scipy.stats.rankdata(-q[row], method="min")[at.id])
        assert (at.top1, at.top1_other) == (np.argsort(-p[row])[0], np.argsort(-q[row])[0])
        assert at.agrees == (at.top1 == at.top1_other)


def test_padding_columns_change_nothing() -> None:
    p, q = random_rows(5), random_rows(6)
    padded = np.concatenate([q, np.full((6, 14), -30, dtype=np.float32)], axis=1)
    for plain, other in zip(differences([0] * 7, p, q), differences([0] * 7, p, padded), strict=True):
        assert other.kl_bits == pytest.approx(plain.kl_bits, rel=1e-4)


def test_probability_on_padding_is_given_back_to_the_shared_tokens() -> None:
    p, q = random_rows(5), random_rows(6)
    padded = scipy.special.log_softmax(np.concatenate([q, np.full((6, 14), 2.0, dtype=np.float32)], axis=1), axis=1)
    assert np.exp(padded[:, 50:]).sum(axis=1).min() > 0.9
    plain = [at.kl_bits for at in differences([0] * 7, p, q)]
    assert [at.kl_bits for at in differences([0] * 7, p, padded)] == pytest.approx(plain, rel=1e-4)
    assert [at.kl_bits for at in differences([0] * 7, padded, p)] == pytest.approx(
        [at.kl_bits for at in differences([0] * 7, q, p)], rel=1e-4
    )


def test_where_one_model_read_less_only_what_both_read_is_compared() -> None:
    p, q = random_rows(7), random_rows(8)
    whole = differences([0] * 7, p, q)
    assert differences([0] * 7, p, q[:4]) == differences([0] * 7, p[:4], q) == whole[:4]


def cut(places: list[int], bits: list[float | None]) -> list[ScoredToken]:
    starts = [0, *places[:-1]]
    return [ScoredToken(*fields) for fields in zip(starts, places, bits, strict=True)]


def test_bits_per_byte_counts_the_same_bytes_for_both() -> None:
    one = cut([2, 4, 6, 9], [None, 4.0, 6.0, 9.0])
    other = cut([3, 4, 9, 11], [None, 1.0, 5.0, 7.0])
    # 4 and 9 are ends of tokens in both, and both have scored from there
    assert bits_per_byte([one, other]) == [15.0 / 5, 5.0 / 5]


def test_spans_are_the_shortest_stretches_between_ends_that_all_share() -> None:
    one = cut([2, 4, 6, 9], [None, 4.0, 6.0, 9.0])
    other = cut([2, 3, 4, 9], [None, 1.0, 5.0, 7.0])
    assert common_spans([one, other]) == (Span(2, 4, (4.0, 6.0)), Span(4, 9, (15.0, 7.0)))
    assert common_spans([one]) == (Span(2, 4, (4.0,)), Span(4, 6, (6.0,)), Span(6, 9, (9.0,)))
    assert common_spans([]) == ()


def test_tokens_that_share_a_character_are_one_stretch() -> None:
    shared = [ScoredToken(0, 1, None), ScoredToken(1, 4, 2.0), ScoredToken(1, 4, 3.0), ScoredToken(4, 5, 1.0)]
    whole = cut([1, 4, 5], [None, 4.0, 2.0])
    assert bits_per_byte([shared, whole]) == [6.0 / 4, 6.0 / 4]


def test_texts_without_a_common_stretch_have_no_such_number() -> None:
    assert bits_per_byte([cut([3], [None]), cut([3], [None])]) is None
    assert bits_per_byte([]) is None


@given(st.lists(st.tuples(st.integers(1, 4), st.floats(0, 20)), min_size=2, max_size=12))
def test_one_model_alone_has_all_its_bits_over_all_its_bytes(parts: list[tuple[int, float]]) -> None:
    ends = np.cumsum([length for length, _ in parts]).tolist()
    tokens = cut(ends, [None, *(bits for _, bits in parts[1:])])
    found = bits_per_byte([tokens])
    assert found is not None
    assert found[0] == pytest.approx(sum(bits for _, bits in parts[1:]) / (ends[-1] - ends[0]))
