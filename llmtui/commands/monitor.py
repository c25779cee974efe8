"""llmtui monitor: the machine's load line by line, for people, for programs and for spreadsheets."""

import csv
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmtui.commands.options import CONTEXT, JSON, leave, log_options, settings_of

if TYPE_CHECKING:
    from llmtui.settings import Settings
    from llmtui.system.monitor import Monitor, Sample


@click.command(context_settings=CONTEXT)
@click.option("--interval", type=click.FloatRange(0.1, 3600), default=1.0, metavar="S", help="Seconds between samples.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after N samples; else Ctrl-C ends it.")
@click.option("--pid", type=click.IntRange(1), metavar="N", help="Watch this process, a running llmtui for instance.")
@click.option(
    "--csv", "csv_file", type=click.Path(path_type=Path), metavar="FILE", help="Write every sample here, too."
)
@JSON
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
    **flags: Any,
) -> None:
    """Watch the machine: processor in all and per core, load, memory, GPU.

    --json writes a line for each sample, --csv the same columns: time, cpu_percent, core_percents, load,
    ram_used_bytes, ram_total_bytes, process_cpu_percent, process_rss_bytes, gpus (name, load_percent,
    memory_used_bytes, memory_total_bytes).
    """
    settings = settings_of(ctx, flags)
    from llmtui.commands.guard import guarded

    leave(guarded(lambda: run_monitor(settings, interval, count, pid, csv_file, as_json)))


def run_monitor(
    settings: "Settings", interval: float, count: int | None, pid: int | None, csv_file: Path | None, as_json: bool
) -> int:
    """Sample and write until `count` or Ctrl-C; the exit code."""
    from llmtui.commands import exit_codes
    from llmtui.commands.table import write_json, write_lines
    from llmtui.errors import LlmtuiError
    from llmtui.system.logs import setup_logging
    from llmtui.system.monitor import Monitor
    from llmtui.system.paths import log_file

    setup_logging(log_file(), settings.debug)
    machine = Monitor(pid)
    with ExitStack() as stack:
        writer = None
        if csv_file is not None:
            try:
                # line by line: what was measured stays, however this ends
                file = stack.enter_context(csv_file.open("w", encoding="utf-8", newline="", buffering=1))
            except OSError as error:
                raise LlmtuiError(f"--csv {csv_file} cannot be written: {error.strerror or error}") from None
            writer = csv.writer(file, lineterminator="\n")
        for index, sample in enumerate(samples(machine, interval, count)):
            fields = sample_fields(sample)
            if writer is not None:
                flat = flat_fields(sample)
                if index == 0:
                    writer.writerow(flat)
                writer.writerow(flat.values())
            if as_json:
                write_json(fields)
            else:
                # the header comes again with every screenful
                write_lines(line_for_people(sample, header=index % 20 == 0 if sys.stdout.isatty() else index == 0))
    return exit_codes.DONE


def samples(machine: "Monitor", interval: float, count: int | None) -> "Iterator[Sample]":
    """A sample each `interval` seconds, on time however long the writing takes; `count` of them."""
    began = time.monotonic()
    taken = 0
    never = threading.Event()
    while count is None or taken < count:
        taken += 1
        never.wait(max(0.0, began + taken * interval - time.monotonic()))
        yield machine.sample()


def sample_fields(sample: "Sample") -> dict[str, Any]:
    return {
        "time": round(sample.time, 3),
        "cpu_percent": round(sample.cpu_percent, 2),
        "core_percents": [round(percent, 2) for percent in sample.core_percents],
        "load": list(sample.load),
        "ram_used_bytes": sample.ram_used_bytes,
        "ram_total_bytes": sample.ram_total_bytes,
        "process_cpu_percent": sample.process_cpu_percent,
        "process_rss_bytes": sample.process_rss_bytes,
        "gpus": [
            {
                "name": gpu.name,
                "load_percent": gpu.load_percent,
                "memory_used_bytes": gpu.memory_used_bytes,
                "memory_total_bytes": gpu.memory_total_bytes,
            }
            for gpu in sample.gpus
        ],
    }


def flat_fields(sample: "Sample") -> dict[str, Any]:
    """The same in columns: one for each core, load average and GPU."""
    flat: dict[str, Any] = {}
    for name, value in sample_fields(sample).items():
        match name:
            case "core_percents":
                flat |= {f"core{i}_percent": percent for i, percent in enumerate(value)}
            case "load":
                flat |= {f"load{minutes}": load for minutes, load in zip((1, 5, 15), value, strict=True)}
            case "gpus":
                flat |= {f"gpu{i}_{key}": gpu[key] for i, gpu in enumerate(value) for key in gpu if key != "name"}
            case _:
                flat[name] = value
    return flat


def line_for_people(sample: "Sample", *, header: bool) -> list[str]:
    from llmtui.commands.table import terminal_width
    from llmtui.tui.text import middle_ellipsis, visible
    from llmtui.units import size

    columns = [
        ("time", time.strftime("%H:%M:%S", time.localtime(sample.time)), 8),
        ("cpu", f"{sample.cpu_percent:.0f}%", 5),
        ("load", f"{sample.load[0]:.2f}", 6),
        ("ram", f"{size(sample.ram_used_bytes)} of {size(sample.ram_total_bytes)}", 20),
        ("process", f"{sample.process_cpu_percent:.0f}%", 8),
        ("rss", size(sample.process_rss_bytes), 9),
        *(
            (f"gpu{i}", f"{gpu.load_percent:.0f}% {size(gpu.memory_used_bytes)} of {size(gpu.memory_total_bytes)}", 26)
            for i, gpu in enumerate(sample.gpus)
        ),
        ("cores %", " ".join(f"{percent:3.0f}" for percent in sample.core_percents), 0),
    ]
    lines = ["  ".join(name.rjust(width) for name, _, width in columns)] if header else []
    lines.append("  ".join(value.rjust(width) for _, value, width in columns))
    width = terminal_width()
    return [visible(line) if width is None else middle_ellipsis(visible(line), width) for line in lines]
