"""llmtui doctor: whether everything that llmtui stands on is in order, and what to do where it is not."""

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from llmtui.commands.options import CONTEXT, JSON, leave, model_options, settings_of

if TYPE_CHECKING:
    from llmtui.engine.company import CompanyEffect
    from llmtui.engine.loaded import LoadedModel
    from llmtui.settings import Settings
    from llmtui.system.doctor import Check


# below so many cells beside its name, what was found is not broken into lines
MIN_TEXT_CELLS = 20


@click.command(context_settings=CONTEXT)
@click.option("--host", metavar="ADDRESS", help="Where --serve would listen.")
@click.option("--port", type=int, metavar="N", help="Where --serve would listen.")
@JSON
@model_options
@click.pass_context
def doctor(ctx: click.Context, /, as_json: bool, **flags: Any) -> None:
    """Check what llmtui stands on; every line says ok, warn or fail, and what to do.

    Every model on this machine is loaded in turn and measured; with --model that one alone. Exit code 1 if a line
    says fail. --json keys: ok, checks (name, status, found, advice).
    """
    settings = settings_of(ctx, flags)
    named = (ctx.find_root().obj or {}).get("model_name") or flags["model_name"]
    from llmtui.commands.guard import guarded

    leave(guarded(lambda: run_doctor(settings, as_json, all_models=named is None)))


def run_doctor(settings: "Settings", as_json: bool, *, all_models: bool) -> int:
    """Check, write; the exit code. Ctrl-C writes what was checked. all_models: not only the settings' one."""
    from llmtui.commands import exit_codes
    from llmtui.commands.table import terminal_width, write_json, write_lines
    from llmtui.system.doctor import check_machine

    checks: list[Check] = []
    interrupted = False
    try:
        checks += check_machine(settings.host, settings.port, os.environ)
        checks.append(check_log(settings))
        checks += check_model(settings, settings.model_name)
        for name in other_models(settings.model_name) if all_models else ():
            checks += check_other_model(settings, name)
    except KeyboardInterrupt:
        interrupted = True
    healthy = all(check.status != "fail" for check in checks)
    if as_json:
        fields = [{"name": c.name, "status": c.status, "found": c.found, "advice": c.advice} for c in checks]
        write_json({"ok": healthy and not interrupted, "checks": fields})
    else:
        write_lines(lines_for_people(checks, terminal_width()))
    if interrupted:
        return exit_codes.INTERRUPTED
    return exit_codes.DONE if healthy else exit_codes.ERROR


def lines_for_people(checks: "list[Check]", width: int | None) -> list[str]:
    """A line for each check, and what to do on a line of its own, never cut."""
    from llmtui.tui.text_table import table

    heads = table((), [(c.status, c.name, "|") for c in checks])
    lines = []
    for check, head in zip(checks, heads, strict=True):
        lines += hanging(head.removesuffix("|"), check.found, width)
        lines += hanging("      → ", check.advice, width) if check.advice else ()
    return lines


def hanging(head: str, text: str, width: int | None) -> list[str]:
    """A text whose lines all begin below its first word; width: cells of a line (None: one line)."""
    from llmtui.tui.text import cell_width, visible
    from llmtui.tui.wrapping import wrap

    text, indent = visible(text), cell_width(head)
    if width is None or width < indent + MIN_TEXT_CELLS:
        return [head + text]
    first, *others = wrap(text, width - indent)
    return [(head + first).rstrip(), *((" " * indent + line).rstrip() for line in others)]


def check_log(settings: "Settings") -> "Check":
    from llmtui.errors import LlmtuiError
    from llmtui.system.doctor import Check
    from llmtui.system.logs import setup_logging
    from llmtui.system.paths import log_file

    try:
        log = log_file()
        setup_logging(log, settings.debug)
    except LlmtuiError as error:
        return Check("log", "fail", str(error), "make the file writable, or set HOME")
    return Check("log", "ok", str(log))


def other_models(name: str) -> list[str]:
    """The models on this machine besides one."""
    from llmtui.models.catalog import list_models

    return [entry.name for entry in list_models() if entry.name != name]


def check_other_model(settings: "Settings", name: str) -> "list[Check]":
    """Of a model that would not run by itself: as `check_model`, where there is room for it and nothing is missing."""
    import psutil

    from llmtui.models.catalog import list_models
    from llmtui.system.doctor import Check
    from llmtui.units import size

    entry = next((entry for entry in list_models() if entry.name == name), None)
    if entry is None:
        return []
    if entry.problem is not None:
        return [Check(f"model {name}", "warn", entry.problem, "fetch it again, or delete it")]
    needed, room = entry.estimated_memory(settings.dtype) or entry.size_bytes, psutil.virtual_memory().available
    if needed > room:
        found = f"not loaded: needs {size(needed)}, {size(room)} of memory are available"
        return [Check(f"model {name}", "warn", found, "close other programs, or use --dtype int8")]
    return check_model(settings, name)


def check_model(settings: "Settings", model: str) -> "list[Check]":
    """Load a model, let it write, and measure it: the checks that no look at files replaces."""
    from llmtui.commands.console import Console
    from llmtui.engine import Engine, GenerationRequest, SamplingParams
    from llmtui.errors import LlmtuiError
    from llmtui.models.catalog import locate
    from llmtui.system.doctor import Check
    from llmtui.units import duration

    name = f"model {model}"
    console = Console()
    try:
        if locate(model).path is None:
            return [Check(name, "warn", "not on this machine", "it is downloaded when it is first used")]
        if sys.stderr.isatty():
            console.say(f"loading {model}")
        with Engine() as engine:
            task = engine.load(model, device=settings.device, dtype=settings.dtype)
            info = console.wait_for_model(task)
            params = SamplingParams(max_tokens=8, temperature=0.0, ignore_eos=True)
            result = engine.submit(GenerationRequest(prompt="Once upon a time", params=params)).result()
            company = engine.run_job(_measure_company).result()
    except LlmtuiError as error:
        return [Check(name, "fail", str(error), "see the log, or try another with --model")]
    speed = result.finished.timings.tokens_per_second(result.finished.usage.completion_tokens) or 0.0
    where, load = f"{info.dtype} on {info.device}", duration(info.load_seconds)
    found = f"{where}, {info.engine_path}, loaded in {load}, {speed:.0f} tok/s"
    return [Check(name, "ok", found), check_company(company, model)]


def _measure_company(loaded: "LoadedModel") -> "tuple[CompanyEffect, ...]":
    from llmtui.engine.company import measure_company

    return measure_company(loaded)


def check_company(effects: "tuple[CompanyEffect, ...]", model: str) -> "Check":
    """Whether a request gets the same numbers alone and beside others, in words."""
    from llmtui.system.doctor import Check

    name = f"alone or not {model}"
    if not effects:
        return Check(name, "ok", "one request in a forward: others change nothing")
    if all(effect.equal_bits for effect in effects):
        counts = [str(effect.others) for effect in effects]
        return Check(name, "ok", f"equal bits beside {', '.join(counts[:-1])} and {counts[-1]} others")
    first, *more = effects
    found = f"logits {_words_for(first)} beside {first.others} other"
    found += "".join(f", {_words_for(effect)} beside {effect.others}" for effect in more)
    advice = "set exact where a request has to give the same bits whatever else runs"
    if not all(effect.same_top for effect in effects):
        return Check(name, "warn", f"{found}; other top tokens", advice)
    return Check(name, "ok", f"{found}; same top tokens", advice)


def _words_for(effect: "CompanyEffect") -> str:
    return "have equal bits" if effect.equal_bits else f"differ by {effect.largest:.1g}"
