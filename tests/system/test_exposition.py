"""What a server writes about itself is what is read from it, whatever it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric

from llmtui.system.exposition import families, read_exposition
from llmtui.system.gpu import GpuSample
from llmtui.system.reading import EngineFigures, MachineReading, ModelFigures, ProcessReading, Reading

counts = st.integers(0, 2**50)
seconds = st.floats(0, 1e9, allow_nan=False)
names = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
readings = st.builds(
    Reading,
    time=st.just(0.0),
    machine=st.none()
    | st.builds(
        MachineReading,
        core_seconds=st.lists(st.tuples(seconds, seconds), min_size=1, max_size=12).map(tuple),
        load=st.tuples(seconds, seconds, seconds),
        ram_used_bytes=counts,
        ram_total_bytes=counts,
    ),
    process=st.none() | st.builds(ProcessReading, cpu_seconds=seconds, rss_bytes=counts),
    gpus=st.lists(
        st.builds(
            GpuSample, name=names, load_percent=st.floats(0, 100), memory_used_bytes=counts, memory_total_bytes=counts
        ),
        max_size=11,
    ).map(tuple),
    engine=st.builds(
        EngineFigures,
        state=st.sampled_from(["empty", "loading", "ready", "degraded", "closed"]),
        models=st.lists(st.builds(ModelFigures, names, counts), unique_by=lambda model: model.name).map(tuple),
        running=counts,
        waiting=counts,
        computing_threads=counts,
        generated_tokens=counts,
        kv_bytes=counts,
        prefix_cache_bytes=counts,
        prefix_hit_tokens=counts,
    ),
)


class Written:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> list[Metric]:
        return list(families(self._reading))


def text_of(reading: Reading) -> str:
    registry = CollectorRegistry()
    registry.register(Written(reading))
    return generate_latest(registry).decode()


@given(readings)
def test_a_look_survives_the_way_through_the_text(reading: Reading) -> None:
    found = read_exposition(text_of(reading))
    assert Reading(0.0, found.machine, found.process, found.gpus, found.engine) == reading


@pytest.mark.parametrize("text", ["", "up 1\n", "<html>hello</html>", "llmtui_running{\n"])
def test_what_is_no_llmtui_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_exposition(text)
