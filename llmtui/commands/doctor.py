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


@click.command(context_settings=CONTEXT)
@click.option("--host", metavar="ADDRESS", help="Where --serve would listen.")
@click.option("--port", type=int, metavar="N", help="Where --serve would listen.")
@JSON
@model_options
@click.pass_context
def doctor(ctx: click.Context, /, as_json: bool, **flags: Any) -> None:
    """Check what llmtui stands on; every line says ok, warn or fail, and what to do.

    Exit code 1 if a line says fail. --json keys: ok, checks (name, status, found, advice).
    """
    settings = settings_of(ctx, flags)
    from llmtui.commands.guard import guarded

    leave(guarded(lambda: run_doctor(settings, as_json)))


def run_doctor(settings: "Settings", as_json: bool) -> int:
    """Check, write; the exit code. Ctrl-C writes what was checked."""
    from llmtui.commands import exit_codes
    from llmtui.commands.table import terminal_width, write_json, write_lines
    from llmtui.system.doctor import check_machine

    checks: list[Check] = []
    interrupted = False
    try:
        checks += check_machine(settings.host, settings.port, os.environ)
        checks.append(check_log(settings))
        checks += check_model(settings)
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
    from llmtui.tui.text import visible
    from llmtui.tui.text_table import table

    lines = table((), [(c.status, c.name, c.found) for c in checks], width=width)
    with_advice = zip(checks, lines, strict=True)
    return [part for c, line in with_advice for part in (line, *([f"      → {visible(c.advice)}"] if c.advice else ()))]


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


def check_model(settings: "Settings") -> "list[Check]":
    """Load the model that would run, let it write, and measure it: the checks that no look at files replaces."""
    from llmtui.commands.console import Console
    from llmtui.engine import Engine, GenerationRequest, SamplingParams
    from llmtui.errors import LlmtuiError
    from llmtui.models.catalog import locate
    from llmtui.system.doctor import Check
    from llmtui.units import duration

    name = f"model {settings.model_name}"
    console = Console()
    try:
        if locate(settings.model_name).path is None:
            return [Check(name, "warn", "not on this machine", "it is downloaded when it is first used")]
        if sys.stderr.isatty():
            console.say(f"loading {settings.model_name}")
        with Engine() as engine:
            task = engine.load(settings.model_name, device=settings.device, dtype=settings.dtype)
            info = console.wait_for_model(task)
            params = SamplingParams(max_tokens=8, temperature=0.0, ignore_eos=True)
            result = engine.submit(GenerationRequest(prompt="Once upon a time", params=params)).result()
            company = engine.run_job(_measure_company).result()
    except LlmtuiError as error:
        return [Check(name, "fail", str(error), "see the log, or try another with --model")]
    speed = result.finished.timings.tokens_per_second(result.finished.usage.completion_tokens) or 0.0
    where, load = f"{info.dtype} on {info.device}", duration(info.load_seconds)
    found = f"{where}, {info.engine_path}, loaded in {load}, {speed:.0f} tok/s"
    return [Check(name, "ok", found), check_company(company)]


def _measure_company(loaded: "LoadedModel") -> "tuple[CompanyEffect, ...]":
    from llmtui.engine.company import measure_company

    return measure_company(loaded)


def check_company(effects: "tuple[CompanyEffect, ...]") -> "Check":
    """Whether a request gets the same numbers alone and beside others, in words."""
    from llmtui.system.doctor import Check

    name = "alone or not"
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
