"""The other side of a comparison: one model in a process of its own, which loads it, runs it and measures itself.

A process for each model makes its memory its own figure, gives every byte back at the end, and survives none of the
others' troubles: a model for which there is not enough memory takes nothing but its own process with it.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from llmtui import own_process
from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import GenerationFailed
from llmtui.engine.events import Failed, Finished, Token
from llmtui.engine.imports import import_heavy_libraries
from llmtui.engine.loads import LoadProgress, ModelInfo
from llmtui.errors import LlmtuiError
from llmtui.insight.divergence import LogProbs, ScoredToken
from llmtui.insight.process_memory import PeakMemory, resident_after_cleaning
from llmtui.insight.tokenization import tokenize
from llmtui.models.catalog import describe, locate

if TYPE_CHECKING:
    from llmtui.engine.loaded import LoadedModel

logger = logging.getLogger(__name__)

# Rows of log-probabilities are kept for one text: 256 of 150,000 tokens are 150 MB.
MAX_POSITIONS = 256
POLL_SECONDS = 0.1
JOB_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model to compare, in a dtype."""

    name: str
    dtype: str = "auto"


@dataclass(frozen=True, slots=True)
class Measured:
    """A model that ran.

    disk_bytes    of its weights
    memory_bytes  resident memory of a fresh process at the first token less that before the load, code not counted:
                  weights that are mapped from their file count only once they have been used
    peak_bytes    the most while it read the prompt and generated, less that before the load
    first_token   seconds from the request to its first token
    """

    info: ModelInfo
    disk_bytes: int
    memory_bytes: int
    peak_bytes: int
    first_token: float | None
    tokens_per_second: float | None
    tokens: int
    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """What the first model that ran wrote, and how it saw it. ids: prompt and text; logprobs: [len(ids) - 1, vocab]."""

    text: str
    ids: list[int]
    vocabulary: dict[str, int]
    logprobs: LogProbs


@dataclass(frozen=True, slots=True)
class Order:
    """What a process is to do. prepare is called first, for what a process needs besides (its log)."""

    choice: ModelChoice
    prompt: str
    params: SamplingParams
    device: str
    reference: Reference | None
    prepare: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Result:
    """How it went. scores: the model's own tokens of the reference text.

    reference: the first model's own. logprobs: the model's of the reference's ids, where the vocabularies are the same.
    trace: what the model thinks at each of the reference's ids, where logprobs are, and for the first model.
    """

    measured: Measured
    scores: tuple[ScoredToken, ...]
    reference: Reference | None
    logprobs: LogProbs | None
    trace: tuple[Token, ...]


Progress = LoadProgress | Token
Message = Progress | Result | str


def work(order: Order, connection: Connection) -> None:
    """Do it: send progress, each token as it is written, and at last the Result or a sentence about what went wrong.

    The process ends as soon as the one that began it has ended, however that came about.
    """
    # Ctrl-C reaches every process of the terminal: the one that gave the order decides
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own_process.claim()
    threading.Thread(target=_end_with_parent, name="llmtui-parent", daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        try:
            order.prepare()
            connection.send(_work(order, connection.send))
        except (LlmtuiError, MemoryError) as error:
            connection.send(str(error) or "there is not enough memory")
        except Exception as error:
            logger.exception("comparing %s failed", order.choice.name)
            connection.send(f"it failed: {(str(error).strip() or type(error).__name__).splitlines()[0][:200]}")


def _work(order: Order, send: Callable[[Message], None]) -> Result:
    _import_code(order.choice.name)
    before = resident_after_cleaning()
    with Engine() as engine:
        task = engine.load(order.choice.name, device=order.device, dtype=order.choice.dtype)
        while True:
            try:
                info = task.wait(POLL_SECONDS)
                break
            except TimeoutError:
                send(task.progress)
        measured, ids = _run(engine, info, order.prompt, order.params, before, send)

        def look(loaded: "LoadedModel") -> Result:
            return _look(loaded, measured, ids, order.reference)

        result = engine.run_job(look).result(timeout=JOB_SECONDS)
        shared = result.reference or (order.reference if result.logprobs is not None else None)
        return result if shared is None else replace(result, trace=_trace(engine, shared.ids[: info.context - 1]))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _trace(engine: Engine, ids: Sequence[int]) -> tuple[Token, ...]:
    """Every fact of the tokens `ids`, each in the place where it stands."""
    params = SamplingParams(max_tokens=1, prompt_logprobs=True)
    return engine.submit(GenerationRequest(prompt_ids=ids, params=params)).result().prompt


def _import_code(name: str) -> None:
    """Import what a load of this model would import, so that memory counts the model and not its program."""
    # what is no model is told at once
    located = locate(name)
    import_heavy_libraries()
    if located.path is not None:
        import torch

        from llmtui.insight.meta_model import read_config, without_weights

        without_weights(read_config(located.path), torch.float32)


def log_probabilities(loaded: "LoadedModel", ids: Sequence[int]) -> LogProbs:
    """[len(ids) - 1, vocabulary]: the model's own natural-log probabilities of tokens 1 and on, in float32."""
    import torch

    with torch.inference_mode():
        logits = loaded.model(input_ids=torch.tensor([list(ids)], device=loaded.model.device)).logits[0, :-1]
        array: LogProbs = torch.log_softmax(logits.float(), dim=-1).cpu().numpy()
    return array


def scored_tokens(loaded: "LoadedModel", text: str) -> tuple[ScoredToken, ...]:
    """The model's own tokens of a text, with their bytes and surprisals; as many as it can hold."""
    pieces = tokenize(loaded.tokenizer, text).pieces[: min(MAX_POSITIONS, loaded.info.context)]
    ids = [piece.id for piece in pieces]
    logprobs = log_probabilities(loaded, ids)
    return tuple(
        ScoredToken(piece.start, piece.end, -float(logprobs[index - 1, piece.id]) / np.log(2) if index else None)
        for index, piece in enumerate(pieces)
        if piece.start is not None and piece.end is not None
    )


def _look(loaded: "LoadedModel", measured: Measured, ids: list[int], reference: Reference | None) -> Result:
    """Score the reference text, the model's own if it is the first; and the reference's ids if they mean the same."""
    vocabulary = loaded.tokenizer.get_vocab()
    if reference is None:
        kept = ids[: min(MAX_POSITIONS, loaded.info.context)]
        own = Reference(loaded.detokenize(kept), kept, vocabulary, log_probabilities(loaded, kept))
        return Result(measured, scored_tokens(loaded, own.text), own, None, ())
    same = vocabulary == reference.vocabulary
    logprobs = log_probabilities(loaded, reference.ids[: loaded.info.context]) if same else None
    return Result(measured, scored_tokens(loaded, reference.text), None, logprobs, ())


def _run(
    engine: Engine, info: ModelInfo, prompt: str, params: SamplingParams, before: int, send: Callable[[Message], None]
) -> tuple[Measured, list[int]]:
    """Generate once; the measured model, and the ids of prompt and text."""
    memory: int | None = None
    ids = list(engine.tokenize(prompt))
    peak = PeakMemory()
    for event in engine.submit(GenerationRequest(prompt=prompt, params=params, clip=True)):
        match event:
            case Token():
                memory = memory or peak.sample()
                ids.append(event.id)
                send(event)
            case Failed():
                raise GenerationFailed(event.error)
            case Finished():
                measured = Measured(
                    info=info,
                    disk_bytes=describe(Path(info.path), info.name).size_bytes,
                    memory_bytes=(memory or peak.sample()) - before,
                    peak_bytes=peak.bytes() - before,
                    first_token=event.timings.first_token,
                    tokens_per_second=event.timings.tokens_per_second(event.usage.completion_tokens),
                    tokens=event.usage.completion_tokens,
                    text=event.text,
                )
            case _:
                pass
    return measured, ids
