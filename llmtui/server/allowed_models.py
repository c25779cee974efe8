"""Which models of this machine requests may name: all of them, or those that ALLOWED_MODELS lists."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from llmtui.models.catalog import CatalogEntry, describe, list_models, locate_stored


class AllowedModels:
    """The embedded model and those of the Hugging Face cache whose names the patterns admit, and listed folders.

    patterns: names, globs, and folders (with / or ~ or . before them). None admits every model, and no folder: whoever
    asks must not try out the paths of this machine.
    """

    def __init__(self, patterns: Sequence[str] | None) -> None:
        self._names = None if patterns is None else [p for p in patterns if not _is_folder(p)]
        self._folders = [p for p in patterns or () if _is_folder(p)]

    def admits(self, name: str) -> bool:
        """Whether a model of that name may be used, if there is one."""
        if name in self._paths():
            return True
        return not _is_folder(name) and (self._names is None or any(fnmatchcase(name, p) for p in self._names))

    def find(self, name: str) -> CatalogEntry | None:
        """A model that may be used and is on this machine, whole; else None.

        Raises ModelUnsupported if what is there cannot be run.
        """
        if not self.admits(name):
            return None
        if name in self._paths():
            return describe(Path(name), name)
        located = locate_stored(name)
        return None if located is None or located.path is None else describe(located.path, name)

    def entries(self) -> list[CatalogEntry]:
        """All that may be used and can be run."""
        here = [entry for entry in list_models() if self.admits(entry.name)]
        folders = [describe(Path(path), path) for path in self._paths()]
        return [entry for entry in here + folders if entry.problem is None]

    def _paths(self) -> list[str]:
        found = [path for pattern in self._folders for path in _matching(pattern)]
        return [str(path) for path in dict.fromkeys(found) if (path / "config.json").is_file()]


def _matching(pattern: str) -> list[Path]:
    path = Path(pattern).expanduser().absolute()
    return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))


def _is_folder(pattern: str) -> bool:
    return pattern.startswith(("/", "~", "."))
