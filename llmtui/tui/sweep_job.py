"""A sweep as a job for a thread of its own: it runs, reports pictures of itself, and can be stopped."""

import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from typing import Final

from llmtui.engine import Engine, GenerationRequest
from llmtui.engine.events import Token
from llmtui.insight.sweep import Cell, Key, Sweep, run_sweep
from llmtui.tui.sweep_form import SweepPlan

# Cells given to the engine at a time, so that its queue stays open for others.
AT_ONCE: Final = 16
REPORT_SECONDS: Final = 0.1
# Tokens kept to be walked, and candidates kept with all of them: together about 100 MB at most.
KEPT_TOKENS: Final = 50_000
KEPT_CANDIDATES: Final = 200_000
CANDIDATES: Final = 10


@dataclass(frozen=True, slots=True)
class SweepView:
    """A sweep at one moment. cells: those that run, too, as far as they are. share: how much is done, 0 to 1."""

    cells: dict[Key, Cell] = field(default_factory=dict)
    traces: dict[Key, tuple[Token, ...]] = field(default_factory=dict)
    done: int = 0
    tokens: int = 0
    seconds: float = 0.0
    share: float = 0.0


class _StopWanted(Exception):
    """The person wants the sweep to end."""


def sweep_job(
    engine: Engine, plan: SweepPlan, stop: threading.Event
) -> Callable[[Callable[[SweepView], None]], SweepView]:
    """A job that runs `plan` until `stop` is set; its result is the last picture."""
    base = with_candidates(plan)

    def job(report: Callable[[SweepView], None]) -> SweepView:
        latest = Sweep(plan.settings, plan.seeds)
        reported = time.monotonic()

        def progress(sweep: Sweep) -> None:
            nonlocal reported
            if stop.is_set():
                raise _StopWanted
            if time.monotonic() - reported >= REPORT_SECONDS:
                report(view_of(sweep, plan))
                reported = time.monotonic()

        sweeps = run_sweep(engine, base, plan.settings, plan.seeds, progress, at_once=AT_ONCE, kept_tokens=KEPT_TOKENS)
        with closing(sweeps), suppress(_StopWanted):
            for latest in sweeps:  # noqa: B007 - the last one is used
                pass
        return view_of(latest, plan)

    return job


def with_candidates(plan: SweepPlan) -> GenerationRequest:
    """The plan's request, with as many candidates for each token as can be kept."""
    tokens = plan.cells * (plan.base.params.max_tokens or 1)
    wanted = min(CANDIDATES, KEPT_CANDIDATES // tokens)
    return replace(plan.base, params=replace(plan.base.params, top_logprobs=wanted))


def view_of(sweep: Sweep, plan: SweepPlan) -> SweepView:
    """A picture of a sweep, for another thread."""
    cells = {cell.key: cell for cell in [*sweep.cells, *sweep.live()]}
    share = sweep.share(plan.base.params.max_tokens)
    return SweepView(cells, dict(sweep.traces), sweep.done, sweep.tokens, sweep.seconds, share)
