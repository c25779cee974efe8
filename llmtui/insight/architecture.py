"""What a model is made of: its modules with shapes, its parameters counted once, and what a token costs.

Works on a loaded model and on one without weights, made from its config alone on torch's meta device.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from llmtui.insight.block_diagram import Diagram, block_diagram
from llmtui.insight.meta_model import read_config, without_padding, without_weights

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """One parameter of a module. tied_to: the full name of the parameter that it is, if it was counted there."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    elements: int
    tied_to: str | None


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """A module with its own tensors and its parts.

    repeats     how many equal modules in a row this one stands for
    parameters  of one of them, its parts included, each counted once
    """

    name: str
    kind: str
    tensors: tuple[TensorFacts, ...]
    parts: tuple["ModuleFacts", ...]
    repeats: int = 1

    @property
    def parameters(self) -> int:
        own = sum(tensor.elements for tensor in self.tensors if tensor.tied_to is None)
        return own + sum(part.parameters * part.repeats for part in self.parts)

    def walk(self, depth: int = 0) -> Iterator[tuple[int, "ModuleFacts"]]:
        """This module and its parts with their depth, in order."""
        yield depth, self
        for part in self.parts:
            yield from part.walk(depth + 1)


@dataclass(frozen=True, slots=True)
class TokenCost:
    """What one more token costs.

    kv_bytes_per_token   of keys and values in memory, for a token that every layer keeps
    kv_bytes_full        with the context full: layers with a sliding window keep no more than that
    flops                floating-point operations of one forward of one token that sees itself alone
    flops_per_context    more, for each token before it (attention)
    """

    kv_bytes_per_token: int
    kv_bytes_full: int
    flops: int
    flops_per_context: int


@dataclass(frozen=True, slots=True)
class Architecture:
    """A model in numbers. None: its config does not name it; cost and diagram: no forward can be traced.

    dtype    of what lies between the linear layers, and of keys and values where `linears` does not say otherwise
    linears  in words: how the linear layers would be held and computed; None: not asked
    """

    kind: str
    parameters: int
    layers: int | None
    hidden: int | None
    heads: int | None
    kv_heads: int | None
    vocabulary: int | None
    context: int | None
    dtype: str
    tied: tuple[tuple[str, str], ...]
    cost: TokenCost | None
    diagram: Diagram | None
    tree: ModuleFacts
    linears: str | None = None


def architecture_of_folder(folder: Path, device: str, dtype: str) -> Architecture:
    """The facts of a model folder as it would run here, from its config alone. device, dtype: the settings.

    Raises ModelUnsupported where no model can be made of the config, ModelError where the device is not there.
    """
    from llmtui.engine.loading import pick_device, stored_dtype
    from llmtui.engine.quantize import choose_precision, head_dim_of
    from llmtui.engine.self_check import surely_packs

    config = read_config(folder)
    precision = choose_precision(dtype, pick_device(device), stored_dtype(config), head_dim_of(config))
    model = without_weights(config, precision.dtype)
    facts, narrow = architecture_of(model), precision.narrow and surely_packs(model)
    cost = _narrow(facts.cost) if narrow and facts.cost is not None else facts.cost
    return replace(facts, linears=precision.told(narrow=narrow), cost=cost)


def architecture_of(model: Any, context: int | None = None) -> Architecture:
    """The facts of a model; `model` may hold weights or be on the meta device.

    context: tokens; None: what the config says.
    """
    tree = module_tree(model)
    config = model.config.get_text_config()
    length = context or _number(config, "max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")
    heads = _number(config, "num_attention_heads", "n_head", "num_heads")
    return Architecture(
        kind=type(model).__name__,
        parameters=tree.parameters,
        layers=_number(config, "num_hidden_layers", "n_layer", "num_layers"),
        hidden=_number(config, "hidden_size", "n_embd", "d_model"),
        heads=heads,
        kv_heads=_number(config, "num_key_value_heads") or heads,
        vocabulary=_number(config, "vocab_size"),
        context=length,
        dtype=_word(next(model.parameters()).dtype),
        tied=tuple(_ties(tree)),
        cost=token_cost(model.config, next(model.parameters()).dtype, length),
        diagram=block_diagram(model.config, next(model.parameters()).dtype),
        tree=tree,
    )


def _narrow(cost: TokenCost) -> TokenCost:
    """With keys and values in bfloat16 instead of float32."""
    return replace(cost, kv_bytes_per_token=cost.kv_bytes_per_token // 2, kv_bytes_full=cost.kv_bytes_full // 2)


def module_tree(model: Any) -> ModuleFacts:
    """The modules of a model; equal neighbours in a list (its layers) are one with `repeats`."""
    return _module("", model, "", {})


def token_cost(config: Any, dtype: torch.dtype, context: int | None) -> TokenCost | None:
    """What a token costs, from two one-token steps of the model without weights; None where these cannot be run.

    Keys and values are measured on the cache that the steps fill. Operations are those that torch's FlopCounterMode
    counts: two for each multiply-add of the matrix products, element-wise work left out.
    """
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import DynamicCache

    try:
        model = without_weights(without_padding(config), dtype)
        cache = DynamicCache(config=model.config)
        token = torch.zeros(1, 1, dtype=torch.long, device="meta")
        counts = []
        for _ in range(2):
            with torch.inference_mode(), FlopCounterMode(display=False) as counter:
                model(input_ids=token, past_key_values=cache, use_cache=True)
            counts.append(counter.get_total_flops())
            grouped = any("grouped_mm" in str(name) for name in counter.get_flop_counts()["Global"])
    except Exception:
        # any architecture may compute what has no meaning without data; the rest of the facts stand
        logger.info("no step of %s can be traced on the meta device", type(config).__name__, exc_info=True)
        return None
    layers = [_kept(layer, context) for layer in cache.layers]
    per_token = [kept for kept in layers if kept is not None]
    if len(per_token) < len(layers):
        return None
    experts = 0 if grouped else _expert_flops(model)
    return TokenCost(
        kv_bytes_per_token=sum(size for size, _ in per_token),
        kv_bytes_full=sum(size * tokens for size, tokens in per_token),
        flops=counts[0] + experts,
        flops_per_context=counts[1] - counts[0],
    )


def _module(name: str, module: Any, path: str, seen: dict[int, str]) -> ModuleFacts:
    tensors = []
    for tensor_name, tensor in module.named_parameters(recurse=False, remove_duplicate=False):
        full_name = f"{path}{tensor_name}"
        tied_to = seen.get(id(tensor))
        seen.setdefault(id(tensor), full_name)
        tensors.append(TensorFacts(tensor_name, tuple(tensor.shape), _word(tensor.dtype), tensor.numel(), tied_to))
    parts: list[ModuleFacts] = []
    for child_name, child in module.named_children():
        part = _module(child_name, child, f"{path}{child_name}.", seen)
        last = parts[-1] if parts else None
        if last is not None and child_name.isdigit() and replace(part, name=last.name, repeats=last.repeats) == last:
            parts[-1] = replace(last, repeats=last.repeats + 1)
        else:
            parts.append(part)
    return ModuleFacts(name, type(module).__name__, tuple(tensors), tuple(parts))


def _ties(tree: ModuleFacts, path: str = "") -> Iterator[tuple[str, str]]:
    for tensor in tree.tensors:
        if tensor.tied_to is not None:
            yield f"{path}{tensor.name}", tensor.tied_to
    for part in tree.parts:
        yield from _ties(part, f"{path}{part.name}.")


def _kept(layer: Any, context: int | None) -> tuple[int, int] | None:
    """Bytes of one token in a layer of the cache after two tokens, and how many tokens it keeps of a full context."""
    keys, values = getattr(layer, "keys", None), getattr(layer, "values", None)
    if keys is None or values is None or context is None:
        return None
    size = (keys.numel() * keys.element_size() + values.numel() * values.element_size()) // keys.shape[-2]
    window = getattr(layer, "sliding_window", None)
    # the step itself adds the newest token: a window of n keeps n - 1 between two steps
    return size, min(context, window - 1) if window else context


def _expert_flops(model: Any) -> int:
    """Two for each weight of the experts that a token is sent to: torch does not count grouped products."""
    used = _number(model.config.get_text_config(), "num_experts_per_tok", "top_k_experts", "moe_topk") or 0
    return sum(2 * p.numel() // p.shape[0] * used for p in model.parameters() if p.dim() == 3)


def _number(config: Any, *names: str) -> int | None:
    for name in names:
        value = getattr(config, name, None)
        if isinstance(value, int) and value > 0:
            return value
    return None


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
