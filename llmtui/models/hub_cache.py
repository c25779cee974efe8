"""Where the Hugging Face cache keeps models on this machine; nothing here asks the network.

The layout is huggingface_hub's: models--ORG--NAME/{blobs,refs,snapshots}, a snapshot's files being links into blobs.
"""

import re
from collections.abc import Iterator
from pathlib import Path

DEFAULT_REVISION = "main"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PREFIX = "models--"


def is_commit(revision: str) -> bool:
    """Whether a revision is a full commit hash rather than the name of a branch or tag."""
    return _COMMIT.fullmatch(revision) is not None


def cache_dir() -> Path:
    """The cache's folder, as HF_HUB_CACHE and HF_HOME say; it need not exist."""
    # only this submodule: the package itself costs a third of a second
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def repo_folder(repo_id: str) -> Path:
    return cache_dir() / (_PREFIX + repo_id.replace("/", "--"))


def cached_repos() -> Iterator[str]:
    """The ids of all models with a folder in the cache, sorted; empty where there is no readable cache."""
    try:
        folders = sorted(folder.name for folder in cache_dir().iterdir())
    except OSError:
        return
    for folder in folders:
        if folder.startswith(_PREFIX):
            yield folder.removeprefix(_PREFIX).replace("--", "/")


def cached_snapshot(repo_id: str, revision: str | None = None) -> Path | None:
    """The folder of a revision's files, whole or not; None if it was never fetched.

    Without a revision: what `main` was when it was last asked for, else the snapshot that changed last.
    """
    folder = repo_folder(repo_id)
    snapshots = folder / "snapshots"
    try:
        commit = _commit_of(folder, revision or DEFAULT_REVISION)
        if commit is not None and (snapshots / commit).is_dir():
            return snapshots / commit
        if revision is not None:
            return None
        return max(snapshots.iterdir(), key=lambda snapshot: snapshot.stat().st_mtime_ns, default=None)
    except OSError:
        return None


def _commit_of(folder: Path, revision: str) -> str | None:
    if is_commit(revision):
        return revision
    ref = folder / "refs" / revision
    if not ref.is_file():
        return None
    commit = ref.read_text(encoding="utf-8", errors="replace").strip()
    return commit if is_commit(commit) else None
