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
from llmtui.models.catalog import CatalogEntry
from llmtui.models.licence import licence_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What listings tell about a model.

    modified    of the newest file, in seconds since 1970
    size        bytes of all its files
    digest      SHA-256 in hex over the names, sizes and times of the files: it tells versions apart, and is no checksum
    config      config.json; empty if it cannot be read
    template    its chat template, empty if there is none
    licence     as its README.md names it, empty if it does not
    dtype       of the weights: in memory where it is loaded, else on disk; None if that cannot be told
    parameters, context, vocab_size  None if they cannot be counted or told
    """

    name: str
    modified: float
    size: int
    digest: str
    config: dict[str, Any]
    template: str
    licence: str
    architecture: str
    parameters: int | None
    context: int | None
    vocab_size: int | None
    dtype: str | None

    @property
    def modified_at(self) -> str:
        return rfc3339(self.modified)


@lru_cache(maxsize=8)
def model_card(info: ModelInfo) -> ModelCard:
    """The card of a loaded model; its folder is read once."""
    return _card(info.name, Path(info.path), info)


def card_of_entry(entry: CatalogEntry) -> ModelCard:
    """The card of a model on this machine that is not loaded."""
    return _card(entry.name, entry.path, entry)


def _card(name: str, folder: Path, facts: ModelInfo | CatalogEntry) -> ModelCard:
    files = [(path.name, path.stat().st_size, path.stat().st_mtime) for path in sorted(_files(folder))]
    config = _read_json(folder / "config.json")
    return ModelCard(
        name=name,
        modified=max((modified for _, _, modified in files), default=0.0),
        size=sum(size for _, size, _ in files),
        digest=hashlib.sha256(repr((name, files)).encode()).hexdigest(),
        config=config,
        template=_template(folder),
        licence=licence_of(folder) or "",
        architecture=facts.architecture or "",
        parameters=facts.parameters,
        context=facts.context,
        vocab_size=facts.vocab_size if isinstance(facts, ModelInfo) else config.get("vocab_size"),
        dtype=facts.dtype,
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
