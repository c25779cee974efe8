"""Importing torch and transformers beside a living screen: without holding the interpreter for long."""

import ctypes
import gc
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from llmtui import own_process
from llmtui.engine import import_structure, meta_kernels
from llmtui.engine.unneeded import decline_unneeded

# pauses of a worker thread between two pieces of work, about 0.15 ms, before it gives its core away
SPINS = "8000"

# transformers fills its module bit by bit: a second engine would find it half full
_importing = threading.Lock()


def import_heavy_libraries() -> None:
    """Import torch and the parts of transformers that loading needs, so that other threads stay live meanwhile.

    Two things would stall them: the dynamic loader, which links 400 MB of torch while the interpreter is held, and
    the garbage collector, which walks a heap that only grows while thousands of modules come in.
    """
    with _importing:
        _import()


@cache
def _import() -> None:
    # The default waits for milliseconds: where anything else wants the cores, every layer then costs a time slice.
    # With an eighth of this, workers sleep whenever the engine's thread waits for the interpreter, and waking them
    # takes longer than what they do. Read once, when libgomp is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    _load_shared_libraries()
    ours, cache_folder = own_process.is_ours(), own_process.cache_folder()
    with collector_off():
        if ours:
            meta_kernels.bring_later()
        import torch

        if cache_folder is not None:
            import_structure.remember(cache_folder)
        if ours:
            decline_unneeded()
        # imported for the import: the last one brings most of transformers, which the first model would wait for
        from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel  # noqa: F401
        from transformers.utils import logging as transformers_logging

    # its own handler would write to the terminal that the screen owns
    transformers_logging.disable_default_handler()
    transformers_logging.enable_propagation()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(_physical_cores())
    most_threads()


@cache
def most_threads() -> int:
    """How many threads compute while no other program does: the first answer stays, whatever torch is told later."""
    import torch

    return torch.get_num_threads()


@contextmanager
def collector_off() -> Iterator[None]:
    """No garbage collection inside; in a process of llmtui's own, what was made is left out of later ones, too."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # in anybody else's there may be garbage, which would never go
        if own_process.is_ours():
            gc.freeze()
        if was_on:
            gc.enable()


def _load_shared_libraries() -> None:
    """Let the dynamic loader do its work on torch before the import, called as C so that the interpreter is free.

    `import torch` then finds its libraries in memory. If one cannot be loaded here, the import will say so.
    """
    spec = importlib.util.find_spec("torch")
    if sys.platform != "linux" or spec is None or spec.origin is None or "torch" in sys.modules:
        return
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.argtypes, dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    folder = Path(spec.origin).parent / "lib"
    # the first one globally, as torch itself does
    dlopen(os.fsencode(folder / "libtorch_global_deps.so"), os.RTLD_NOW | os.RTLD_GLOBAL)
    dlopen(os.fsencode(folder / "libtorch_python.so"), os.RTLD_NOW)


def _physical_cores() -> int:
    """Hyper-threads share the arithmetic units that a matrix product fills: more threads than cores only wait."""
    import psutil

    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return max(1, min(psutil.cpu_count(logical=False) or available, available))
