"""The way of a token through a model, block by block, in the order in which the forward really calls its modules.

Modules are declared in any order, so the order is taken from a forward: on the meta device it costs no memory.
"""

import logging
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from llmtui.insight.meta_model import without_padding, without_weights

logger = logging.getLogger(__name__)

Role = Literal["embedding", "positions", "norm", "attention", "feed-forward", "output", "other"]


@dataclass(frozen=True, slots=True)
class Part:
    """A module on the way.

    parameters  that no module before it has: a tied output has none of its own
    tied        whether all of its tensors were counted before
    shape       its widths, in words: `5,120 × 256`, `256 → 1,024 → 256`, `4 heads × 64`
    """

    role: Role
    name: str
    kind: str
    parameters: int
    tied: bool
    shape: str


@dataclass(frozen=True, slots=True)
class Block:
    """Equal layers in a row: how many, their class, and the parts of one of them."""

    repeats: int
    kind: str
    parts: tuple[Part, ...]

    @property
    def parameters(self) -> int:
        """Of one layer."""
        return sum(part.parameters for part in self.parts)


@dataclass(frozen=True, slots=True)
class Diagram:
    """input → before → blocks → after → output. The parameters of all parts add up to the model's."""

    before: tuple[Part, ...]
    blocks: tuple[Block, ...]
    after: tuple[Part, ...]

    @property
    def parameters(self) -> int:
        ends = sum(part.parameters for part in (*self.before, *self.after))
        return ends + sum(block.repeats * block.parameters for block in self.blocks)


def block_diagram(config: Any, dtype: torch.dtype) -> Diagram | None:
    """The diagram of a config's model; None where no list of layers is found or no forward can be run."""
    model = without_weights(without_padding(config), dtype)
    layers = _layers(model)
    if layers is None:
        return None
    children = [child for layer in layers for child in layer.children() if _has_weights(child)]
    outer = _outside(model, layers)
    calls, kv_heads = _called(model, [*outer, *layers, *children])
    if not calls:
        return None
    text_config = model.config.get_text_config()
    heads, hidden = _heads(text_config, kv_heads), text_config.hidden_size
    names = {id(module): name.rpartition(".")[2] for name, module in model.named_modules()}
    counted: set[int] = set()

    def part(module: Any) -> Part:
        own = {id(p): p.numel() for p in module.parameters()}
        new = {key: size for key, size in own.items() if key not in counted}
        counted.update(new)
        name, kind = names[id(module)], type(module).__name__
        role = "output" if module is model.get_output_embeddings() else _role(name, module)
        return Part(role, name, kind, sum(new.values()), bool(own) and not new, _shape(role, module, heads, hidden))

    first = next(place for place, module in enumerate(calls) if module is layers[0])
    before, rest = calls[:first], calls[first:]
    return Diagram(
        tuple(part(module) for module in before),
        _in_groups([Block(1, type(layer).__name__, tuple(map(part, _among(layer, rest)))) for layer in layers]),
        tuple(part(module) for module in rest if any(module is other for other in outer)),
    )


def _in_groups(blocks: list[Block]) -> tuple[Block, ...]:
    """Equal neighbours as one."""
    groups: list[Block] = []
    for block in blocks:
        if groups and (groups[-1].kind, groups[-1].parts) == (block.kind, block.parts):
            groups[-1] = replace(groups[-1], repeats=groups[-1].repeats + 1)
        else:
            groups.append(block)
    return tuple(groups)


def _layers(model: Any) -> Any | None:
    """The list of layers: the one that has as many as the config says."""
    count = getattr(model.config.get_text_config(), "num_hidden_layers", None)
    lists = [m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == count]
    return lists[0] if lists else None


def _outside(model: Any, layers: Any) -> list[Any]:
    """The modules outside the layers that have weights of their own, or that turn positions into angles."""
    inside = {id(module) for module in layers.modules()}
    return [
        module
        for module in model.modules()
        if id(module) not in inside
        and ("rotary" in type(module).__name__.lower() or (not list(module.children()) and _has_weights(module)))
    ]


def _among(layer: Any, calls: list[Any]) -> list[Any]:
    """The calls that are parts of a layer, in their order."""
    own = {id(child) for child in layer.children()}
    return [module for module in calls if id(module) in own]


def _has_weights(module: Any) -> bool:
    return next(module.parameters(), None) is not None


def _called(model: Any, watched: list[Any]) -> tuple[list[Any], int | None]:
    """Those of the modules that a forward calls, each once, in the order of their first call; none where it fails.

    Also how many heads of keys the first layer puts into the cache.
    """
    from transformers import DynamicCache

    seen: list[Any] = []

    def note(module: Any, _: Any) -> None:
        if not any(module is other for other in seen):
            seen.append(module)

    hooks = [module.register_forward_pre_hook(note) for module in watched]
    cache = DynamicCache(config=model.config)
    try:
        with torch.inference_mode():
            token = torch.zeros(1, 1, dtype=torch.long, device="meta")
            model(input_ids=token, past_key_values=cache, use_cache=True)
    except (RuntimeError, NotImplementedError, ValueError, TypeError, AttributeError):
        logger.info("%s cannot be traced", type(model).__name__, exc_info=True)
        return [], None
    finally:
        for hook in hooks:
            hook.remove()
    keys = getattr(cache.layers[0], "keys", None) if cache.layers else None
    return seen, None if keys is None else keys.shape[1]


def _heads(config: Any, kv_heads: int | None) -> str:
    """`12 heads × 64`, and how many of keys and values there are where they are shared."""
    count = getattr(config, "num_attention_heads", None)
    if count is None:
        return ""
    size = getattr(config, "head_dim", None) or config.hidden_size // count
    shared = f", {kv_heads} of keys and values" if kv_heads not in (None, count) else ""
    return f"{count} heads × {size}{shared}"


def _role(name: str, module: Any) -> Role:
    kind, name = type(module).__name__.lower(), name.lower()
    if "rotary" in kind or name in ("wpe", "embed_positions", "position_embeddings"):
        return "positions"
    if isinstance(module, torch.nn.Embedding):
        return "embedding"
    if "norm" in kind:
        return "norm"
    if "attention" in kind or "attn" in name:
        return "attention"
    return (
        "feed-forward" if any(word in kind or word in name for word in ("mlp", "ffn", "feed", "moe", "fc")) else "other"
    )


def _shape(role: Role, module: Any, heads: str, hidden: int) -> str:
    """Widths in words, from the matrices of a module. hidden: the width of the stream between the blocks."""
    matrices = [tuple(p.shape) for p in module.parameters() if p.dim() == 2]
    if role == "attention":
        return heads
    if not matrices:
        return ""
    rows, columns = matrices[0]
    if role in ("embedding", "positions"):
        return f"{rows:,} × {columns:,}"
    if len(matrices) == 1:
        return f"{columns:,} → {rows:,}"
    inner = {width for shape in matrices for width in shape} - {hidden}
    return f"{hidden:,} → {max(inner):,} → {hidden:,}" if inner else ""
