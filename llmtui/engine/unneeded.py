"""What transformers imports for every model and llmtui never uses: half of the time that its import takes.

transformers is told that it is not there: distributed tensors, as in torch's builds for macOS, and scipy, as where it
is not installed. The compiler is there, and is imported when something of it is used. A version of transformers or
torch that these ways do not fit imports everything, as it would without them.
"""

import functools
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import FunctionType, ModuleType
from typing import Any

from llmtui.engine import meta_kernels
from llmtui.engine.stand_in import StandIn

COMPILER = "torch._dynamo"
SUBMODULE = "_trace_wrapped_higher_order_op"
Function = Callable[..., Any]

logger = logging.getLogger(__name__)


def decline_unneeded() -> None:
    """To be called between the imports of torch and of transformers' models. It counts for the whole process."""
    import torch.distributed
    from transformers.utils import import_utils

    with _replaced(torch.distributed, "is_available", lambda: False):
        _ask_again(import_utils, "is_torch_distributed_available")
    if "scipy" not in sys.modules:
        with _not_installed("scipy"):
            _ask_again(import_utils, "is_scipy_available")
    _import_compiler_later()


class LazyCompiler(StandIn):
    """Stands for `torch._dynamo` until something is used of it but the marks that its decorators put on functions.

    Those are put on when it is imported: until then, there is nobody to look at them, and nothing to disable.
    """

    _MARKS = ("allow_in_graph", "assume_constant_result")

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec)
        self._marked: list[tuple[str, Function]] = []

    @property
    def __path__(self) -> Any:  # type: ignore[override]
        """Where its submodules are: the import system asks before it imports one, which the package must precede."""
        return self.real().__path__

    def disable(self, fn: Any = None, recursive: bool = True, **options: Any) -> Any:
        """A function that the compiler leaves alone, as `torch._dynamo.disable` gives it."""
        if fn is None:
            return lambda fn: self.disable(fn, recursive, **options)
        if not isinstance(fn, FunctionType):
            return self.real().disable(fn, recursive, **options)
        disabled: Function | None = None

        @functools.wraps(fn)
        def uncompiled(*args: Any, **kwargs: Any) -> Any:
            nonlocal disabled
            if self.in_place:
                return fn(*args, **kwargs)
            if disabled is None:
                disabled = self.real().disable(fn, recursive, **options)
            return disabled(*args, **kwargs)

        return uncompiled

    def __getattr__(self, name: str) -> Any:
        if self.in_place and name in self._MARKS:
            return lambda fn: self._mark(name, fn)
        return super().__getattr__(name)

    def real(self) -> ModuleType:
        """The compiler, with the marks and the submodule that came in before."""
        if not self.in_place:
            return super().real()
        # it looks up what torch knows of tensors without numbers, in tables of its own
        meta_kernels.bring()
        compiler = super().real()
        setattr(compiler, SUBMODULE, sys.modules.get(f"{COMPILER}.{SUBMODULE}"))
        for name, fn in self._marked:
            getattr(compiler, name)(fn)
        return compiler

    def _mark(self, name: str, fn: Function) -> Function:
        self._marked.append((name, fn))
        return fn


def _import_compiler_later() -> None:
    """Put a LazyCompiler in place, and beside it the one submodule that transformers takes a class from."""
    spec = importlib.util.find_spec(COMPILER)
    if spec is None or COMPILER in sys.modules:
        return
    sys.modules[COMPILER] = LazyCompiler(spec)
    try:
        _import_alone(f"{COMPILER}.{SUBMODULE}", list(spec.submodule_search_locations or ()))
    except Exception:  # whatever stands in it in another version of torch
        logger.info("%s cannot be imported without the compiler", SUBMODULE, exc_info=True)
        if isinstance(sys.modules.get(COMPILER), LazyCompiler):
            del sys.modules[COMPILER]


def _import_alone(name: str, path: list[str]) -> None:
    """Import a submodule without its package. Leaves nothing behind where that fails."""
    spec = PathFinder.find_spec(name, path)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _ask_again(owner: ModuleType, question: str) -> None:
    """Let a function that remembers its answer forget it and answer now; one that does not remember stays as it is."""
    function: Any = getattr(owner, question, None)
    if hasattr(function, "cache_clear"):
        function.cache_clear()
        function()


@contextmanager
def _not_installed(package: str) -> Iterator[None]:
    """Inside, `package` cannot be found: None in sys.modules is Python's own word for it."""
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


@contextmanager
def _replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    previous = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, previous)
