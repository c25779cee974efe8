"""Mean surprisal and perplexity against transformers' own loss."""

import math

import pytest
import torch

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.insight.stats import mean_surprisal, perplexity

TEXT = "Once upon a time there was a little fox who could not sleep."


def test_perplexity_of_a_text_is_what_the_models_own_loss_says(tiny_tales_engine: Engine) -> None:
    params = SamplingParams(max_tokens=1, prompt_logprobs=True)
    result = tiny_tales_engine.submit(GenerationRequest(prompt=TEXT, params=params)).result()
    ids = torch.tensor([tiny_tales_engine.tokenize(TEXT)])
    loss = tiny_tales_engine.run_job(lambda loaded: loaded.model(ids, labels=ids).loss.item()).result(60)
    assert result.prompt[0].surprisal_bits is None, "the first token has no probability, and counts for nothing"
    mean = mean_surprisal(result.prompt)
    assert mean is not None
    assert mean * math.log(2) == pytest.approx(loss, rel=1e-4)
    assert perplexity(mean) == pytest.approx(math.exp(loss), rel=1e-4)


def test_no_token_has_no_mean_and_what_no_float_holds_is_infinite() -> None:
    assert mean_surprisal([]) is None
    assert perplexity(0.0) == 1.0
    assert perplexity(1023.5) == 2.0**1023.5
    assert perplexity(1024.0) == math.inf
