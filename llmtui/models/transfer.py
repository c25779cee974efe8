"""Brings the files of a repository into the Hugging Face cache: continues what was begun, checks what arrived.

The layout is huggingface_hub's own, so that every other program finds the model there. Its downloader is not used:
it starts a file anew after each interruption and cannot be stopped while it waits for data.
"""

import hashlib
import logging
import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from llmtui.models.background import STOPPED
from llmtui.models.errors import LoadCancelled, ModelError, ModelUnreachable
from llmtui.models.hub import endpoint, file_url, get, hub_errors
from llmtui.models.hub_cache import cache_dir, repo_folder

logger = logging.getLogger(__name__)

# Attempts in a row that bring not a single byte, and the pause after the first of them.
ATTEMPTS = 3
PAUSE_SECONDS = 0.5
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RepoFile:
    """One file of a repository.

    blob_id  its checksum in hex, and its name in the cache: SHA-256 of large files, git's SHA-1 of the others
    """

    name: str
    size: int
    blob_id: str


class Transfer:
    """One run over the files of a commit. `done` may be read, and `stop` set, from any thread.

    done  bytes that are here, counting those that were here before
    """

    def __init__(self, repo_id: str, commit: str, files: tuple[RepoFile, ...]) -> None:
        self.stop = threading.Event()
        self._repo_id = repo_id
        self._commit = commit
        self._files = files
        self._folder = repo_folder(repo_id)
        self.done = self._here()

    @property
    def snapshot(self) -> Path:
        return self._folder / "snapshots" / self._commit

    def missing_bytes(self) -> int:
        """Bytes that are still to be fetched."""
        return sum(file.size for file in self._files) - self._here()

    def run(self, revision: str) -> None:
        """Fetch what is missing, in order, and note that `revision` stands for this commit now.

        Raises ModelUnreachable, LoadCancelled once `stop` is set, or ModelError.
        """
        try:
            with _OneAtATime(self._folder, self.stop):
                self.done = self._here()
                for file in self._files:
                    if not self._is_here(file):
                        self._bring(file)
                    self._link(file)
                if revision != self._commit:
                    self._remember(revision)
        except OSError as error:
            raise ModelError(f"{self._repo_id} cannot be stored in {cache_dir()}: {error.strerror or error}") from None

    def _remember(self, revision: str) -> None:
        ref = self._folder / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        fresh = ref.with_name(ref.name + ".llmtui.tmp")
        fresh.write_text(self._commit, encoding="utf-8")
        fresh.replace(ref)

    def _bring(self, file: RepoFile) -> None:
        failures = 0
        while True:
            before = _size(self._partial(file))
            try:
                with hub_errors(self._repo_id):
                    self._stream(file)
                return
            except ModelUnreachable as error:
                logger.warning("%s of %s: %s", file.name, self._repo_id, error)
                failures = 1 if _size(self._partial(file)) > before else failures + 1
                if failures >= ATTEMPTS:
                    raise ModelUnreachable(
                        f"the connection to {endpoint()} broke while {file.name} of {self._repo_id} came in: "
                        "what has arrived is kept, load it again to go on from there"
                    ) from None
            if self.stop.wait(failures * PAUSE_SECONDS):
                raise LoadCancelled(STOPPED)

    def _stream(self, file: RepoFile) -> None:
        partial = self._partial(file)
        partial.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        digest, start = _digest_so_far(partial, file)
        if start < file.size:
            url = file_url(self._repo_id, self._commit, file.name)
            with get(url, {"Range": f"bytes={start}-"} if start else None) as response:
                if start and response.status_code != 206:
                    self.done -= start
                    digest, start = _new_digest(file), 0
                with partial.open("ab" if start else "wb") as sink:
                    for chunk in response.iter_bytes():
                        if self.stop.is_set():
                            raise LoadCancelled(STOPPED)
                        sink.write(chunk)
                        digest.update(chunk)
                        start += len(chunk)
                        self.done += len(chunk)
                        if start > file.size:
                            break
        if start < file.size:
            raise ModelUnreachable(f"only {start} of {file.size} bytes came")
        if start > file.size or digest.hexdigest() != file.blob_id:
            partial.unlink()
            self.done -= start
            raise ModelError(
                f"{file.name} of {self._repo_id} arrived damaged and was thrown away: load the model again"
            )
        partial.replace(self._blob(file))

    def _link(self, file: RepoFile) -> None:
        pointer = self.snapshot / file.name
        if pointer.is_file():
            return
        pointer.parent.mkdir(parents=True, exist_ok=True)
        pointer.unlink(missing_ok=True)
        blob = self._blob(file)
        try:
            pointer.symlink_to(os.path.relpath(blob, pointer.parent))
        except OSError:
            # no links on this file system: huggingface_hub, too, then keeps the file itself in the snapshot
            shutil.move(blob, pointer)

    def _here(self) -> int:
        return sum(self._bytes_here(file) for file in self._files)

    def _is_here(self, file: RepoFile) -> bool:
        return file.size in (_size(self._blob(file)), _size(self.snapshot / file.name))

    def _bytes_here(self, file: RepoFile) -> int:
        return file.size if self._is_here(file) else min(file.size, max(0, _size(self._partial(file))))

    def _blob(self, file: RepoFile) -> Path:
        return self._folder / "blobs" / file.blob_id

    def _partial(self, file: RepoFile) -> Path:
        return self._folder / "blobs" / f"{file.blob_id}.llmtui.incomplete"


class _OneAtATime:
    """Held while a repository is written, so that two llmtui do not write one file; waiting for it can be stopped."""

    def __init__(self, folder: Path, stop: threading.Event) -> None:
        from filelock import FileLock

        path = folder.parent / ".locks" / folder.name / "llmtui.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(path)
        self._stop = stop

    def __enter__(self) -> None:
        from filelock import Timeout

        while True:
            try:
                self._lock.acquire(timeout=0.2)
                return
            except Timeout:
                if self._stop.is_set():
                    raise LoadCancelled(STOPPED) from None

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _size(path: Path) -> int:
    """Bytes of a file, -1 if there is none that can be seen."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _new_digest(file: RepoFile) -> "hashlib._Hash":
    if len(file.blob_id) == 64:
        return hashlib.sha256()
    return hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)


def _digest_so_far(partial: Path, file: RepoFile) -> tuple["hashlib._Hash", int]:
    """The checksum of what an earlier run left, and its length in bytes."""
    digest, length = _new_digest(file), 0
    with partial.open("rb") as source:
        while chunk := source.read(_READ_BYTES):
            digest.update(chunk)
            length += len(chunk)
    return digest, length
