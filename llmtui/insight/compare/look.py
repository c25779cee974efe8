"""What a model thinks of a text that another one wrote."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Token
from llmtui.insight.compare.messages import Looked, Reference
from llmtui.insight.divergence import LogProbs, ScoredToken
from llmtui.insight.tokenization import tokenize

if TYPE_CHECKING:
    from llmtui.engine.loaded import LoadedModel

# Rows of log-probabilities are kept for one text: 256 of 150,000 tokens are 150 MB.
MAX_POSITIONS = 256
JOB_SECONDS = 600.0


def look(engine: Engine, ids: Sequence[int], reference: Reference | None) -> Looked:
    """Look at the reference, or at the model's own `ids`, prompt and text, where it is the first."""
    scores, own, logprobs = engine.run_job(lambda loaded: _score(loaded, ids, reference)).result(timeout=JOB_SECONDS)
    shared = own or (reference if logprobs is not None else None)
    return Looked(scores, own, logprobs, () if shared is None else _trace(engine, shared.ids))


def _score(
    loaded: "LoadedModel", ids: Sequence[int], reference: Reference | None
) -> tuple[tuple[ScoredToken, ...], Reference | None, LogProbs | None]:
    """Score the reference text, the model's own if it is the first; and the reference's ids if they mean the same."""
    vocabulary = loaded.tokenizer.get_vocab()
    if reference is None:
        kept = list(ids[: min(MAX_POSITIONS, loaded.info.context)])
        own = Reference(loaded.detokenize(kept), kept, vocabulary, log_probabilities(loaded, kept))
        return scored_tokens(loaded, own.text), own, None
    same = vocabulary == reference.vocabulary
    logprobs = log_probabilities(loaded, reference.ids[: loaded.info.context]) if same else None
    return scored_tokens(loaded, reference.text), None, logprobs


def log_probabilities(loaded: "LoadedModel", ids: Sequence[int]) -> LogProbs:
    """[len(ids) - 1, vocabulary] float32: natural-log probabilities of tokens 1 and on, as the model generates here."""
    import torch

    logits = loaded.runner.read(ids)[:-1]
    with torch.inference_mode():
        array: LogProbs = torch.log_softmax(logits, dim=-1).numpy()
    return array


def scored_tokens(loaded: "LoadedModel", text: str) -> tuple[ScoredToken, ...]:
    """The model's own tokens of a text, with their bytes and surprisals; as many as it can hold."""
    pieces = tokenize(loaded.tokenizer, text).pieces[: min(MAX_POSITIONS, loaded.info.context)]
    ids = [piece.id for piece in pieces]
    logprobs = log_probabilities(loaded, ids)
    return tuple(
        ScoredToken(piece.start, piece.end, -float(logprobs[index - 1, piece.id]) / np.log(2) if index else None)
        for index, piece in enumerate(pieces)
        if piece.start is not None and piece.end is not None
    )


def _trace(engine: Engine, ids: Sequence[int]) -> tuple[Token, ...]:
    """Every fact of the tokens `ids`, each in the place where it stands; as many as the model can hold."""
    params = SamplingParams(max_tokens=1, prompt_logprobs=True)
    with engine.hold() as info:
        prompt_ids = ids[: info.context - 1]
    return engine.submit(GenerationRequest(prompt_ids=prompt_ids, params=params)).result().prompt
