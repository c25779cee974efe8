"""The small files of a model, without its weights: enough for its tokenizer and its config."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from llmtui.models.catalog import EMBEDDED, embedded_path, locate
from llmtui.models.download import fetch, plan
from llmtui.models.errors import ModelError
from llmtui.models.folder import TOKENIZER_FILES
from llmtui.models.hub_cache import cached_snapshot


def tokenizer_folder(name: str) -> Path:
    """The folder that holds the model's tokenizer, fetched from the Hub without the weights if it must be.

    Raises ModelError if there is none.
    """
    return _folder(name, lambda path: any((path / file).is_file() for file in TOKENIZER_FILES))


def config_folder(name: str) -> Path:
    """The folder that holds the model's config.json, fetched from the Hub without the weights if it must be.

    Raises ModelError if there is none.
    """
    return _folder(name, lambda path: (path / "config.json").is_file())


def _folder(name: str, is_there: Callable[[Path], bool]) -> Path:
    if name == EMBEDDED:
        return embedded_path()
    here = _local(name)
    if here is not None and is_there(here):
        return here
    located = locate(name)
    if located.path is None:
        located = replace(located, path=_fetch_small_files(located.name))
    assert located.path is not None
    if not is_there(located.path):
        raise ModelError(f"{name} does not come with the files that are needed for this: choose another")
    return located.path


def _local(name: str) -> Path | None:
    """A folder of that name, or what the cache holds of it, whole or not."""
    if not name.strip() or not name.isprintable():
        return None
    try:
        folder = Path(name).expanduser()
        if folder.is_dir():
            return folder.resolve()
    except (OSError, RuntimeError):
        return None
    return None if name.startswith((".", "/", "~")) else cached_snapshot(name)


def _fetch_small_files(repo_id: str) -> Path:
    whole = plan(repo_id)
    files = tuple(file for file in whole.files if not file.name.endswith(".safetensors"))
    size = sum(file.size for file in files)
    return fetch(replace(whole, files=files, total_bytes=size), lambda _done, _total: None, threading.Event())
