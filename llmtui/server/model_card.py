"""A model's facts for the listings of other programs, read from its folder."""

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from llmtui.engine.loads import ModelInfo

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What listings tell about a model.

    modified    of the newest file, in seconds since 1970
    size        bytes of all its files
    digest      SHA-256 in hex over the names, sizes and times of the files: it tells versions apart, and is no checksum
    config      config.json; empty if it cannot be read
    template    its chat template, empty if there is none
    """

    name: str
    modified: float
    size: int
    digest: str
    config: dict[str, Any]
    template: str

    @property
    def modified_at(self) -> str:
        return rfc3339(self.modified)


@lru_cache(maxsize=8)
def model_card(info: ModelInfo) -> ModelCard:
    """The card of a loaded model; its folder is read once."""
    folder = Path(info.path)
    facts = [(path.name, path.stat().st_size, path.stat().st_mtime) for path in sorted(_files(folder))]
    return ModelCard(
        name=info.name,
        modified=max((modified for _, _, modified in facts), default=0.0),
        size=sum(size for _, size, _ in facts),
        digest=hashlib.sha256(repr((info.name, facts)).encode()).hexdigest(),
        config=_read_json(folder / "config.json"),
        template=_template(folder),
    )


def rfc3339(seconds: float) -> str:
    """A time as Go's clients read it: RFC 3339, UTC, with microseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _template(folder: Path) -> str:
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8", errors="replace")
    template = _read_json(folder / "tokenizer_config.json").get("chat_template")
    return template if isinstance(template, str) else ""


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        logger.info("%s could not be read", path, exc_info=True)
        return {}
    return value if isinstance(value, dict) else {}
