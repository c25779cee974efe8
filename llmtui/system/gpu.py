"""How busy the NVIDIA GPUs are, where nvidia-ml-py is there to ask."""

import logging
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GpuSample:
    """One GPU. load_percent: share of the latest sampling period in which a kernel ran."""

    name: str
    load_percent: float
    memory_used_bytes: int
    memory_total_bytes: int


class GpuSampler:
    """Asks NVML for every GPU; without the library, a driver or a GPU there is nothing to sample."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._devices: list[tuple[str, Any]] = []
        try:
            import pynvml
        except ImportError:
            return
        try:
            pynvml.nvmlInit()
            for index in range(pynvml.nvmlDeviceGetCount()):
                device = pynvml.nvmlDeviceGetHandleByIndex(index)
                name = pynvml.nvmlDeviceGetName(device)
                self._devices.append((name.decode() if isinstance(name, bytes) else str(name), device))
        except pynvml.NVMLError as error:
            logger.info("NVML cannot be asked: %s", error)
            return
        self._nvml = pynvml

    def sample(self) -> tuple[GpuSample, ...]:
        """Every GPU that answers."""
        return tuple(found for name, device in self._devices if (found := self._sample(name, device)) is not None)

    def _sample(self, name: str, device: Any) -> GpuSample | None:
        try:
            memory = self._nvml.nvmlDeviceGetMemoryInfo(device)
            load = self._nvml.nvmlDeviceGetUtilizationRates(device).gpu
        except self._nvml.NVMLError as error:
            logger.info("%s does not answer: %s", name, error)
            return None
        return GpuSample(name, float(load), int(memory.used), int(memory.total))
