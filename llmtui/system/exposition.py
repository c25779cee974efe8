"""A look at a machine and an engine in Prometheus' text format: how a server writes it, and how it is read back."""

import time
from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from llmtui.system.gpu import GpuSample
from llmtui.system.reading import EngineFigures, MachineReading, ModelFigures, ProcessReading, Reading

MINUTES: Final = ("1", "5", "15")
# The engine's counters that are one number each: field, metric, what it is.
COUNTERS: Final = (
    ("generated_tokens", "llmtui_generated_tokens", "tokens the engine has drawn, for whomever"),
    ("prefix_hit_tokens", "llmtui_prefix_hit_tokens", "prompt tokens that were not computed again"),
)
GAUGES: Final = (
    ("running", "llmtui_running", "generations that run"),
    ("waiting", "llmtui_waiting", "generations that wait"),
    ("computing_threads", "llmtui_computing_threads", "threads of the latest step: fewer where others use the cores"),
    ("kv_bytes", "llmtui_kv_bytes", "keys and values of running generations"),
    ("prefix_cache_bytes", "llmtui_prefix_cache_bytes", "keys and values kept"),
)

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def families(reading: Reading) -> Iterator[Metric]:
    """A look as metrics."""
    if reading.engine is not None:
        yield from _engine_families(reading.engine)
    if reading.process is not None:
        yield _counter("llmtui_process_cpu_seconds", "processor time of this process", reading.process.cpu_seconds)
        yield _gauge("llmtui_process_memory_bytes", "memory that this process holds", reading.process.rss_bytes)
    if reading.machine is not None:
        yield from _machine_families(reading.machine)
    yield from _gpu_families(reading.gpus)


def read_exposition(text: str) -> Reading:
    """The look that a server wrote. Raises ValueError for a text that is none of an llmtui."""
    values: Values = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    if ("llmtui_running", ()) not in values:
        raise ValueError("there is no llmtui_running in it")
    return Reading(
        time=time.time(),
        machine=_read_machine(values),
        process=_read_process(values),
        gpus=_read_gpus(values),
        engine=_read_engine(values),
    )


def _engine_families(engine: EngineFigures) -> Iterator[Metric]:
    for field, name, help_text in COUNTERS:
        yield _counter(name, help_text, getattr(engine, field))
    for field, name, help_text in GAUGES:
        yield _gauge(name, help_text, getattr(engine, field))
    state = GaugeMetricFamily("llmtui_state", "1 for the state that the engine is in", labels=["state"])
    state.add_metric([engine.state], 1)
    yield state
    weights = GaugeMetricFamily("llmtui_weights_bytes", "weights of a model in memory", labels=["model"])
    for model in engine.models:
        weights.add_metric([model.name], model.weights_bytes)
    yield weights


def _machine_families(machine: MachineReading) -> Iterator[Metric]:
    cores = CounterMetricFamily(
        "llmtui_machine_cpu_seconds", "time of each core: at work, and in all", labels=["core", "kind"]
    )
    for number, (busy, whole) in enumerate(machine.core_seconds):
        cores.add_metric([str(number), "busy"], busy)
        cores.add_metric([str(number), "all"], whole)
    yield cores
    load = GaugeMetricFamily("llmtui_machine_load", "mean number of runnable processes", labels=["minutes"])
    for minutes, value in zip(MINUTES, machine.load, strict=True):
        load.add_metric([minutes], value)
    yield load
    memory = GaugeMetricFamily("llmtui_machine_memory_bytes", "memory of the machine", labels=["kind"])
    memory.add_metric(["used"], machine.ram_used_bytes)
    memory.add_metric(["total"], machine.ram_total_bytes)
    yield memory


def _gpu_families(gpus: tuple[GpuSample, ...]) -> Iterator[Metric]:
    load = GaugeMetricFamily("llmtui_gpu_load_percent", "share of time in which a kernel ran", labels=["gpu", "name"])
    memory = GaugeMetricFamily("llmtui_gpu_memory_bytes", "memory of each GPU", labels=["gpu", "name", "kind"])
    for number, gpu in enumerate(gpus):
        load.add_metric([str(number), gpu.name], gpu.load_percent)
        memory.add_metric([str(number), gpu.name, "used"], gpu.memory_used_bytes)
        memory.add_metric([str(number), gpu.name, "total"], gpu.memory_total_bytes)
    yield load
    yield memory


def _read_engine(values: Values) -> EngineFigures:
    numbers = {field: int(values.get((f"{name}_total", ()), 0)) for field, name, _ in COUNTERS}
    numbers |= {field: int(values.get((name, ()), 0)) for field, name, _ in GAUGES}
    states = [labels["state"] for labels, value in _labelled(values, "llmtui_state") if value]
    models = [ModelFigures(labels["model"], int(value)) for labels, value in _labelled(values, "llmtui_weights_bytes")]
    return EngineFigures(state=states[0] if states else "unknown", models=tuple(models), **numbers)


def _read_process(values: Values) -> ProcessReading | None:
    cpu = values.get(("llmtui_process_cpu_seconds_total", ()))
    memory = values.get(("llmtui_process_memory_bytes", ()))
    return None if cpu is None or memory is None else ProcessReading(cpu, int(memory))


def _read_machine(values: Values) -> MachineReading | None:
    seconds = {
        (int(labels["core"]), labels["kind"]): value
        for labels, value in _labelled(values, "llmtui_machine_cpu_seconds_total")
    }
    load = {labels["minutes"]: value for labels, value in _labelled(values, "llmtui_machine_load")}
    memory = {labels["kind"]: int(value) for labels, value in _labelled(values, "llmtui_machine_memory_bytes")}
    if not seconds or not memory:
        return None
    cores = sorted({core for core, _ in seconds})
    return MachineReading(
        core_seconds=tuple((seconds[core, "busy"], seconds[core, "all"]) for core in cores),
        load=(load["1"], load["5"], load["15"]),
        ram_used_bytes=memory["used"],
        ram_total_bytes=memory["total"],
    )


def _read_gpus(values: Values) -> tuple[GpuSample, ...]:
    memory = {
        (labels["gpu"], labels["kind"]): int(value) for labels, value in _labelled(values, "llmtui_gpu_memory_bytes")
    }
    loads = sorted(_labelled(values, "llmtui_gpu_load_percent"), key=lambda pair: int(pair[0]["gpu"]))
    return tuple(
        GpuSample(labels["name"], load, memory.get((labels["gpu"], "used"), 0), memory.get((labels["gpu"], "total"), 0))
        for labels, load in loads
    )


def _labelled(values: Values, name: str) -> list[tuple[dict[str, str], float]]:
    return [(dict(labels), value) for (metric, labels), value in values.items() if metric == name]


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(name, help_text, value=value)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)
