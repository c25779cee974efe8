"""The command line: reads options, builds settings, and hands over. Imports nothing heavy until it is needed."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from llmtui import __version__

if TYPE_CHECKING:
    from llmtui.settings import Settings

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_SHARED_OPTIONS = (
    click.option(
        "--model", "model_name", metavar="NAME", help="tiny-tales (comes along), a Hugging Face id, a folder."
    ),
    click.option("--device", metavar="WHERE", help="auto, cpu, cuda, mps; -1 is the CPU, 0 and up that GPU."),
    click.option("--dtype", metavar="TYPE", help="auto, float32, bfloat16, float16 or int8."),
    click.option("--temperature", "default_temperature", type=float, metavar="T", help="0 is greedy."),
    click.option("--top-k", "default_top_k", type=int, metavar="K", help="Keep the K most probable; 0 is off."),
    click.option("--top-p", "default_top_p", type=float, metavar="P", help="Keep a probability of P; 1 is off."),
    click.option("--max-length", type=int, metavar="N", help="Prompt and new tokens at most."),
    click.option("--max-new-tokens", type=int, metavar="N", help="New tokens at most."),
    click.option("--seed", type=int, metavar="N", help="Same seed, same text."),
    click.option("--debug", is_flag=True, default=None, help="Write everything to the log file."),
)


def shared_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every command knows."""
    for option in reversed(_SHARED_OPTIONS):
        command = option(command)
    return command


@click.group(invoke_without_command=True, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="llmtui")
@shared_options
@click.option("--serve", is_flag=True, help="Answer HTTP requests beside the screen.")
@click.option("--headless", is_flag=True, help="With --serve: without the screen.")
@click.option("--host", metavar="ADDRESS", help="Where --serve listens (127.0.0.1).")
@click.option("--port", type=int, metavar="N", help="Where --serve listens (5000); 0 takes a free port.")
@click.pass_context
def cli(ctx: click.Context, /, serve: bool, headless: bool, **flags: Any) -> None:
    """Run language models on this machine and watch every token being chosen.

    Without a command, the screen opens. Every option is a variable of the environment or of .env, too.
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


@cli.command(context_settings=CONTEXT)
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
    **flags: Any,
) -> None:
    """Continue PROMPT and write the text to stdout as it is chosen; - reads the prompt from stdin.

    Exit codes: 0 done, 2 wrong arguments, 3 the model cannot be loaded, 130 interrupted.
    """
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
    )
    leave(run_generate(settings, options))


def settings_from(flags: dict[str, Any]) -> "Settings":
    """The checked settings of this run; a wrong one ends the program with exit code 2."""
    from llmtui.settings import SettingsError, load_settings, unknown_variables

    try:
        settings = load_settings(flags)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    for sentence in unknown_variables():
        click.echo(f"llmtui: {sentence}", err=True)
    return settings


def leave(code: int) -> None:
    """End the process now: its daemon threads may be deep in a load or a matrix product, and nobody waits for them."""
    import os

    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """The `llmtui` program."""
    cli(prog_name="llmtui")
