"""How busy this machine is, and this process on it."""

from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class MachineSample:
    """One look at the machine.

    cpu_percent          of all cores together, 0 to 100, since the look before
    process_cpu_percent  of this process since the look before; 100 is one core
    ram_used_bytes       of the machine: what a new program could not have
    process_rss_bytes    memory that this process holds
    """

    cpu_percent: float
    process_cpu_percent: float
    ram_used_bytes: int
    ram_total_bytes: int
    process_rss_bytes: int


class MachineSampler:
    """Looks at the machine without waiting. Use one per thread; its percentages are 0 at the first look."""

    def __init__(self) -> None:
        self._process = psutil.Process()

    def sample(self) -> MachineSample:
        memory = psutil.virtual_memory()
        return MachineSample(
            cpu_percent=psutil.cpu_percent(interval=None),
            process_cpu_percent=self._process.cpu_percent(interval=None),
            ram_used_bytes=memory.total - memory.available,
            ram_total_bytes=memory.total,
            process_rss_bytes=self._process.memory_info().rss,
        )
