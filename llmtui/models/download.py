"""From the Hub to this machine: `plan` asks what a model needs and how large it is, `fetch` brings it."""

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmtui.models.background import run_stoppable
from llmtui.models.errors import ModelError, ModelUnsupported
from llmtui.models.folder import MAX_JSON_BYTES, BrokenFile, shards_of, text_generation_problem
from llmtui.models.hub import file_url, get, hub_errors, info_url, not_a_hub, too_slow
from llmtui.models.hub_cache import DEFAULT_REVISION, cache_dir, is_commit
from llmtui.models.selection import beside_weights, weights_entry
from llmtui.models.transfer import RepoFile, Transfer

PLAN_SECONDS = 10.0
_CHECKSUM = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """What `fetch` will bring.

    revision       the branch or tag that was asked for, or the commit
    files          small ones first, so that a folder with weights is whole
    total_bytes    of all files
    missing_bytes  of what is not on this machine yet
    """

    repo_id: str
    revision: str
    commit: str
    files: tuple[RepoFile, ...]
    total_bytes: int
    missing_bytes: int


def plan(repo_id: str, revision: str | None = None, *, cancelled: threading.Event | None = None) -> DownloadPlan:
    """Ask the Hub which files `repo_id` needs, in at most about ten seconds.

    Raises ModelNotFound, ModelForbidden, ModelUnsupported, ModelUnreachable; ModelError if the disk is too small;
    LoadCancelled soon after `cancelled` is set.
    """
    try:
        return run_stoppable(
            lambda: _plan(repo_id, revision or DEFAULT_REVISION), cancelled or threading.Event(), timeout=PLAN_SECONDS
        )
    except TimeoutError:
        raise too_slow(repo_id) from None


def fetch(wanted: DownloadPlan, on_progress: Callable[[int, int], None], cancelled: threading.Event) -> Path:
    """Bring the files of a plan into the Hugging Face cache; the folder that holds them.

    `on_progress` gets (bytes here, bytes in total), on the caller's thread, never falling, the last time with both
    equal. Files are checked against the Hub's checksums; a stopped or broken fetch is continued by the next one.
    Raises LoadCancelled soon after `cancelled` is set, ModelUnreachable if the connection breaks, or ModelError.
    """
    transfer = Transfer(wanted.repo_id, wanted.commit, wanted.files)
    reported = -1

    def report() -> None:
        nonlocal reported
        if transfer.done > reported:
            reported = min(transfer.done, wanted.total_bytes)
            on_progress(reported, wanted.total_bytes)

    try:
        run_stoppable(lambda: transfer.run(wanted.revision), cancelled, on_tick=report)
    finally:
        transfer.stop.set()
    if reported < wanted.total_bytes:
        on_progress(wanted.total_bytes, wanted.total_bytes)
    return transfer.snapshot


def _plan(repo_id: str, revision: str) -> DownloadPlan:
    with hub_errors(repo_id):
        commit, listed = _list_files(repo_id, revision)
        try:
            config = _get_json(file_url(repo_id, commit, "config.json")) if "config.json" in listed else {}
            names = beside_weights(listed)
            problem = text_generation_problem(config)
            if problem is not None:
                raise ModelUnsupported(problem)
            entry = weights_entry(listed)
            if entry.endswith(".json"):
                shards = shards_of(_get_json(file_url(repo_id, commit, entry)))
                names = (*names, entry, *shards)
            else:
                names = (*names, entry)
        except (ModelUnsupported, BrokenFile) as error:
            raise ModelUnsupported(f"{repo_id} cannot be run: {error}") from None
    absent = [name for name in names if name not in listed]
    if absent:
        raise ModelUnsupported(f"{repo_id} cannot be run: its index lists {absent[0]}, which the Hub does not have")
    files = tuple(listed[name] for name in names)
    missing = Transfer(repo_id, commit, files).missing_bytes()
    _check_disk(repo_id, missing)
    return DownloadPlan(repo_id, revision, commit, files, sum(file.size for file in files), missing)


def _list_files(repo_id: str, revision: str) -> tuple[str, dict[str, RepoFile]]:
    """The commit that `revision` stands for, and its files by name."""
    answer = _get_json(info_url(repo_id, revision))
    try:
        files = [_repo_file(sibling) for sibling in answer["siblings"]]
        commit = str(answer["sha"])
    except (KeyError, TypeError, ValueError):
        raise not_a_hub() from None
    if not is_commit(commit):
        raise not_a_hub()
    return commit, {file.name: file for file in files}


def _repo_file(sibling: dict[str, Any]) -> RepoFile:
    large = sibling.get("lfs") or {}
    # the checksum becomes a file name: nothing else may get through
    checksum = str(large.get("sha256") or sibling["blobId"])
    if _CHECKSUM.fullmatch(checksum) is None:
        raise ValueError(checksum)
    return RepoFile(str(sibling["rfilename"]), int(large.get("size") or sibling["size"]), checksum)


def _get_json(url: str) -> dict[str, Any]:
    with get(url) as response:
        body = b"".join(_bounded(response.iter_bytes()))
    try:
        answer = json.loads(body)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise not_a_hub() from None
    if not isinstance(answer, dict):
        raise not_a_hub()
    return answer


def _bounded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    length = 0
    for chunk in chunks:
        length += len(chunk)
        if length > MAX_JSON_BYTES:
            raise not_a_hub()
        yield chunk


def _check_disk(repo_id: str, missing: int) -> None:
    folder = cache_dir().absolute()
    try:
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise ModelError(f"{repo_id} cannot be stored in {cache_dir()}: {error.strerror or error}") from None
    if missing > free:
        raise ModelError(
            f"{repo_id} needs {missing / 1e9:.2f} GB ({missing} bytes) and {folder} has {free / 1e9:.2f} GB "
            f"({free} bytes) free: make room, or set HF_HOME to a larger disk"
        )
