"""A load under way: what it is doing, how to stop it, how it ended. Plain data, safe to read from any thread."""

import threading
from dataclasses import dataclass, field, replace
from enum import StrEnum

from llmtui.models.errors import LoadCancelled


class LoadStage(StrEnum):
    """What a load goes through, in this order; `download` only for models that are not on this machine."""

    RESOLVE = "resolve"
    DOWNLOAD = "download"
    WEIGHTS = "weights"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A loaded model, in plain facts.

    context      tokens it can hold
    dtype        of the linears' weights in memory
    engine_path  how the runner steps its sequences, in words
    linears      what computes the linears, in words, and why not as asked for
    """

    name: str
    path: str
    architecture: str
    parameters: int
    context: int
    vocab_size: int
    dtype: str
    device: str
    weights_bytes: int
    has_chat_template: bool
    engine_path: str
    load_seconds: float
    cuda_available: bool
    linears: str = ""


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far a load is: `done` of `total`, in bytes while downloading, in tensors while reading weights.

    total None: not known.
    """

    stage: LoadStage
    done: int = 0
    total: int | None = None


@dataclass(slots=True, eq=False)
class LoadTask:
    """One load, shared between who asked for it and the thread that does it."""

    name: str
    progress: LoadProgress = LoadProgress(LoadStage.RESOLVE)
    info: ModelInfo | None = None
    error: Exception | None = None
    cancel_requested: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def cancel(self) -> None:
        """Stop at the next moment that allows it; the model that was loaded before stays."""
        self.cancel_requested.set()

    def advance(self, stage: LoadStage, done: int = 0, total: int | None = None) -> None:
        self.progress = LoadProgress(stage, done, total)

    def succeed(self, info: ModelInfo) -> None:
        self.info = info
        self.progress = replace(self.progress, stage=LoadStage.READY)
        self._ended.set()

    def fail(self, error: Exception) -> None:
        self.error = error
        self._ended.set()

    def fail_cancelled(self) -> None:
        self.fail(LoadCancelled(f"loading {self.name} was stopped"))

    def wait(self, timeout: float | None = None) -> ModelInfo:
        """The loaded model's facts. Raises the ModelError that ended the load, or TimeoutError."""
        if not self._ended.wait(timeout):
            raise TimeoutError(f"{self.name} is still loading after {timeout} s")
        if self.error is not None:
            raise self.error
        assert self.info is not None
        return self.info
