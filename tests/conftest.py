"""What every test stands on: folders of its own, and the real engine on the embedded model."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

# read once at import by huggingface_hub: no test may ask a real hub
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
# test processes run side by side: threads of one that wait for each other would only slow the others
os.environ["OMP_NUM_THREADS"] = "1"

from llmtui import own_kernels
from llmtui.engine import Engine, kernels
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.scheduler import Slice
from llmtui.engine.telemetry import RawRow
from llmtui.processor import CPUINFO, cpu_flags
from llmtui.settings import Settings


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the settings, caches and logs of the person who runs it."""
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    for variable in (*(name.upper() for name in Settings.model_fields), "NO_COLOR", "SSH_CONNECTION"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def slow_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long generation lasts for seconds, however fast the machine is."""
    compute = LoadedModel.compute

    def slowly(self: LoadedModel, work: Sequence[Slice]) -> list[list[RawRow]]:
        time.sleep(0.005)
        return compute(self, work)

    monkeypatch.setattr(LoadedModel, "compute", slowly)


@pytest.fixture(autouse=True)
def _no_load_outlives_its_test() -> Iterator[None]:
    """A load that a test left behind would make a model while the next test does, which transformers cannot."""
    yield
    for thread in threading.enumerate():
        if thread.name == "llmtui-load":
            thread.join(60)


@pytest.fixture(scope="session")
def tiny_tales_engine() -> Iterator[Engine]:
    """One engine with the embedded model for the whole session."""
    with Engine(max_running=4) as engine:
        engine.load("tiny-tales").wait(timeout=120)
        yield engine


@contextmanager
def without_kernels() -> Iterator[None]:
    """As on a machine without our own kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "KERNELS", None)
        patch.setattr(own_kernels, "run_here", lambda: None)
        yield


@pytest.fixture
def torch_alone() -> Iterator[None]:
    with without_kernels():
        yield


@pytest.fixture(scope="module", params=own_kernels.NEEDED)
def each_build(request: pytest.FixtureRequest) -> Iterator[None]:
    """Once with each build of our own kernels that this processor runs."""
    if request.param not in own_kernels.suit(cpu_flags(CPUINFO)) or not own_kernels.is_built(request.param):
        pytest.skip(f"our own kernels of {request.param} do not run here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "KERNELS", kernels.load(request.param))
        patch.setattr(own_kernels, "run_here", lambda: request.param)
        yield


@pytest.fixture(scope="module", params=["own kernels", "torch alone"])
def each_kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    """Once with our own kernels and once without them; only the latter where they do not run."""
    if request.param == "own kernels" and kernels.KERNELS is None:
        pytest.skip("our own kernels do not run here")
    with nullcontext() if request.param == "own kernels" else without_kernels():
        yield
