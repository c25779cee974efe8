"""Writing to stdout: at once, and what hinders it is an error that a command can tell."""

import sys

from llmtui.errors import LlmtuiError


class OutputError(LlmtuiError):
    """Stdout takes nothing more, such as a file on a full disk."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"stdout cannot be written to: {error.strerror or error}")


def write_out(text: str) -> None:
    """Write and flush. Raises BrokenPipeError where the reader has gone, OutputError where there is no room."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error) from None
