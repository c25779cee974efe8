"""What all commands share: their options, how these become settings, and how a command leaves."""

import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from llmtui.settings import Settings

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
Command = Callable[..., None]

MODEL = click.option(
    "--model", "model_name", metavar="NAME", help="tiny-tales (comes along), a Hugging Face id, a folder."
)
_DEVICE = (
    click.option("--device", metavar="WHERE", help="auto, cpu, cuda, mps; -1 is the CPU, 0 and up that GPU."),
    click.option("--dtype", metavar="TYPE", help="auto, float32, bfloat16, float16 or int8."),
)
_SAMPLING = (
    click.option("--temperature", "default_temperature", type=float, metavar="T", help="0 is greedy."),
    click.option("--top-k", "default_top_k", type=int, metavar="K", help="Keep the K most probable; 0 is off."),
    click.option("--top-p", "default_top_p", type=float, metavar="P", help="Keep a probability of P; 1 is off."),
)
_LENGTH = (
    click.option("--max-length", type=int, metavar="N", help="Prompt and new tokens at most."),
    click.option("--max-new-tokens", type=int, metavar="N", help="New tokens at most."),
    click.option("--seed", type=int, metavar="N", help="Same seed, same text."),
)
_DEBUG = click.option("--debug", is_flag=True, default=None, help="Write everything to the log file.")
_SERVER = (
    click.option("--url", metavar="URL", help="Ask a running llmtui, such as http://127.0.0.1:5000."),
    click.option("--api-key", "llmtui_api_key", metavar="KEY", help="The key it wants; better in LLMTUI_API_KEY."),
)
JSON = click.option("--json", "as_json", is_flag=True, help="For programs: JSON instead of a table.")


def shared_options(command: Command) -> Command:
    """The options that every command knows."""
    return _with(command, MODEL, *_DEVICE, *_SAMPLING, *_LENGTH, _DEBUG)


def model_options(command: Command) -> Command:
    """Which model, where, and the log: for commands that draw no tokens."""
    return _with(command, MODEL, *_DEVICE, _DEBUG)


def log_options(command: Command) -> Command:
    """For commands that need no model."""
    return _with(command, _DEBUG)


def length_options(command: Command) -> Command:
    """How much is generated, for commands with their own way of naming models or sampling values."""
    return _with(command, *_DEVICE, *_LENGTH, _DEBUG)


def server_options(command: Command) -> Command:
    """For commands that can use a running server instead of loading a model."""
    return _with(command, *_SERVER)


def sampling_options(command: Command) -> Command:
    return _with(command, *_SAMPLING)


def _with(command: Command, *options: Callable[[Command], Command]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def settings_of(ctx: click.Context, flags: dict[str, Any], wanted: Collection[str] | None = None) -> "Settings":
    """The settings of a command: its own options count before those that stand before its name.

    wanted: the fields that matter to it, so that a wrong value of another does not keep it from its work; None: all.
    """
    typed = {name: value for name, value in flags.items() if value is not None}
    return settings_from((ctx.find_root().obj or {}) | typed, wanted)


def settings_from(flags: dict[str, Any], wanted: Collection[str] | None = None) -> "Settings":
    """The checked settings of this run; a wrong one ends the program with exit code 2."""
    from llmtui.settings import SettingsError, load_settings, unknown_variables

    try:
        settings = load_settings(flags, wanted=wanted)
        sentences = unknown_variables()
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    for sentence in sentences:
        click.echo(f"llmtui: {sentence}", err=True)
    return settings


def leave(code: int) -> None:
    """End the process now: its daemon threads may be deep in a load or a matrix product, and nobody waits for them."""
    import os

    # a reader that has gone (`| head`) and a full disk are told by the exit code
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)
