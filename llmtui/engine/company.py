"""Whether a request gets the same numbers alone and beside others, measured on the model and the machine at hand."""

from dataclasses import dataclass

import torch
from torch import Tensor

from llmtui.engine.attention import Span
from llmtui.engine.kv_cache import KVPool, KVSlab
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.runner import PackedRunner

COMPANIES = (1, 4, 16)
PROMPT_TOKENS = 40
NEW_TOKENS = 8


@dataclass(frozen=True, slots=True)
class CompanyEffect:
    """What so many other requests in the same forwards do to the logits of one.

    equal_bits  whether all logits, of the prompt's rows and of the new tokens', are the same to the last bit
    largest     the largest difference of a logit
    same_top    whether the most probable token is the same one in each row
    """

    others: int
    equal_bits: bool
    largest: float
    same_top: bool


def measure_company(loaded: LoadedModel, companies: tuple[int, ...] = COMPANIES) -> tuple[CompanyEffect, ...]:
    """The effect of each number of others; none where the model runs one sequence at a time. On the engine's thread."""
    runner = loaded.runner
    if not isinstance(runner, PackedRunner):
        return ()
    alone = _logits_beside(loaded, runner, 0)
    return tuple(_effect(others, alone, _logits_beside(loaded, runner, others)) for others in companies)


def _effect(others: int, alone: Tensor, beside: Tensor) -> CompanyEffect:
    return CompanyEffect(
        others=others,
        equal_bits=torch.equal(alone, beside),
        largest=float((alone - beside).abs().max()),
        same_top=torch.equal(alone.argmax(dim=-1), beside.argmax(dim=-1)),
    )


def _logits_beside(loaded: LoadedModel, runner: PackedRunner, others: int) -> Tensor:
    """All logits of one text, read as a prompt and then token by token beside others: [tokens, vocab] float32."""
    new = min(NEW_TOKENS, loaded.info.context // 4)
    prompt = min(PROMPT_TOKENS, loaded.info.context - new)
    # the others' prompts are of other lengths, as they are in life
    prompts = [prompt, *(max(1, prompt - 1 - 2 * number) for number in range(others))]
    pool = KVPool(loaded.info.device, narrow=runner.narrow)
    slabs = [KVSlab(pool) for _ in prompts]

    def read(parts: list[tuple[int, int]]) -> Tensor:
        spans = [Span(slab, begin, end) for slab, (begin, end) in zip(slabs, parts, strict=True)]
        ids = [
            (37 * position + 101 * number + 11) % loaded.info.vocab_size
            for number, (begin, end) in enumerate(parts)
            for position in range(begin, end)
        ]
        return runner.forward_spans(spans, ids, [True, *([False] * others)])[0]

    rows = [read([(0, length) for length in prompts])]
    rows += [read([(length + step, length + step + 1) for length in prompts]) for step in range(new)]
    return torch.cat(rows)
