"""How a command ends when something goes wrong: a sentence on stderr and the exit code for it."""

from collections.abc import Callable

from llmtui.commands import exit_codes
from llmtui.commands.console import Console
from llmtui.engine.errors import EngineError, ParameterError
from llmtui.errors import LlmtuiError, WrongArgument
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
        console.complain(typed(error))
        return exit_codes.USAGE
    except LlmtuiError as error:
        console.complain(error)
        return code_of(error)


def code_of(error: LlmtuiError) -> int:
    """The exit code for an error."""
    if isinstance(error, EngineError | WrongArgument):
        return exit_codes.USAGE
    return exit_codes.NO_MODEL if isinstance(error, ModelError) else exit_codes.ERROR


def typed(error: LlmtuiError) -> str:
    """An error in a sentence that names a field as a person types it.

    An argument stands in capitals, an option with its dashes.
    """
    if not isinstance(error, ParameterError):
        return str(error)
    if error.field in ("text", "prompt"):
        return f"{error.field.upper()} {error.problem}"
    return f"{option_of('max_new_tokens' if error.field == 'max_tokens' else error.field)} {error.problem}"
