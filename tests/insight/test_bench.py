"""What `llmtui bench` measures, on tiny workloads: that every number is there and is a number of what it says."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from architectures import make_model

from llmtui.commands.bench_output import bench_fields, measure_row, new_tokens, ratio_row
from llmtui.engine import Engine
from llmtui.engine.quantize import Int8Linear, pack_linears, weight_bytes
from llmtui.insight.bench import bandwidth, run
from llmtui.insight.bench.bars import ratios
from llmtui.insight.bench.plan import QUICK, Measure, Plan, decode
from llmtui.insight.bench.rounds import Spread
from llmtui.insight.bench.run import Bench, begin, measure
from llmtui.insight.bench.workloads import Requests, prefill_seconds, token_times

TINY = Plan(rounds=2, tokens=4, streams=(1, 2), prompts=(32, 40), gap_tokens=50, passes=2, buffer_bytes=1 << 20)


@pytest.fixture(scope="module")
def measured(tiny_tales_engine: Engine) -> Bench:
    info = tiny_tales_engine.model
    assert info is not None
    bench = begin(tiny_tales_engine, info, TINY)
    measure(bench, tiny_tales_engine)
    return bench


def test_every_measure_has_a_number_of_each_round(measured: Bench) -> None:
    assert measured.complete
    assert len({each.key for each in measured.measures}) == len(measured.measures) == len(measured.rounds[0])
    for each in measured.measures:
        number = measured.number(each)
        assert number is not None
        assert number.samples == 2
        assert 0 < number.low <= number.median <= number.high
    assert {(each.streams, each.prompt) for each in measured.measures if each.name == "decode"} == {
        (1, 32),
        (2, 32),
        (1, 40),
    }


def test_json_keys_are_those_that_the_help_names(measured: Bench) -> None:
    answer = json.loads(json.dumps(bench_fields(measured), allow_nan=False))
    facts = {"model", "architecture", "parameters", "dtype", "device", "linears", "engine_path", "threads"}
    assert set(answer) == facts | {"versions", "rounds", "complete", "notes", "bandwidth", "measures", "ratios"}
    four = {"median", "min", "max", "samples"}
    assert set(answer["bandwidth"]["bytes_per_second"]) == four
    found = {"method", "buffer_bytes", "cache_bytes", "bytes_per_second", "weight_bytes_per_token", "share"}
    assert set(answer["bandwidth"]) == found
    for each in answer["measures"]:
        assert set(each) == {"name", "streams", "prompt_tokens", "new_tokens", "unit"} | four
    for each in answer["ratios"]:
        assert set(each) == {"name", "at_least", "at_most", "met"} | four
    assert set(answer["versions"]) == {"llmtui", "torch", "transformers"}
    assert (answer["rounds"], answer["complete"], answer["notes"]) == (2, True, [])


def test_the_share_of_the_bandwidth_is_the_weights_read_each_second_over_it(measured: Bench) -> None:
    assert measured.speed is not None
    assert measured.bandwidth is not None
    assert measured.bandwidth_share == pytest.approx(
        measured.speed.median * measured.bytes_per_token / measured.bandwidth.median
    )


def test_a_ratio_is_of_the_same_round(measured: Bench) -> None:
    several = next(each for each in measured.ratios if each.name == "2 streams / 1 stream")
    found = measured.ratio(several)
    assert found is not None
    own = [values[decode(2, 32).key] / values[decode(1, 32).key] for values in measured.rounds]
    assert (found.low, found.high) == (min(own), max(own))


def test_an_interruption_leaves_rows_without_numbers(tiny_tales_engine: Engine) -> None:
    info = tiny_tales_engine.model
    assert info is not None
    bench = begin(tiny_tales_engine, info, TINY)

    def stop(done: int, _total: int, what: str) -> None:
        if done and what.startswith("decode, 2 streams") and bench.rounds:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(bench, tiny_tales_engine, stop)
    assert not bench.complete
    assert [set(values) for values in bench.rounds] == [{decode(1, 32).key}]
    assert measure_row(bench, decode(2, 32))[3:] == ("–", "", "")
    assert ratio_row(bench, bench.ratios[-1])[1] == "–"
    assert all(each["met"] is None for each in bench_fields(bench)["ratios"])


def test_without_memory_for_a_second_copy_transformers_generate_is_left_out(
    tiny_tales_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tiny_tales_engine.model
    assert info is not None
    bench = begin(tiny_tales_engine, info, TINY)
    monkeypatch.setattr(run, "free_bytes", lambda _: 5 * info.parameters - 1)
    assert run.yardstick(bench, tiny_tales_engine) is None
    assert "transformers.generate() is left out" in bench.notes[0]
    monkeypatch.setattr(run, "free_bytes", lambda _: 5 * info.parameters)
    assert run.yardstick(bench, tiny_tales_engine) is not None


def test_streams_write_as_many_tokens_as_asked_for_and_prompts_share_nothing(tiny_tales_engine: Engine) -> None:
    requests = Requests()
    times = token_times(tiny_tales_engine, requests, 3, 5, 32)
    assert [len(own) for own in times] == [5, 5, 5]
    assert all(own == sorted(own) for own in times)
    assert prefill_seconds(tiny_tales_engine, requests, 2, 64) > 0
    begun = [requests.ids(64)[:1] for _ in range(50)]
    assert len({tuple(ids) for ids in begun}) == 50


def test_a_plan_fits_the_models_context() -> None:
    assert Plan().fitted(1024) == Plan()
    assert Plan().fitted(512).prompts == (32, 128, 448)
    small = Plan().fitted(64)
    assert (small.prompts, small.tokens, small.gap_tokens) == ((32,), 32, 0)
    for context in (33, 64, 100, 300, 512):
        fitted = Plan().fitted(context)
        assert max(fitted.prompts) + fitted.tokens <= max(context, fitted.prompts[0] + 2)
    assert new_tokens_of(QUICK, "prefill") == 1


def new_tokens_of(plan: Plan, name: str) -> int:
    bench: Any = type("", (), {"plan": plan})
    return new_tokens(bench, Measure(name, 1, 32, "s"))


def test_bars_are_those_of_the_dtype_and_only_for_the_cpu() -> None:
    def bars(dtype: str, device: str = "cpu", plan: Plan | None = None) -> dict[str, tuple[float | None, float | None]]:
        found = ratios(plan or Plan(), dtype, device)
        return {each.name: (each.at_least, each.at_most) for each in found if each.at_least or each.at_most}

    common = {
        "10 candidates / none": (0.97, None),
        "first token / one forward": (None, 1.05),
        "first token, known / new prompt": (None, 0.25),
        "gap beside a prompt, p99 / median": (None, 4.0),
    }
    sixteen = "16 streams / 1 stream"
    assert bars("float32") == common | {"llmtui / generate, sampled": (1.1, None), sixteen: (4.0, None)}
    assert bars("bfloat16") == common | {"llmtui / generate, greedy": (1.6, None), sixteen: (8.0, None)}
    assert bars("int8") == common | {"llmtui / generate, greedy": (2.8, None)}
    assert bars("float32", "cuda:0") == {}
    assert set(bars("float32", plan=QUICK)) == {"10 candidates / none", "llmtui / generate, sampled", sixteen}


@pytest.mark.parametrize(("median", "met"), [(1.09, False), (1.1, True), (None, None)])
def test_a_bar_is_met_by_the_median(median: float | None, met: bool | None) -> None:
    bar = ratios(Plan(), "float32", "cpu")[0]
    assert bar.met(None if median is None else Spread(median, 0.5, 2.0, 5)) is met


def test_bandwidth_is_the_buffers_bytes_over_each_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = count()
    monkeypatch.setattr(bandwidth.time, "perf_counter", lambda: 0.5 * next(seconds))
    # a clock that moves on by half a second at each look; the first pass looks once and does not count
    assert bandwidth.read_bandwidth(1 << 20, 3) == [2 * (1 << 20)] * 3


@pytest.mark.parametrize(
    ("cache", "free", "expected"),
    [(None, 64 << 30, 1 << 30), (32 << 20, 64 << 30, 1 << 30), (480 << 20, 64 << 30, 1920 << 20), (None, 8, 2)],
)
def test_the_buffer_is_much_larger_than_the_cache_but_leaves_memory_free(
    cache: int | None, free: int, expected: int
) -> None:
    assert bandwidth.buffer_size(cache, free) == expected


def test_the_last_cache_is_read_as_linux_writes_it(tmp_path: Path) -> None:
    assert bandwidth.last_cache_bytes(tmp_path) is None
    for index, text in enumerate(("32K\n", "1024K\n", "33M\n", "odd\n", "")):
        (tmp_path / f"index{index}").mkdir()
        (tmp_path / f"index{index}" / "size").write_text(text)
    assert bandwidth.last_cache_bytes(tmp_path) == 33 << 20


@pytest.mark.parametrize(
    ("architecture", "fields", "table"),
    [
        ("gpt2", {}, "wpe"),
        ("llama", {"tie_word_embeddings": False}, "embed_tokens"),
        ("llama", {"tie_word_embeddings": True}, None),
    ],
)
def test_a_token_reads_all_weights_but_tables_of_embeddings(
    architecture: str, fields: dict[str, Any], table: str | None
) -> None:
    model = make_model(architecture, **fields)
    by_hand = sum(p.nbytes for name, p in model.named_parameters() if table is None or f".{table}." not in name)
    assert bandwidth.weight_bytes_per_token(model) == by_hand


def test_packed_linears_are_read_as_they_are_held_and_a_tied_table_no_more() -> None:
    model = make_model("gpt2")
    tables = model.transformer.wte.weight.nbytes + model.transformer.wpe.weight.nbytes
    pack_linears(model, Int8Linear)
    assert bandwidth.weight_bytes_per_token(model) == weight_bytes(model) - tables


def test_tiny_tales_reads_everything_but_its_positions(tiny_tales_engine: Engine) -> None:
    read = tiny_tales_engine.run_job(lambda loaded: bandwidth.weight_bytes_per_token(loaded.model)).result()
    assert read == 4 * (6_180_864 - 512 * 256)
