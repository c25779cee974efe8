"""The distribution at one position under many settings, from one row of logits: nothing is generated."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmtui.engine import Engine, SamplingParams
from llmtui.engine.errors import ParameterError
from llmtui.engine.sampling import distribution
from llmtui.engine.telemetry import RawRow
from llmtui.insight.grid import Setting, sampling

if TYPE_CHECKING:
    from torch import Tensor

    from llmtui.engine.loaded import LoadedModel

TOP = 5
JOB_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A token with its RAW and its SAMPLED probability."""

    id: int
    bytes: bytes
    raw_prob: float
    sampled_prob: float


@dataclass(frozen=True, slots=True)
class Draw:
    """The token that a seed's first random number draws; u is None for greedy."""

    seed: int
    u: float | None
    id: int
    bytes: bytes


@dataclass(frozen=True, slots=True)
class SettingAt:
    """What a setting makes of the position.

    kept          candidates left by the filters, holding `raw_mass` of RAW probability
    entropy_bits  of the SAMPLED distribution
    top           the most probable candidates that are left
    """

    setting: Setting
    kept: int
    raw_mass: float
    entropy_bits: float
    top: tuple[Choice, ...]
    draws: tuple[Draw, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """A position of a prompt. index: of the token that is predicted, 0 is the prompt's first. context: what is before.

    actual: the prompt's own token there; None after its end.
    """

    index: int
    context: str
    raw_entropy_bits: float
    actual: Choice | None
    settings: tuple[SettingAt, ...]


def settings_at(
    engine: Engine,
    prompt: str | Sequence[int],
    index: int,
    settings: Sequence[Setting],
    seeds: Sequence[int],
    base: SamplingParams,
    top: int = TOP,
) -> Position:
    """Every setting at token `index` of the prompt, text or ids; its length in tokens is the first position after it.

    top: how many candidates each has.
    Raises ParameterError for a position that nothing predicts, ModelNotReady without a model.
    """
    params = [sampling(base, setting) for setting in settings]
    ids = engine.tokenize(prompt) if isinstance(prompt, str) else tuple(prompt)
    if not 1 <= index <= len(ids):
        raise ParameterError("at", f"must be between 1 and the prompt's own {len(ids)} tokens, got {index}")

    def look(loaded: "LoadedModel") -> Position:
        row = next_token_logits(loaded, ids[:index])
        raw = RawRow.of(row)
        pieces = loaded.pieces
        actual = None
        if index < len(ids):
            actual = Choice(ids[index], pieces.bytes_of(ids[index]), float(np.exp(raw.logprob(ids[index]))), 0.0)
        found = tuple(
            _setting_at(loaded, raw, setting, own, seeds, top) for setting, own in zip(settings, params, strict=True)
        )
        return Position(index, loaded.detokenize(ids[:index]), raw.entropy_bits, actual, found)

    return engine.run_job(look).result(timeout=JOB_SECONDS)


def next_token_logits(loaded: "LoadedModel", ids: Sequence[int]) -> "Tensor":
    """[vocab] float32 on the CPU: what the model thinks comes after `ids`, as it generates here."""
    return loaded.runner.read(ids)[-1]


def _setting_at(
    loaded: "LoadedModel", raw: RawRow, setting: Setting, params: SamplingParams, seeds: Sequence[int], count: int
) -> SettingAt:
    dist = distribution(raw.logits, params, raw)
    probs = dist.kept_probs()
    held = probs[probs > 0]
    top = [int(i) for i in dist.ranking.ids[: min(count, dist.kept)]]
    draws = []
    for seed in seeds:
        u = None if params.temperature == 0 else random.Random(seed).random()
        token_id = dist.draw(u or 0.0)
        draws.append(Draw(seed, u, token_id, loaded.pieces.bytes_of(token_id)))
    return SettingAt(
        setting=setting,
        kept=dist.kept,
        raw_mass=dist.stages[-1].raw_mass if dist.stages else 1.0,
        entropy_bits=max(0.0, -float(np.dot(held, np.log2(held)))),
        top=tuple(
            Choice(i, loaded.pieces.bytes_of(i), float(np.exp(raw.logprob(i))), float(prob))
            for i, prob in zip(top, probs, strict=False)
        ),
        draws=tuple(draws),
    )
