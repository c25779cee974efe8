"""Whether this process is a program of llmtui's, or somebody else's who imported llmtui as a library."""

from collections.abc import Callable
from pathlib import Path

_own = False
_cache_folder: Callable[[], Path] | None = None


def claim(cache_folder: Callable[[], Path] | None = None) -> None:
    """Called by llmtui's programs before anything heavy is imported: nobody else's code will run in this process.

    cache_folder: makes and names the folder of what may be thrown away.
    """
    global _own, _cache_folder
    _own, _cache_folder = True, cache_folder


def is_ours() -> bool:
    """Whether what llmtui never uses may be switched off for the whole process."""
    return _own


def cache_folder() -> Callable[[], Path] | None:
    """What gives the folder of what may be thrown away; None: this process keeps nothing."""
    return _cache_folder
