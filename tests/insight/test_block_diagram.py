"""The diagram against the model's own parameters, and against what its forward code is known to do."""

import pytest
import torch
from architectures import NOT_PACKABLE, PACKABLE, make_config, make_model
from transformers import GPT2Config, LlamaConfig

from llmtui.insight.block_diagram import Diagram, block_diagram


def roles(diagram: Diagram) -> list[str]:
    return [part.role for part in diagram.blocks[0].parts]


@pytest.mark.parametrize("architecture", [*PACKABLE, *NOT_PACKABLE])
def test_the_parts_parameters_add_up_to_the_models_own(architecture: str) -> None:
    diagram = block_diagram(make_config(architecture), torch.float32)
    assert diagram is not None
    model = make_model(architecture)
    assert diagram.parameters == sum(p.numel() for p in model.parameters())
    assert sum(block.repeats for block in diagram.blocks) == model.config.num_hidden_layers


def test_gpt2s_way_and_numbers() -> None:
    diagram = block_diagram(GPT2Config(), torch.float32)
    assert diagram is not None
    assert diagram.parameters == 124_439_808
    assert [(part.role, part.name, part.shape) for part in diagram.before] == [
        ("embedding", "wte", "50,257 × 768"),
        ("positions", "wpe", "1,024 × 768"),
    ]
    assert [block.repeats for block in diagram.blocks] == [12]
    assert [(part.name, part.shape) for part in diagram.blocks[0].parts] == [
        ("ln_1", ""),
        ("attn", "12 heads × 64"),
        ("ln_2", ""),
        ("mlp", "768 → 3,072 → 768"),
    ]
    head = diagram.after[-1]
    assert (head.role, head.tied, head.parameters, head.shape) == ("output", True, 0, "768 → 50,257")


def test_the_order_is_that_of_the_forward_not_of_the_declaration() -> None:
    # llama declares its norms last; OLMo 2 norms what comes out of attention and feed-forward (Groeneveld et al. 2024)
    llama = block_diagram(make_config("llama"), torch.float32)
    olmo2 = block_diagram(make_config("olmo2"), torch.float32)
    assert llama is not None
    assert olmo2 is not None
    assert roles(llama) == ["norm", "attention", "norm", "feed-forward"]
    assert roles(olmo2) == ["attention", "norm", "feed-forward", "norm"]


def test_heads_of_keys_are_those_that_the_cache_holds() -> None:
    grouped = block_diagram(make_config("llama"), torch.float32)
    single = block_diagram(make_config("falcon", multi_query=True), torch.float32)
    assert grouped is not None
    assert single is not None
    assert grouped.blocks[0].parts[1].shape == "4 heads × 8, 2 of keys and values"
    assert single.blocks[0].parts[1].shape == "4 heads × 8, 1 of keys and values"


def test_an_output_of_its_own_is_not_called_tied() -> None:
    config = LlamaConfig(
        vocab_size=100, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4
    )
    diagram = block_diagram(config, torch.float32)
    assert diagram is not None
    assert (diagram.after[-1].tied, diagram.after[-1].parameters) == (False, 3200)
