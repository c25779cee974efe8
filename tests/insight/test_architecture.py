"""Parameters, ties, cache and operations against the loaded models themselves and against closed formulas."""

from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    DynamicCache,
    Gemma2Config,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    MixtralConfig,
    Qwen2Config,
)

from llmtui.engine import Engine
from llmtui.insight.architecture import ModuleFacts, architecture_of, module_tree, token_cost
from llmtui.insight.meta_model import without_weights
from llmtui.models.catalog import embedded_path

WIDE = {
    "vocab_size": 320,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 48,
    "head_dim": 16,
    "pad_token_id": 0,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
CONFIGS: dict[str, Any] = {
    "gpt2": GPT2Config(
        vocab_size=320, n_embd=64, n_layer=3, n_head=4, n_positions=48, bos_token_id=0, eos_token_id=0, pad_token_id=1
    ),
    "llama": LlamaConfig(**WIDE),
    "qwen2, tied": Qwen2Config(**WIDE, tie_word_embeddings=True),
    "mistral, window": MistralConfig(**WIDE, sliding_window=16),
    "gemma2, every other layer a window": Gemma2Config(**WIDE, sliding_window=16),
    "gpt-neox": GPTNeoXConfig(**{k: v for k, v in WIDE.items() if k not in ("num_key_value_heads", "head_dim")}),
}


@pytest.mark.parametrize(
    ("config", "total"),
    [
        (GPT2Config(), 124_439_808),
        (GPT2Config(n_layer=6), 81_912_576),
        (LlamaConfig(), 6_738_415_616),
    ],
    ids=["gpt2", "distilgpt2", "llama-2-7b"],
)
def test_published_parameter_counts_come_from_the_config_alone(config: Any, total: int) -> None:
    assert architecture_of(without_weights(config, torch.float32)).parameters == total


@pytest.mark.parametrize("name", CONFIGS)
def test_parameters_are_those_of_the_unique_storages(name: str) -> None:
    model = AutoModelForCausalLM.from_config(CONFIGS[name], dtype=torch.float32)
    storages = {p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in model.parameters()}
    loaded = architecture_of(model)
    assert loaded.parameters == sum(storages.values()) // 4
    assert loaded == architecture_of(without_weights(CONFIGS[name], torch.float32))


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_kv_bytes_are_those_of_a_real_cache(name: str, dtype: torch.dtype) -> None:
    config = CONFIGS[name]
    model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    cost = token_cost(config, dtype, 48)
    assert cost is not None

    def bytes_after(tokens: int) -> int:
        cache = DynamicCache(config=config)
        with torch.inference_mode():
            for part in torch.arange(tokens)[None].split([max(1, tokens - 2), *([1, 1] if tokens > 1 else [])], dim=1):
                model(input_ids=part, past_key_values=cache, use_cache=True)
        return sum(t.numel() * t.element_size() for layer in cache.layers for t in (layer.keys, layer.values))

    assert cost.kv_bytes_per_token == bytes_after(1)
    assert cost.kv_bytes_full == bytes_after(48)


def test_kv_bytes_of_gpt2_are_the_known_ones() -> None:
    cost = token_cost(GPT2Config(), torch.float32, 1024)
    assert cost is not None
    assert cost.kv_bytes_per_token == 2 * 12 * 768 * 4
    assert cost.kv_bytes_full == 1024 * 2 * 12 * 768 * 4


def test_operations_are_two_for_each_weight_in_a_product_and_four_for_each_head_dimension_and_context_token() -> None:
    cost = token_cost(GPT2Config(), torch.float32, 1024)
    assert cost is not None
    matrices = 12 * (768 * 2304 + 768 * 768 + 2 * 768 * 3072) + 768 * 50257
    attention = 12 * 4 * 768
    assert cost.flops_per_context == attention
    assert cost.flops == 2 * matrices + attention


def test_grouped_query_attention_does_its_products_for_every_query_head() -> None:
    cost = token_cost(CONFIGS["llama"], torch.float32, 48)
    assert cost is not None
    per_layer = 64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 96
    assert cost.flops_per_context == 4 * 4 * 64
    assert cost.flops == 2 * (4 * per_layer + 64 * 320) + cost.flops_per_context


def test_experts_count_only_where_a_token_goes() -> None:
    fields = {k: v for k, v in WIDE.items() if k != "head_dim"}
    config = MixtralConfig(**fields, num_local_experts=8, num_experts_per_tok=2)
    cost = token_cost(config, torch.bfloat16, 48)
    assert cost is not None
    per_layer = 64 * 64 * 2 + 64 * 32 * 2 + 2 * 3 * 64 * 96 + 64 * 8
    assert cost.flops == 2 * (4 * per_layer + 64 * 320) + cost.flops_per_context


def test_models_without_keys_and_values_have_no_such_cost() -> None:
    config = MambaConfig(vocab_size=320, hidden_size=64, num_hidden_layers=2, pad_token_id=0)
    assert architecture_of(without_weights(config, torch.float32)).cost is None


def test_tree_names_every_tensor_once_and_stacks_equal_layers(tiny_tales_engine: Engine) -> None:
    model = AutoModelForCausalLM.from_pretrained(embedded_path())
    tree = module_tree(without_weights(model.config, torch.float32))

    def count(module: ModuleFacts) -> int:
        return len(module.tensors) + sum(count(part) * part.repeats for part in module.parts)

    assert count(tree) == len(list(model.named_parameters(remove_duplicate=False)))
    blocks = [module for _, module in tree.walk() if module.kind == "GPT2Block"]
    assert [block.repeats for block in blocks] == [6]
    info = tiny_tales_engine.model
    assert info is not None
    assert tree.parameters == info.parameters


def test_tied_output_layer_names_what_it_is() -> None:
    model = without_weights(CONFIGS["gpt2"], torch.float32)
    assert architecture_of(model).tied == (("lm_head.weight", "transformer.wte.weight"),)
    assert architecture_of(without_weights(CONFIGS["llama"], torch.float32)).tied == ()
