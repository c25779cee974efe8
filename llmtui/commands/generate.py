"""llmtui generate: one text to stdout, token by token, for people and for pipes."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from llmtui.commands import exit_codes
from llmtui.commands.console import Console
from llmtui.commands.guard import code_of, typed
from llmtui.commands.output import OutputError, write_out
from llmtui.commands.stdin import read_text
from llmtui.engine import ChatMessage, Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import EngineError, ParameterError
from llmtui.engine.events import Event, Failed, Finished
from llmtui.engine.stream import Stream
from llmtui.errors import LlmtuiError
from llmtui.insight.trace import event_to_json
from llmtui.settings import Settings
from llmtui.system.logs import LogError, setup_logging
from llmtui.system.paths import FolderError, log_file


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateOptions:
    """What `llmtui generate` was asked for, besides the settings."""

    prompt: str | None
    as_json: bool
    prompt_logprobs: bool
    chat: bool
    stop: tuple[str, ...]
    min_p: float
    repetition_penalty: float
    frequency_penalty: float
    presence_penalty: float
    top_logprobs: int
    lookahead: int
    lookahead_depth: int
    speculate: int


def run_generate(settings: Settings, options: GenerateOptions, url: str | None = None) -> int:
    """Load, generate, write; the exit code. url: of a server that generates instead."""
    console = Console()
    try:
        setup_logging(log_file(), settings.debug)
        request = make_request(settings, options, read_prompt(options.prompt))
    except (LogError, FolderError) as error:
        console.complain(error)
        return exit_codes.ERROR
    except LlmtuiError as error:
        console.complain(typed(error))
        return exit_codes.USAGE
    try:
        stream = begin(settings, request, url, console)
        return write_events(stream, json_line if options.as_json else console.harmless_delta)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except LlmtuiError as error:
        console.complain(typed(error))
        return code_of(error)


def begin(settings: Settings, request: GenerationRequest, url: str | None, console: Console) -> Stream:
    """Hand the request to an engine of this process, once its model is loaded, or to the server."""
    if url is not None:
        from llmtui.commands.remote import RemoteEngine

        return RemoteEngine.of(url, settings).submit(request)
    engine = Engine()
    console.wait_for_model(engine.load(settings.model_name, device=settings.device, dtype=settings.dtype))
    return engine.submit(request)


def read_prompt(argument: str | None) -> str:
    """The prompt from the argument, or from stdin, less one last newline, for `-` and for a pipe without argument."""
    if argument is None and sys.stdin.isatty():
        raise EngineError('give a prompt: llmtui generate "Once upon a time", or pipe it in with -')
    return read_text(argument)


def make_request(settings: Settings, options: GenerateOptions, prompt: str) -> GenerationRequest:
    """Raises ParameterError for a value out of range, and for lookahead without --json: a text has no room for it."""
    if options.lookahead and not options.as_json:
        raise ParameterError("lookahead", "is told by --json alone: add it, or leave --lookahead out")
    params = SamplingParams(
        temperature=settings.default_temperature,
        top_k=settings.default_top_k,
        top_p=settings.default_top_p,
        min_p=options.min_p,
        repetition_penalty=options.repetition_penalty,
        frequency_penalty=options.frequency_penalty,
        presence_penalty=options.presence_penalty,
        max_tokens=settings.max_new_tokens,
        max_length=settings.max_length,
        stop=options.stop,
        seed=settings.seed,
        top_logprobs=options.top_logprobs,
        prompt_logprobs=options.prompt_logprobs,
        lookahead=options.lookahead,
        lookahead_depth=options.lookahead_depth,
        speculate=options.speculate,
    )
    if options.chat:
        messages = [ChatMessage(role="user", content=prompt)]
        return GenerationRequest(messages=messages, params=params, clip=True)
    return GenerationRequest(prompt=prompt, params=params, clip=True)


def write_events(stream: Stream, render: Callable[[Event], str]) -> int:
    """Write every event as `render` shows it; the exit code. Ctrl-C stops the generation and writes its end."""
    interrupted = False
    code = exit_codes.ERROR
    while not stream.ended:
        try:
            event = stream.poll(timeout=None)
            if event is None:
                break
            write_out(render(event))
        except KeyboardInterrupt:
            interrupted = True
            stream.cancel()
            continue
        except BrokenPipeError:
            stream.cancel()
            # nobody reads any more: what is left in Python's buffer must not fail once again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return exit_codes.PIPE_CLOSED
        except OutputError as error:
            stream.cancel()
            Console().complain(error)
            return exit_codes.ERROR
        if isinstance(event, Failed):
            Console().complain(event.error)
        elif isinstance(event, Finished):
            code = exit_codes.DONE
    return exit_codes.INTERRUPTED if interrupted else code


def json_line(event: Event) -> str:
    return json.dumps(event_to_json(event), ensure_ascii=False, allow_nan=False) + "\n"
