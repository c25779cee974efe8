"""One log file for everything: never the terminal, nothing in it that a terminal would obey."""

import logging
import re
from logging.handlers import RotatingFileHandler, WatchedFileHandler
from pathlib import Path

from llmtui.errors import LlmtuiError

ACCESS_LOGGER = "llmtui.access"
MAX_LINE_CHARACTERS = 2_000
MAX_FILE_BYTES = 2_000_000
KEPT_FILES = 3
# Libraries whose everyday messages would bury ours.
QUIET = (
    "transformers",
    "huggingface_hub",
    "httpx",
    "httpx2",
    "httpcore",
    "waitress",
    "filelock",
    "asyncio",
    "markdown_it",
)


class LogError(LlmtuiError):
    """The log file cannot be written."""


class LineFormatter(logging.Formatter):
    """One record, one line; a traceback's lines follow it, indented. Control characters are shown, never written."""

    def format(self, record: logging.LogRecord) -> str:
        lines = [_bounded(f"{self.formatTime(record)} {record.levelname:7} {record.name}: {_message(record)}")]
        for details in (record.exc_info and self.formatException(record.exc_info), record.stack_info):
            if details:
                lines += [_bounded("    " + line) for line in details.split("\n")]
        return "\n".join(lines)


def setup_logging(path: Path, debug: bool = False) -> logging.Handler:
    """Send all logging and warnings to `path`, and nothing to the terminal; the handler that does it.

    The file is rotated at two megabytes. With `debug` everything is written, else INFO of ours, WARNING of libraries.
    Raises LogError if the file cannot be opened.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        handler = RotatingFileHandler(
            path, maxBytes=MAX_FILE_BYTES, backupCount=KEPT_FILES, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        raise LogError(f"the log file {path} cannot be written: {error.strerror or error}") from None
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    for old in [old for old in root.handlers if type(old) in (logging.StreamHandler, RotatingFileHandler)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.DEBUG if debug else logging.WARNING)
    logging.captureWarnings(True)
    # what logging itself cannot do is not to be told on the terminal either
    logging.raiseExceptions = False
    return handler


def setup_access_log(path: Path | None) -> None:
    """Send the access log to a file of its own, its lines as they are; None leaves them in the log file.

    The file is opened anew where it was moved away, as logrotate does. Raises LogError if it cannot be opened.
    """
    if path is None:
        return
    try:
        handler = WatchedFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise LogError(f"ACCESS_LOG_FILE {path} cannot be written: {error.strerror or error}") from None
    handler.setFormatter(logging.Formatter("%(message)s"))
    access = logging.getLogger(ACCESS_LOGGER)
    for old in [old for old in access.handlers if isinstance(old, WatchedFileHandler)]:
        access.removeHandler(old)
        old.close()
    access.addHandler(handler)
    access.propagate = False


def visible(text: str) -> str:
    """`text` with every control, bidi and line-breaking character as its escape: ESC becomes \\x1b."""
    return re.sub(r"[^ -~]", lambda found: found[0] if found[0].isprintable() else _escape(found[0]), text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args!r}"


def _bounded(line: str) -> str:
    # cut first: escaping a hundred megabytes to keep two thousand characters would stall the caller
    shown = visible(line[: MAX_LINE_CHARACTERS + 1])
    return shown if len(shown) <= MAX_LINE_CHARACTERS else shown[: MAX_LINE_CHARACTERS - 1] + "…"
