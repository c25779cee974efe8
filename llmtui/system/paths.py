"""Where llmtui keeps its own files: the platform's folders, XDG's on Linux, made when they are first asked for."""

from pathlib import Path

from platformdirs import PlatformDirs

from llmtui.errors import LlmtuiError

_DIRS = PlatformDirs("llmtui", appauthor=False)


class FolderError(LlmtuiError):
    """A folder that llmtui needs cannot be made."""


def config_dir() -> Path:
    """What the person sets."""
    return _made(_DIRS.user_config_path)


def state_dir() -> Path:
    """What llmtui remembers: history, sessions."""
    return _made(_DIRS.user_state_path)


def cache_dir() -> Path:
    """What may be thrown away."""
    return _made(_DIRS.user_cache_path)


def log_file() -> Path:
    """The log of this and of earlier runs; its folder exists, the file may not."""
    return _made(_DIRS.user_log_path) / "llmtui.log"


def _made(folder: Path) -> Path:
    """`folder`, readable by nobody else if it had to be made: prompts may stand in it. Raises FolderError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"{folder} cannot be made ({error.strerror or error}): free the path or set HOME") from None
    return folder
