"""Where standard streams lead: what native code writes to descriptors 1 and 2 stays off the screen, in the log.

Python's own redirection does not reach printf in a tokenizer, OpenMP's warnings or a CUDA driver's: those write to the
descriptors. Textual draws on `sys.__stderr__` and asks `sys.__stdout__` how large the terminal is, so both are given
private descriptors on the terminal that stdout is, for as long as the real ones point at the log: a redirected stderr
(`2>FILE`) does not take the screen along. Standard input stays as it is.
"""

import codecs
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TextIO

ESCAPED: Final = "llmtui.escaped"  # the name of our way, among Python's own: strict, replace, …


def open_missing() -> None:
    """Give a program that was started with a closed stream (`>&-`) one that leads nowhere, on its own descriptor."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def write_what_cannot_be_encoded() -> None:
    """Let stdout take every character: one that its encoding lacks is written as \\u2014, as JSON escapes it."""
    codecs.register_error(ESCAPED, _escaped)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors=ESCAPED)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)), error.end


@contextmanager
def native_writes_to(log: Path) -> Iterator[TextIO]:
    """Point descriptors 1 and 2 at `log`; the stream that still reaches the terminal is handed out.

    `print` and uncaught tracebacks land in the log, too. A child process that needs the terminal (an editor) must be
    started with stdout=sys.__stdout__, stderr=sys.__stderr__. Everything is put back at the end, come what may.
    Raises OSError if the log cannot be opened.
    """
    screen = sys.__stdout__
    assert screen is not None, "a closed stdout is no terminal"
    with ExitStack() as undo:
        sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        undo.callback(os.close, sink)
        _flush()
        streams = {name: undo.enter_context(_private_copy(screen)) for name in ("__stdout__", "__stderr__")}
        for name, stream in streams.items():
            undo.callback(setattr, sys, name, getattr(sys, name))
            setattr(sys, name, stream)
        for descriptor in (1, 2):
            saved = os.dup(descriptor)
            undo.callback(os.close, saved)
            undo.callback(os.dup2, saved, descriptor)
            os.dup2(sink, descriptor)
        undo.callback(_flush)
        yield streams["__stderr__"]


@contextmanager
def _private_copy(stream: TextIO) -> Iterator[TextIO]:
    """The same stream on a descriptor of its own, closed at the end."""
    copied = os.dup(stream.fileno())
    with os.fdopen(copied, "w", encoding=stream.encoding, errors="replace", newline="") as copy:
        yield copy


def _flush() -> None:
    """Let what Python and C still hold go to where the descriptors point now."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        import ctypes

        ctypes.CDLL(None).fflush(None)
