"""The engine: the door to models and requests, for all threads; behind it, one thread steps everything that runs."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from os import PathLike, fspath, getpid
from typing import TYPE_CHECKING, TypeVar

from llmtui.engine import blocking
from llmtui.engine.admission import Admission, room_for
from llmtui.engine.arrivals import Arrivals
from llmtui.engine.at_exit import close_at_exit
from llmtui.engine.errors import EngineClosed, ModelNotReady, OtherProcess, ParameterError, RequestEnded
from llmtui.engine.events import Token
from llmtui.engine.live import RequestView, view_of
from llmtui.engine.loads import LoadTask, ModelInfo
from llmtui.engine.loop import EngineLoop
from llmtui.engine.requests import ChatMessage, GenerationRequest, SamplingParams
from llmtui.engine.residents import Resident, Residents
from llmtui.engine.speed import Speedometer
from llmtui.engine.stats import EngineState, EngineStats
from llmtui.engine.stream import GenerationResult, Stream
from llmtui.engine.watching import Watch, WatchedStream, watch_running

if TYPE_CHECKING:
    from llmtui.engine.loaded import LoadedModel

T = TypeVar("T")


class Engine:
    """Runs models and reports every token. All methods may be called from any thread.

    One model is the chosen one, which requests run on that name none; others may be resident beside it.

    model               loaded in the background from the start; None: `load` is called later
    max_running         requests that run at once; more wait
    max_waiting         requests that may wait; more are refused
    max_waiting_tokens  tokens of prompts that may wait, but for a single longer one
    prefix_cache_bytes  of keys and values that each model keeps of requests, for later ones that begin like them
    memory_budget       bytes of weights and caches of all models, when one is loaded; None: no limit

    Raises ParameterError for a limit with which nothing could run.
    """

    def __init__(
        self,
        model: str | PathLike[str] | None = None,
        *,
        device: str = "auto",
        dtype: str = "auto",
        max_waiting: int = 32,
        max_running: int = 16,
        max_waiting_tokens: int = 65536,
        prefix_cache_bytes: int = 256 * 1024**2,
        memory_budget: int | None = None,
    ) -> None:
        _whole("max_running", max_running, 1)
        _whole("max_waiting", max_waiting, 0)
        _whole("max_waiting_tokens", max_waiting_tokens, 0)
        _whole("prefix_cache_bytes", prefix_cache_bytes, 0)
        if memory_budget is not None:
            _whole("memory_budget", memory_budget, 1)
        self._process = getpid()
        self._speed = Speedometer()
        self._admission = Admission(max_running, max_waiting, max_waiting_tokens, self._speed)
        self._residents = Residents(memory_budget)
        self._loop = EngineLoop(max_running, self._admission, self._residents, self._speed)
        self._arrivals = Arrivals(self._loop, self._residents, prefix_cache_bytes)
        self._loop.at_end = self._arrivals.close
        close_at_exit(self._loop)
        if model is not None:
            self.load(model, device=device, dtype=dtype)

    # models

    def load(self, name: str | PathLike[str], *, device: str = "auto", dtype: str = "auto") -> LoadTask:
        """Load a model in the background and choose it; the present one serves until the new one is ready, then goes.

        A load for the choice that is still under way is stopped: the latest wish counts. One that is resident beside
        the chosen one, loaded with the same wishes, is chosen at once. The task ends in ModelError if it cannot be.
        """
        self._refuse_if_closed()
        return self._arrivals.choose(fspath(name), device, dtype)

    def load_beside(
        self, name: str | PathLike[str], *, device: str = "auto", dtype: str = "auto", keep_alive: float | None = None
    ) -> LoadTask:
        """Load a model in the background, beside the chosen one, unless it is resident or on its way.

        keep_alive: seconds after its last use until it is unloaded, 0 as soon as nothing runs on it, None never; before
        the first use it waits ten seconds at least. The chosen model never goes by itself.
        """
        self._refuse_if_closed()
        return self._arrivals.come_beside(fspath(name), device, dtype, keep_alive)

    def unload(self, name: str) -> None:
        """Take no more requests for a model, or stop its load; it goes once those that it has have ended.

        Raises ModelNotReady where it is neither resident nor being loaded.
        """
        if self._arrivals.stop(name) and self._residents.info_of(name) is None:
            return
        self._residents.let_go(name)
        self._loop.wake()

    def keep_alive(self, name: str, seconds: float | None) -> None:
        """Let a resident model stay so long after its last use, as `load_beside` says. Raises ModelNotReady."""
        self._residents.keep_alive(name, seconds)
        self._loop.wake()

    def models(self) -> tuple[Resident, ...]:
        """All models in memory, the chosen one first."""
        return self._residents.views(self._admission.everybody())

    @contextmanager
    def hold(self, name: str | None = None) -> "Iterator[ModelInfo]":
        """The facts of a resident model, or of the chosen one, which stays in memory within the `with` block.

        Raises ModelNotReady or EngineClosed.
        """
        with self._held(name) as loaded:
            yield loaded.info

    def info_of(self, name: str) -> ModelInfo | None:
        """The facts of a resident model; None for any other."""
        return self._residents.info_of(name)

    @property
    def loading(self) -> LoadTask | None:
        """The load of a model to be chosen that is under way, if there is one."""
        load = self._arrivals.choice
        return load if load is not None and not load.ended else None

    @property
    def model(self) -> ModelInfo | None:
        """The chosen model's facts."""
        return self._residents.chosen

    @property
    def state(self) -> EngineState:
        if self._loop.crashed:
            return "degraded"
        if self._admission.closed:
            return "closed"
        if self.model is not None:
            return "ready"
        load = self._arrivals.choice
        if load is None:
            return "empty"
        if load.ended:
            return "empty" if load.error is None else "degraded"
        return "loading"

    def wait_until_loaded(self, timeout: float | None = None) -> ModelInfo:
        """The chosen model's facts, once it is there.

        Raises ModelNotReady where none was asked for, the ModelError that ended the load, or TimeoutError.
        """
        self._refuse_if_closed()
        load = self._arrivals.choice
        if self.model is None and load is not None:
            load.wait(timeout)
        with self._held(None) as loaded:
            return loaded.info

    # requests

    def submit(self, request: GenerationRequest) -> Stream:
        """Queue a request and return its events.

        Raises ParameterError, ContextOverflow, EngineBusy, ModelNotReady or EngineClosed at once.
        """
        loaded = self._hold(request.model)
        try:
            prompt_ids = loaded.encode(request)
            max_tokens = room_for(request, len(prompt_ids), loaded.info.context)
            stream = WatchedStream(request.request_id, lambda: self.cancel(request.request_id))
            sequence = loaded.begin(request, stream, prompt_ids, max_tokens)
            self._admission.enter(sequence)
        except BaseException:
            self._release(loaded)
            raise
        self._loop.queue(sequence)
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

    def cancel(self, request_id: str) -> None:
        """Stop a request within one step; nothing happens if it has ended."""
        sequence = self._admission.find(request_id)
        if sequence is not None:
            sequence.cancel_requested = True
            self._loop.wake()

    def run_job(self, job: "Callable[[LoadedModel], T]", model: str | None = None) -> "Future[T]":
        """Run a function on the engine's thread, between two steps, with a resident model, else the chosen one."""
        loaded = self._hold(model)
        return self._loop.run(lambda: job(loaded), lambda: self._residents.release(loaded))

    # text and tokens; `model` names a resident one, None means the chosen one

    def tokenize(self, text: str, model: str | None = None) -> tuple[int, ...]:
        """The ids of a text as a prompt. Raises ModelNotReady."""
        with self._held(model) as loaded:
            return tuple(loaded.tokenize(text))

    def tokenize_chat(self, messages: Iterable[ChatMessage], model: str | None = None) -> tuple[int, ...]:
        """The ids of a conversation by the model's chat template. Raises ParameterError without one, ModelNotReady."""
        with self._held(model) as loaded:
            return tuple(loaded.encode(GenerationRequest(messages=list(messages))))

    def detokenize(self, ids: Iterable[int], model: str | None = None) -> str:
        """The text of token ids, special tokens left out. Raises ModelNotReady."""
        with self._held(model) as loaded:
            return loaded.detokenize(ids)

    def token_bytes(self, ids: Iterable[int], model: str | None = None) -> list[bytes]:
        """The true bytes of each token. Raises ParameterError for what is no token id, ModelNotReady."""
        with self._held(model) as loaded:
            return loaded.bytes_of(ids)

    def are_special(self, ids: Iterable[int], model: str | None = None) -> list[bool]:
        """Whether each token is a mark of the format: end of text, a role. Raises ModelNotReady."""
        with self._held(model) as loaded:
            return [loaded.pieces.is_special(i) for i in ids]

    # how it stands

    @property
    def full(self) -> bool:
        """Whether the next request would be refused."""
        return self._admission.full

    def stats(self) -> EngineStats:
        models = self.models()
        return EngineStats(
            self.state,
            self._loop.scheduler.running,
            self._loop.scheduler.waiting,
            self._speed.tokens,
            self._speed.tokens_per_second(),
            self._loop.threads.count,
            kv_bytes=sum(model.kv_bytes for model in models),
            prefix_cache_bytes=sum(model.prefix_cache_bytes for model in models),
            prefix_hit_tokens=self._loop.prefix_hit_tokens,
        )

    def requests(self) -> list[RequestView]:
        """Those that wait or run, oldest first."""
        return [view_of(sequence) for sequence in self._admission.everybody()]

    def ended_requests(self) -> list[RequestView]:
        """The last ones that ended, oldest first."""
        return [ended.view for ended in self._loop.ended]

    def watch(self, request_id: str) -> Watch:
        """Read along with a request, beside its own reader; or read over one of the last that ended.

        Raises RequestEnded for one that ended longer ago, or never was.
        """
        sequence = self._loop.find(request_id)
        if sequence is not None:
            return watch_running(sequence, self._loop.call)
        for ended in self._loop.ended:
            if ended.view.id == request_id:
                return ended.watch()
        raise RequestEnded(request_id)

    def close(self, timeout: float = 0.5) -> None:
        """Cancel everything and end the thread; waits at most `timeout` seconds for a step under way."""
        self._admission.close()
        self._arrivals.close()
        self._loop.close(timeout)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # models in use

    def _hold(self, name: str | None) -> "LoadedModel":
        """The model of that name, or the chosen one; it stays until `_release`. Raises ModelNotReady, EngineClosed."""
        self._refuse_if_closed()
        loaded = self._residents.hold(name)
        if loaded is None:
            raise ModelNotReady(self._arrivals.why_absent(name))
        return loaded

    def _release(self, loaded: "LoadedModel") -> None:
        self._residents.release(loaded)
        self._loop.wake()

    @contextmanager
    def _held(self, name: str | None) -> "Iterator[LoadedModel]":
        loaded = self._hold(name)
        try:
            yield loaded
        finally:
            self._release(loaded)

    def _refuse_if_closed(self) -> None:
        if self._admission.closed:
            raise EngineClosed
        if self._process != getpid():
            raise OtherProcess


def _whole(name: str, value: object, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise ParameterError(name, f"must be a whole number from {low} on, got {value!r}")
