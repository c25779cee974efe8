"""Which runner a model gets: the fastest of those that provably compute what the model's own forward does."""

import logging
from typing import Any

import torch

from llmtui.engine.attention import NotPackable, OwnForward, PackedForward, Span
from llmtui.engine.kv_cache import KVPool, KVSlab
from llmtui.engine.lean import FAMILIES, lean_forward
from llmtui.engine.plain_runner import PlainRunner, WholeTextRunner, read_whole
from llmtui.engine.runner import PackedRunner, Runner
from llmtui.models.errors import ModelUnsupported

logger = logging.getLogger(__name__)

# root mean square of the difference as a share of the logits' standard deviation: rounding, deep models included
TOLERANCE = {"float64": 1e-3, "float32": 1e-3, "float16": 0.05, "bfloat16": 0.1, "int8": 0.1}

# What is read of two prompts in turns: the second time a single token of one and more of the other, and at last a
# single token of both.
TURNS = (((0, 6), (0, 3)), ((6, 9), (3, 4)), ((9, 10), (4, 5)))


def surely_packs(model: Any) -> bool:
    """Whether it is known without a check that many sequences of the model share a forward. It may have no weights."""
    return type(model).__name__ in FAMILIES and not _frequencies_follow_length(model.config.get_text_config())


def find_runner(
    model: Any, device: str, precision: str | None = None, context: int | None = None, *, narrow: bool = False
) -> Runner:
    """The fastest runner that passes the check on this model and device.

    precision: of the linears, by the name a person calls it; None: the model's own dtype. context: tokens that the
    model can hold. narrow: a packed one keeps keys and values in bfloat16. Raises ModelUnsupported if none passes.
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
    return _plain_runner(model, device, tolerance)


def _plain_runner(model: Any, device: str, tolerance: float) -> Runner:
    """One that goes on where a cache ends, if the model does so; else one that begins anew for each token."""
    try:
        plain = PlainRunner(model, device)
        difference = plain_difference(model, plain, device)
        # logits that are no numbers say nothing: each request is told so
        if not difference > tolerance:
            return plain
        logger.warning("%s: logits with a cache differ from those without by %.2g", type(model).__name__, difference)
    except Exception:
        logger.info("%s does not go on with a cache", type(model).__name__, exc_info=True)
    try:
        difference = repeated_difference(model, device)
    except Exception as error:
        logger.info("%s cannot be run", type(model).__name__, exc_info=True)
        raise ModelUnsupported(f"{type(model).__name__} cannot be run: its forward fails ({error})") from error
    if difference > tolerance:
        raise ModelUnsupported(f"{type(model).__name__} cannot be run: what it gives a text depends on those before it")
    return WholeTextRunner(model, device)


def packed_difference(model: Any, forward: PackedForward, device: str, *, narrow: bool = False) -> float:
    """How far packed logits are from those of each prompt alone: root mean square, in their standard deviation.

    Two prompts are read in TURNS, each a forward. Raises NotPackable where a layer's attention is not ours or depends
    on its neighbours, and whatever the model raises.
    """
    config = model.config.get_text_config()
    if _frequencies_follow_length(config):
        raise NotPackable("rotary frequencies that change with the longest sequence of a forward")
    prompts = _prompts(model)
    pool = KVPool(device, narrow=narrow)
    slabs = [KVSlab(pool) for _ in prompts]
    runner = PackedRunner(forward, device)

    def read(parts: tuple[tuple[int, int], ...]) -> list[torch.Tensor]:
        spans = [Span(slab, *part) for slab, part in zip(slabs, parts, strict=True)]
        ids = [i for prompt, (begin, end) in zip(prompts, parts, strict=True) for i in prompt[begin:end]]
        return runner.forward_spans(spans, ids, [True] * len(spans))

    read_at = [read(parts) for parts in TURNS]
    if any(slab.layers != config.num_hidden_layers for slab in slabs):
        raise NotPackable("layers whose attention does not go through transformers' interface")
    return _difference([turn[number] for number in range(2) for turn in read_at], model, device)


def plain_difference(model: Any, runner: PlainRunner, device: str) -> float:
    """The same of logits that are computed in turns by the model's own forward, with a cache for each prompt."""
    prompts = _prompts(model)
    caches = [runner.new_cache() for _ in prompts]
    read: list[list[torch.Tensor]] = [[] for _ in prompts]
    for parts in TURNS:
        for number, (begin, end) in enumerate(parts):
            read[number].append(runner.read_on(caches[number], prompts[number][begin:end], all_rows=True))
    return _difference([rows for own in read for rows in own], model, device)


def repeated_difference(model: Any, device: str) -> float:
    """The same of logits of both prompts, each read at once and after the other."""
    return _difference([read_whole(model, prompt, device) for prompt in _prompts(model)], model, device)


def _prompts(model: Any) -> list[list[int]]:
    vocab = model.get_input_embeddings().weight.shape[0]
    return [[(37 * i + 11) % vocab for i in range(10)], [(53 * i + 5) % vocab for i in range(5)]]


def _difference(rows: list[torch.Tensor], model: Any, device: str) -> float:
    """How far rows of the two prompts' logits are from those that the model gives to each as a whole."""
    whole = torch.cat([read_whole(model, prompt, device) for prompt in _prompts(model)])
    return float((torch.cat(rows) - whole).square().mean().sqrt() / whole.std())


def _frequencies_follow_length(config: Any) -> bool:
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = [rope, *(value for value in rope.values() if isinstance(value, dict))]
    return any(kind.get("rope_type") in ("dynamic", "longrope") for kind in kinds)
