"""The machine over time: cores, load, memory, one process, the GPUs, an engine; the latest samples are in a ring."""

import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import psutil

from llmtui.errors import LlmtuiError
from llmtui.system.gpu import GpuSampler
from llmtui.system.reading import (
    EngineFigures,
    MachineReading,
    ModelFigures,
    ProcessReading,
    Reading,
    Sample,
    sample_of,
)

HISTORY = 3600


class WatchedEngine(Protocol):
    """What there is to see of an engine: `Engine` itself imports torch, which nothing here may."""

    def stats(self) -> Any: ...

    def models(self) -> Any: ...


class ProcessGone(LlmtuiError):
    """The watched process has ended, or never was."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"there is no process {pid} that can be watched")


class OutOfReach(LlmtuiError):
    """What is watched does not answer at this moment."""


class Monitor:
    """Takes samples and remembers the latest. For one thread.

    read: takes one look; a look that raises OutOfReach makes a sample that says so, and the next one tries again.
    """

    def __init__(self, read: Callable[[], Reading], *, history: int = HISTORY) -> None:
        """The first look is taken now, for the first sample to be compared with; raises what `read` raises."""
        self.history: deque[Sample] = deque(maxlen=history)
        self._read = read
        self._before = read()

    def sample(self) -> Sample:
        """Look once."""
        try:
            now = self._read()
        except OutOfReach as problem:
            sample = Sample(time=time.time(), problem=str(problem))
        else:
            sample = sample_of(self._before, now)
            self._before = now
        self.history.append(sample)
        return sample


class LocalReader:
    """Looks at this machine without waiting: a process on it, and an engine in this process."""

    def __init__(self, pid: int | None = None, engine: WatchedEngine | None = None) -> None:
        """Watch the process `pid`, or this one. Raises ProcessGone if there is none."""
        self._pid = os.getpid() if pid is None else pid
        self._engine = engine
        self._gpus = GpuSampler()
        try:
            self._process = psutil.Process(self._pid)
        except (psutil.Error, ValueError, OverflowError):
            raise ProcessGone(self._pid) from None

    def __call__(self) -> Reading:
        """Look once. Raises ProcessGone when the watched process has ended."""
        memory = psutil.virtual_memory()
        try:
            with self._process.oneshot():
                times = self._process.cpu_times()
                process = ProcessReading(times.user + times.system, self._process.memory_info().rss)
        except psutil.Error:
            raise ProcessGone(self._pid) from None
        return Reading(
            time=time.time(),
            machine=MachineReading(
                core_seconds=tuple(_core_seconds(core) for core in psutil.cpu_times(percpu=True)),
                load=psutil.getloadavg(),
                ram_used_bytes=memory.total - memory.available,
                ram_total_bytes=memory.total,
            ),
            process=process,
            gpus=self._gpus.sample(),
            engine=None if self._engine is None else engine_figures(self._engine),
        )


def engine_figures(engine: WatchedEngine) -> EngineFigures:
    """An engine as it stands."""
    stats = engine.stats()
    return EngineFigures(
        state=stats.state,
        models=tuple(ModelFigures(model.info.name, model.weights_bytes) for model in engine.models()),
        running=stats.running,
        waiting=stats.waiting,
        computing_threads=stats.computing_threads,
        generated_tokens=stats.generated_tokens,
        kv_bytes=stats.kv_bytes,
        prefix_cache_bytes=stats.prefix_cache_bytes,
        prefix_hit_tokens=stats.prefix_hit_tokens,
    )


def _core_seconds(times: Any) -> tuple[float, float]:
    """Seconds in which a core worked, and seconds in all.

    Waiting for disks is no work. Time of guests is counted in user time already.
    """
    spent = {name: getattr(times, name) for name in times._fields if name not in ("guest", "guest_nice")}
    whole = sum(spent.values())
    return whole - spent["idle"] - spent.get("iowait", 0.0), whole
