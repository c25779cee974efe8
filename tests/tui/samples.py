"""Samples of a machine at work, the same at every run."""

import math

from llmtui.system.gpu import GpuSample
from llmtui.system.reading import EngineFigures, ModelFigures, Sample

GIB = 2**30


def sample(second: int, *, cores: int = 4, gpus: int = 0, tokens_per_second: float | None = None) -> Sample:
    """A look in this second: everything goes up and down, each in its own time."""
    waves = [50 + 50 * math.sin((second + 3 * number) / (4 + number % 5)) for number in range(max(6, cores))]
    running = round(waves[1] / 12.5)
    return Sample(
        time=float(second),
        cpu_percent=sum(waves[:cores]) / cores,
        core_percents=tuple(waves[:cores]),
        load=(2.31, 1.84, 0.97),
        ram_used_bytes=int((5 + waves[2] / 25) * GIB),
        ram_total_bytes=16 * GIB,
        process_cpu_percent=waves[3] * cores,
        process_rss_bytes=int((300 + waves[4]) * 2**20),
        gpus=tuple(GpuSample("NVIDIA H100 80GB HBM3", waves[5], 12 * GIB, 80 * GIB) for _ in range(gpus)),
        engine=EngineFigures(
            state="ready",
            models=(ModelFigures("tiny-tales", 24_723_456), ModelFigures("org/other", 240_000_000)),
            running=running,
            waiting=max(0, running - 5),
            computing_threads=min(2, cores),
            generated_tokens=100 * second,
            kv_bytes=running * 3_000_000,
            prefix_cache_bytes=min(second, 40) * 200_000,
            prefix_hit_tokens=64 * second,
        ),
        tokens_per_second=20.0 * running if tokens_per_second is None else tokens_per_second,
    )


def busy_minutes() -> list[Sample]:
    return [sample(second, gpus=1) for second in range(120)]
