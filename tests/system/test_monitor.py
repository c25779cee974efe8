"""The monitor's numbers against the system's own files and against work that the test does itself."""

import os
import subprocess
import sys
import types
from pathlib import Path

import psutil
import pytest

from llmtui.system.gpu import GpuSampler
from llmtui.system.monitor import LocalReader, Monitor, OutOfReach, ProcessGone
from llmtui.system.reading import EngineFigures, MachineReading, ProcessReading, Reading, Sample, sample_of


def work(seconds: float) -> None:
    began = psutil.Process().cpu_times().user
    while psutil.Process().cpu_times().user < began + seconds:
        sum(range(10_000))


def test_cores_are_all_there_and_in_range_and_their_mean_is_the_whole() -> None:
    monitor = Monitor(LocalReader())
    work(0.3)
    sample = monitor.sample()
    assert len(sample.core_percents) == os.cpu_count()
    assert all(0 <= percent <= 100 for percent in sample.core_percents)
    # weighted by time, and cores tick almost alike
    assert sample.cpu_percent == pytest.approx(sum(sample.core_percents) / len(sample.core_percents), abs=3)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_busy_share_is_what_proc_stat_says() -> None:
    def ticks() -> tuple[int, int]:
        fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return sum(fields) - fields[3] - fields[4], sum(fields)

    monitor = Monitor(LocalReader())
    busy_before, all_before = ticks()
    work(0.5)
    sample = monitor.sample()
    busy_after, all_after = ticks()
    assert sample.cpu_percent == pytest.approx(100 * (busy_after - busy_before) / (all_after - all_before), abs=6)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_memory_and_load_are_what_proc_says() -> None:
    def load() -> float:
        return float(Path("/proc/loadavg").read_text().split()[0])

    monitor = Monitor(LocalReader())
    before = load()
    sample = monitor.sample()
    after = load()
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(facts[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    assert sample.ram_total_bytes == total
    assert sample.ram_used_bytes == pytest.approx(total - available, rel=0.1)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    assert sample.process_rss_bytes == pytest.approx(pages * os.sysconf("SC_PAGE_SIZE"), rel=0.05)
    assert min(before, after) - 0.01 <= sample.load[0] <= max(before, after) + 0.01


def test_another_process_can_be_watched_until_it_ends() -> None:
    command = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        child.stdout.readline()
        monitor = Monitor(LocalReader(child.pid))
        assert 1_000_000 < monitor.sample().process_rss_bytes < psutil.Process().memory_info().rss
        child.communicate(b"\n", timeout=20)
    with pytest.raises(ProcessGone, match=str(child.pid)):
        monitor.sample()


def test_process_that_never_was_is_one_sentence() -> None:
    with pytest.raises(ProcessGone, match="no process 4194999"):
        LocalReader(4_194_999)


def test_history_is_bounded() -> None:
    monitor = Monitor(LocalReader(), history=3)
    samples = [monitor.sample() for _ in range(5)]
    assert list(monitor.history) == samples[-3:]


def test_memory_that_this_process_takes_shows_and_so_does_its_work() -> None:
    monitor = Monitor(LocalReader())
    before = monitor.sample()
    ballast = bytearray(os.urandom(1)) * 200_000_000
    work(0.2)
    after = monitor.sample()
    assert after.process_rss_bytes is not None
    assert before.process_rss_bytes is not None
    assert after.process_rss_bytes - before.process_rss_bytes == pytest.approx(len(ballast), rel=0.1)
    assert after.process_cpu_percent is not None
    assert 10 < after.process_cpu_percent <= 100 * (os.cpu_count() or 1) + 10
    assert after.ram_total_bytes == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def reading(seconds: float, cores: tuple[tuple[float, float], ...], cpu: float, tokens: int) -> Reading:
    engine = EngineFigures("ready", (), 1, 0, 2, tokens, 5, 6, 7)
    return Reading(seconds, MachineReading(cores, (1.0, 2.0, 3.0), 4, 16), ProcessReading(cpu, 99), (), engine)


def test_two_looks_make_percentages_and_speeds_of_the_time_between_them() -> None:
    before = reading(100.0, ((10.0, 50.0), (0.0, 50.0)), 3.0, 1000)
    sample = sample_of(before, reading(102.0, ((11.0, 52.0), (1.5, 52.0)), 4.0, 1300))
    assert sample.core_percents == (50.0, 75.0)
    assert (sample.cpu_percent, sample.process_cpu_percent, sample.tokens_per_second) == (62.5, 50.0, 150.0)
    assert (sample.load, sample.ram_used_bytes, sample.ram_total_bytes, sample.process_rss_bytes) == (
        (1, 2, 3),
        4,
        16,
        99,
    )


def test_a_counter_that_began_anew_makes_no_nonsense() -> None:
    before = reading(100.0, ((10.0, 50.0),), 30.0, 1000)
    sample = sample_of(before, reading(101.0, ((9.9, 50.0),), 0.5, 3))
    assert (sample.cpu_percent, sample.process_cpu_percent, sample.tokens_per_second) == (0.0, 0.0, 0.0)
    more_cores = sample_of(before, reading(101.0, ((1.0, 2.0), (1.0, 2.0)), 31.0, 1001))
    assert more_cores.core_percents == (0.0, 0.0)
    assert sample_of(before, before).tokens_per_second == 0.0
    unknown = sample_of(Reading(1.0), Reading(2.0))
    assert unknown == Sample(2.0)


def test_what_cannot_be_reached_is_said_and_tried_again() -> None:
    looks = iter([reading(1.0, ((0.0, 1.0),), 0.0, 0), OutOfReach("gone"), reading(3.0, ((1.0, 3.0),), 1.0, 20)])

    def look() -> Reading:
        found = next(looks)
        if isinstance(found, OutOfReach):
            raise found
        return found

    monitor = Monitor(look)
    assert monitor.sample().problem == "gone"
    back = monitor.sample()
    assert (back.problem, back.cpu_percent, back.tokens_per_second) == (None, 50.0, 10.0)
    assert [sample.problem for sample in monitor.history] == ["gone", None]


def test_gpu_is_sampled_where_the_library_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class NVMLError(Exception):
        pass

    def utilisation(device: str) -> types.SimpleNamespace:
        if device == "gone":
            raise NVMLError("lost")
        return types.SimpleNamespace(gpu=37)

    nvml = types.SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: ("here", "gone")[index],
        nvmlDeviceGetName=lambda device: device.encode(),
        nvmlDeviceGetMemoryInfo=lambda _: types.SimpleNamespace(used=5, total=9),
        nvmlDeviceGetUtilizationRates=utilisation,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)  # type: ignore[arg-type]
    (sample,) = GpuSampler().sample()
    assert (sample.name, sample.load_percent, sample.memory_used_bytes, sample.memory_total_bytes) == ("here", 37, 5, 9)


def test_machine_without_gpu_library_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # type: ignore[arg-type]
    assert GpuSampler().sample() == ()
