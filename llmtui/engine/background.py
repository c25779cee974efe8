"""What the thread of a load does: import torch, then load; whatever happens, the task is told."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from llmtui.engine.loads import LoadTask
from llmtui.models.errors import ModelError

if TYPE_CHECKING:
    from llmtui.engine.loaded import LoadedModel

logger = logging.getLogger(__name__)


def load_in_this_thread(
    task: LoadTask, device: str, dtype: str, make_room: Callable[[int], None]
) -> "LoadedModel | None":
    """Import torch and load a model; None after telling the task why it failed.

    make_room: called with the bytes that the weights will take, and again with those they took; may refuse by raising.
    """
    try:
        from llmtui.engine.imports import import_heavy_libraries

        import_heavy_libraries()
        from llmtui.engine.loading import load_into

        return load_into(task, device, dtype, make_room)
    except BaseException as error:  # a panic in the tokenizer's Rust is no Exception
        logger.exception("loading %s failed", task.name)
        task.fail(ModelError(f"{task.name} could not be loaded: {error}"))
    return None
