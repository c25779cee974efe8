"""Memory that was let go, given back to the system."""

import ctypes
import sys


def return_free_memory() -> None:
    """glibc and CUDA keep what was freed, hundreds of megabytes after a model, unless they are told."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
