"""The engine: one daemon thread that steps every running generation, and the door to it for all other threads."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from llmtui.engine import blocking
from llmtui.engine.admission import room_for
from llmtui.engine.background import load_in_this_thread
from llmtui.engine.errors import EngineBusy, EngineClosed, ModelNotReady, ParameterError
from llmtui.engine.events import Queued, Token
from llmtui.engine.live import RequestView, view_of
from llmtui.engine.loads import LoadTask, ModelInfo
from llmtui.engine.requests import ChatMessage, GenerationRequest, SamplingParams
from llmtui.engine.scheduler import Scheduler, Slice
from llmtui.engine.speed import Speedometer
from llmtui.engine.stream import GenerationResult, Stream

if TYPE_CHECKING:
    from torch import Tensor

    from llmtui.engine.loaded import LoadedModel
    from llmtui.engine.sequence import Sequence

T = TypeVar("T")
EngineState = Literal["empty", "loading", "ready", "degraded", "closed"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineStats:
    """The engine at this moment. tokens_per_second: of all running requests together, over the latest tokens."""

    state: EngineState
    running: int
    waiting: int
    generated_tokens: int
    tokens_per_second: float


class Engine:
    """Runs models and reports every token. All methods may be called from any thread.

    model               loaded in the background from the start; None: `load` is called later
    max_running         requests that run at once; more wait
    max_waiting         requests that may wait; more are refused
    max_waiting_tokens  tokens of prompts that may wait, but for a single longer one
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        device: str = "auto",
        dtype: str = "auto",
        max_waiting: int = 32,
        max_running: int = 16,
        max_waiting_tokens: int = 65536,
    ) -> None:
        self._max_in_flight = max_waiting + max_running
        self._max_running = max_running
        self._max_waiting_tokens = max_waiting_tokens
        self._scheduler = Scheduler(max_running)
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._in_flight: dict[str, Sequence] = {}
        self._model: LoadedModel | None = None
        self._load: LoadTask | None = None
        self._closed = False
        self._speed = Speedometer()
        self._thread = threading.Thread(target=self._run, name="llmtui-engine", daemon=True)
        self._thread.start()
        if model is not None:
            self.load(model, device=device, dtype=dtype)

    # loading

    def load(self, name: str, *, device: str = "auto", dtype: str = "auto") -> LoadTask:
        """Load a model in the background; the present one serves until the new one is ready.

        A load that is still under way is stopped: the latest wish counts.
        """
        self._refuse_if_closed()
        task = LoadTask(name)
        with self._lock:
            previous, self._load = self._load, task
        if previous is not None:
            previous.cancel()

        def work() -> None:
            loaded = load_in_this_thread(task, device, dtype)
            if loaded is not None:
                self._commands.put(lambda: self._install(task, loaded))

        threading.Thread(target=work, name="llmtui-load", daemon=True).start()
        return task

    @property
    def loading(self) -> LoadTask | None:
        """The load under way, if there is one."""
        return self._load if self._load is not None and not self._load.ended else None

    @property
    def model(self) -> ModelInfo | None:
        """The loaded model's facts."""
        loaded = self._model
        return None if loaded is None else loaded.info

    @property
    def state(self) -> EngineState:
        if self._closed:
            return "closed"
        if self._model is not None:
            return "ready" if self._thread.is_alive() else "degraded"
        if self._load is None:
            return "empty"
        return "degraded" if self._load.ended else "loading"

    # requests

    def submit(self, request: GenerationRequest) -> Stream:
        """Queue a request and return its events.

        Raises ParameterError, ContextOverflow, EngineBusy, ModelNotReady or EngineClosed at once.
        """
        loaded = self._ready_model()
        prompt_ids = loaded.encode(request)
        max_tokens = room_for(request, len(prompt_ids), loaded.info.context)
        stream = Stream(request.request_id, lambda: self.cancel(request.request_id))
        sequence = loaded.begin(request, stream, prompt_ids, max_tokens)
        with self._lock:
            self._refuse_if_closed()
            waiting = max(0, len(self._in_flight) - self._max_running)
            if len(self._in_flight) >= self._max_in_flight or (waiting and self._waits_too_long(prompt_ids)):
                raise EngineBusy(waiting, self._speed.retry_after(waiting, self._max_running))
            if request.request_id in self._in_flight:
                raise ParameterError("request_id", "is that of a request still running")
            self._in_flight[request.request_id] = sequence
        self._commands.put(lambda: stream.put(Queued(request.request_id, self._scheduler.add(sequence))))
        return stream

    def generate(self, prompts: "str | Iterable[str]", params: SamplingParams | None = None) -> list[GenerationResult]:
        """Continue texts, many at once, and wait for all; their results in the order of the prompts.

        Waits for a model that is still loading. Raises what `submit` raises, the ModelError that ended the load, and
        GenerationFailed; no request is left running then.
        """
        return blocking.generate(self, [prompts] if isinstance(prompts, str) else prompts, params or SamplingParams())

    def stream(self, prompt: str, params: SamplingParams | None = None) -> Iterator[Token]:
        """The tokens of one continuation as they are drawn; leaving the loop stops it.

        Waits and raises as `generate` does.
        """
        return blocking.stream(self, prompt, params or SamplingParams())

    def wait_until_loaded(self, timeout: float | None = None) -> ModelInfo:
        """The model's facts, once it is there.

        Raises ModelNotReady where none was asked for, the ModelError that ended the load, or TimeoutError.
        """
        self._refuse_if_closed()
        if self._model is None and self._load is not None:
            return self._load.wait(timeout)
        return self._ready_model().info

    def cancel(self, request_id: str) -> None:
        """Stop a request within one step; nothing happens if it has ended."""
        with self._lock:
            sequence = self._in_flight.get(request_id)
        if sequence is not None:
            sequence.cancel_requested = True
            self._commands.put(lambda: None)

    def run_job(self, job: "Callable[[LoadedModel], T]") -> "Future[T]":
        """Run a function on the engine's thread, between two steps, with the loaded model."""
        loaded = self._ready_model()
        future: Future[T] = Future()

        def run() -> None:
            if self._closed:
                future.cancel()
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(job(loaded))
            except BaseException as error:
                future.set_exception(error)
                if not isinstance(error, Exception):
                    raise

        self._commands.put(run)
        return future

    def tokenize(self, text: str) -> tuple[int, ...]:
        """The ids of a text as a prompt. Raises ModelNotReady."""
        return tuple(self._ready_model().tokenize(text))

    def tokenize_chat(self, messages: Iterable[ChatMessage]) -> tuple[int, ...]:
        """The ids of a conversation by the model's chat template. Raises ParameterError without one, ModelNotReady."""
        return tuple(self._ready_model().encode(GenerationRequest(messages=list(messages))))

    def detokenize(self, ids: Iterable[int]) -> str:
        """The text of token ids, special tokens left out. Raises ModelNotReady."""
        return self._ready_model().detokenize(ids)

    def token_bytes(self, ids: Iterable[int]) -> list[bytes]:
        """The true bytes of each token. Raises ParameterError for what is no token id, ModelNotReady."""
        return self._ready_model().bytes_of(ids)

    @property
    def full(self) -> bool:
        """Whether the next request would be refused."""
        return len(self._in_flight) >= self._max_in_flight

    def stats(self) -> EngineStats:
        running, waiting = self._scheduler.running, self._scheduler.waiting
        return EngineStats(self.state, running, waiting, self._speed.tokens, self._speed.tokens_per_second())

    def requests(self) -> list[RequestView]:
        """Those that wait or run, oldest first."""
        with self._lock:
            sequences = list(self._in_flight.values())
        return [view_of(sequence) for sequence in sequences]

    def close(self, timeout: float = 0.5) -> None:
        """Cancel everything and end the thread; waits at most `timeout` seconds for a step under way."""
        with self._lock:
            self._closed = True
        if self._load is not None:
            self._load.cancel()
        self._commands.put(lambda: None)
        self._thread.join(timeout)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # the engine's thread

    def _run(self) -> None:
        while not self._closed:
            self._take_commands()
            self._drop_cancelled()
            for sequence in self._scheduler.admit():
                self._start(sequence)
            self._step()
        self._take_commands()
        with self._lock:
            left = list(self._in_flight.values())
        for sequence in left:
            self._cancel_now(sequence)

    def _take_commands(self) -> None:
        """Do what other threads asked for; with nothing to run, wait for it."""
        idle = not self._scheduler.running and not self._scheduler.waiting and not self._closed
        try:
            self._commands.get(block=idle)()
            while True:
                self._commands.get_nowait()()
        except queue.Empty:
            return

    def _drop_cancelled(self) -> None:
        for sequence in self._scheduler.everything():
            if sequence.cancel_requested:
                self._cancel_now(sequence)

    def _start(self, sequence: "Sequence") -> None:
        try:
            sequence.start()
        except Exception as error:
            logger.exception("request %s could not start", sequence.request.request_id)
            self._fail(sequence, error)

    def _step(self) -> None:
        """One turn: pick slices, run them, draw, report."""
        work = self._scheduler.plan()
        if work:
            self._run_slices(work)

    def _run_slices(self, work: list[Slice]) -> None:
        """Compute slices in one forward. If it fails, each has one of its own: only those to blame end in error."""
        began_ns = time.perf_counter_ns()
        try:
            outputs = work[0].sequence.model.runner.forward(work)
        except Exception as error:
            logger.exception("a forward over %d sequences failed", len(work))
            if len(work) == 1:
                self._fail(work[0].sequence, error)
                return
            for part in work:
                self._run_slices([part])
            return
        self._scheduler.took(work, (time.perf_counter_ns() - began_ns) / 1e9)
        rows = sum(part.rows for part in work)
        for part, logits in zip(work, outputs, strict=True):
            self._advance(part, logits, rows, began_ns)

    def _advance(self, part: Slice, logits: "Tensor", rows: int, began_ns: int) -> None:
        sequence = part.sequence
        generated = sequence.generated
        try:
            reason = sequence.accept(part, logits, rows, began_ns)
        except Exception as error:
            logger.exception("request %s failed", sequence.request.request_id)
            self._fail(sequence, error)
            return
        self._speed.count(sequence.generated - generated)
        if reason is not None:
            self._end(sequence, lambda: sequence.finish(reason))

    def _fail(self, sequence: "Sequence", error: Exception) -> None:
        self._end(sequence, lambda: sequence.fail(error))

    def _end(self, sequence: "Sequence", report: Callable[[], None]) -> None:
        self._scheduler.drop(sequence)
        with self._lock:
            self._in_flight.pop(sequence.request.request_id, None)
        self._speed.ended(time.perf_counter() - sequence.clock.submitted)
        report()

    def _cancel_now(self, sequence: "Sequence") -> None:
        self._end(sequence, lambda: sequence.finish("cancelled"))

    def _install(self, task: LoadTask, loaded: "LoadedModel") -> None:
        """Make a loaded model the one that new requests run on; running ones keep theirs to the end."""
        if task.cancel_requested.is_set() or self._closed:
            task.fail_cancelled()
            return
        self._model = loaded
        task.succeed(loaded.info)

    def _ready_model(self) -> "LoadedModel":
        self._refuse_if_closed()
        if self._model is None:
            waiting = "is still loading" if self.loading is not None else "could not be loaded"
            raise ModelNotReady(f"the model {waiting}" if self._load is not None else "no model is loaded")
        return self._model

    def _waits_too_long(self, prompt_ids: list[int]) -> bool:
        waiting = [s.prompt_length for s in self._in_flight.values() if s.clock.started is None]
        return bool(waiting) and sum(waiting) + len(prompt_ids) > self._max_waiting_tokens

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise EngineClosed
