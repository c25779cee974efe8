"""How many threads compute a step: as many as there are cores for them.

The threads of a step wait for each other many times in each layer. Where another program takes one of their cores, a
wait lasts until the system gives it back, and all of them together are slower than one thread fewer.
"""

import math
import time
from dataclasses import dataclass

from llmtui.engine.imports import most_threads

# without a pause between steps: the system counts in ticks of 10 ms, of which a shorter time has too few
WINDOW_SECONDS = 0.2
# others may use so much of a core before a thread gives it up to them
SHARED = 0.25


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds on a clock, and those of cores that this process has used by then and that nobody has."""

    clock: float
    own: float
    idle: float

    @classmethod
    def now(cls) -> "CpuTime":
        import psutil  # the first frame does not wait for it

        times = psutil.cpu_times()
        # who waits for a disk does not compute; Linux alone counts it apart
        return cls(time.perf_counter(), time.process_time(), times.idle + getattr(times, "iowait", 0.0))


def fitting_threads(begin: CpuTime, end: CpuTime, most: int) -> int:
    """How many threads had a core of their own between two moments, in what this process used and nobody did."""
    cores = (end.own - begin.own + end.idle - begin.idle) / (end.clock - begin.clock)
    return max(1, min(most, math.floor(cores + SHARED)))


class ComputingThreads:
    """Follows what other programs leave to the engine's thread, whose own this is.

    count: threads of the latest step; 0 before the first one.
    """

    def __init__(self) -> None:
        self.count = 0
        self._fitting = 0
        self._begin: CpuTime | None = None

    def pause(self) -> None:
        """Nothing is computed for a while, and what others do meanwhile takes nothing from a step."""
        self._begin = None

    def before_step(self, *, exact: bool = False) -> None:
        """Have the next step computed by as many as fit. exact: by all, since with fewer the last bits are others."""
        most = most_threads()
        if not self.count:
            self._fitting = most
        if most > 1:
            self._look(most)
        wanted = most if exact else self._fitting
        if wanted != self.count:
            _compute_with(wanted)
            self.count = wanted

    def _look(self, most: int) -> None:
        if self._begin is None:
            self._begin = CpuTime.now()
        elif time.perf_counter() - self._begin.clock >= WINDOW_SECONDS:
            begin, self._begin = self._begin, CpuTime.now()
            self._fitting = fitting_threads(begin, self._begin, most)


def _compute_with(threads: int) -> None:
    import torch  # importing it takes seconds, and before the first step it is there

    torch.set_num_threads(threads)
