"""One prompt under many settings: the cells of a grid, generated together, each with its numbers.

All cells of a column share a seed, and with it the random numbers that draw their tokens (common random numbers): where
two texts of a column differ, the setting did it.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import EngineBusy, GenerationFailed
from llmtui.engine.events import Failed, Finished, Token
from llmtui.engine.stream import Stream
from llmtui.insight.repetition import distinct, longest_repeat

WAIT_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to draw tokens: a row of the sweep."""

    temperature: float
    top_k: int
    top_p: float


@dataclass(frozen=True, slots=True)
class Cell:
    """A generated text of the sweep with its numbers.

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
    def tokens(self) -> int:
        return len(self.ids)


@dataclass(slots=True)
class Sweep:
    """A sweep under way or done. cells: the finished ones, by setting, then seed. seconds: since it began."""

    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    cells: list[Cell] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return len(self.settings) * len(self.seeds)

    @property
    def complete(self) -> bool:
        return len(self.cells) == self.total


@dataclass(slots=True)
class _Running:
    """A cell that the engine works on."""

    setting: Setting
    seed: int
    stream: Stream
    tokens: list[Token] = field(default_factory=list)


def grid(temperatures: Iterable[float], top_ks: Iterable[int], top_ps: Iterable[float]) -> tuple[Setting, ...]:
    """Every combination, in the order given; what is named twice counts once."""
    return tuple(dict.fromkeys(Setting(*values) for values in product(temperatures, top_ks, top_ps)))


def requests(base: GenerationRequest, settings: Sequence[Setting], seeds: Sequence[int]) -> list[GenerationRequest]:
    """One request for each cell, by setting, then seed. Raises ParameterError for a value out of range."""
    return [
        # dataclasses.replace keeps the id, and each request needs its own
        GenerationRequest(
            prompt=base.prompt, params=sampling(base.params, setting, seed), clip=base.clip, client=base.client
        )
        for setting in settings
        for seed in seeds
    ]


def sampling(params: SamplingParams, setting: Setting, seed: int | None = None) -> SamplingParams:
    """`params` with the values of a setting."""
    return replace(
        params, temperature=setting.temperature, top_k=setting.top_k, top_p=setting.top_p, seed=seed, top_logprobs=0
    )


def run_sweep(
    engine: Engine,
    base: GenerationRequest,
    settings: Sequence[Setting],
    seeds: Sequence[int],
    on_progress: Callable[[Sweep], None] = lambda _: None,
) -> Iterator[Sweep]:
    """Generate every cell, as many at a time as the engine takes; yields the sweep whenever a cell is done.

    The first setting is the reference. Closing the iterator stops the engine's work and keeps what is done in the
    sweep that was yielded last. `on_progress` is called while cells run. Raises ParameterError or ContextOverflow at
    the first request, GenerationFailed if a cell fails.
    """
    began = time.perf_counter()
    sweep = Sweep(tuple(settings), tuple(seeds))
    keys = list(product(settings, seeds))
    waiting = deque(zip(keys, requests(base, settings, seeds), strict=True))
    running: list[_Running] = []
    done: dict[tuple[Setting, int], Cell] = {}
    yield sweep
    try:
        while waiting or running:
            _submit(engine, waiting, running)
            ended = _collect(running, done)
            sweep.seconds = time.perf_counter() - began
            sweep.tokens = sum(cell.tokens for cell in done.values()) + sum(len(cell.tokens) for cell in running)
            on_progress(sweep)
            if ended:
                sweep.cells = _with_divergence(done, keys, sweep.settings[0])
                yield sweep
    finally:
        for cell in running:
            cell.stream.cancel()


def first_difference(ids: Sequence[int], others: Sequence[int]) -> int | None:
    """Where two sequences of ids first differ; the end of the shorter one counts; None if they are equal."""
    for index, (one, other) in enumerate(zip(ids, others, strict=False)):
        if one != other:
            return index
    return None if len(ids) == len(others) else min(len(ids), len(others))


def _submit(
    engine: Engine, waiting: deque[tuple[tuple[Setting, int], GenerationRequest]], running: list[_Running]
) -> None:
    """Hand the engine as many cells as it takes."""
    while waiting:
        (setting, seed), request = waiting[0]
        try:
            stream = engine.submit(request)
        except EngineBusy:
            if not running:
                raise
            return
        waiting.popleft()
        running.append(_Running(setting, seed, stream))


def _collect(running: list[_Running], done: dict[tuple[Setting, int], Cell]) -> bool:
    """Take what has come since the last time, waiting a moment for the oldest cell; whether a cell has ended."""
    ended = False
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
                    done[cell.setting, cell.seed] = _cell(cell, event)
                    running.remove(cell)
                    ended = True
                case _:
                    pass
    return ended


def _cell(cell: _Running, finished: Finished) -> Cell:
    ids = tuple(token.id for token in cell.tokens)
    return Cell(
        setting=cell.setting,
        seed=cell.seed,
        text=finished.text,
        ids=ids,
        finish_reason=finished.reason,
        mean_surprisal=_mean([token.surprisal_bits for token in cell.tokens]),
        mean_entropy=_mean([token.entropy_bits for token in cell.tokens]),
        distinct_1=distinct(ids, 1),
        distinct_2=distinct(ids, 2),
        longest_repeat=longest_repeat(ids),
        tokens_per_second=finished.timings.tokens_per_second(finished.usage.completion_tokens),
    )


def _with_divergence(
    done: dict[tuple[Setting, int], Cell], keys: Sequence[tuple[Setting, int]], reference: Setting
) -> list[Cell]:
    """The finished cells in the order of the grid, compared with the reference as far as that is done."""
    cells = []
    for setting, seed in keys:
        cell, other = done.get((setting, seed)), done.get((reference, seed))
        if cell is not None:
            cells.append(cell if other is None else replace(cell, diverges_at=first_difference(cell.ids, other.ids)))
    return cells


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
