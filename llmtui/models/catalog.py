"""Which models there are: the embedded one, those in the Hugging Face cache, folders; and what a typed name means."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llmtui import own_kernels
from llmtui.models.errors import ModelNotFound, ModelUnsupported
from llmtui.models.folder import FolderFacts, inspect_folder
from llmtui.models.hub_cache import cached_repos, cached_snapshot
from llmtui.models.weights import WeightCounts

EMBEDDED = "tiny-tales"
BYTES_PER_PARAMETER = {"auto": 4, "float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}
Kind = Literal["embedded", "cache", "folder"]
_ID_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?"
_HUB_ID = re.compile(rf"{_ID_PART}(?:/{_ID_PART})?")
_MAX_ID_CHARACTERS = 96
_GGUF = "{name} is a GGUF file, which llmtui does not run: take the safetensors version of the model"


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A model on this machine.

    weights     how many there are in the files; None if they cannot be counted
    size_bytes  of the weights on disk
    context     tokens, as config.json says; None if it does not
    dtype       of most weights on disk
    problem     why it cannot be run, as half a sentence; None if it can
    """

    name: str
    kind: Kind
    path: Path
    architecture: str | None
    weights: WeightCounts | None
    size_bytes: int
    context: int | None
    has_chat_template: bool
    dtype: str | None
    problem: str | None

    @property
    def parameters(self) -> int | None:
        """Weights, each counted once; None if they cannot be counted."""
        return None if self.weights is None else self.weights.all

    def estimated_memory(self, dtype: str = "auto", device: str = "cpu") -> int | None:
        """Bytes that the weights take once loaded as `dtype`; None if they cannot be counted.

        On a CPU the linear layers alone take it, a tied output layer as a copy of its own, and all else is float32, as
        "auto" is. Not counted is the copy that float32 makes on AMD's CPUs without our own kernels. A GPU holds
        everything in it; "auto" and int8 mean the dtype on disk there. The cache of keys and values comes on top.
        """
        if self.weights is None:
            return None
        full = BYTES_PER_PARAMETER["float32"]
        if device != "cpu":
            held = self.dtype if dtype in ("auto", "int8") else dtype
            return self.weights.all * BYTES_PER_PARAMETER.get(held or "", full)
        size = BYTES_PER_PARAMETER[dtype]
        if size == full:
            return full * (self.weights.all + (self.weights.tied_head if own_kernels.run_here() else 0))
        linear = size * (self.weights.linear + self.weights.tied_head)
        return full * (self.weights.all - self.weights.linear) + (
            self.weights.int8_bytes if dtype == "int8" else linear
        )


@dataclass(frozen=True, slots=True)
class Located:
    """Where a model is; `path` is None for "hub": it has to be downloaded first."""

    name: str
    kind: Literal["embedded", "folder", "cache", "hub"]
    path: Path | None


def embedded_path() -> Path:
    """The folder of the model that comes with llmtui."""
    return Path(__file__).parent / "embedded" / EMBEDDED


def describe(path: Path, name: str, kind: Kind = "folder") -> CatalogEntry:
    """The facts of the model in `path`, read without loading it; never raises, `problem` says what is wrong."""
    return _entry(name, kind, path, inspect_folder(path))


def list_models(extra_folders: Sequence[Path] = ()) -> list[CatalogEntry]:
    """The embedded model, then the text-generation models of the Hugging Face cache by name, then `extra_folders`.

    Of a cached model the snapshot that `main` points to; one that cannot be run is listed with its problem, one for
    another task or without a readable config is left out.
    """
    return [
        describe(embedded_path(), EMBEDDED, "embedded"),
        *_cached_models(),
        *(describe(folder, str(folder)) for folder in extra_folders),
    ]


def locate(name: str, revision: str | None = None) -> Located:
    """Where the model called `name` is: embedded, a folder, a whole snapshot in the cache, or still on the Hub.

    Asks no network. Raises ModelNotFound if nothing can have that name, ModelUnsupported if what has it cannot be run.
    """
    if name == EMBEDDED:
        return Located(name, "embedded", embedded_path())
    if not name.isprintable() or not name.strip():
        raise ModelNotFound(f"{name!r} is not a model: give {EMBEDDED}, a Hugging Face id or a folder")
    folder = _folder_of(name)
    if _means_a_path(name) or _is_file(folder / "config.json"):
        return _locate_folder(name, folder)
    if name.lower().endswith(".gguf"):
        raise ModelUnsupported(_GGUF.format(name=name))
    if not is_hub_id(name):
        raise ModelNotFound(
            f"{name!r} is not a model: it is no folder, and a Hugging Face id looks like gpt2 or organisation/name"
        )
    if revision is not None and not _is_revision(revision):
        raise ModelNotFound(f"{revision!r} is not a revision: give a branch, a tag or a commit")
    return _locate_cached(name, revision)


def locate_stored(name: str) -> Located | None:
    """The embedded model or one that is whole in the Hugging Face cache; None for any other name, folders too.

    Raises ModelUnsupported if what is there cannot be run.
    """
    if name == EMBEDDED:
        return Located(name, "embedded", embedded_path())
    located = _locate_cached(name, None) if is_hub_id(name) else None
    return None if located is None or located.kind == "hub" else located


def _entry(name: str, kind: Kind, path: Path, facts: FolderFacts) -> CatalogEntry:
    return CatalogEntry(
        name=name,
        kind=kind,
        path=path,
        architecture=facts.architecture,
        weights=facts.weights,
        size_bytes=facts.size_bytes,
        context=facts.context,
        has_chat_template=facts.has_chat_template,
        dtype=facts.dtype,
        problem=facts.unsupported or facts.incomplete,
    )


def _cached_models() -> Iterator[CatalogEntry]:
    for repo_id in cached_repos():
        snapshot = cached_snapshot(repo_id)
        if snapshot is None or not _is_file(snapshot / "config.json"):
            continue
        facts = inspect_folder(snapshot)
        if facts.unsupported is None:
            yield _entry(repo_id, "cache", snapshot, facts)


def _locate_folder(name: str, folder: Path) -> Located:
    if _is_file(folder):
        if folder.suffix.lower() == ".gguf":
            raise ModelUnsupported(_GGUF.format(name=name))
        raise ModelUnsupported(f"{name} is a file: give the folder that holds config.json and the weights")
    if not _is_folder(folder):
        raise ModelNotFound(f"{name} is not a folder on this machine: check the path")
    facts = inspect_folder(folder)
    problem = facts.unsupported or facts.incomplete
    if problem is not None:
        raise ModelUnsupported(f"{name} cannot be run: {problem}")
    return Located(name, "folder", folder.resolve())


def _locate_cached(repo_id: str, revision: str | None) -> Located:
    snapshot = cached_snapshot(repo_id, revision)
    if snapshot is None:
        return Located(repo_id, "hub", None)
    facts = inspect_folder(snapshot)
    # what is incomplete may be fetched: the Hub has the rest, or a safetensors version beside the pickled one
    if facts.incomplete is not None:
        return Located(repo_id, "hub", None)
    if facts.unsupported is not None:
        raise ModelUnsupported(f"{repo_id} cannot be run: {facts.unsupported}")
    return Located(repo_id, "cache", snapshot)


def _means_a_path(name: str) -> bool:
    return name.startswith((".", "~", "/")) or "\\" in name or name.endswith("/") or name.count("/") > 1


def _folder_of(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise ModelNotFound(
            f"{name} names the home of a user that this machine does not have: check the path"
        ) from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def is_hub_id(name: str) -> bool:
    """Whether a name can be that of a repository on the Hub: gpt2, organisation/name."""
    return len(name) <= _MAX_ID_CHARACTERS and _HUB_ID.fullmatch(name) is not None and not re.search(r"--|\.\.", name)


def _is_revision(revision: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_][\w./-]*", revision, re.ASCII) is not None and ".." not in revision
