"""One prompt under many settings: the cells of a grid, generated together, each with its numbers.

All cells of a column share a seed, and with it the random numbers that draw their tokens (common random numbers): where
two texts of a column differ, the setting did it.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final, Protocol

from llmtui.engine import GenerationRequest
from llmtui.engine.errors import EngineBusy, GenerationFailed
from llmtui.engine.events import Failed, Finished, Token
from llmtui.engine.stream import Stream
from llmtui.insight.grid import Setting, requests
from llmtui.insight.repetition import distinct, longest_repeat

WAIT_SECONDS: Final = 0.05
# So long a sweep that is stopped waits for the engine to let go of its cells.
STOP_SECONDS: Final = 2.0

Key = tuple[Setting, int]
"""A cell's place: its setting and its seed."""


class TakesRequests(Protocol):
    """An engine of this process, or that of a server."""

    def submit(self, request: GenerationRequest) -> Stream: ...


@dataclass(frozen=True, slots=True)
class Cell:
    """A generated text of the sweep with its numbers.

    finish_reason      "stop", "length", "cancelled" where the sweep was stopped, "running"
    mean_surprisal     bits of its tokens under the RAW distribution; None for a text without tokens
    mean_entropy       bits of the RAW distributions that they were drawn from
    distinct_1, _2     different tokens, and pairs of tokens, over all of them
    longest_repeat     length of the longest run of tokens that occurs twice
    tokens_per_second  of this cell while it shared the engine with others
    diverges_at        the first generated token, from 0, that differs from the reference cell of the same seed; None:
                       none does
    """

    setting: Setting
    seed: int
    text: str
    ids: tuple[int, ...]
    finish_reason: str
    mean_surprisal: float | None
    mean_entropy: float | None
    distinct_1: float | None
    distinct_2: float | None
    longest_repeat: int
    tokens_per_second: float | None
    diverges_at: int | None = None

    @property
    def key(self) -> Key:
        return self.setting, self.seed

    @property
    def tokens(self) -> int:
        return len(self.ids)


@dataclass(slots=True)
class _Running:
    """A cell that the engine works on."""

    setting: Setting
    seed: int
    stream: Stream
    tokens: list[Token] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return self.setting, self.seed


@dataclass(slots=True)
class Sweep:
    """A sweep under way or done.

    cells    those that have ended, by setting, then seed
    tokens   of all cells so far
    seconds  since it began
    traces   the tokens of cells that have ended, with every fact, as far as they were to be kept
    """

    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    cells: list[Cell] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0
    traces: dict[Key, tuple[Token, ...]] = field(default_factory=dict)
    _running: list[_Running] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.settings) * len(self.seeds)

    @property
    def done(self) -> int:
        """How many cells have come to their own end."""
        return sum(cell.finish_reason != "cancelled" for cell in self.cells)

    @property
    def complete(self) -> bool:
        return self.done == self.total

    def share(self, max_tokens: int | None) -> float:
        """How much of it is done, 0 to 1, where each cell writes at most `max_tokens`; by cells where that is open."""
        by_cells = self.done / self.total
        return by_cells if max_tokens is None else max(by_cells, self.tokens / (self.total * max_tokens))

    def live(self) -> list[Cell]:
        """The cells that run now, as far as they are. For the thread that runs the sweep alone."""
        running = {cell.key: _cell(cell, None, "running") for cell in self._running}
        known = {cell.key: cell for cell in self.cells} | running
        return _with_divergence(known, list(running), self.settings[0])


def run_sweep(
    engine: TakesRequests,
    base: GenerationRequest,
    settings: Sequence[Setting],
    seeds: Sequence[int],
    on_progress: Callable[[Sweep], None] = lambda _: None,
    *,
    at_once: int | None = None,
    kept_tokens: int = 0,
) -> Generator[Sweep, None, None]:
    """Generate every cell in one batch; yields the sweep, always the same one, whenever a cell is done.

    The first setting is the reference. Closing the iterator stops the engine's work; cells that ran are kept as far as
    they were. `on_progress` is called while cells run.
    at_once: cells that the engine is given at a time; None: as many as it takes.
    kept_tokens: so many tokens are kept with all their facts, of the first cells that end.
    Raises ParameterError or ContextOverflow at the first request, GenerationFailed if a cell fails.
    """
    began = time.perf_counter()
    sweep = Sweep(tuple(settings), tuple(seeds))
    keys = list(product(settings, seeds))
    waiting = deque(zip(keys, requests(base, settings, seeds), strict=True))
    running = sweep._running
    done: dict[Key, Cell] = {}

    def end(cell: _Running, finished: Finished | None) -> None:
        done[cell.key] = _cell(cell, finished, "cancelled")
        running.remove(cell)
        if sum(map(len, sweep.traces.values())) + len(cell.tokens) <= kept_tokens:
            sweep.traces[cell.key] = tuple(cell.tokens)

    def tally() -> None:
        sweep.seconds = time.perf_counter() - began
        sweep.tokens = sum(cell.tokens for cell in done.values()) + sum(len(cell.tokens) for cell in running)

    yield sweep
    try:
        while waiting or running:
            _submit(engine, waiting, running, at_once)
            ended = _collect(running, end)
            tally()
            on_progress(sweep)
            if ended:
                sweep.cells = _with_divergence(done, keys, sweep.settings[0])
                yield sweep
    finally:
        if running:
            _stop(running, end)
            tally()
            sweep.cells = _with_divergence(done, keys, sweep.settings[0])


def first_difference(ids: Sequence[int], others: Sequence[int]) -> int | None:
    """Where two sequences of ids first differ; the end of the shorter one counts; None if they are equal."""
    for index, (one, other) in enumerate(zip(ids, others, strict=False)):
        if one != other:
            return index
    return None if len(ids) == len(others) else min(len(ids), len(others))


def _submit(
    engine: TakesRequests,
    waiting: deque[tuple[Key, GenerationRequest]],
    running: list[_Running],
    at_once: int | None,
) -> None:
    """Hand the engine as many cells as it takes."""
    while waiting and (at_once is None or len(running) < at_once):
        (setting, seed), request = waiting[0]
        try:
            stream = engine.submit(request)
        except EngineBusy:
            if not running:
                raise
            return
        waiting.popleft()
        running.append(_Running(setting, seed, stream))


def _collect(running: list[_Running], end: Callable[[_Running, Finished], None]) -> bool:
    """Take what has come since the last time, waiting a moment for the oldest cell; whether a cell has ended."""
    count = len(running)
    first = running[0].stream.poll(WAIT_SECONDS)
    for place, cell in enumerate(list(running)):
        events = cell.stream.drain()
        for event in [first, *events] if place == 0 and first is not None else events:
            match event:
                case Token():
                    cell.tokens.append(event)
                case Failed():
                    raise GenerationFailed(event.error)
                case Finished():
                    end(cell, event)
                case _:
                    pass
    return len(running) < count


def _stop(running: list[_Running], end: Callable[[_Running, Finished | None], None]) -> None:
    """Stop every cell that runs, and keep what it had written; one that was not begun is nothing yet."""
    deadline = time.perf_counter() + STOP_SECONDS
    for cell in running:
        cell.stream.cancel()
    for cell in list(running):
        finished: Finished | None = None
        while (event := cell.stream.poll(max(0.001, deadline - time.perf_counter()))) is not None:
            if isinstance(event, Token):
                cell.tokens.append(event)
            elif isinstance(event, Finished):
                finished = event
        if cell.tokens:
            end(cell, finished)
    running.clear()


def _cell(cell: _Running, finished: Finished | None, reason: str) -> Cell:
    """A cell's numbers; without its end, those so far, with `reason` for why it has none."""
    ids = tuple(token.id for token in cell.tokens)
    return Cell(
        setting=cell.setting,
        seed=cell.seed,
        text="".join(token.delta for token in cell.tokens) if finished is None else finished.text,
        ids=ids,
        finish_reason=reason if finished is None else finished.reason,
        mean_surprisal=_mean([token.surprisal_bits for token in cell.tokens]),
        mean_entropy=_mean([token.entropy_bits for token in cell.tokens]),
        distinct_1=distinct(ids, 1),
        distinct_2=distinct(ids, 2),
        longest_repeat=longest_repeat(ids),
        tokens_per_second=None if finished is None else finished.timings.tokens_per_second(len(ids)),
    )


def _with_divergence(done: dict[Key, Cell], keys: Sequence[Key], reference: Setting) -> list[Cell]:
    """The ended cells in the order of the grid, compared with the reference as far as that is done."""
    cells = []
    for setting, seed in keys:
        cell, other = done.get((setting, seed)), done.get((reference, seed))
        if cell is not None:
            cells.append(cell if other is None else replace(cell, diverges_at=_divergence(cell, other)))
    return cells


def _divergence(cell: Cell, other: Cell) -> int | None:
    """Where a cell leaves the reference; where either has not come to its own end, that end is no difference."""
    index = first_difference(cell.ids, other.ids)
    cut = {"cancelled", "running"} & {cell.finish_reason, other.finish_reason}
    return None if cut and index == min(cell.tokens, other.tokens) else index


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
