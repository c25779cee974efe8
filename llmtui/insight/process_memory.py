"""How much memory this process holds now, the most it has held since a moment, and how much is free."""

import ctypes
import gc
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

CLEAR: Final = Path("/proc/self/clear_refs")
STATUS: Final = Path("/proc/self/status")


def resident_bytes() -> int:
    """Resident memory of this process."""
    resident: int = psutil.Process().memory_info().rss
    return resident


def resident_after_cleaning() -> int:
    """Resident memory of this process once what is no longer used has been given back to the system."""
    gc.collect()
    if sys.platform == "linux":
        # another C library has none: its figures are a little higher
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
    return resident_bytes()


def mapped_bytes(files: Iterable[Path]) -> int:
    """How much of some files this process has mapped into its memory; 0 where the system does not tell (Linux does)."""
    if sys.platform != "linux":
        return 0
    wanted = {str(file.resolve()) for file in files}
    return sum(mapping.size for mapping in psutil.Process().memory_maps() if mapping.path in wanted)


def free_bytes(device: str) -> int:
    """Memory that is free where a device computes."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    return int(psutil.virtual_memory().available)


class PeakMemory:
    """The most that this process has held since this was made: the system's own mark where it can be set back (Linux).

    Elsewhere the greatest of the samples taken.
    """

    def __init__(self) -> None:
        self._greatest = resident_bytes()
        self._marked = False
        with suppress(OSError):
            # proc(5): 5 sets the mark back to what is resident now
            CLEAR.write_text("5")
            self._marked = True

    def sample(self) -> int:
        """Look now; resident bytes at this moment."""
        resident = resident_bytes()
        self._greatest = max(self._greatest, resident)
        return resident

    def bytes(self) -> int:
        """The most so far."""
        self.sample()
        return max(self._greatest, _high_water_mark()) if self._marked else self._greatest


def _high_water_mark() -> int:
    """VmHWM of this process in bytes; 0 where the system does not tell."""
    with suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
