"""torch's operators on tensors without numbers ("meta"), as far as they are written in Python.

`import torch` imports them for its compiler: a third of its time, and sympy at the first one used. transformers makes
every model of such tensors before it reads the weights, but the operators that take part are written in C++.
"""

import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from typing import TypeVar

from llmtui.engine.stand_in import StandIn

NAME = "torch._meta_registrations"

T = TypeVar("T")


def bring_later() -> None:
    """To be called before torch is imported: it will not import them. It counts for the whole process."""
    package = importlib.util.find_spec("torch")
    if package is None or "torch" in sys.modules:
        return
    spec = PathFinder.find_spec(NAME, list(package.submodule_search_locations or ()))
    if spec is not None:
        sys.modules[NAME] = StandIn(spec)


def bring() -> bool:
    """Import them, if they were left for later; whether they were."""
    module = sys.modules.get(NAME)
    if not isinstance(module, StandIn):
        return False
    module.real()
    return True


def with_them_if_needed(make: Callable[[], T]) -> T:
    """What a function returns, called again with them where it needs an operator that C++ does not have."""
    try:
        return make()
    except NotImplementedError:
        if not bring():
            raise
        return make()
