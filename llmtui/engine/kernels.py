"""Our own kernels, in `native/`; where they do not run, torch's operators do the same.

What they are called with are addresses: who calls sees to shapes, types and strides.
"""

import importlib
import logging
from types import ModuleType

import torch  # noqa: F401  # before the kernels, which compute with its threads

from llmtui import own_kernels

# of the calls; `native/module.cpp` has the same
VERSION = 6

logger = logging.getLogger(__name__)


def find_kernels() -> ModuleType | None:
    """The compiled module; None where this processor or installation has none."""
    instructions = own_kernels.run_here()
    return None if instructions is None else load(instructions)


def load(instructions: str) -> ModuleType | None:
    """The module built of these instructions; None where it is of no use."""
    try:
        found = importlib.import_module(f"llmtui.engine.{own_kernels.module_of(instructions)}")
    except ImportError as error:
        logger.warning("torch's operators stand in for llmtui's own kernels: %s", error)
        return None
    if getattr(found, "VERSION", None) != VERSION:
        logger.warning("llmtui's own kernels were built for another version: install it again, until then torch's do")
        return None
    return found


KERNELS = find_kernels()
