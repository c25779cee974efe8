"""Every number of a training run, and the folder it happens in."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmtui.errors import LlmtuiError

CONTEXT = 512  # tokens of a row; rows of the short steps have half as many

log = logging.getLogger("llmtui.training")


class TrainingError(LlmtuiError):
    """A stage cannot run: an earlier stage is missing, or the options do not fit each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The options of the command, by the same names; `out` of None is the folder `model` in `work`."""

    work: Path
    out: Path | None = None
    seed: int = 7
    mix: str = "main"
    mb: float = 60.0
    valid_mb: float = 1.0
    vocab: int = 5120
    tok_docs: int = 20_000
    n_embd: int = 256
    n_layer: int = 6
    n_head: int = 4
    structured: bool = True
    short_steps: int = 1250
    batch: int = 8
    steps: int = 2850
    stop: int = 0
    lr: float = 2e-3
    wd: float = 0.05
    warmup: int = 100
    valid_rows: int = 48
    log_every: int = 20
    save_every: int = 250
    threads: int = 2
    device: str = "cpu"
    compile: bool = False
    fp32: bool = False
    resume_from: Path | None = None
    fresh: bool = False
    licence: str = "mit"

    def __post_init__(self) -> None:
        if self.structured and (self.n_embd, self.n_embd // self.n_head) != (256, 64):
            raise TrainingError("--structured 1 needs --n-embd 256 and --n-head 4: give --structured 0 for other sizes")
        if self.structured and self.n_layer < 2:
            raise TrainingError("--structured 1 needs at least two layers: give --structured 0 for fewer")
        if self.n_embd % self.n_head:
            raise TrainingError(f"--n-embd {self.n_embd} cannot be divided among --n-head {self.n_head}")

    @property
    def model_folder(self) -> Path:
        """Where the finished model goes."""
        return self.out or self.work / "model"

    @property
    def tokenizer_folder(self) -> Path:
        """Where the tokenizer stage leaves its tokenizer."""
        return self.work / "tokenizer"

    @property
    def checkpoint(self) -> Path:
        """The last state of the training."""
        return self.work / "checkpoint.pt"

    def text(self, name: str) -> Path:
        """The documents of the part `train` or `valid`."""
        return self.work / f"{name}.txt"

    def ids(self, name: str) -> Path:
        """The token ids of the part, one after the other."""
        return self.work / f"{name}.ids.npy"

    def starts(self, name: str) -> Path:
        """Where in the ids each document begins."""
        return self.work / f"{name}.starts.npy"


# two layers and twenty steps: everything runs, nothing is learned but the most frequent tokens
SMOKE: dict[str, Any] = {
    "mb": 0.2,
    "valid_mb": 0.05,
    "vocab": 512,
    "tok_docs": 1000,
    "n_embd": 64,
    "n_layer": 2,
    "n_head": 2,
    "structured": False,
    "short_steps": 5,
    "batch": 4,
    "steps": 20,
    "warmup": 2,
    "valid_rows": 8,
    "log_every": 5,
    "save_every": 10,
    "threads": 1,
    "fp32": True,
}


def needed(path: Path, stage: str) -> Path:
    """The path, if it is there; else a TrainingError that names the stage which makes it."""
    if not path.exists():
        raise TrainingError(f"{path} is missing: run --stage {stage} first")
    return path


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path` and rename it, so that a reader never sees half a file."""
    part = path.with_name(path.name + ".part")
    write(part)
    part.replace(path)
