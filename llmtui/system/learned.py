"""Which tasks of the lessons were done, and what was found: kept in a file of the state folder."""

import json
from pathlib import Path

from llmtui.errors import LlmtuiError
from llmtui.system.paths import state_dir

FILE = "learned.json"


class ProgressError(LlmtuiError):
    """What was learned cannot be kept."""


def load_learned(folder: Path | None = None) -> dict[str, str]:
    """The sentence that was found for each task done, by the task's id; a file that is broken counts as none."""
    try:
        known = json.loads(((folder or state_dir()) / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {str(name): found for name, found in known.items() if isinstance(found, str)}


def save_learned(done: dict[str, str], folder: Path | None = None) -> None:
    """Keep what was done, whole or not at all. Raises ProgressError."""
    path = (folder or state_dir()) / FILE
    part = path.with_suffix(".part")
    try:
        part.write_text(json.dumps(done, ensure_ascii=False, indent=1) + "\n", "utf-8")
        part.replace(path)
    except OSError as error:
        raise ProgressError(f"{path} cannot be written ({error.strerror or error}): progress is not kept") from None
