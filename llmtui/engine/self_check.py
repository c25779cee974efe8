"""Which runner a model gets: packed where that provably computes what the model's own forward does, else plain."""

import logging
from typing import Any

import torch

from llmtui.engine.attention import NotPackable, OwnForward, PackedForward, Span
from llmtui.engine.kv_cache import KVPool, KVSlab
from llmtui.engine.lean import FAMILIES, lean_forward
from llmtui.engine.runner import PackedRunner, PlainRunner, Runner

logger = logging.getLogger(__name__)

# root mean square of the difference as a share of the logits' standard deviation: rounding, deep models included
TOLERANCE = {"float64": 1e-3, "float32": 1e-3, "float16": 0.05, "bfloat16": 0.1, "int8": 0.1}


def surely_packs(model: Any) -> bool:
    """Whether it is known without a check that many sequences of the model share a forward. It may have no weights."""
    return type(model).__name__ in FAMILIES and not _frequencies_follow_length(model.config.get_text_config())


def find_runner(
    model: Any, device: str, precision: str | None = None, context: int | None = None, *, narrow: bool = False
) -> Runner:
    """The fastest runner that passes the check on this model and device, else the plain one.

    precision: of the linears, by the name a person calls it; None: the model's own dtype. context: tokens that the
    model can hold. narrow: a packed one keeps keys and values in bfloat16.
    """
    tolerance = TOLERANCE[precision or str(model.dtype).removeprefix("torch.")]
    for make_forward in (lean_forward, OwnForward):
        name = f"{type(model).__name__}, {make_forward.__name__}"
        try:
            forward = make_forward(model)
            if forward is None:
                continue
            difference = packed_difference(model, forward, device, narrow=narrow)
        except Exception:
            # whatever an unknown architecture makes of it, its own forward is still there
            logger.info("%s cannot be packed", name, exc_info=True)
            continue
        if difference <= tolerance:
            return PackedRunner(forward, device, context, narrow=narrow)
        logger.warning("%s: packed logits differ from plain ones by %.2g", name, difference)
    return PlainRunner(model, device)


def packed_difference(model: Any, forward: PackedForward, device: str, *, narrow: bool = False) -> float:
    """How far packed logits are from those of each prompt alone: root mean square, in their standard deviation.

    Two prompts of different length are read in three forwards: the second holds a single token of one and more of
    the other, the third a single token of both. Raises NotPackable where a layer's attention is not ours or depends on
    its neighbours, and whatever the model raises.
    """
    config = model.config.get_text_config()
    if _frequencies_follow_length(config):
        raise NotPackable("rotary frequencies that change with the longest sequence of a forward")
    vocab = model.get_input_embeddings().weight.shape[0]
    prompts = [[(37 * i + 11) % vocab for i in range(10)], [(53 * i + 5) % vocab for i in range(5)]]
    pool = KVPool(device, narrow=narrow)
    slabs = [KVSlab(pool) for _ in prompts]
    runner = PackedRunner(forward, device)

    def read(*parts: tuple[int, int]) -> list[torch.Tensor]:
        spans = [Span(slab, *part) for slab, part in zip(slabs, parts, strict=True)]
        ids = [i for prompt, (begin, end) in zip(prompts, parts, strict=True) for i in prompt[begin:end]]
        return runner.forward_spans(spans, ids, [True] * len(spans))

    read_at = read((0, 6), (0, 3)), read((6, 9), (3, 4)), read((9, 10), (4, 5))
    if any(slab.layers != config.num_hidden_layers for slab in slabs):
        raise NotPackable("layers whose attention does not go through transformers' interface")
    packed = torch.cat([turn[number] for number in range(2) for turn in read_at])
    with torch.inference_mode():
        alone = [model(input_ids=torch.tensor([prompt], device=device)).logits[0] for prompt in prompts]
    plain = torch.cat(alone).float().cpu()
    return float((packed - plain).square().mean().sqrt() / plain.std())


def _frequencies_follow_length(config: Any) -> bool:
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = [rope, *(value for value in rope.values() if isinstance(value, dict))]
    return any(kind.get("rope_type") in ("dynamic", "longrope") for kind in kinds)
