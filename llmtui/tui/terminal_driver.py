"""Textual's driver for a terminal. It also ends the program when the terminal has gone, or a signal says so."""

import asyncio
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any, Final, TextIO

from textual.drivers.linux_driver import LinuxDriver

ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


class TerminalDriver(LinuxDriver):
    """Draws and reads as Textual does.

    Not every terminal that goes sends SIGHUP (it may be ignored, or go to another session). Without it a read finds an
    end that never ends, and the thread that reads would turn for ever.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        assert self._file is not None
        self._terminal: TextIO = self._file
        self._file = _UntilGone(self._terminal, self._terminal_gone)  # type: ignore[assignment]  # all the thread needs
        self._watcher: Thread | None = None

    def start_application_mode(self) -> None:
        self._loop = asyncio.get_running_loop()
        for signum in ENDING:
            self._loop.add_signal_handler(signum, self._leave, signum)
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._watcher is None:
            self._watcher = Thread(target=self._watch, name="textual-hangup", daemon=True)
            self._watcher.start()

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self.fileno, 0)  # a mask of nothing: a hang-up and an error are told all the same
        poll.poll()
        self._terminal_gone()

    def _terminal_gone(self) -> None:
        """Called from the threads that find out. What is still drawn goes nowhere, as it fails on the terminal."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._terminal.fileno())
        os.close(nowhere)
        with suppress(RuntimeError):  # the loop is closed: the program is leaving already
            self._loop.call_soon_threadsafe(self._leave, signal.SIGHUP)

    def _leave(self, signum: signal.Signals) -> None:
        self._app.exit(return_code=128 + signum)


class _UntilGone:
    """What Textual's writing thread writes to: a terminal, and nowhere once that has gone.

    The thread must not end while others draw: they wait for room in its queue.
    """

    def __init__(self, terminal: TextIO, gone: Callable[[], None]) -> None:
        self._terminal = terminal
        self._gone = gone
        self.fileno = terminal.fileno

    def write(self, text: str) -> None:
        self._or_nowhere(partial(self._terminal.write, text))

    def flush(self) -> None:
        self._or_nowhere(self._terminal.flush)

    def _or_nowhere(self, draw: Callable[[], object]) -> None:
        try:
            draw()
        except OSError:
            self._gone()
            draw()
