"""llmtui models: what is on this machine, and what one model is made of."""

from typing import TYPE_CHECKING, Any

import click

from llmtui.commands.options import CONTEXT, JSON, leave, log_options, settings_of

if TYPE_CHECKING:
    from llmtui.insight.architecture import Architecture, ModuleFacts
    from llmtui.insight.block_diagram import Diagram
    from llmtui.models.catalog import CatalogEntry
    from llmtui.settings import Settings
    from llmtui.system.measured import MeasuredSpeed


@click.group(invoke_without_command=True, context_settings=CONTEXT)
@JSON
@log_options
@click.pass_context
def models(ctx: click.Context, /, as_json: bool, **flags: Any) -> None:
    """List the models on this machine.

    --json: a list with the keys name, kind, path, architecture, parameters, context, size_bytes,
    estimated_memory_bytes, dtype, licence, has_chat_template, problem, measured. measured: what `llmtui bench` found
    on this machine, newest first, a list with the keys dtype, device, tokens_per_second (one stream), when.
    """
    if ctx.invoked_subcommand is not None:
        return
    settings = settings_of(ctx, flags, ("debug",))
    from llmtui.commands.guard import guarded

    leave(guarded(lambda: run_list(settings, as_json)))


@models.command(context_settings=CONTEXT)
@click.argument("model")
@click.option("--tree", is_flag=True, help="The way of a token through its blocks, and every module with its shapes.")
@click.option("--device", metavar="WHERE", help="Where it would run: decides about dtype and linear layers.")
@click.option("--dtype", metavar="TYPE", help="auto, float32, bfloat16, float16 or int8.")
@JSON
@log_options
@click.pass_context
def show(ctx: click.Context, /, model: str, tree: bool, as_json: bool, **flags: Any) -> None:
    """Show what MODEL is made of, from its config alone.

    No weights are read.

    --json keys: model, architecture, parameters, layers, hidden, heads, kv_heads, vocabulary, context, dtype, linears,
    tied, kv_bytes_per_token, kv_bytes_full, flops_per_token, flops_per_context_token, diagram (before, blocks, after:
    parts with role, name, kind, parameters, tied, shape), tree (name, kind, repeats, parameters, tensors, parts).
    """
    settings = settings_of(ctx, flags, ("device", "dtype", "debug"))
    from llmtui.commands.guard import guarded

    leave(guarded(lambda: run_show(settings, model, tree, as_json)))


def run_list(settings: "Settings", as_json: bool) -> int:
    """Read the catalogue, write it; the exit code."""
    from llmtui.commands import exit_codes
    from llmtui.commands.table import write_json, write_table
    from llmtui.models.catalog import list_models
    from llmtui.models.licence import licence_of
    from llmtui.system.logs import setup_logging
    from llmtui.system.measured import measured_speeds, speeds_of
    from llmtui.system.paths import log_file
    from llmtui.units import count, short_count, size

    setup_logging(log_file(), settings.debug)
    entries = list_models()
    kept = measured_speeds()
    speeds = {entry.name: speeds_of(entry.name, entry.path, kept) for entry in entries}
    if as_json:
        write_json([entry_fields(entry, speeds[entry.name]) for entry in entries])
        return exit_codes.DONE
    write_table(
        ("model", "parameters", "context", "on disk", "dtype", "tok/s here", "licence", ""),
        [
            (
                entry.name,
                short_count(entry.parameters),
                count(entry.context),
                size(entry.size_bytes),
                entry.dtype or "–",
                speeds_text(speeds[entry.name]),
                licence_of(entry.path) or "–",
                entry.problem or ("chat" if entry.has_chat_template else ""),
            )
            for entry in entries
        ],
        "<>>><<<<",
        expendable=("licence", "context", "dtype", "on disk"),
    )
    return exit_codes.DONE


def speeds_text(speeds: "list[MeasuredSpeed]") -> str:
    """What was measured, newest first: `205.3 float32, 310.2 int8`; a dash before any benchmark."""
    parts = [
        f"{speed.tokens_per_second:.1f} {speed.dtype}" + ("" if speed.device == "cpu" else f" {speed.device}")
        for speed in speeds
    ]
    return ", ".join(parts) or "–"


def entry_fields(entry: "CatalogEntry", speeds: "list[MeasuredSpeed]") -> dict[str, Any]:
    from llmtui.models.licence import licence_of

    return {
        "name": entry.name,
        "kind": entry.kind,
        "path": str(entry.path),
        "architecture": entry.architecture,
        "parameters": entry.parameters,
        "context": entry.context,
        "size_bytes": entry.size_bytes,
        "estimated_memory_bytes": entry.estimated_memory(),
        "dtype": entry.dtype,
        "licence": licence_of(entry.path),
        "has_chat_template": entry.has_chat_template,
        "problem": entry.problem,
        "measured": [
            {name: getattr(speed, name) for name in ("dtype", "device", "tokens_per_second", "when")}
            for speed in speeds
        ],
    }


def run_show(settings: "Settings", model: str, tree: bool, as_json: bool) -> int:
    """Build the model without weights, write what it is made of; the exit code."""
    from llmtui.commands import exit_codes
    from llmtui.commands.table import terminal_width, write_json, write_lines
    from llmtui.engine.imports import import_heavy_libraries
    from llmtui.models.partial import config_folder
    from llmtui.system.logs import setup_logging
    from llmtui.system.paths import log_file

    setup_logging(log_file(), settings.debug)
    folder = config_folder(model)
    import_heavy_libraries()
    from llmtui.insight.architecture import architecture_of_folder
    from llmtui.tui.architecture_text import diagram_lines, summary_lines, tree_lines

    facts = architecture_of_folder(folder, settings.device, settings.dtype)
    if as_json:
        write_json(architecture_fields(facts, model))
        return exit_codes.DONE
    write_lines(summary_lines(facts, model, width=terminal_width()))
    if tree:
        width = terminal_width()
        write_lines(["", *diagram_lines(facts.diagram, width=width), "", *tree_lines(facts.tree, width=width)])
    return exit_codes.DONE


def architecture_fields(facts: "Architecture", model: str) -> dict[str, Any]:
    cost = facts.cost
    return {
        "model": model,
        "architecture": facts.kind,
        "parameters": facts.parameters,
        "layers": facts.layers,
        "hidden": facts.hidden,
        "heads": facts.heads,
        "kv_heads": facts.kv_heads,
        "vocabulary": facts.vocabulary,
        "context": facts.context,
        "dtype": facts.dtype,
        "linears": facts.linears,
        "tied": [list(pair) for pair in facts.tied],
        "kv_bytes_per_token": cost and cost.kv_bytes_per_token,
        "kv_bytes_full": cost and cost.kv_bytes_full,
        "flops_per_token": cost and cost.flops,
        "flops_per_context_token": cost and cost.flops_per_context,
        "diagram": diagram_fields(facts.diagram),
        "tree": module_fields(facts.tree),
    }


def diagram_fields(diagram: "Diagram | None") -> dict[str, Any] | None:
    from dataclasses import asdict

    return None if diagram is None else asdict(diagram)


def module_fields(module: "ModuleFacts") -> dict[str, Any]:
    return {
        "name": module.name,
        "kind": module.kind,
        "repeats": module.repeats,
        "parameters": module.parameters,
        "tensors": [
            {
                "name": tensor.name,
                "shape": list(tensor.shape),
                "dtype": tensor.dtype,
                "elements": tensor.elements,
                "tied_to": tensor.tied_to,
            }
            for tensor in module.tensors
        ],
        "parts": [module_fields(part) for part in module.parts],
    }
