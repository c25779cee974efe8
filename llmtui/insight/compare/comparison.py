"""A comparison: which model has its turn, which share the memory, and what comes of it all.

Models are loaded one after the other, as many as fit into memory together; those write by turns of 100 ms, so that
their texts grow side by side while only one of them computes at any moment: each is measured as if it were alone.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from llmtui.engine import SamplingParams
from llmtui.engine.events import Token
from llmtui.insight.compare.columns import Column, Columns, Step
from llmtui.insight.compare.messages import (
    Answer,
    Here,
    Loaded,
    Looked,
    Measured,
    ModelChoice,
    Order,
    Paused,
    Standing,
    Turn,
)
from llmtui.insight.compare.process import ModelProcess
from llmtui.insight.compare.room import fits
from llmtui.insight.divergence import Span
from llmtui.insight.process_memory import free_bytes

STOPPED = "stopped"


Waiting = list[tuple[int, ModelChoice]]


@dataclass(slots=True)
class Comparison:
    """A comparison under way or done.

    prepare      called first in each model's process. Must be picklable, as all that is handed to it
    free_memory  the bytes that are free where a device computes, called in a model's process
    complete     whether every model had its turns
    """

    prompt: str
    params: SamplingParams
    device: str = "auto"
    prepare: Callable[[], object] = tuple
    free_memory: Callable[[str], int] = free_bytes
    complete: bool = False
    _stopped: bool = False
    _columns: Columns = field(default_factory=Columns)
    _processes: list[ModelProcess] = field(default_factory=list)

    @property
    def columns(self) -> list[Column]:
        """Those that are known, in the order of the models."""
        return self._columns.in_order()

    def column(self, place: int) -> Column | None:
        """That of the model in a place; None before anything came of it."""
        return self._columns.at(place)

    @property
    def text(self) -> str:
        """Of the first model that ran, its prompt before it: what all of them are compared on."""
        return "" if self._columns.reference is None else self._columns.reference.text

    @property
    def spans(self) -> tuple[Span, ...]:
        """The stretches of that text on which any models can be compared.

        `bits` are of the columns that have bits per byte, in their order.
        """
        return self._columns.spans

    def run(self, choices: Sequence[ModelChoice]) -> Generator[Step, None, None]:
        """Run models, each in a process of its own; what goes wrong with one fills its column, and the others go on.

        Leaving the loop ends all processes and keeps what was measured and written.
        """
        written: defaultdict[int, str] = defaultdict(str)
        with closing(self._run(choices)) as steps:
            try:
                for step in steps:
                    if isinstance(step.progress, Token):
                        written[step.place] += step.progress.delta
                    yield step
            finally:
                for place, choice in enumerate(choices):
                    column = self.column(place) or Column(choice, problem=STOPPED)
                    self._columns.put(place, column if column.measured else replace(column, written=written[place]))

    def _run(self, choices: Sequence[ModelChoice]) -> Generator[Step, None, None]:
        waiting = list(enumerate(choices))
        while waiting and not self._stopped:
            waiting = yield from self._run_group(waiting)
        for place, choice in waiting:
            yield self._tell(place, Column(choice, problem=STOPPED))
        self.complete = not self._stopped

    def stop(self) -> None:
        """End all processes, from any thread; what they have not measured is marked as stopped, and none is begun."""
        self._stopped = True
        for process in list(self._processes):
            process.kill()

    # a group: what is in memory together

    def _run_group(self, waiting: Waiting) -> Generator[Step, None, Waiting]:
        """Load as many models as there is room for, and let them write and be compared; those that must wait."""
        group: list[ModelProcess] = []
        later: Waiting = []
        try:
            for place, choice in waiting:
                if self._stopped:
                    later.append((place, choice))
                elif not (yield from self._load(place, choice, group)):
                    later.append((place, choice))
                    yield Step(place, Standing.NO_ROOM)
            yield from self._write(group)
            yield from self._look(group)
        finally:
            for model in list(self._processes):
                self._end(model)
        return later

    def _load(self, place: int, choice: ModelChoice, group: list[ModelProcess]) -> Generator[Step, None, bool]:
        """Load a model into the group, or learn why it cannot be; False where there is no room for it now."""
        beside = [model.loaded for model in group if model.loaded is not None]
        if not fits(choice, beside):
            return False
        yield Step(place, Standing.STARTS)
        model = self._begin(place, choice)
        answer = yield from model.turn()
        if isinstance(answer, Here):
            # of one that had to be fetched it is known only now
            if not fits(choice, beside):
                self._end(model)
                return False
            answer = yield from model.turn(Turn())
        if isinstance(answer, Loaded):
            model.loaded = answer
            group.append(model)
            yield Step(place, Standing.LOADED)
        else:
            yield self._fail(model, answer)
        return True

    def _write(self, group: list[ModelProcess]) -> Iterator[Step]:
        """Let the models write by turns until all texts are there."""
        writing = deque(group)
        while writing:
            model = writing.popleft()
            answer = yield from model.turn(Turn())
            if isinstance(answer, Paused):
                writing.append(model)
            elif isinstance(answer, Measured):
                yield self._tell(model.place, Column(model.choice, answer))
            else:
                group.remove(model)
                yield self._fail(model, answer)

    def _look(self, group: list[ModelProcess]) -> Iterator[Step]:
        """Let one after the other look at the reference text, which is the first one's where there is none yet."""
        for model in group:
            yield Step(model.place, Standing.COMPARES)
            answer = yield from model.turn(Turn(self._columns.reference))
            if isinstance(answer, Looked):
                column = self._columns.take(model.place, answer)
                self._end(model)
                yield Step(model.place, column)
            elif not self._stopped:
                yield self._fail(model, answer)

    # what comes of it

    def _fail(self, model: ModelProcess, answer: Answer | str) -> Step:
        """Fill the column with the reason, and let the process go."""
        self._end(model)
        reason = answer if isinstance(answer, str) else f"it answered out of turn: {type(answer).__name__}"
        return self._tell(model.place, Column(model.choice, problem=STOPPED if self._stopped else reason))

    def _tell(self, place: int, column: Column) -> Step:
        self._columns.put(place, column)
        return Step(place, column)

    # processes

    def _begin(self, place: int, choice: ModelChoice) -> ModelProcess:
        order = Order(choice, self.prompt, self.params, self.device, self.prepare, self.free_memory)
        model = ModelProcess(place, order)
        self._processes.append(model)
        if self._stopped:
            model.kill()
        return model

    def _end(self, model: ModelProcess) -> None:
        model.end()
        self._processes.remove(model)
