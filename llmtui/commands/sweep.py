"""llmtui sweep: one prompt under many settings, cell by cell."""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from llmtui.commands.options import CONTEXT, JSON, MODEL, leave, length_options, settings_of

if TYPE_CHECKING:
    from llmtui.engine import Engine, GenerationRequest
    from llmtui.insight.at_position import Position
    from llmtui.insight.sweep import Cell, Setting, Sweep
    from llmtui.settings import Settings

MANY_CELLS = 256
MAX_RUNNING = 32
N = TypeVar("N", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """What was asked for besides the settings; None: the setting's own value."""

    prompt: str | None
    temperatures: list[float] | None
    top_ks: list[int] | None
    top_ps: list[float] | None
    seeds: int
    at: int | None
    as_json: bool
    yes: bool


def _values(convert: Callable[[str], N], what: str) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A click callback that reads `0.2,0.7`; an empty or wrong list names its option."""

    def read(_ctx: click.Context, _param: click.Parameter, text: str | None) -> list[N] | None:
        if text is None:
            return None
        parts = [part.strip() for part in text.split(",")]
        try:
            return [convert(part) for part in parts]
        except ValueError:
            raise click.BadParameter(f"must be {what} with commas between them, got {text!r}") from None

    return read


@click.command(context_settings=CONTEXT)
@click.argument("prompt", required=False)
@click.option("--temperature", "temperatures", metavar="T,T,…", callback=_values(float, "numbers"), help="0 is greedy.")
@click.option("--top-k", "top_ks", metavar="K,K,…", callback=_values(int, "whole numbers"), help="0 is off.")
@click.option("--top-p", "top_ps", metavar="P,P,…", callback=_values(float, "numbers"), help="1 is off.")
@click.option("--seeds", type=click.IntRange(1), default=3, metavar="N", help="Texts of each setting (3).")
@click.option("--at", type=click.IntRange(1), metavar="N", help="No texts: the distribution at token N of the prompt.")
@click.option("--yes", is_flag=True, help=f"Do not ask, however many cells there are (it asks from {MANY_CELLS} on).")
@JSON
@MODEL
@length_options
@click.pass_context
def sweep(
    ctx: click.Context,
    /,
    prompt: str | None,
    temperatures: list[float] | None,
    top_ks: list[int] | None,
    top_ps: list[float] | None,
    seeds: int,
    at: int | None,
    yes: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Continue PROMPT under every combination of settings; - reads it from stdin.

    Cells of one seed share their random numbers, so that a difference is the setting's doing; the first setting is the
    reference. --json keys: model, prompt, complete, seeds, tokens, seconds, cells (temperature, top_k, top_p, seed,
    text, ids, finish_reason, tokens, mean_surprisal, mean_entropy, distinct_1, distinct_2, longest_repeat,
    tokens_per_second, diverges_at); with --at: model, prompt, at, context, raw_entropy_bits, actual, settings.
    """
    if prompt is None and sys.stdin.isatty():
        raise click.UsageError('give a PROMPT: llmtui sweep "Once upon a time" --temperature 0.2,0.7')
    settings = settings_of(ctx, flags)
    options = SweepOptions(
        prompt=prompt,
        temperatures=temperatures,
        top_ks=top_ks,
        top_ps=top_ps,
        seeds=seeds,
        at=at,
        as_json=as_json,
        yes=yes,
    )
    from llmtui.commands.guard import guarded

    leave(guarded(lambda: run_sweep_command(settings, options)))


def run_sweep_command(settings: "Settings", options: SweepOptions) -> int:
    """Check the grid, load, generate, write; the exit code."""
    from llmtui.commands import exit_codes
    from llmtui.commands.console import Console
    from llmtui.commands.stdin import read_text
    from llmtui.engine import Engine, GenerationRequest, SamplingParams
    from llmtui.engine.errors import ParameterError
    from llmtui.insight.sweep import grid, requests
    from llmtui.system.logs import setup_logging
    from llmtui.system.paths import log_file

    setup_logging(log_file(), settings.debug)
    rows = grid(
        options.temperatures or [settings.default_temperature],
        options.top_ks or [settings.default_top_k],
        options.top_ps or [settings.default_top_p],
    )
    first = settings.seed or 0
    seeds = range(first, first + options.seeds)
    cells = len(rows) * len(seeds)
    # before asking and before loading: a wrong value is told at once
    if options.at is None and cells > MANY_CELLS and not options.yes and not confirmed(cells):
        raise ParameterError("yes", f"was not given: {cells} cells are more than {MANY_CELLS}")
    params = SamplingParams(max_tokens=settings.max_new_tokens, max_length=settings.max_length)
    base = GenerationRequest(prompt=read_text(options.prompt), params=params, clip=True)
    requests(base, rows, seeds[:1])
    console = Console()
    engine = Engine(max_waiting=cells, max_running=MAX_RUNNING)
    console.wait_for_model(engine.load(settings.model_name, device=settings.device, dtype=settings.dtype))
    if options.at is not None:
        from llmtui.insight.at_position import settings_at

        assert base.prompt is not None
        position = settings_at(engine, base.prompt, options.at, rows, seeds, base.params)
        write_position(position, base.prompt, settings.model_name, as_json=options.as_json)
        return exit_codes.DONE
    return generate_cells(engine, base, rows, seeds, settings.model_name, as_json=options.as_json)


def confirmed(cells: int) -> bool:
    """Whether the person at the terminal wants that many cells; nobody there means no."""
    if not sys.stdin.isatty() or not sys.stderr.isatty():
        return False
    sys.stderr.write(f"llmtui: {cells} cells. Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def generate_cells(
    engine: "Engine",
    base: "GenerationRequest",
    rows: "tuple[Setting, ...]",
    seeds: range,
    model: str,
    *,
    as_json: bool,
) -> int:
    """Run the sweep with a line of progress; Ctrl-C writes the cells that are done."""
    from llmtui.commands import exit_codes
    from llmtui.commands.progress import ProgressLine
    from llmtui.insight.sweep import Sweep, run_sweep

    state = Sweep(rows, tuple(seeds))
    code = exit_codes.DONE
    with ProgressLine() as line:

        def show(current: "Sweep") -> None:
            line.show(f"{len(current.cells)} of {current.total} cells, {current.tokens} tokens")

        try:
            for state in run_sweep(engine, base, rows, seeds, show):  # noqa: B007 - the last one is used
                pass
        except KeyboardInterrupt:
            code = exit_codes.INTERRUPTED
    write_sweep(state, base.prompt or "", model, as_json=as_json)
    return code


def write_sweep(sweep: "Sweep", prompt: str, model: str, *, as_json: bool) -> None:
    from llmtui.commands.table import write_json, write_lines, write_table
    from llmtui.commands.units import count, fixed

    if as_json:
        write_json(
            {
                "model": model,
                "prompt": prompt,
                "complete": sweep.complete,
                "seeds": list(sweep.seeds),
                "tokens": sweep.tokens,
                "seconds": sweep.seconds,
                "cells": [cell_fields(cell) for cell in sweep.cells],
            }
        )
        return
    write_table(
        ("T", "top-k", "top-p", "seed", "tokens", "bits", "entropy", "dist-1", "dist-2", "repeat", "differs", "text"),
        [
            (
                f"{cell.setting.temperature:g}",
                str(cell.setting.top_k),
                f"{cell.setting.top_p:g}",
                str(cell.seed),
                str(cell.tokens),
                fixed(cell.mean_surprisal),
                fixed(cell.mean_entropy),
                fixed(cell.distinct_1),
                fixed(cell.distinct_2),
                str(cell.longest_repeat),
                "–" if cell.diverges_at is None else f"#{cell.diverges_at}",
                cell.text,
            )
            for cell in sweep.cells
        ],
        ">" * 11 + "<",
    )
    speed = sweep.tokens / sweep.seconds if sweep.seconds else 0.0
    state = "" if sweep.complete else f", stopped after {len(sweep.cells)} of {sweep.total} cells"
    write_lines([f"{count(sweep.tokens)} tokens in {sweep.seconds:.1f} s, {speed:.1f} tok/s in all{state}"])


def cell_fields(cell: "Cell") -> dict[str, Any]:
    fields = asdict(cell)
    setting: dict[str, Any] = fields.pop("setting")
    return setting | fields | {"ids": list(cell.ids), "tokens": cell.tokens}


def write_position(position: "Position", prompt: str, model: str, *, as_json: bool) -> None:
    from llmtui.commands.table import write_json, write_lines, write_table
    from llmtui.tui.text import piece, visible

    if as_json:
        write_json({"model": model, "prompt": prompt} | position_fields(position))
        return
    actual = position.actual
    note = "" if actual is None else f", where the prompt has {piece(actual.bytes)} (RAW {actual.raw_prob:.1%})"
    write_lines([visible(f"token {position.index}{note}; RAW entropy {position.raw_entropy_bits:.2f} bit")])
    write_table(
        ("T", "top-k", "top-p", "kept", "RAW mass", "entropy", "drawn", "most probable (SAMPLED)"),
        [
            (
                f"{row.setting.temperature:g}",
                str(row.setting.top_k),
                f"{row.setting.top_p:g}",
                str(row.kept),
                f"{row.raw_mass:.1%}",
                f"{row.entropy_bits:.2f}",
                " ".join(piece(draw.bytes) for draw in row.draws),
                "  ".join(f"{piece(choice.bytes)} {choice.sampled_prob:.1%}" for choice in row.top),
            )
            for row in position.settings
        ],
        ">>>>>><<",
    )


def position_fields(position: "Position") -> dict[str, Any]:
    def with_text(fields: dict[str, Any]) -> dict[str, Any]:
        data = fields["bytes"]
        return fields | {"bytes": list(data), "text": data.decode("utf-8", errors="replace")}

    def choice(value: Any) -> dict[str, Any]:
        return with_text(asdict(value))

    return {
        "at": position.index,
        "context": position.context,
        "raw_entropy_bits": position.raw_entropy_bits,
        "actual": None
        if position.actual is None
        else {key: value for key, value in choice(position.actual).items() if key != "sampled_prob"},
        "settings": [
            {
                **asdict(row.setting),
                "kept": row.kept,
                "raw_mass": row.raw_mass,
                "entropy_bits": row.entropy_bits,
                "top": [choice(one) for one in row.top],
                "draws": [choice(one) for one in row.draws],
            }
            for row in position.settings
        ],
    }
