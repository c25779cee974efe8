"""The command line: reads options, builds settings, and hands over. Imports nothing heavy until it is needed."""

import errno
import sys
from pathlib import Path
from typing import Any

import click

from llmtui import __version__, own_process
from llmtui.commands import exit_codes
from llmtui.commands.lazy import LazyGroup
from llmtui.commands.options import CONTEXT, leave, server_options, settings_from, shared_options
from llmtui.commands.output import OutputError
from llmtui.system import stdio

_COMMANDS = {
    "learn": ("llmtui.commands.learn:learn", "Open the lessons beside the screen."),
    "tokenize": ("llmtui.commands.tokenize:tokenize", "Show how TEXT is cut into tokens."),
    "models": ("llmtui.commands.models:models", "List the models on this machine."),
    "doctor": ("llmtui.commands.doctor:doctor", "Check what llmtui stands on."),
    "dashboard": (
        "llmtui.commands.dashboard:dashboard",
        "Print a Grafana dashboard over the API's metrics, as JSON.",
    ),
    "bench": ("llmtui.commands.bench:bench", "Measure how fast a model runs here, and against what."),
    "monitor": (
        "llmtui.commands.monitor:monitor",
        "Watch the machine: processor in all and per core, load, memory, GPU.",
    ),
    "sweep": ("llmtui.commands.sweep:sweep", "Continue PROMPT under every combination of settings."),
    "compare": (
        "llmtui.commands.compare:compare",
        "Let several models continue PROMPT, and compare what they cost and write.",
    ),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS, invoke_without_command=True, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="llmtui")
@shared_options
@click.option("--serve", is_flag=True, help="Answer HTTP requests beside the screen.")
@click.option("--headless", is_flag=True, help="With --serve: without the screen.")
@click.option("--host", metavar="ADDRESS", help="Where --serve listens (127.0.0.1).")
@click.option("--port", type=int, metavar="N", help="Where --serve listens (5000); 0 takes a free port.")
@click.pass_context
def cli(ctx: click.Context, /, serve: bool, headless: bool, **flags: Any) -> None:
    """Run language models on this machine and watch every token being chosen.

    Without a command, the screen opens. What an option sets can be set in the environment or in .env, too.
    """
    ctx.obj = flags
    if ctx.invoked_subcommand is not None:
        if serve or headless:
            raise click.UsageError(f"--serve and --headless do not go with {ctx.invoked_subcommand}")
        return
    if headless and not serve:
        raise click.UsageError("--headless goes with --serve: llmtui --serve --headless")
    settings = settings_from(flags)
    if headless:
        from llmtui.commands.headless import run_headless

        leave(run_headless(settings))
    from llmtui.commands.screen import run_screen

    leave(run_screen(settings, serve=serve))


@cli.command(context_settings=CONTEXT, short_help="Continue PROMPT and write the text to stdout as it is chosen.")
@click.argument("prompt", required=False)
@shared_options
@click.option("--json", "as_json", is_flag=True, help="One event per line, with every fact of every token.")
@click.option("--prompt-logprobs", is_flag=True, help="Score the prompt's tokens, too.")
@click.option("--chat", is_flag=True, help="Put the prompt into the model's chat template.")
@click.option("--stop", multiple=True, metavar="TEXT", help="End before this text; may be given again.")
@click.option("--min-p", type=float, default=0.0, metavar="P", help="Drop what is below P times the best; 0 is off.")
@click.option("--repetition-penalty", type=float, default=1.0, metavar="R", help="1 is off.")
@click.option("--frequency-penalty", type=float, default=0.0, metavar="F", help="0 is off.")
@click.option("--presence-penalty", type=float, default=0.0, metavar="F", help="0 is off.")
@click.option("--top-logprobs", type=int, default=10, metavar="N", help="Candidates of each token in --json.")
@click.option("--lookahead", type=int, default=0, metavar="K", help="With --json: continue K alternatives; 0 is off.")
@click.option("--lookahead-depth", type=int, default=5, metavar="D", help="Tokens that each of them is continued by.")
@click.option("--speculate", type=int, default=0, metavar="N", help="Guesses beside each token; same text; 0 is off.")
@server_options
@click.pass_obj
def generate(
    group_flags: dict[str, Any],
    /,
    prompt: str | None,
    as_json: bool,
    prompt_logprobs: bool,
    chat: bool,
    stop: tuple[str, ...],
    min_p: float,
    repetition_penalty: float,
    frequency_penalty: float,
    presence_penalty: float,
    top_logprobs: int,
    lookahead: int,
    lookahead_depth: int,
    speculate: int,
    url: str | None,
    **flags: Any,
) -> None:
    """Continue PROMPT and write the text to stdout as it is chosen; - reads the prompt from stdin.

    With --url a running llmtui generates, within its own limits. Exit codes: 0 done, 1 the server cannot be used,
    2 wrong arguments, 3 the model cannot be loaded, 130 interrupted.
    """
    if url is not None and (chat or lookahead):
        raise click.UsageError(f"--{'chat' if chat else 'lookahead'} does not go with --url")
    settings = settings_from(group_flags | {name: value for name, value in flags.items() if value is not None})
    from llmtui.commands.generate import GenerateOptions, run_generate

    options = GenerateOptions(
        prompt=prompt,
        as_json=as_json,
        prompt_logprobs=prompt_logprobs,
        chat=chat,
        stop=stop,
        min_p=min_p,
        repetition_penalty=repetition_penalty,
        frequency_penalty=frequency_penalty,
        presence_penalty=presence_penalty,
        top_logprobs=top_logprobs,
        lookahead=lookahead,
        lookahead_depth=lookahead_depth,
        speculate=speculate,
    )
    leave(run_generate(settings, options, url))


def _cache_folder() -> Path:
    from llmtui.system.paths import cache_dir

    return cache_dir()


def main() -> None:
    """The `llmtui` program."""
    stdio.open_missing()
    stdio.write_what_cannot_be_encoded()
    own_process.claim(_cache_folder)
    try:
        sys.exit(cli.main(prog_name="llmtui", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(exit_codes.INTERRUPTED)
    except OSError as error:
        # help and version, which click writes by itself
        if error.errno != errno.ENOSPC:
            raise
        click.echo(f"llmtui: {OutputError(error)}", err=True)
        leave(exit_codes.ERROR)
