"""llmtui compare: several models on one prompt, side by side."""

import sys
from collections import Counter
from contextlib import closing
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from llmtui.commands.options import CONTEXT, JSON, leave, length_options, sampling_options, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmtui.insight.compare import Column, Comparison, Step
    from llmtui.settings import Settings

# A seed of its own, so that all models draw with the same random numbers.
SEED = 0
# So many places where two models disagree are listed.
SHOWN = 10


@click.command(context_settings=CONTEXT)
@click.argument("prompt", required=False)
@click.option("--model", "names", multiple=True, metavar="NAME[@DTYPE]", help="Give it again for each model.")
@JSON
@sampling_options
@length_options
@click.pass_context
def compare(ctx: click.Context, /, prompt: str | None, names: tuple[str, ...], as_json: bool, **flags: Any) -> None:
    """Let several models continue PROMPT, and compare what they cost and write; - reads it from stdin.

    A model in two dtypes counts as two: --model tiny-tales --model tiny-tales@bfloat16. The first that runs is the
    reference. Models that fit into memory together write side by side, in turns of 100 ms: one computes at a time, so
    each is measured alone; the others are loaded when those are done.
    --json keys: prompt, complete, spans (start, end, bits: of each model with bits_per_byte, on the same bytes of the
    reference's text), models (model, dtype, problem, parameters, context, disk_bytes,
    memory_bytes, peak_bytes, load_seconds, first_token_seconds, tokens_per_second, tokens, text, bits_per_byte,
    mean_kl_bits, top1_agreement, positions (index, id, kl_bits, top1, top1_other, rank, rank_other)).
    """
    if len(names) < 2:
        raise click.BadParameter("give at least two models to compare", param_hint="--model")
    if prompt is None and sys.stdin.isatty():
        raise click.UsageError('give a PROMPT: llmtui compare "Once upon a time" --model A --model B')
    settings = settings_of(ctx, flags)
    from llmtui.commands.guard import guarded

    leave(guarded(lambda: run_compare(settings, prompt, names, as_json)))


def run_compare(settings: "Settings", prompt: str | None, names: tuple[str, ...], as_json: bool) -> int:
    """Measure the models, write; the exit code. Ctrl-C writes what was measured."""
    from llmtui.commands import exit_codes
    from llmtui.commands.progress import ProgressLine
    from llmtui.commands.stdin import read_text
    from llmtui.engine import GenerationRequest, SamplingParams
    from llmtui.insight.compare import Comparison, parse_choice
    from llmtui.system.logs import setup_logging
    from llmtui.system.own_processes import prepare_process
    from llmtui.system.paths import log_file

    setup_logging(log_file(), settings.debug)
    params = SamplingParams(
        temperature=settings.default_temperature,
        top_k=settings.default_top_k,
        top_p=settings.default_top_p,
        max_tokens=settings.max_new_tokens,
        max_length=settings.max_length,
        seed=SEED if settings.seed is None else settings.seed,
        top_logprobs=0,
    )
    prepare = partial(prepare_process, log_file(), settings.debug)
    comparison = Comparison(read_text(prompt), params, settings.device, prepare)
    # an empty prompt is told before anything is loaded
    GenerationRequest(prompt=comparison.prompt)
    choices = [parse_choice(name, settings.dtype) for name in names]
    code = exit_codes.DONE
    try:
        with ProgressLine() as line, closing(comparison.run(choices)) as steps:
            board = Board(names)
            for step in steps:
                board.take(step)
                line.show(board.text)
    except KeyboardInterrupt:
        code = exit_codes.INTERRUPTED
    write_comparison(comparison, as_json=as_json)
    if code == exit_codes.DONE and all(column.problem is not None for column in comparison.columns):
        return exit_codes.NO_MODEL
    return code


class Board:
    """What each model does that is not done, for a line of progress."""

    def __init__(self, names: "Sequence[str]") -> None:
        self._names = names
        self._words: dict[int, str] = {}
        self._written = Counter[int]()

    @property
    def text(self) -> str:
        return " · ".join(f"{self._names[place]}: {words}" for place, words in sorted(self._words.items()))

    def take(self, step: "Step") -> None:
        """A model got further."""
        from llmtui.engine.events import Token
        from llmtui.insight.compare import Column
        from llmtui.tui.compare_facts import doing

        if isinstance(step.progress, Column):
            self._words.pop(step.place, None)
            return
        if isinstance(step.progress, Token):
            self._written[step.place] += 1
            self._words[step.place] = f"{self._written[step.place]} tokens"
        else:
            self._words[step.place] = doing(step.progress)


def write_comparison(comparison: "Comparison", *, as_json: bool) -> None:
    from llmtui.commands.table import write_json, write_lines, write_table
    from llmtui.tui.text import visible, visible_multiline

    if as_json:
        models = [column_fields(column) for column in comparison.columns]
        spans = [asdict(span) for span in comparison.spans]
        write_json({"prompt": comparison.prompt, "complete": comparison.complete, "models": models, "spans": spans})
        return
    write_table(
        ("model", "parameters", "context", "disk", "memory", "peak", "load", "first", "tok/s", "bit/B", "KL", "top-1"),
        [row_for_people(column) for column in comparison.columns],
        "<" + ">" * 11,
    )
    for column in comparison.columns:
        parts = [part for part in (column.problem, column.text) if part]
        write_lines(["", visible(f"── {column.label}"), *map(visible_multiline, parts)])
    for column in comparison.columns:
        write_disagreements(column, comparison.columns)


def write_disagreements(column: "Column", columns: "list[Column]") -> None:
    """Where another model than the reference thinks another token the most probable: the first of these places."""
    from llmtui.commands.table import write_lines, write_table
    from llmtui.tui.text import piece, visible

    reference = next((one for one in columns if one.trace), None)
    found = [at for at in column.differences or () if not at.agrees]
    if reference is None or column.differences is None:
        return
    places = f"{len(found)} of {len(column.differences)} tokens"
    write_lines(["", visible(f"── {column.label} expects another token than {reference.label} at {places}")])
    rows = []
    for at in [at for at in found if at.index < min(len(reference.trace), len(column.trace))][:SHOWN]:
        token, own = reference.trace[at.index], column.trace[at.index]
        expected = (piece(token.candidates[0].bytes), piece(own.candidates[0].bytes))
        ranks = f"{at.rank} → {at.rank_other}"
        rows.append((f"#{at.index}", piece(token.bytes), f"{at.kl_bits:.4f}", ranks, *expected))
    if rows:
        write_table(("at", "token", "KL", "rank", "expected", "instead"), rows, "><>><<")


def row_for_people(column: "Column") -> tuple[str, ...]:
    from llmtui.units import count, duration, fixed, probability, short_count, size

    measured = column.measured
    if measured is None:
        return (column.label, *["–"] * 11)
    agreement = column.top1_agreement
    return (
        column.label,
        short_count(measured.info.parameters),
        count(measured.info.context),
        size(measured.disk_bytes),
        size(measured.memory_bytes),
        size(measured.peak_bytes),
        duration(measured.info.load_seconds),
        duration(measured.first_token),
        fixed(measured.tokens_per_second, 1),
        fixed(column.bits_per_byte, 3),
        fixed(column.mean_kl_bits, 4),
        "–" if agreement is None else probability(agreement),
    )


def column_fields(column: "Column") -> dict[str, Any]:
    from math import isfinite

    measured = column.measured
    fields: dict[str, Any] = {
        "model": column.choice.name,
        "dtype": column.choice.dtype if measured is None else measured.info.dtype,
        "problem": column.problem,
        "parameters": measured and measured.info.parameters,
        "context": measured and measured.info.context,
        "disk_bytes": measured and measured.disk_bytes,
        "memory_bytes": measured and measured.memory_bytes,
        "peak_bytes": measured and measured.peak_bytes,
        "load_seconds": measured and measured.info.load_seconds,
        "first_token_seconds": measured and measured.first_token,
        "tokens_per_second": measured and measured.tokens_per_second,
        "tokens": measured and measured.tokens,
        "text": column.text if measured or column.text else None,
        "bits_per_byte": column.bits_per_byte,
        "mean_kl_bits": column.mean_kl_bits,
        "top1_agreement": column.top1_agreement,
        "positions": None if column.differences is None else [asdict(at) for at in column.differences],
    }
    # an infinite divergence has no JSON number
    for owner, key in [(fields, "mean_kl_bits"), *((at, "kl_bits") for at in fields["positions"] or [])]:
        if owner[key] is not None and not isfinite(owner[key]):
            owner[key] = None
    return fields
