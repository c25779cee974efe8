"""Model and tokenizer from a name: find, fetch, read the weights, place them; with progress, and stoppable."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from llmtui.engine.detokenize import Pieces
from llmtui.engine.lean import same_input
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.loads import LoadStage, LoadTask, ModelInfo
from llmtui.engine.meta_kernels import with_them_if_needed
from llmtui.engine.quantize import choose_precision, head_dim_of, pack_linears, weight_bytes
from llmtui.engine.self_check import find_runner, surely_packs
from llmtui.errors import LlmtuiError
from llmtui.models.catalog import BYTES_PER_PARAMETER, describe, locate
from llmtui.models.download import fetch, plan
from llmtui.models.errors import LoadCancelled, ModelError, ModelUnsupported

logger = logging.getLogger(__name__)

FALLBACK_CONTEXT = 2048

# transformers swaps functions of torch for others while it makes a model: two at once would put back each other's
_reading = threading.Lock()


def load_into(task: LoadTask, device: str, dtype: str, make_room: Callable[[int], None]) -> LoadedModel | None:
    """Load the model that the task names; None after telling the task why it cannot be."""
    try:
        return _load(task, device, dtype, make_room)
    except LlmtuiError as error:
        task.fail(error)
    return None


def _load(task: LoadTask, device: str, dtype: str, make_room: Callable[[int], None]) -> LoadedModel:
    began = time.perf_counter()
    path = _bring_here(task)
    chosen_device = pick_device(device)
    config = _read_config(path, task.name)
    precision = choose_precision(dtype, chosen_device, stored_dtype(config), head_dim_of(config))
    make_room(_expected_bytes(path, task.name, precision.name, chosen_device))
    task.advance(LoadStage.WEIGHTS)
    _stop_if_cancelled(task)
    tokenizer = _read_tokenizer(path, task.name)
    model = _read_weights(task, path, config, precision.dtype).to(chosen_device).eval()
    _stop_if_cancelled(task)
    parameters, vocab_size = model.num_parameters(), model.get_output_embeddings().weight.shape[0]
    if precision.packing is not None:
        pack_linears(model, precision.packing, same_input(model))
        _stop_if_cancelled(task)
    weights_bytes = weight_bytes(model)
    make_room(weights_bytes)
    context = _context(config, tokenizer)
    runner = find_runner(model, chosen_device, precision.name, context, narrow=precision.narrow and surely_packs(model))
    info = ModelInfo(
        name=task.name,
        path=str(path),
        architecture=type(model).__name__,
        parameters=parameters,
        context=context,
        vocab_size=vocab_size,
        dtype=precision.name,
        device=chosen_device,
        weights_bytes=weights_bytes,
        has_chat_template=bool(getattr(tokenizer, "chat_template", None)),
        engine_path=runner.path,
        load_seconds=time.perf_counter() - began,
        cuda_available=torch.cuda.is_available(),
        linears=precision.told(narrow=runner.narrow),
    )
    return LoadedModel(info, model, tokenizer, Pieces(tokenizer), runner, _eos_ids(model, tokenizer))


def _bring_here(task: LoadTask) -> Path:
    """The folder that holds the model, downloading it first if it must be."""
    task.advance(LoadStage.RESOLVE)
    located = locate(task.name)
    if located.path is not None:
        return located.path
    download = plan(located.name, cancelled=task.cancel_requested)
    task.advance(LoadStage.DOWNLOAD, download.total_bytes - download.missing_bytes, download.total_bytes)
    return fetch(download, lambda done, total: task.advance(LoadStage.DOWNLOAD, done, total), task.cancel_requested)


def _expected_bytes(path: Path, name: str, dtype: str, device: str) -> int:
    """What the weights of a folder will take in memory, from the headers of its files."""
    entry = describe(path, name)
    return entry.estimated_memory(dtype if dtype in BYTES_PER_PARAMETER else "auto", device) or entry.size_bytes


def pick_device(device: str) -> str:
    """The device that a setting means on this machine. Raises ModelError if it is not there."""
    if device == "auto":
        if torch.cuda.is_available():
            return "cuda:0"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if device.startswith("cuda"):
        index = int(device.partition(":")[2] or 0)
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if index >= count:
            raise ModelError(f"there is no GPU {index} here ({count} found): use --device cpu or auto")
        return f"cuda:{index}"
    if device == "mps" and not torch.backends.mps.is_available():
        raise ModelError("there is no Apple GPU here: use --device cpu or auto")
    return device


def stored_dtype(config: Any) -> torch.dtype | None:
    """The dtype that the checkpoint says its weights have."""
    stored = getattr(config, "dtype", None)
    return stored if isinstance(stored, torch.dtype) else None


def _read_config(path: Path, name: str) -> Any:
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    with _sentence_for(name, "its config.json"):
        config = AutoConfig.from_pretrained(path, trust_remote_code=False, local_files_only=True)
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise ModelUnsupported(f"{name} is a {config.model_type} model, which does not generate text: choose another")
    return config


def _read_tokenizer(path: Path, name: str) -> Any:
    from transformers import AutoTokenizer

    with _sentence_for(name, "its tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False, local_files_only=True)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        # some tokenizer.json cut prompts by default; switched off once, calls from several threads change nothing
        backend.no_truncation()
        backend.no_padding()
    return tokenizer


def _read_weights(task: LoadTask, path: Path, config: Any, dtype: torch.dtype) -> Any:
    from transformers import AutoModelForCausalLM

    with _alone(task), _weights_progress(task), _sentence_for(task.name, "its weights"):
        return with_them_if_needed(
            lambda: AutoModelForCausalLM.from_pretrained(
                path, config=config, dtype=dtype, use_safetensors=True, trust_remote_code=False, local_files_only=True
            )
        )


@contextmanager
def _alone(task: LoadTask) -> Iterator[None]:
    """One reading of weights at a time: waits for the one before, unless the task is cancelled meanwhile."""
    while not _reading.acquire(timeout=0.1):
        _stop_if_cancelled(task)
    try:
        yield
    finally:
        _reading.release()


@contextmanager
def _sentence_for(name: str, what: str) -> Iterator[None]:
    """Turn what transformers raises for a broken or foreign folder into one sentence."""
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError, json.JSONDecodeError) as error:
        logger.info("reading %s of %s failed", what, name, exc_info=True)
        raise ModelUnsupported(f"{name}: {what} could not be read: {_first_line(error)}") from error


@contextmanager
def _weights_progress(task: LoadTask) -> Iterator[None]:
    """Pass the progress of transformers' weight reading on to the task, and stop it when the task is cancelled."""
    from transformers.utils import logging as transformers_logging

    class Progress:
        def __init__(self, items: Any = None, total: int | None = None) -> None:
            self._items = items
            self._total = total if total is not None else (len(items) if hasattr(items, "__len__") else None)
            self._done = 0

        def __iter__(self) -> Iterator[Any]:
            for item in self._items:
                yield item
                self.update(1)

        def update(self, n: int = 1) -> None:
            _stop_if_cancelled(task)
            self._done += n
            task.advance(LoadStage.WEIGHTS, self._done, self._total)

        def __enter__(self) -> "Progress":
            return self

        def __exit__(self, *exc: object) -> None:
            return

        def set_description(self, *_: Any, **__: Any) -> None:
            return

        set_postfix = close = refresh = set_description

    def make(_factory: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Progress:
        return Progress(args[0] if args else kwargs.get("iterable"), kwargs.get("total"))

    previous = transformers_logging.set_tqdm_hook(make)
    try:
        yield
    finally:
        transformers_logging.set_tqdm_hook(previous)


def _stop_if_cancelled(task: LoadTask) -> None:
    if task.cancel_requested.is_set():
        raise LoadCancelled(f"loading {task.name} was stopped")


def _context(config: Any, tokenizer: Any) -> int:
    """Tokens the model can hold, as its config says; else as its tokenizer says.

    With two sets of rotary frequencies (Ding et al. 2024, "LongRoPE") as many as have the first: beyond it all keys
    before would have to be made again, which no cache and no block of a prompt does.
    """
    text_config = config.get_text_config()
    rope = getattr(text_config, "rope_parameters", None) or {}
    if rope.get("rope_type") == "longrope" and "original_max_position_embeddings" in rope:
        return int(rope["original_max_position_embeddings"])
    for name in ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length"):
        value = getattr(text_config, name, None)
        if isinstance(value, int) and value > 0:
            return value
    limit = tokenizer.model_max_length
    return limit if 0 < limit < 10_000_000 else FALLBACK_CONTEXT


def _eos_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """The ids that end a text: the generation config's, else the config's, else the tokenizer's."""
    for owner in (model.generation_config, model.config, tokenizer):
        value = getattr(owner, "eos_token_id", None)
        if value is not None:
            return frozenset(value if isinstance(value, (list, tuple)) else [value])
    return frozenset()


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]
