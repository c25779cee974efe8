"""The monitor's numbers against the system's own files and against work that the test does itself."""

import os
import subprocess
import sys
import types
from pathlib import Path

import psutil
import pytest

from llmtui.system.gpu import GpuSampler
from llmtui.system.monitor import Monitor, ProcessGone


def work(seconds: float) -> None:
    began = psutil.Process().cpu_times().user
    while psutil.Process().cpu_times().user < began + seconds:
        sum(range(10_000))


def test_cores_are_all_there_and_in_range_and_their_mean_is_the_whole() -> None:
    monitor = Monitor()
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

    monitor = Monitor()
    busy_before, all_before = ticks()
    work(0.5)
    sample = monitor.sample()
    busy_after, all_after = ticks()
    assert sample.cpu_percent == pytest.approx(100 * (busy_after - busy_before) / (all_after - all_before), abs=6)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_memory_and_load_are_what_proc_says() -> None:
    monitor = Monitor()
    sample = monitor.sample()
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(facts[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    assert sample.ram_total_bytes == total
    assert sample.ram_used_bytes == pytest.approx(total - available, rel=0.1)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    assert sample.process_rss_bytes == pytest.approx(pages * os.sysconf("SC_PAGE_SIZE"), rel=0.05)
    assert sample.load[0] == pytest.approx(float(Path("/proc/loadavg").read_text().split()[0]), abs=0.5)


def test_another_process_can_be_watched_until_it_ends() -> None:
    command = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        child.stdout.readline()
        monitor = Monitor(child.pid)
        assert 1_000_000 < monitor.sample().process_rss_bytes < psutil.Process().memory_info().rss
        child.communicate(b"\n", timeout=20)
    with pytest.raises(ProcessGone, match=str(child.pid)):
        monitor.sample()


def test_process_that_never_was_is_one_sentence() -> None:
    with pytest.raises(ProcessGone, match="no process 4194999"):
        Monitor(4_194_999)


def test_history_is_bounded() -> None:
    monitor = Monitor(history=3)
    samples = [monitor.sample() for _ in range(5)]
    assert list(monitor.history) == samples[-3:]


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
