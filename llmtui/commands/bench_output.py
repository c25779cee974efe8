"""A benchmark as tables for people and as JSON for programs."""

from importlib.metadata import version
from typing import Any

from llmtui import __version__
from llmtui.commands.table import write_json, write_lines, write_table
from llmtui.insight.bench.bandwidth import METHOD
from llmtui.insight.bench.bars import Ratio
from llmtui.insight.bench.plan import Measure
from llmtui.insight.bench.rounds import Spread
from llmtui.insight.bench.run import Bench
from llmtui.units import short_count, size

NOTHING = "–"
ONE_TOKEN = ("prefill", "first token", "one forward")


def write_bench(bench: Bench, *, as_json: bool) -> None:
    if as_json:
        write_json(bench_fields(bench))
        return
    write_lines(head(bench))
    rows = [measure_row(bench, measure) for measure in bench.measures]
    if rows:
        write_lines([""])
        write_table(("", "streams", "prompt", "median", "", "min–max"), rows, "<>>><<")
    ratios = [ratio_row(bench, ratio) for ratio in bench.ratios]
    if ratios:
        write_lines([""])
        write_table(("", "median", "min–max", "bar", ""), ratios, "<>>><")
    write_lines(["", *tail(bench)])


def bench_fields(bench: Bench) -> dict[str, Any]:
    info = bench.info
    return {
        "model": info.name,
        "architecture": info.architecture,
        "parameters": info.parameters,
        "dtype": info.dtype,
        "device": info.device,
        "linears": info.linears,
        "engine_path": info.engine_path,
        "threads": bench.threads,
        "versions": {"llmtui": __version__, "torch": version("torch"), "transformers": version("transformers")},
        "rounds": len(bench.rounds),
        "complete": bench.complete,
        "notes": bench.notes,
        "bandwidth": {
            "method": METHOD,
            "buffer_bytes": bench.buffer_bytes,
            "cache_bytes": bench.cache_bytes,
            "bytes_per_second": None if bench.bandwidth is None else spread_fields(bench.bandwidth),
            "weight_bytes_per_token": bench.bytes_per_token,
            "share": bench.bandwidth_share,
        },
        "measures": [measure_fields(bench, measure) for measure in bench.measures],
        "ratios": [ratio_fields(bench, ratio) for ratio in bench.ratios],
    }


def spread_fields(found: Spread | None) -> dict[str, Any]:
    """The four numbers of a spread; nothing measured: null, and no samples."""
    if found is None:
        return {"median": None, "min": None, "max": None, "samples": 0}
    return {"median": found.median, "min": found.low, "max": found.high, "samples": found.samples}


def measure_fields(bench: Bench, measure: Measure) -> dict[str, Any]:
    return {
        "name": measure.name,
        "streams": measure.streams,
        "prompt_tokens": measure.prompt,
        "new_tokens": new_tokens(bench, measure),
        "unit": measure.unit,
        **spread_fields(bench.number(measure)),
    }


def ratio_fields(bench: Bench, ratio: Ratio) -> dict[str, Any]:
    found = bench.ratio(ratio)
    return {
        "name": ratio.name,
        **spread_fields(found),
        "at_least": ratio.at_least,
        "at_most": ratio.at_most,
        "met": ratio.met(found),
    }


def new_tokens(bench: Bench, measure: Measure) -> int:
    """What each stream of a measure writes."""
    if measure.name.startswith(ONE_TOKEN):
        return 1
    return bench.plan.gap_tokens if measure.name.startswith("gap") else bench.plan.tokens


def head(bench: Bench) -> list[str]:
    """What was measured, where, and what the memory can deliver."""
    info = bench.info
    lines = [
        f"{info.name} · {short_count(info.parameters)} · {info.dtype} · {info.device}, {bench.threads} threads",
        f"{info.linears or 'linears by torch'}; {info.engine_path}",
    ]
    if bench.bandwidth is not None:
        found = bench.bandwidth
        lines.append(
            f"memory read at {found.median / 1e9:.1f} GB/s ({found.low / 1e9:.1f}–{found.high / 1e9:.1f}), "
            f"a buffer of {size(bench.buffer_bytes)}"
        )
    weights = f"weights for a token {size(bench.bytes_per_token)}"
    if bench.bandwidth_share is not None:
        weights += f", read at {bench.bandwidth_share:.0%} of that by one stream"
    if bench.cache_bytes is not None and bench.bytes_per_token < bench.cache_bytes:
        weights += f"; the cache of {size(bench.cache_bytes)} holds them"
    return [*lines, weights]


def measure_row(bench: Bench, measure: Measure) -> tuple[str, ...]:
    row = (measure.name, str(measure.streams), str(measure.prompt))
    found = bench.number(measure)
    if found is None:
        return (*row, NOTHING, "", "")
    scale, unit, digits = (1e3, "ms", 1) if measure.unit == "s" else (1.0, measure.unit, 1)
    low, high = (f"{value * scale:,.{digits}f}" for value in (found.low, found.high))
    return (*row, f"{found.median * scale:,.{digits}f}", unit, f"{low}–{high}")


def ratio_row(bench: Bench, ratio: Ratio) -> tuple[str, ...]:
    found = bench.ratio(ratio)
    bar = ""
    if ratio.at_least is not None:
        bar = f"≥ {ratio.at_least:.2f}"
    elif ratio.at_most is not None:
        bar = f"≤ {ratio.at_most:.2f}"
    met = {True: "met", False: "missed", None: ""}[ratio.met(found)]
    if found is None:
        return (ratio.name, NOTHING, "", bar, met)
    return (ratio.name, f"{found.median:.2f} ×", f"{found.low:.2f}–{found.high:.2f}", bar, met)


def tail(bench: Bench) -> list[str]:
    plan = bench.plan
    state = "" if bench.complete else "stopped; "
    rounds = "1 round" if len(bench.rounds) == 1 else f"{len(bench.rounds)} rounds"
    said = f"{state}medians of {rounds}, {plan.tokens} new tokens for each decoding stream"
    return [said, *bench.notes]
