"""llmtui sweep: one prompt under many settings, cell by cell."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from llmtui.commands.options import CONTEXT, JSON, MODEL, leave, length_options, server_options, settings_of

if TYPE_CHECKING:
    from llmtui.engine import GenerationRequest
    from llmtui.insight.grid import Setting
    from llmtui.insight.sweep import Sweep, TakesRequests
    from llmtui.settings import Settings

MAX_RUNNING = 32


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


def _values(read: str) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A click callback that reads `0.2,0.7` with a function of insight/grid.py; a wrong list names its option."""

    def callback(_ctx: click.Context, param: click.Parameter, text: str | None) -> Any:
        if text is None:
            return None
        from llmtui.engine.errors import ParameterError
        from llmtui.insight import grid

        try:
            return getattr(grid, read)(param.name, text)
        except ParameterError as error:
            raise click.BadParameter(error.problem) from None

    return callback


@click.command(context_settings=CONTEXT)
@click.argument("prompt", required=False)
@click.option("--temperature", "temperatures", metavar="T,T,…", callback=_values("read_numbers"), help="0 is greedy.")
@click.option("--top-k", "top_ks", metavar="K,K,…", callback=_values("read_whole_numbers"), help="0 is off.")
@click.option("--top-p", "top_ps", metavar="P,P,…", callback=_values("read_numbers"), help="1 is off.")
@click.option("--seeds", type=click.IntRange(1), default=3, metavar="N", help="Texts of each setting (3).")
@click.option("--at", type=click.IntRange(1), metavar="N", help="No texts: the distribution at token N of the prompt.")
@click.option("--yes", is_flag=True, help="Do not ask, however many cells there are (it asks above 256).")
@JSON
@MODEL
@server_options
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
    url: str | None,
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
    if url is not None and at is not None:
        raise click.UsageError("--at does not go with --url: it needs the model's logits")
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

    leave(guarded(lambda: run_sweep_command(settings, options, url)))


def run_sweep_command(settings: "Settings", options: SweepOptions, url: str | None = None) -> int:
    """Check the grid, load, generate, write; the exit code. url: of a server that generates instead."""
    from llmtui.commands import exit_codes
    from llmtui.commands.console import Console
    from llmtui.commands.stdin import read_text
    from llmtui.engine import Engine, GenerationRequest, SamplingParams
    from llmtui.engine.errors import ParameterError
    from llmtui.engine.requests import SEED_LIMIT
    from llmtui.insight.grid import MANY_CELLS, grid, requests
    from llmtui.system.logs import setup_logging
    from llmtui.system.paths import log_file

    setup_logging(log_file(), settings.debug)
    rows = grid(
        options.temperatures or [settings.default_temperature],
        options.top_ks or [settings.default_top_k],
        options.top_ps or [settings.default_top_p],
    )
    first = settings.seed or 0
    if first + options.seeds > SEED_LIMIT:
        problem = f"must be at most {SEED_LIMIT - options.seeds} with {options.seeds} seeds, got {first}"
        raise ParameterError("seed", problem)
    seeds = range(first, first + options.seeds)
    cells = len(rows) * len(seeds)
    # before asking and before loading: a wrong value is told at once
    if options.at is None and cells > MANY_CELLS and not options.yes and not confirmed(cells):
        raise ParameterError("yes", f"was not given: {cells} cells are more than {MANY_CELLS}")
    params = SamplingParams(max_tokens=settings.max_new_tokens, max_length=settings.max_length, top_logprobs=0)
    base = GenerationRequest(prompt=read_text(options.prompt), params=params, clip=True)
    requests(base, rows, seeds[:1])
    if url is not None:
        from llmtui.commands.remote import RemoteEngine

        server = RemoteEngine.of(url, settings)
        return generate_cells(server, base, rows, seeds, server.model_name, as_json=options.as_json)
    console = Console()
    engine = Engine(max_waiting=cells, max_running=MAX_RUNNING)
    console.wait_for_model(engine.load(settings.model_name, device=settings.device, dtype=settings.dtype))
    if options.at is not None:
        from llmtui.commands.sweep_output import write_position
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
    engine: "TakesRequests",
    base: "GenerationRequest",
    rows: "tuple[Setting, ...]",
    seeds: range,
    model: str,
    *,
    as_json: bool,
) -> int:
    """Run the sweep with a bar of progress; Ctrl-C writes the cells as far as they are."""
    from contextlib import closing

    from llmtui.commands import exit_codes
    from llmtui.commands.progress import ProgressLine, progress_bar
    from llmtui.commands.sweep_output import write_sweep
    from llmtui.insight.sweep import Sweep, run_sweep

    state = Sweep(rows, tuple(seeds))
    code = exit_codes.DONE
    with ProgressLine() as line:

        def show(current: "Sweep") -> None:
            bar = progress_bar(current.share(base.params.max_tokens))
            line.show(f"{bar} {current.done} of {current.total} cells, {current.tokens} tokens")

        with closing(run_sweep(engine, base, rows, seeds, show)) as sweeps:
            try:
                for current in sweeps:
                    state = current
            except KeyboardInterrupt:
                code = exit_codes.INTERRUPTED
    write_sweep(state, base.prompt or "", model, as_json=as_json)
    return code
