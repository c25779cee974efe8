"""The file `.env`: what it sets, and which of its lines set nothing."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from llmtui.errors import LlmtuiError


class EnvFileError(LlmtuiError):
    """The file is there and cannot be read."""


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What was read of it.

    values       of the variables that it sets, by their names as they are written; what is set to nothing is unset
    wrong_lines  numbers of the lines that set nothing and are no comments
    """

    path: Path
    values: Mapping[str, str] = field(default_factory=dict)
    wrong_lines: tuple[int, ...] = ()

    @property
    def complaint(self) -> str | None:
        """A sentence about the wrong lines, if there are any."""
        if not self.wrong_lines:
            return None
        more = len(self.wrong_lines) - 1
        others = f", nor are {more} more" if more > 1 else ", nor is 1 more" if more else ""
        return (
            f"line {self.wrong_lines[0]} of {self.path.resolve()} is no setting{others}: "
            "write NAME=VALUE, or # before what is none"
        )


def read_env_file(path: Path) -> EnvFile:
    """The file at `path`; an empty one where there is none. Raises EnvFileError."""
    if not path.exists() or path.is_dir():
        return EnvFile(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise EnvFileError(f"{path.resolve()} is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise EnvFileError(f"{path.resolve()} cannot be read: {error.strerror or error}") from None
    right, wrong = [], []
    for binding in parse_stream(io.StringIO(text)):
        original = binding.original
        if binding.error or (binding.key is not None and binding.value is None):
            wrong.append(original.line + _empty_lines_before(original.string))
        else:
            right.append(original.string)
    # without the wrong lines: python-dotenv would write a warning for each to stderr
    values = dotenv_values(stream=io.StringIO("".join(right)))
    return EnvFile(path, {name: value for name, value in values.items() if value}, tuple(wrong))


def _empty_lines_before(text: str) -> int:
    return text[: len(text) - len(text.lstrip())].count("\n")
