"""An engine whose every step the test decides: for the screen's own logic, never to prove the engine.

It has the interface of `llmtui.engine.Engine` as far as the screen uses it. Loads end when the test ends them; a
generation yields as many tokens as the test lets through.
"""

import math
from collections.abc import Callable, Sequence

from tokens import make_token

from llmtui.engine.errors import ModelNotReady, RequestEnded
from llmtui.engine.events import (
    Candidate,
    Failed,
    Finished,
    FinishReason,
    Prefilled,
    Queued,
    Stage,
    Started,
    Timings,
    Token,
    Usage,
)
from llmtui.engine.live import RequestState, RequestView
from llmtui.engine.loads import LoadStage, LoadTask, ModelInfo
from llmtui.engine.requests import GenerationRequest
from llmtui.engine.stats import EngineStats
from llmtui.engine.stream import Stream
from llmtui.engine.watching import Watch, WatchedStream
from llmtui.models.errors import LoadCancelled

WORDS = (" there", " was", " a", " little", " cat", " who", " sat", " on", " the", " mat", ".", "\n", " It", " purred")
# Probabilities that are exact in binary, so that bars and bits are round numbers.
PROBABILITIES = (0.5, 0.25, 0.125, 0.03125, 0.001953125)


def model_info(name: str = "tiny-tales", *, chat: bool = False, context: int = 1024) -> ModelInfo:
    return ModelInfo(
        name=name,
        path="models/" + name,
        architecture="LlamaForCausalLM",
        parameters=6_200_000,
        context=context,
        vocab_size=4096,
        dtype="float32",
        device="cpu",
        weights_bytes=24_800_000,
        has_chat_template=chat,
        engine_path="one at a time",
        cuda_available=False,
        load_seconds=1.2,
    )


def token(index: int, text: str | bytes, prob: float | None = 0.5, *, is_prompt: bool = False) -> Token:
    """A token with candidates that make sense beside its probability."""
    data = text.encode() if isinstance(text, str) else text
    if prob is None:
        return make_token(data, index=index, id=index, is_prompt=is_prompt, prob=None)
    sampled = None if is_prompt else prob
    candidates = [Candidate(index, data, math.log(prob), sampled)]
    if prob < 0.5:
        candidates.insert(0, Candidate(9000, b" dog", math.log(0.5), None if is_prompt else 0.5))
    candidates.append(Candidate(9001, b" man", math.log(prob / 4), None if is_prompt else 0.0))
    return make_token(
        data,
        index=index,
        id=index,
        is_prompt=is_prompt,
        prob=prob,
        rank=1 if prob >= 0.5 else 2,
        entropy_bits=2.0,
        candidates=candidates,
        stages=() if is_prompt else (Stage("temperature", 0.8, 4096, 1.0), Stage("top_k", 50, 50, 0.96)),
        u=None if is_prompt else 0.25,
        sampled_prob=sampled,
    )


class ScriptedRun:
    """One generation, to be driven by the test."""

    def __init__(self, request: GenerationRequest, model: ModelInfo) -> None:
        self.request = request
        self.model = model
        self.stream = WatchedStream(request.request_id, self._on_cancel)
        self.cancelled = False
        self.started = False
        self.ended = False
        self.state: RequestState = "waiting"
        self.text = ""
        self.produced = 0
        self.prompt_tokens = 0

    @property
    def view(self) -> RequestView:
        """The request as the engine would show it; times are the same at every look."""
        return RequestView(
            id=self.request.request_id,
            client=self.request.client,
            model=self.model.name,
            state=self.state,
            prompt_tokens=self.prompt_tokens,
            generated_tokens=self.produced,
            max_tokens=self.request.params.max_tokens or 100,
            queued=0.3,
            running=1.8 if self.started else 0.0,
            tokens_per_second=31.4 if self.produced > 1 else None,
        )

    def start(self, seed: int = 42) -> None:
        self.started = True
        self.state = "running"
        prompt = self.request.prompt or (self.request.messages or ())[-1].content
        words = [part if place == 0 else " " + part for place, part in enumerate(prompt.split(" "))]
        self.prompt_tokens = len(words)
        limit = self.request.params.max_tokens or 100
        put = self.stream.put
        put(Queued(self.request.request_id, 0))
        put(Started(self.request.request_id, self.model.name, len(words), limit, seed))
        tokens = tuple(
            token(place, word, None if place == 0 else 0.25, is_prompt=True) for place, word in enumerate(words)
        )
        put(Prefilled(len(words), len(words), tokens))

    def yield_tokens(self, texts: Sequence[str | bytes] | int) -> None:
        if isinstance(texts, int):
            texts = [WORDS[(self.produced + place) % len(WORDS)] for place in range(texts)]
        for text in texts:
            prob = PROBABILITIES[self.produced % len(PROBABILITIES)]
            new = token(self.prompt_tokens + self.produced, text, prob)
            self.text += new.delta
            self.produced += 1
            self.stream.put(new)

    def finish(self, reason: FinishReason = "length") -> None:
        self.ended = True
        self.state = "cancelled" if reason == "cancelled" else "finished"
        self.stream.put(
            Finished(reason, "", self.text, self.produced, None, self._usage(), self._timings()),
        )

    def fail(self, sentence: str) -> None:
        self.ended = True
        self.state = "failed"
        self.stream.put(Failed(sentence, self._usage(), self._timings()))

    def _on_cancel(self) -> None:
        if not self.cancelled:
            self.cancelled = True
            self.finish("cancelled")

    def _usage(self) -> Usage:
        return Usage(self.prompt_tokens, self.produced)

    def _timings(self) -> Timings:
        return Timings(0.0, 0.11, 0.21 if self.produced else None, 0.02 * max(0, self.produced - 1), 1.5)


class ScriptedEngine:
    """`loads` and `runs` hold what the screen asked for, in order."""

    def __init__(self, *, before_submit: Callable[[GenerationRequest], None] | None = None) -> None:
        self.model: ModelInfo | None = None
        self.wishes: list[tuple[str, str, str]] = []
        self.loads: list[LoadTask] = []
        self.runs: list[ScriptedRun] = []
        self.forgotten: list[ScriptedRun] = []
        self._before_submit = before_submit

    @property
    def loading(self) -> LoadTask | None:
        return self.loads[-1] if self.loads and not self.loads[-1].ended else None

    def load(self, name: str, *, device: str = "auto", dtype: str = "auto") -> LoadTask:
        self.wishes.append((name, device, dtype))
        if self.loading is not None:
            self.stop_load()
        self.loads.append(LoadTask(name))
        return self.loads[-1]

    def advance_load(self, stage: LoadStage, done: int = 0, total: int | None = None) -> None:
        self.loads[-1].advance(stage, done, total)

    def finish_load(self, info: ModelInfo | None = None) -> None:
        self.model = info or model_info(self.loads[-1].name)
        self.loads[-1].succeed(self.model)

    def fail_load(self, error: Exception) -> None:
        self.loads[-1].fail(error)

    def stop_load(self) -> None:
        self.loads[-1].fail(LoadCancelled(f"loading {self.loads[-1].name} was stopped"))

    def submit(self, request: GenerationRequest) -> Stream:
        if self._before_submit is not None:
            self._before_submit(request)
        if self.model is None:
            raise ModelNotReady("no model is loaded")
        self.runs.append(ScriptedRun(request, self.model))
        return self.runs[-1].stream

    def cancel(self, request_id: str) -> None:
        for run in self.runs:
            if run.request.request_id == request_id:
                run.stream.cancel()

    def requests(self) -> list[RequestView]:
        return [run.view for run in self.runs if not run.ended]

    def ended_requests(self) -> list[RequestView]:
        return [run.view for run in self.runs if run.ended and run not in self.forgotten]

    def stats(self) -> EngineStats:
        views = self.requests()
        running = sum(view.state == "running" for view in views)
        state = "ready" if self.model is not None else "loading"
        return EngineStats(state, running, len(views) - running, sum(run.produced for run in self.runs), 31.4)

    def watch(self, request_id: str) -> Watch:
        for run in self.runs:
            if run.request.request_id == request_id and run not in self.forgotten:
                break
        else:
            raise RequestEnded(request_id)
        reader = Stream(request_id, lambda: run.stream.leave(reader))
        run.stream.join(reader)
        return Watch(run.request, run.model, run.request.prompt or "", reader, run.prompt_tokens + run.produced)
