"""A text from the command line or from a pipe."""

import sys

from llmtui.engine.errors import EngineError


def read_text(argument: str | None) -> str:
    """The argument; for `-` and for none, stdin less one last newline. Raises EngineError if that is not UTF-8."""
    if argument is not None and argument != "-":
        return argument
    try:
        # the newline that echo and files end with is not meant as a part of the text
        return sys.stdin.buffer.read().decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        raise EngineError("what came through stdin is not UTF-8 text") from None
