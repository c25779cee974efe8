"""Several models on one prompt: what each costs, what it writes, and how they differ on the same text.

Models run one after the other, so that two that do not fit together can be compared.
"""

import multiprocessing
from collections.abc import Callable
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import Final

from llmtui.engine import SamplingParams
from llmtui.engine.events import Token
from llmtui.insight.compare_worker import Measured, ModelChoice, Order, Progress, Reference, Result, work
from llmtui.insight.divergence import (
    PositionDifference,
    ScoredToken,
    Span,
    bits_per_byte,
    common_spans,
    differences,
)
from llmtui.models.dtypes import split_dtype

__all__ = ["Column", "Comparison", "Measured", "ModelChoice", "Progress", "parse_choice"]

STOPPED: Final = "stopped"


def parse_choice(text: str, dtype: str) -> ModelChoice:
    """`NAME` or `NAME@DTYPE`; an @ that no dtype follows belongs to the name. dtype: where none is given."""
    name, typed = split_dtype(text)
    return ModelChoice(name, typed or dtype)


@dataclass(frozen=True, slots=True)
class Column:
    """One model of a comparison; exactly one of `measured` and `problem` is there.

    bits_per_byte  on the bytes that all models of the comparison scored
    differences    from the first model that ran, on its own text, where the vocabularies are the same; else None
    trace          every token of that text as this model sees it; empty where the vocabularies differ
    """

    choice: ModelChoice
    measured: Measured | None = None
    problem: str | None = None
    bits_per_byte: float | None = None
    differences: tuple[PositionDifference, ...] | None = None
    trace: tuple[Token, ...] = ()

    @property
    def label(self) -> str:
        """`NAME@DTYPE`, with the dtype that it really has once it was loaded."""
        return f"{self.choice.name}@{self.choice.dtype if self.measured is None else self.measured.info.dtype}"

    @property
    def mean_kl_bits(self) -> float | None:
        found = self.differences
        return sum(at.kl_bits for at in found) / len(found) if found else None

    @property
    def top1_agreement(self) -> float | None:
        """The share of positions where both models think the same token the most probable."""
        found = self.differences
        return sum(at.agrees for at in found) / len(found) if found else None


@dataclass(slots=True)
class Comparison:
    """A comparison under way or done; `columns` grows model by model.

    prepare  called first in each model's process. Must be picklable, as all that is handed to it
    text     of the first model that ran, its prompt before it: what all of them are compared on
    spans    the stretches of that text on which any models can be compared; `bits` are of the columns that were
             measured, in their order
    """

    prompt: str
    params: SamplingParams
    device: str = "auto"
    prepare: Callable[[], object] = tuple
    columns: list[Column] = field(default_factory=list)
    text: str = ""
    spans: tuple[Span, ...] = ()
    _stopped: bool = False
    _process: BaseProcess | None = None
    _scores: list[tuple[ScoredToken, ...] | None] = field(default_factory=list)
    _reference: Reference | None = None

    def add(self, choice: ModelChoice, on_progress: Callable[[Progress], None] = lambda _: None) -> Column:
        """Run a model in a process of its own and add its column; what goes wrong with it fills the column.

        `on_progress` gets how far the load is, then each token as it is written.
        """
        answer = self._ask(
            Order(choice, self.prompt, self.params, self.device, self._reference, self.prepare), on_progress
        )
        if isinstance(answer, str):
            self.columns.append(Column(choice, problem=answer))
            self._scores.append(None)
            return self.columns[-1]
        found = None
        if self._reference is not None and answer.logprobs is not None:
            found = tuple(differences(self._reference.ids, self._reference.logprobs, answer.logprobs))
        self._reference = self._reference or answer.reference
        self.text = "" if self._reference is None else self._reference.text
        self.columns.append(Column(choice, answer.measured, differences=found, trace=answer.trace))
        self._scores.append(answer.scores)
        self._fill_bits_per_byte()
        return self.columns[-1]

    def stop(self) -> None:
        """End the model's process that runs, from any thread; its column says so, and no other is begun."""
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()

    def _ask(self, order: Order, on_progress: Callable[[Progress], None]) -> Result | str:
        if self._stopped:
            return STOPPED
        # spawn: a copy of this process would bring along its threads' locks and its memory
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(order, theirs), name="llmtui-compare", daemon=True)
        _begin_helper()
        process.start()
        self._process = process
        theirs.close()
        if self._stopped:
            process.kill()
        try:
            while True:
                message = ours.recv()
                if isinstance(message, (Result, str)):
                    return message
                on_progress(message)
        except (EOFError, OSError):
            process.join(timeout=5)
            if self._stopped:
                return STOPPED
            return f"its process ended with code {process.exitcode}: perhaps there was not enough memory"
        finally:
            self._process = None
            ours.close()
            process.kill()
            process.join(timeout=5)

    def _fill_bits_per_byte(self) -> None:
        """Anew for all: another model may have narrowed the bytes that all of them scored."""
        scored = [scores for scores in self._scores if scores is not None]
        self.spans = common_spans(scored)
        found = bits_per_byte(scored)
        values = iter(found if found is not None else ())
        self.columns = [
            column if scores is None else replace(column, bits_per_byte=next(values, None))
            for column, scores in zip(self.columns, self._scores, strict=True)
        ]


def _begin_helper() -> None:
    """Begin the helper process that multiprocessing keeps beside its children.

    It hands it the descriptor of sys.stderr, and the stand-in that a screen puts there has none.
    """
    with suppress(OSError), open(2, "w", closefd=False) as plain, redirect_stderr(plain):
        resource_tracker.ensure_running()
