"""Which runner a model gets: packed where that provably computes what the model's own forward does, else plain."""

import logging
from typing import Any

import torch

from llmtui.engine.attention import NotPackable, Span
from llmtui.engine.kv_cache import KVSlab
from llmtui.engine.runner import PackedRunner, PlainRunner, Runner

logger = logging.getLogger(__name__)

# root mean square of the difference as a share of the logits' standard deviation: rounding, deep models included
TOLERANCE = {"float64": 1e-3, "float32": 1e-3, "float16": 0.05, "bfloat16": 0.1, "int8": 0.1}


def find_runner(model: Any, device: str, precision: str | None = None) -> Runner:
    """The packed runner if it passes the check on this model and device, else the plain one.

    precision: of the linears, by the name a person calls it; None: the model's own dtype.
    """
    tolerance = TOLERANCE[precision or str(model.dtype).removeprefix("torch.")]
    try:
        difference = packed_difference(model, device)
    except Exception:
        # whatever an unknown architecture makes of it, its own forward is still there
        logger.info("%s cannot be packed", type(model).__name__, exc_info=True)
        return PlainRunner(model, device)
    if not difference <= tolerance:
        logger.warning("%s: packed logits differ from plain ones by %.2g", type(model).__name__, difference)
        return PlainRunner(model, device)
    return PackedRunner(model, device)


def packed_difference(model: Any, device: str) -> float:
    """How far packed logits are from those of each prompt alone: root mean square, in their standard deviation.

    Two prompts of different length are read in two forwards; the second holds a single token of one and the rest of
    the other. Raises NotPackable where a layer's attention is not ours or depends on its neighbours, and whatever the
    model raises.
    """
    config = model.config.get_text_config()
    if _frequencies_follow_length(config):
        raise NotPackable("rotary frequencies that change with the longest sequence of a forward")
    vocab = model.get_input_embeddings().weight.shape[0]
    prompts = [[(37 * i + 11) % vocab for i in range(9)], [(53 * i + 5) % vocab for i in range(4)]]
    slabs = [KVSlab(len(prompt)) for prompt in prompts]
    runner = PackedRunner(model, device)

    def read(*parts: tuple[int, int]) -> list[torch.Tensor]:
        spans = [Span(slab, *part) for slab, part in zip(slabs, parts, strict=True)]
        ids = [i for prompt, (begin, end) in zip(prompts, parts, strict=True) for i in prompt[begin:end]]
        return runner.forward_spans(spans, ids, [True] * len(spans))

    heads, tails = read((0, 6), (0, 3)), read((6, 9), (3, 4))
    if any(slab.layers != config.num_hidden_layers for slab in slabs):
        raise NotPackable("layers whose attention does not go through transformers' interface")
    packed = torch.cat([heads[0], tails[0], heads[1], tails[1]])
    with torch.inference_mode():
        alone = [model(input_ids=torch.tensor([prompt], device=device)).logits[0] for prompt in prompts]
    plain = torch.cat(alone).float().cpu()
    return float((packed - plain).square().mean().sqrt() / plain.std())


def _frequencies_follow_length(config: Any) -> bool:
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = [rope, *(value for value in rope.values() if isinstance(value, dict))]
    return any(kind.get("rope_type") in ("dynamic", "longrope") for kind in kinds)
