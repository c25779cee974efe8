"""llmtui bench: how fast a model runs on this machine, and against what."""

from typing import TYPE_CHECKING, Any

import click

from llmtui.commands.options import CONTEXT, JSON, leave, model_options, settings_of

if TYPE_CHECKING:
    from llmtui.insight.bench.run import Bench
    from llmtui.settings import Settings


@click.command(context_settings=CONTEXT)
@click.option("--rounds", type=click.IntRange(1, 1000), metavar="N", help="How often everything is measured (5).")
@click.option("--quick", is_flag=True, help="Fewer batch sizes and prompt lengths, shorter texts, 3 rounds.")
@JSON
@model_options
@click.pass_context
def bench(ctx: click.Context, /, rounds: int | None, quick: bool, as_json: bool, **flags: Any) -> None:
    """Measure how fast a model runs here, and against what.

    Prefill and decode at several batch sizes and prompt lengths, transformers.generate(), and what the memory can
    deliver. All alternate in every round; numbers are medians over the rounds, with the smallest and the largest. The
    speed of one stream is kept for `llmtui models`. Ctrl-C writes what was measured until then.

    --json keys: model, architecture, parameters, dtype, device, linears, engine_path, threads, versions, rounds,
    complete, notes, bandwidth (method, buffer_bytes, cache_bytes, bytes_per_second, weight_bytes_per_token, share),
    measures (name, streams, prompt_tokens, new_tokens, unit, median, min, max, samples), ratios (name, median, min,
    max, samples, at_least, at_most, met). bytes_per_second is median, min, max, samples, too. What no round got to
    is null.
    """
    settings = settings_of(ctx, flags)
    from llmtui.commands.guard import guarded

    leave(guarded(lambda: run_bench(settings, rounds, quick=quick, as_json=as_json)))


def run_bench(settings: "Settings", rounds: int | None, *, quick: bool, as_json: bool) -> int:
    """Load, measure, write, keep; the exit code."""
    from dataclasses import replace

    from llmtui.commands.console import Console
    from llmtui.engine import Engine
    from llmtui.insight.bench.plan import QUICK, Plan
    from llmtui.system.logs import setup_logging
    from llmtui.system.paths import log_file

    setup_logging(log_file(), settings.debug)
    plan = QUICK if quick else Plan()
    if rounds is not None:
        plan = replace(plan, rounds=rounds)
    engine = Engine(max_running=plan.streams[-1])
    info = Console().wait_for_model(engine.load(settings.model_name, device=settings.device, dtype=settings.dtype))
    # torch is there now
    from llmtui.insight.bench.run import begin

    return measure_and_write(begin(engine, info, plan), engine, as_json=as_json)


def measure_and_write(bench: "Bench", engine: Any, *, as_json: bool) -> int:
    """Measure with a bar of progress; Ctrl-C writes what there is."""
    from llmtui.commands import exit_codes
    from llmtui.commands.bench_output import write_bench
    from llmtui.commands.progress import ProgressLine, progress_bar
    from llmtui.insight.bench.run import measure

    code = exit_codes.DONE
    with ProgressLine() as line:
        try:
            measure(bench, engine, lambda done, total, what: line.show(f"{progress_bar(done / total)} {what}"))
        except KeyboardInterrupt:
            code = exit_codes.INTERRUPTED
    keep(bench)
    write_bench(bench, as_json=as_json)
    return code


def keep(bench: "Bench") -> None:
    """Let `llmtui models` know the speed; where that cannot be written, a sentence says so."""
    from datetime import UTC, datetime

    from llmtui.commands.console import Console
    from llmtui.system.measured import MeasuredSpeed, keep_measured

    if bench.speed is None:
        return
    info = bench.info
    when = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        keep_measured(MeasuredSpeed(info.name, info.path, info.dtype, info.device, bench.speed.median, when))
    except OSError as error:
        Console().say(f"the speed could not be kept for llmtui models: {error.strerror or error}")
