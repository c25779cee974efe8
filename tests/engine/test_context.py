"""How many tokens a model is said to hold."""

from types import SimpleNamespace
from typing import Any

from architectures import make_config
from transformers import CONFIG_MAPPING

from llmtui.engine.loading import _context

UNKNOWN: Any = SimpleNamespace(model_max_length=10**30)


def test_as_many_as_the_config_says() -> None:
    assert _context(make_config("llama", max_position_embeddings=96), UNKNOWN) == 96


def test_with_two_sets_of_frequencies_as_many_as_have_the_first() -> None:
    rope = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 8, "long_factor": [2.0] * 8}
    config = CONFIG_MAPPING["phi3"](
        hidden_size=64,
        num_attention_heads=4,
        max_position_embeddings=512,
        original_max_position_embeddings=96,
        pad_token_id=0,
        rope_parameters=rope | {"original_max_position_embeddings": 96},
    )
    assert _context(config, UNKNOWN) == 96
