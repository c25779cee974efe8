"""A model's process, seen from the comparison: give it the turn, and get what it says until it answers."""

import multiprocessing
import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from multiprocessing import resource_tracker
from typing import Final

from llmtui.insight.compare.columns import Step
from llmtui.insight.compare.messages import Answer, Loaded, Order, Turn
from llmtui.insight.compare.worker import work

END_SECONDS: Final = 5.0


class ModelProcess:
    """The process of the model in column `place`. It begins with its first turn: to bring the model's files here.

    loaded: what it answered once the model was in memory
    """

    def __init__(self, place: int, order: Order) -> None:
        self.place = place
        self.choice = order.choice
        self.loaded: Loaded | None = None
        # spawn: a copy of this process would bring along its threads' locks and its memory
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(order, theirs), name="llmtui-compare", daemon=True)
        _begin_helper()
        with _interrupts_later():
            self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def turn(self, turn: Turn | None = None) -> Generator[Step, None, Answer | str]:
        """Let it compute until it answers; a sentence where it failed, or ended without an answer. None: its first."""
        try:
            if turn is not None:
                self._ours.send(turn)
            while True:
                message = self._ours.recv()
                if isinstance(message, (Answer, str)):
                    return message
                yield Step(self.place, message)
        except (EOFError, OSError):
            self._process.join(END_SECONDS)
            return f"its process ended with code {self._process.exitcode}: perhaps there was not enough memory"

    def kill(self) -> None:
        """End it at once, from any thread; who waits for its answer gets a sentence."""
        self._process.kill()

    def end(self) -> None:
        """End it, and wait until its memory is back."""
        self._ours.close()
        self._process.kill()
        self._process.join(END_SECONDS)


def _begin_helper() -> None:
    """Begin the helper process that multiprocessing keeps beside its children.

    It hands it the descriptor of sys.stderr, and the stand-in that a screen puts there has none.
    """
    with suppress(OSError), open(2, "w", closefd=False) as plain, redirect_stderr(plain):
        resource_tracker.ensure_running()


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Ctrl-C waits for the end of this, and does not reach a process that begins in it.

    One that gets half of its order, or Ctrl-C before it can say that it wants none, writes a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
