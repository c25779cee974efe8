"""The machine over time: cores, load, memory, one process, the GPUs; the latest samples are kept in a ring."""

import os
import time
from collections import deque
from dataclasses import dataclass

import psutil

from llmtui.errors import LlmtuiError
from llmtui.system.gpu import GpuSample, GpuSampler

HISTORY = 3600


class ProcessGone(LlmtuiError):
    """The watched process has ended, or never was."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"there is no process {pid} that can be watched")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the machine; percentages are of the time since the look before.

    time                 seconds since 1970
    cpu_percent          of all cores together, 0 to 100
    core_percents        of each core, 0 to 100
    load                 mean number of runnable processes over 1, 5 and 15 minutes
    ram_used_bytes       of the machine: what a new program could not have
    process_cpu_percent  of the watched process; 100 is one core
    process_rss_bytes    memory that it holds
    """

    time: float
    cpu_percent: float
    core_percents: tuple[float, ...]
    load: tuple[float, float, float]
    ram_used_bytes: int
    ram_total_bytes: int
    process_cpu_percent: float
    process_rss_bytes: int
    gpus: tuple[GpuSample, ...]


class Monitor:
    """Looks at the machine without waiting, and remembers. Percentages are 0 at the first look. For one thread."""

    def __init__(self, pid: int | None = None, *, history: int = HISTORY) -> None:
        """Watch the process `pid`, or this one. Raises ProcessGone if there is none."""
        self.history: deque[Sample] = deque(maxlen=history)
        self._pid = os.getpid() if pid is None else pid
        self._gpus = GpuSampler()
        self._cores = psutil.cpu_times(percpu=True)
        try:
            self._process = psutil.Process(self._pid)
            self._process.cpu_percent(interval=None)
        except (psutil.Error, ValueError, OverflowError):
            raise ProcessGone(self._pid) from None

    def sample(self) -> Sample:
        """Look once. Raises ProcessGone when the watched process has ended."""
        memory = psutil.virtual_memory()
        try:
            with self._process.oneshot():
                process_cpu = self._process.cpu_percent(interval=None)
                process_rss = self._process.memory_info().rss
        except psutil.Error:
            raise ProcessGone(self._pid) from None
        before, self._cores = self._cores, psutil.cpu_times(percpu=True)
        cores = [_busy(*pair) for pair in zip(before, self._cores, strict=False)]
        total = sum(whole for _, whole in cores)
        sample = Sample(
            time=time.time(),
            cpu_percent=100 * sum(busy for busy, _ in cores) / total if total else 0.0,
            core_percents=tuple(100 * busy / whole if whole else 0.0 for busy, whole in cores),
            load=psutil.getloadavg(),
            ram_used_bytes=memory.total - memory.available,
            ram_total_bytes=memory.total,
            process_cpu_percent=process_cpu,
            process_rss_bytes=process_rss,
            gpus=self._gpus.sample(),
        )
        self.history.append(sample)
        return sample


def _busy(before: tuple[float, ...], after: tuple[float, ...]) -> tuple[float, float]:
    """Seconds in which a core worked, and seconds in all, between two readings of psutil.cpu_times.

    Waiting for disks is no work. Time of guests is counted in user time already.
    """
    names = [name for name in after._fields if name not in ("guest", "guest_nice")]  # type: ignore[attr-defined]
    spent = {name: max(0.0, getattr(after, name) - getattr(before, name)) for name in names}
    whole = sum(spent.values())
    return whole - spent["idle"] - spent.get("iowait", 0.0), whole
