"""The other side of a comparison: one model in a process of its own, which loads it, runs it and measures itself.

A process for each model makes its memory its own figure, gives every byte back at the end, and survives none of the
others' troubles: a model for which there is not enough memory takes nothing but its own process with it.
"""

import contextlib
import ctypes
import gc
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from llmtui import own_process
from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import GenerationFailed
from llmtui.engine.events import Failed, Finished, Token
from llmtui.engine.imports import import_heavy_libraries
from llmtui.engine.loads import LoadProgress, ModelInfo
from llmtui.errors import LlmtuiError
from llmtui.insight.divergence import LogProbs, ScoredToken
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
    peak_bytes    the most while it generated, less that before the load
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
    """

    measured: Measured
    scores: tuple[ScoredToken, ...]
    reference: Reference | None
    logprobs: LogProbs | None


Message = LoadProgress | int | Result | str


def work(order: Order, connection: Connection) -> None:
    """Do it: send progress, tokens written so far, and at last the Result or a sentence that says what went wrong."""
    # Ctrl-C reaches every process of the terminal: the one that gave the order decides
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own_process.claim()
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
    before = _resident_after_cleaning()
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

        return engine.run_job(look).result(timeout=JOB_SECONDS)


def _import_code(name: str) -> None:
    """Import what a load of this model would import, so that memory counts the model and not its program."""
    import_heavy_libraries()
    located = locate(name)
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
        return Result(measured, scored_tokens(loaded, own.text), own, None)
    same = vocabulary == reference.vocabulary
    logprobs = log_probabilities(loaded, reference.ids[: loaded.info.context]) if same else None
    return Result(measured, scored_tokens(loaded, reference.text), None, logprobs)


def _run(
    engine: Engine, info: ModelInfo, prompt: str, params: SamplingParams, before: int, send: Callable[[Message], None]
) -> tuple[Measured, list[int]]:
    """Generate once; the measured model, and the ids of prompt and text."""
    process = psutil.Process()
    memory: int | None = None
    peak = before
    ids = list(engine.tokenize(prompt))
    written = 0
    for event in engine.submit(GenerationRequest(prompt=prompt, params=params, clip=True)):
        match event:
            case Token():
                resident = process.memory_info().rss
                memory = memory or resident
                peak = max(peak, resident)
                ids.append(event.id)
                written += 1
                send(written)
            case Failed():
                raise GenerationFailed(event.error)
            case Finished():
                measured = Measured(
                    info=info,
                    disk_bytes=describe(Path(info.path), info.name).size_bytes,
                    memory_bytes=(memory or peak) - before,
                    peak_bytes=peak - before,
                    first_token=event.timings.first_token,
                    tokens_per_second=event.timings.tokens_per_second(event.usage.completion_tokens),
                    tokens=event.usage.completion_tokens,
                    text=event.text,
                )
            case _:
                pass
    return measured, ids


def _resident_after_cleaning() -> int:
    """Resident memory of this process once what is no longer used has been given back to the system."""
    gc.collect()
    if sys.platform == "linux":
        # another C library has none: its figures are a little higher
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
    resident: int = psutil.Process().memory_info().rss
    return resident
