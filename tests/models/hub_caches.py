"""Hugging Face caches for tests."""

import shutil
from pathlib import Path


def into_cache(cache: Path, folder: Path, repo_id: str, commit: str = "a" * 40, ref: str | None = "main") -> Path:
    """A model folder as a snapshot of the Hugging Face cache, in the layout of huggingface_hub."""
    repo = cache / ("models--" + repo_id.replace("/", "--"))
    snapshot = repo / "snapshots" / commit
    shutil.copytree(folder, snapshot)
    (repo / "blobs").mkdir(exist_ok=True)
    if ref is not None:
        (repo / "refs").mkdir(exist_ok=True)
        (repo / "refs" / ref).write_text(commit)
    return snapshot
