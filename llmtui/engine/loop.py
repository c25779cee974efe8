"""The engine's thread: it alone touches tensors. Between two steps it does what other threads asked for."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from llmtui.engine.admission import Admission
from llmtui.engine.events import FinishReason, Queued
from llmtui.engine.memory import return_free_memory
from llmtui.engine.residents import Residents
from llmtui.engine.scheduler import Scheduler, Slice
from llmtui.engine.speed import Speedometer
from llmtui.engine.threads import ComputingThreads
from llmtui.engine.watching import EndedRequest, remember

if TYPE_CHECKING:
    from llmtui.engine.sequence import Sequence
    from llmtui.engine.telemetry import RawRow

T = TypeVar("T")

logger = logging.getLogger(__name__)


class EngineLoop:
    """Steps every running sequence, of whichever model, until it is closed.

    closed, crashed    whether it was told to end, and whether it ended by itself
    at_end             called on its thread when it ends, however it does
    prefix_hit_tokens  prompt tokens so far that need not be computed
    ended              the last requests that ended, oldest first
    threads            those that compute a step
    """

    def __init__(self, max_running: int, admission: Admission, residents: Residents, speed: Speedometer) -> None:
        self.closed = False
        self.crashed = False
        self.at_end: Callable[[], None] = lambda: None
        self.scheduler = Scheduler(max_running)
        self.prefix_hit_tokens = 0
        self.ended: tuple[EndedRequest, ...] = ()
        self.threads = ComputingThreads()
        self._ending: Sequence | None = None
        self._admission = admission
        self._residents = residents
        self._speed = speed
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._taking = threading.Lock()
        self._takes_commands = True
        self._thread = threading.Thread(target=self._run, name="llmtui-engine", daemon=True)
        self._thread.start()

    # any thread

    @property
    def kv_bytes(self) -> int:
        """Bytes of the keys and values of all running requests."""
        return sum(sequence.kv_bytes for sequence in self._admission.everybody())

    def find(self, request_id: str) -> "Sequence | None":
        """One that waits, runs or is just ending: one that is not found here, but was, is among `ended`."""
        sequence = self._admission.find(request_id)
        if sequence is not None:
            return sequence
        # looked at after the door: whoever leaves is here before, and stays until it is among `ended`
        ending = self._ending
        return ending if ending is not None and ending.request.request_id == request_id else None

    def call(self, command: Callable[[], None]) -> None:
        """Do something on the engine's thread, between two steps; once that has ended, at once. It must not raise."""
        with self._taking:
            if self._takes_commands:
                self._commands.put(command)
                return
        self._wait_for_end()
        command()

    def wake(self) -> None:
        """Look again at once at what may have changed."""
        self.call(lambda: None)

    def run(self, job: Callable[[], T], afterwards: Callable[[], None] | None = None) -> "Future[T]":
        """What a function returns or raises on the engine's thread; cancelled where the engine is closed first.

        afterwards: called in any case.
        """
        future: Future[T] = Future()

        def run() -> None:
            if self.closed:
                future.cancel()
            try:
                if future.set_running_or_notify_cancel():
                    future.set_result(job())
            except BaseException as error:
                future.set_exception(error)
                if not isinstance(error, Exception):
                    raise
            finally:
                if afterwards is not None:
                    afterwards()

        self.call(run)
        return future

    def queue(self, sequence: "Sequence") -> None:
        """Let a sequence wait for its turn; nothing happens where the engine is closed first, which ends it."""

        def wait() -> None:
            if not self.closed:
                sequence.stream.put(Queued(sequence.request.request_id, self.scheduler.add(sequence)))

        self.call(wait)

    def close(self, timeout: float) -> None:
        """End the thread and every sequence; waits at most so many seconds for a step under way."""
        self.closed = True
        self.wake()
        self._wait_for_end(timeout)

    def _wait_for_end(self, timeout: float | None = None) -> None:
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    # the engine's thread

    def _run(self) -> None:
        try:
            while not self.closed:
                self._turn()
        except BaseException as error:
            logger.exception("the engine's thread ended by itself")
            self.crashed = True
            self._close(error)
        else:
            self._close(None)

    def _turn(self) -> None:
        self._take_commands()
        self._drop_unwanted()
        if self._residents.drop_expired():
            return_free_memory()
        for sequence in self.scheduler.admit():
            self._start(sequence)
        self._step()

    def _close(self, error: BaseException | None) -> None:
        """Let nobody in and end those that are inside: whatever ended the thread, no reader waits in vain."""
        self._admission.close()
        self.closed = True
        self._guarded(self.at_end)
        self._take_last_commands()
        for sequence in self._admission.everybody():
            if error is None:
                self._guarded(partial(self._finish, sequence, "cancelled"))
            else:
                self._guarded(partial(self._fail, sequence, error))

    def _take_last_commands(self) -> None:
        """Do what was asked for so far, and take nothing more."""
        while True:
            with self._taking:
                self._takes_commands = not self._commands.empty()
                if not self._takes_commands:
                    return
            self._guarded(self._commands.get())

    def _guarded(self, action: Callable[[], None]) -> None:
        """Whatever fails while the thread ends, the rest is still done."""
        try:
            action()
        except BaseException:
            logger.exception("a part of the engine's end failed")

    def _take_commands(self) -> None:
        """Do what other threads asked for; with nothing to run, wait for it, or for an idle model's time to be up."""
        idle = not self.scheduler.running and not self.scheduler.waiting and not self.closed
        if idle:
            self.threads.pause()
        try:
            self._commands.get(block=idle, timeout=self._residents.seconds_left() if idle else None)()
            while True:
                self._commands.get_nowait()()
        except queue.Empty:
            return

    def _drop_unwanted(self) -> None:
        for sequence in self.scheduler.everything():
            if sequence.cancel_requested:
                self._finish(sequence, "cancelled")
            elif sequence.overdue:
                self._finish(sequence, "deadline")

    def _start(self, sequence: "Sequence") -> None:
        try:
            sequence.start()
        except Exception as error:
            logger.exception("request %s could not start", sequence.request.request_id)
            self._fail(sequence, error)
            return
        self.prefix_hit_tokens += sequence.cached

    def _step(self) -> None:
        """One turn: pick slices, run them, draw, report."""
        work = self.scheduler.plan()
        if work:
            self.threads.before_step(exact=work[0].sequence.params.exact)  # exact ones run alone
            self._run_slices(work)

    def _run_slices(self, work: list[Slice]) -> None:
        """Compute slices in one forward. If it fails, each has one of its own: only those to blame end in error."""
        began_ns = time.perf_counter_ns()
        try:
            outputs = work[0].sequence.model.compute(work)
        except Exception as error:
            logger.exception("a forward over %d sequences failed", len(work))
            if len(work) == 1:
                self._fail(work[0].sequence, error)
                return
            for part in work:
                self._run_slices([part])
            return
        rows = sum(part.rows for part in work)
        known = sum(part.sequence.generated for part in work)
        for part, raws in zip(work, outputs, strict=True):
            self._advance(part, raws, rows, began_ns)
        self._speed.count(sum(part.sequence.generated for part in work) - known)
        for part in work:
            part.sequence.stream.release()
        self.scheduler.took(work, (time.perf_counter_ns() - began_ns) / 1e9)

    def _advance(self, part: Slice, raws: "list[RawRow]", rows: int, began_ns: int) -> None:
        sequence = part.sequence
        try:
            reason = sequence.accept(part, raws, rows, began_ns)
        except Exception as error:
            logger.exception("request %s failed", sequence.request.request_id)
            self._fail(sequence, error)
            return
        if reason is not None:
            self._finish(sequence, reason)

    def _fail(self, sequence: "Sequence", error: BaseException) -> None:
        self._end(sequence, lambda: sequence.fail(error))

    def _end(self, sequence: "Sequence", report: Callable[[], None]) -> None:
        self.scheduler.drop(sequence)
        try:
            sequence.model.runner.end(sequence)
        except Exception:
            logger.exception("what request %s computed could not be kept", sequence.request.request_id)
        self._ending = sequence
        # before the end is told: its reader may come again with the same id
        self._admission.leave(sequence)
        self._residents.release(sequence.model)
        self._speed.ended(time.perf_counter() - sequence.clock.submitted)
        report()
        self.ended = remember(self.ended, sequence)
        self._ending = None

    def _finish(self, sequence: "Sequence", reason: FinishReason) -> None:
        self._end(sequence, lambda: sequence.finish(reason))
