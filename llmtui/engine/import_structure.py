"""What stands in which file of transformers' models, remembered from one start to the next.

Importing transformers' models reads their 1,600 files for that, twice: half of the time that it takes.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from llmtui.errors import LlmtuiError

ASKED = "transformers.utils.import_utils"
QUESTION = "define_import_structure"
FILE = "transformers-models.json"
FOLDER = ("transformers", "models")

# what must be installed for it → file → names
Structure = dict[frozenset[str], dict[str, set[str]]]

logger = logging.getLogger(__name__)


def remember(folder: Callable[[], Path]) -> None:
    """To be called before transformers is imported. folder: where to write it down; may raise what it cannot make."""
    if ASKED not in sys.modules:
        sys.meta_path.insert(0, _Answering(folder))


class _Answering:
    """Finds the module that transformers asks, and replaces its answer once it is imported."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != ASKED:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_replace(module: ModuleType) -> None:
            execute(module)
            if hasattr(module, QUESTION):
                setattr(module, QUESTION, answering(getattr(module, QUESTION), self._folder))

        # finders give a loader to each spec
        spec.loader.exec_module = execute_and_replace  # type: ignore[method-assign]
        return spec


def answering(read: Callable[..., Structure], folder: Callable[[], Path]) -> Callable[..., Structure]:
    """The same function, but what was read of all models is read from one file the next time."""
    known: Structure | None = None

    def define(module_path: str | Path, prefix: str | None = None) -> Structure:
        nonlocal known
        models = Path(module_path)
        models = models.parent if models.name == "__init__.py" else models
        if not _are_all(models):
            return read(module_path, prefix=prefix)
        if known is None:
            known = _recalled(models, folder) or _kept(read(str(models)), models, folder)
        before = "" if prefix is None else f"{prefix}."
        # whoever asks puts more into what it is given
        return {needed: {before + file: set(names) for file, names in files.items()} for needed, files in known.items()}

    return define


def _are_all(models: Path) -> bool:
    """Whether this is the folder of all models, and an installer's: files of a working copy change one by one."""
    return models.parts[-2:] == FOLDER and not {"site-packages", "dist-packages"}.isdisjoint(models.parts)


def _of(models: Path) -> list[Any]:
    """What is another for another installation: an installer writes every file anew."""
    return [str(models), models.stat().st_mtime_ns, (models / "__init__.py").stat().st_mtime_ns]


def _recalled(models: Path, folder: Callable[[], Path]) -> Structure | None:
    """What was written down of these models; None: nothing, of others, or no longer readable."""
    try:
        written = json.loads((folder() / FILE).read_text(encoding="utf-8"))
        if written["of"] != _of(models):
            return None
        return {
            frozenset(needed): {name: set(names) for name, names in files.items()} for needed, files in written["files"]
        }
    except FileNotFoundError:
        return None
    except (OSError, LlmtuiError, ValueError, KeyError, TypeError, AttributeError):
        logger.info("what transformers' models hold is read anew", exc_info=True)
        return None


def _kept(structure: Structure, models: Path, folder: Callable[[], Path]) -> Structure:
    """The same, written down if that can be done: at once or not at all, as other processes may read it meanwhile."""
    files = [
        [sorted(needed), {name: sorted(names) for name, names in held.items()}] for needed, held in structure.items()
    ]
    try:
        file = folder() / FILE
        partial = file.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps({"of": _of(models), "files": files}), encoding="utf-8")
        partial.replace(file)
    except (OSError, LlmtuiError):
        logger.info("what transformers' models hold cannot be remembered", exc_info=True)
    return structure
