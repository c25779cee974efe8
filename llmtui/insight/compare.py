"""Several models on one prompt: what each costs, what it writes, and how they differ on the same text.

Models run one after the other, so that two that do not fit together can be compared.
"""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from llmtui.engine import SamplingParams
from llmtui.engine.loads import LoadProgress
from llmtui.insight.compare_worker import Measured, ModelChoice, Order, Reference, Result, work
from llmtui.insight.divergence import PositionDifference, ScoredToken, bits_per_byte, differences

__all__ = ["Column", "Comparison", "Measured", "ModelChoice"]


@dataclass(frozen=True, slots=True)
class Column:
    """One model of a comparison; exactly one of `measured` and `problem` is there.

    bits_per_byte  on the bytes that all models of the comparison scored
    differences    from the first model that ran, on its own text, where the vocabularies are the same; else None
    """

    choice: ModelChoice
    measured: Measured | None = None
    problem: str | None = None
    bits_per_byte: float | None = None
    differences: tuple[PositionDifference, ...] | None = None

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

    prepare: called first in each model's process. Must be picklable, as all that is handed to it.
    """

    prompt: str
    params: SamplingParams
    device: str = "auto"
    prepare: Callable[[], object] = tuple
    columns: list[Column] = field(default_factory=list)
    _scores: list[tuple[ScoredToken, ...] | None] = field(default_factory=list)
    _reference: Reference | None = None

    def add(self, choice: ModelChoice, on_progress: Callable[[LoadProgress | int], None] = lambda _: None) -> Column:
        """Run a model in a process of its own and add its column; what goes wrong with it fills the column.

        `on_progress` gets how far the load is, then the number of tokens written so far.
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
        self.columns.append(Column(choice, answer.measured, differences=found))
        self._scores.append(answer.scores)
        self._fill_bits_per_byte()
        return self.columns[-1]

    def _ask(self, order: Order, on_progress: Callable[[LoadProgress | int], None]) -> Result | str:
        # spawn: a copy of this process would bring along its threads' locks and its memory
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(order, theirs), name="llmtui-compare", daemon=True)
        process.start()
        theirs.close()
        try:
            while True:
                message = ours.recv()
                if isinstance(message, (Result, str)):
                    return message
                on_progress(message)
        except EOFError:
            process.join(timeout=5)
            return f"its process ended with code {process.exitcode}: perhaps there was not enough memory"
        finally:
            ours.close()
            process.kill()
            process.join(timeout=5)

    def _fill_bits_per_byte(self) -> None:
        """Anew for all: another model may have narrowed the bytes that all of them scored."""
        scored = [scores for scores in self._scores if scores is not None]
        found = bits_per_byte(scored)
        values = iter(found if found is not None else ())
        self.columns = [
            column if scores is None else replace(column, bits_per_byte=next(values, None))
            for column, scores in zip(self.columns, self._scores, strict=True)
        ]
