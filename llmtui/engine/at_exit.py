"""What a program leaves open ends with it: a thread deep in native code would abort the interpreter on its way out."""

import atexit
import os
from typing import Protocol
from weakref import WeakSet

# a step under way ends within it, on most machines
SECONDS = 30.0


class Closable(Protocol):
    def close(self, timeout: float) -> None: ...


_open: WeakSet[Closable] = WeakSet()


def close_at_exit(thing: Closable) -> None:
    """Close it before the interpreter goes, if it is still there."""
    _open.add(thing)


if hasattr(os, "register_at_fork"):
    # a forked process has none of their threads, and perhaps a lock that nobody will give back
    os.register_at_fork(after_in_child=_open.clear)


@atexit.register
def _close_all() -> None:
    for thing in list(_open):
        thing.close(SECONDS)
