"""A model from its config alone, on torch's meta device: every shape, no memory."""

import copy
from pathlib import Path
from typing import Any

import torch

from llmtui.engine import meta_kernels
from llmtui.models.errors import ModelUnsupported


def read_config(folder: Path) -> Any:
    """The config of a model folder. Raises ModelUnsupported where transformers knows no model for it."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ModelUnsupported(f"{folder}: its config.json could not be read: {_first_line(error)}") from error


def without_weights(config: Any, dtype: torch.dtype) -> Any:
    """The model of a config on the meta device: every shape, no memory. Raises ModelUnsupported."""
    from transformers import AutoModelForCausalLM

    meta_kernels.bring()
    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
                config, dtype=dtype, trust_remote_code=False
            ).eval()
    except (ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        raise ModelUnsupported(f"no model can be made from this config.json: {_first_line(error)}") from error


def without_padding(config: Any) -> Any:
    """The config without a padding token: models that know one look for it among the ids, which hold no data here."""
    copied = copy.deepcopy(config)
    copied.pad_token_id = copied.get_text_config().pad_token_id = None
    return copied


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
