from dataclasses import replace

import pytest
from scripted_engine import model_info
from tokens import make_candidate, make_token

from llmtui.engine.events import Token
from llmtui.insight.compare import Column, Measured, ModelChoice
from llmtui.insight.divergence import PositionDifference, Span
from llmtui.tui.compare_facts import column_facts, fact_lines
from llmtui.tui.differences import KL_LIMITS, Differences

WORDS = (b"Once", b" upon", b" a", b" time")


def trace(best: bytes) -> tuple[Token, ...]:
    return tuple(
        make_token(
            data, index=place, id=place, prob=0.5 if place else None, candidates=[make_candidate(99, best + data, 0.6)]
        )
        for place, data in enumerate(WORDS)
    )


def measured(name: str = "tiny-tales") -> Measured:
    return Measured(model_info(name), 12_400_000, 52_300_000, 52_500_000, 0.012, 135.81, 20, "a text")


def columns(*kls: float) -> tuple[Column, Column]:
    differences = tuple(
        PositionDifference(place, place, kl, top1=1, top1_other=1 + place % 2, rank=3, rank_other=5)
        for place, kl in enumerate(kls, start=1)
    )
    p = Column(ModelChoice("p"), measured(), bits_per_byte=0.3154, trace=trace(b"P"))
    return p, Column(ModelChoice("q"), measured(), bits_per_byte=0.4, differences=differences, trace=trace(b"Q"))


def test_with_one_vocabulary_each_token_has_its_divergence_ranks_and_what_each_expected() -> None:
    found = Differences(*columns(0.0013, 0.2, 3.0), (), (0, 1))
    assert found.same_vocabulary
    assert found.words(0) == "nothing predicts the first token"
    assert found.words(1) == "KL(p‖q) 0.0013 bit · rank 3 → 5 · p expects P␣upon, q Q␣upon"
    assert found.words(2) == "KL(p‖q) 0.2000 bit · rank 3 → 5 · both expect P␣a"
    assert [found.disagree(place) for place in range(4)] == [False, True, False, True]
    assert [found.level(place) for place in range(4)] == [None, 1, 3, 5]
    assert "KL(p‖q)" in found.legend


@pytest.mark.parametrize(("kl", "level"), [(0.0, 0), *zip(KL_LIMITS, range(5), strict=True), (1.01, 5), (99, 5)])
def test_levels_are_by_the_limits_that_the_legend_names(kl: float, level: int) -> None:
    found = Differences(*columns(kl), (), (0, 1))
    assert found.level(1) == level
    assert f"≤{KL_LIMITS[min(level, 4)]:g}" in found.legend


def test_with_other_vocabularies_only_bits_on_common_bytes_are_told() -> None:
    p, q = columns()
    q = replace(q, differences=None, trace=())
    # "Once" is not predicted; " upon a" is one stretch for q; " time" another
    found = Differences(p, q, (Span(4, 11, (7.0, 14.0, 99.0)), Span(11, 16, (5.0, 2.5, 99.0))), (0, 1))
    assert not found.same_vocabulary
    assert found.words(0) == "not on bytes that both models predict"
    expected = "bytes 4–11: p 7.00 bit = 1.00 bit/byte · q 14.00 bit = 2.00 bit/byte"
    assert (found.words(1), found.words(2)) == (expected, expected)
    assert found.words(3) == "bytes 11–16: p 5.00 bit = 1.00 bit/byte · q 2.50 bit = 0.50 bit/byte"
    assert [found.level(place) for place in range(4)] == [None, 4, 4, 3]
    assert [found.disagree(place) for place in range(4)] == [False, True, False, False]
    assert "KL" not in found.legend + found.words(1)


def test_a_trace_that_was_cut_leaves_dashes_instead_of_failing() -> None:
    p, q = columns(0.1, 0.1, 0.1)
    found = Differences(p, replace(q, trace=q.trace[:2]), (), (0, 1))
    assert "q –" in found.words(3)


def test_facts_of_a_model_have_names_and_units_and_dashes_before_they_are_known() -> None:
    p, q = columns(0.5, 1.5)
    facts = dict(column_facts(p))
    assert facts["disk"] == "12.4 MB"
    assert facts["memory"] == "52.3 MB"
    assert facts["first"] == "12 ms"
    assert facts["tok/s"] == "135.8"
    assert facts["bit/byte"] == "0.315"
    assert facts["KL(p‖q)"] == "–"
    assert dict(column_facts(q))["KL(p‖q)"] == "1.0000"
    assert dict(column_facts(q))["top-1"] == "50.0%"
    assert set(dict(column_facts(None)).values()) == {"–"}
    assert set(dict(column_facts(Column(ModelChoice("x"), problem="no"))).values()) == {"–"}


def test_facts_stand_two_in_a_line_where_there_is_room() -> None:
    facts = column_facts(columns()[0])
    assert len(fact_lines(facts, 28)) == 12
    assert len(fact_lines(facts, 36)) == 6
    assert {len(line) for line in fact_lines(facts, 28)} == {28}
    assert all(len(line) <= 41 for line in fact_lines(facts, 41))
