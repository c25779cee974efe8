"""One look at a machine, a process and an engine, as plain counters; two looks make a sample. No look is taken here."""

from dataclasses import dataclass

from llmtui.system.gpu import GpuSample


@dataclass(frozen=True, slots=True)
class MachineReading:
    """A machine since it was started.

    core_seconds    of each core: seconds at work, and in all
    load            mean number of runnable processes over 1, 5 and 15 minutes
    ram_used_bytes  what a new program could not have
    """

    core_seconds: tuple[tuple[float, float], ...]
    load: tuple[float, float, float]
    ram_used_bytes: int
    ram_total_bytes: int


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """A process since it began. cpu_seconds: of all its threads. rss_bytes: memory that it holds."""

    cpu_seconds: float
    rss_bytes: int


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """A model in memory."""

    name: str
    weights_bytes: int


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """An engine.

    Tokens are counted since its start. computing_threads: of the latest step, 0 before the first one. kv_bytes: keys
    and values of running requests.
    """

    state: str
    models: tuple[ModelFigures, ...]
    running: int
    waiting: int
    computing_threads: int
    generated_tokens: int
    kv_bytes: int
    prefix_cache_bytes: int
    prefix_hit_tokens: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What there was to see. time: seconds since 1970. None: it could not be seen from here."""

    time: float
    machine: MachineReading | None = None
    process: ProcessReading | None = None
    gpus: tuple[GpuSample, ...] = ()
    engine: EngineFigures | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One look; percentages and speeds are of the time since the look before. None: not known.

    time                 seconds since 1970
    cpu_percent          of all cores together, 0 to 100
    core_percents        of each core, 0 to 100
    load                 mean number of runnable processes over 1, 5 and 15 minutes
    ram_used_bytes       of the machine: what a new program could not have
    process_cpu_percent  of the watched process; 100 is one core
    process_rss_bytes    memory that it holds
    tokens_per_second    of all the engine's requests together
    problem              why nothing is known, in a sentence
    """

    time: float
    cpu_percent: float | None = None
    core_percents: tuple[float, ...] = ()
    load: tuple[float, float, float] | None = None
    ram_used_bytes: int | None = None
    ram_total_bytes: int | None = None
    process_cpu_percent: float | None = None
    process_rss_bytes: int | None = None
    gpus: tuple[GpuSample, ...] = ()
    engine: EngineFigures | None = None
    tokens_per_second: float | None = None
    problem: str | None = None


def sample_of(before: Reading, after: Reading) -> Sample:
    """The sample that two looks make."""
    machine, process, engine = after.machine, after.process, after.engine
    cores = _spent(before.machine, machine)
    whole = sum(total for _, total in cores)
    seconds = after.time - before.time
    return Sample(
        time=after.time,
        cpu_percent=None if machine is None else 100 * sum(busy for busy, _ in cores) / whole if whole else 0.0,
        core_percents=tuple(100 * busy / total if total else 0.0 for busy, total in cores),
        load=None if machine is None else machine.load,
        ram_used_bytes=None if machine is None else machine.ram_used_bytes,
        ram_total_bytes=None if machine is None else machine.ram_total_bytes,
        process_cpu_percent=None
        if process is None
        else 100 * _rate(0.0 if before.process is None else process.cpu_seconds - before.process.cpu_seconds, seconds),
        process_rss_bytes=None if process is None else process.rss_bytes,
        gpus=after.gpus,
        engine=engine,
        tokens_per_second=None
        if engine is None
        else _rate(0 if before.engine is None else engine.generated_tokens - before.engine.generated_tokens, seconds),
    )


def _spent(before: MachineReading | None, after: MachineReading | None) -> list[tuple[float, float]]:
    """Seconds at work and in all of each core between two looks."""
    if after is None:
        return []
    if before is None or len(before.core_seconds) != len(after.core_seconds):
        return [(0.0, 0.0)] * len(after.core_seconds)
    spent = []
    for (busy, total), (busy_now, total_now) in zip(before.core_seconds, after.core_seconds, strict=True):
        whole = max(0.0, total_now - total)
        # a core's idle time may go back by a tick
        spent.append((min(whole, max(0.0, busy_now - busy)), whole))
    return spent


def _rate(difference: float, seconds: float) -> float:
    """A counter that begins anew belongs to another process: 0 until the next look."""
    return max(0.0, difference) / seconds if seconds > 0 else 0.0
