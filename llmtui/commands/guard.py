"""How a command ends when something goes wrong: a sentence on stderr and the exit code for it."""

from collections.abc import Callable

from llmtui.commands import exit_codes
from llmtui.commands.console import Console
from llmtui.engine.errors import EngineError, ParameterError
from llmtui.errors import LlmtuiError
from llmtui.models.errors import ModelError
from llmtui.settings import option_of


def guarded(work: Callable[[], int]) -> int:
    """The exit code of `work`, or of the error that it raised; the error is told on stderr."""
    console = Console()
    try:
        return work()
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        return exit_codes.PIPE_CLOSED
    except ParameterError as error:
        console.say(f"{_typed_name(error.field)} {error.problem}")
        return exit_codes.USAGE
    except LlmtuiError as error:
        console.complain(error)
        return code_of(error)


def code_of(error: LlmtuiError) -> int:
    """The exit code for an error."""
    if isinstance(error, EngineError):
        return exit_codes.USAGE
    return exit_codes.NO_MODEL if isinstance(error, ModelError) else exit_codes.ERROR


def _typed_name(field: str) -> str:
    """How a person names a field on the command line: an argument in capitals, an option with its dashes."""
    return field.upper() if field in ("text", "prompt") else option_of(field)
