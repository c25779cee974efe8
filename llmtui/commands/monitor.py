"""llmtui monitor: the load of a machine and of an engine line by line, for people, programs and spreadsheets."""

import csv
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmtui.commands.options import CONTEXT, JSON, leave, log_options, server_options, settings_of

if TYPE_CHECKING:
    from llmtui.settings import Settings
    from llmtui.system.monitor import Monitor
    from llmtui.system.reading import Sample


CORES = "cores %"


@click.command(context_settings=CONTEXT)
@click.option("--interval", type=click.FloatRange(0.1, 3600), default=1.0, metavar="S", help="Seconds between samples.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after N samples; else Ctrl-C ends it.")
@click.option("--pid", type=click.IntRange(1), metavar="N", help="Watch this process, a running llmtui for instance.")
@click.option(
    "--csv", "csv_file", type=click.Path(path_type=Path), metavar="FILE", help="Write every sample here, too."
)
@JSON
@server_options
@log_options
@click.pass_context
def monitor(
    ctx: click.Context,
    /,
    interval: float,
    count: int | None,
    pid: int | None,
    csv_file: Path | None,
    as_json: bool,
    url: str | None,
    **flags: Any,
) -> None:
    """Watch the machine: processor in all and per core, load, memory, GPU; with --url a running llmtui and its engine.

    --json writes a line for each sample, --csv the same columns: time, cpu_percent, core_percents, load,
    ram_used_bytes, ram_total_bytes, process_cpu_percent, process_rss_bytes, gpus (name, load_percent,
    memory_used_bytes, memory_total_bytes), engine (state, models (name, weights_bytes), running, waiting,
    computing_threads, generated_tokens, kv_bytes, prefix_cache_bytes, prefix_hit_tokens), tokens_per_second, problem
    (why nothing is known). What is not known is null.
    """
    if url is not None and pid is not None:
        raise click.UsageError("--pid does not go with --url: the server tells of its own process")
    settings = settings_of(ctx, flags)
    from llmtui.commands.guard import guarded

    leave(guarded(lambda: run_monitor(settings, interval, count, pid, csv_file, as_json, url)))


def run_monitor(
    settings: "Settings",
    interval: float,
    count: int | None,
    pid: int | None,
    csv_file: Path | None,
    as_json: bool,
    url: str | None = None,
) -> int:
    """Sample and write until `count` or Ctrl-C; the exit code."""
    from llmtui.commands import exit_codes
    from llmtui.commands.table import write_json, write_lines
    from llmtui.errors import LlmtuiError
    from llmtui.system.logs import setup_logging
    from llmtui.system.paths import log_file

    setup_logging(log_file(), settings.debug)
    watched = make_monitor(settings, pid, url)
    with ExitStack() as stack:
        writer = None
        if csv_file is not None:
            try:
                # line by line: what was measured stays, however this ends
                file = stack.enter_context(csv_file.open("w", encoding="utf-8", newline="", buffering=1))
            except OSError as error:
                raise LlmtuiError(f"--csv {csv_file} cannot be written: {error.strerror or error}") from None
            writer = csv.writer(file, lineterminator="\n")
        columns: list[str] = []
        for index, sample in enumerate(samples(watched, interval, count)):
            fields = sample_fields(sample)
            if writer is not None:
                flat = flat_fields(fields)
                if not columns:
                    columns = list(flat)
                    writer.writerow(columns)
                writer.writerow([flat.get(column) for column in columns])
            if as_json:
                write_json(fields)
            else:
                # the header comes again with every screenful
                write_lines(line_for_people(sample, header=index % 20 == 0 if sys.stdout.isatty() else index == 0))
    return exit_codes.DONE


def make_monitor(settings: "Settings", pid: int | None, url: str | None) -> "Monitor":
    """What watches this machine, or a server. Raises ProcessGone, OutOfReach, ServerRefused."""
    from llmtui.system.monitor import LocalReader, Monitor

    if url is None:
        return Monitor(LocalReader(pid))
    from llmtui.system.api_client import ApiClient
    from llmtui.system.remote_reader import RemoteReader

    return Monitor(RemoteReader(ApiClient(url, settings.client_key)))


def samples(monitor: "Monitor", interval: float, count: int | None) -> "Iterator[Sample]":
    """A sample each `interval` seconds, on time however long the writing takes; `count` of them."""
    began = time.monotonic()
    taken = 0
    never = threading.Event()
    while count is None or taken < count:
        taken += 1
        never.wait(max(0.0, began + taken * interval - time.monotonic()))
        yield monitor.sample()


def sample_fields(sample: "Sample") -> dict[str, Any]:
    """A sample as plain JSON values; percentages to two decimals."""
    fields = asdict(sample)
    fields["time"] = round(sample.time, 3)
    for name in ("cpu_percent", "process_cpu_percent", "tokens_per_second"):
        fields[name] = None if fields[name] is None else round(fields[name], 2)
    fields["core_percents"] = [round(percent, 2) for percent in sample.core_percents]
    return fields


def flat_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """The same in columns: one for each core, load average, GPU and number of the engine."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        match name:
            case "core_percents":
                flat |= {f"core{i}_percent": percent for i, percent in enumerate(value)}
            case "load":
                flat |= {f"load{minutes}": load for minutes, load in zip((1, 5, 15), value or [None] * 3, strict=True)}
            case "gpus":
                flat |= {f"gpu{i}_{key}": gpu[key] for i, gpu in enumerate(value) for key in gpu if key != "name"}
            case "engine":
                flat |= {f"engine_{key}": number for key, number in (value or {}).items() if key != "models"}
            case _:
                flat[name] = value
    return flat


def line_for_people(sample: "Sample", *, header: bool) -> list[str]:
    from llmtui.commands.table import terminal_width
    from llmtui.tui.text import visible
    from llmtui.tui.wrapping import wrap

    width = terminal_width()
    columns = columns_that_fit(columns_for_people(sample), width)
    lines = ["  ".join(name.rjust(width) for name, _, width in columns)] if header and not sample.problem else []
    if sample.problem:
        lines.append(f"{columns[0][1]}  {sample.problem}")
    else:
        lines.append("  ".join(value.rjust(width) for _, value, width in columns))
    harmless = [visible(line) for line in lines]
    return harmless if width is None else [part.rstrip() for line in harmless for part in wrap(line, width)]


def columns_that_fit(columns: list[tuple[str, str, int]], width: int | None) -> list[tuple[str, str, int]]:
    """The first ones that a line of `width` cells holds whole, and as many cores as there is room for; None: all."""
    if width is None:
        return columns
    fitting: list[tuple[str, str, int]] = []
    room = width
    for name, value, least in columns:
        if len(value) > room and name == CORES and room > len(name):
            value = value[: room - 1].rpartition(" ")[0] + " …"
        room -= max(len(name), len(value), least)
        if room < 0:
            break
        fitting.append((name, value, least))
        room -= 2
    return fitting


def columns_for_people(sample: "Sample") -> list[tuple[str, str, int]]:
    """Heading, value and width; where an engine is watched, its numbers come first."""
    from llmtui.units import count, fixed, percent, size

    engine = sample.engine
    return [
        ("time", time.strftime("%H:%M:%S", time.localtime(sample.time)), 8),
        *(
            []
            if engine is None
            else [
                ("tok/s", fixed(sample.tokens_per_second, 1), 7),
                ("run", str(engine.running), 3),
                ("wait", str(engine.waiting), 4),
                ("kv", size(engine.kv_bytes), 8),
                ("prefixes", size(engine.prefix_cache_bytes), 8),
                ("hit", count(engine.prefix_hit_tokens), 7),
            ]
        ),
        ("cpu", percent(sample.cpu_percent), 5),
        ("load", fixed(sample.load[0] if sample.load else None), 6),
        ("ram", f"{size(sample.ram_used_bytes)} of {size(sample.ram_total_bytes)}", 17),
        ("process", percent(sample.process_cpu_percent), 7),
        ("rss", size(sample.process_rss_bytes), 8),
        *(
            (f"gpu{i}", f"{gpu.load_percent:.0f}% {size(gpu.memory_used_bytes)} of {size(gpu.memory_total_bytes)}", 26)
            for i, gpu in enumerate(sample.gpus)
        ),
        (CORES, " ".join(f"{core:3.0f}" for core in sample.core_percents), 0),
    ]
