"""The settings of a sweep: read from what a person types, combined, and made into requests. Pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from llmtui.engine import GenerationRequest, SamplingParams
from llmtui.engine.errors import ParameterError

# More cells than this are asked about first.
MANY_CELLS: Final = 256


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to draw tokens: a row of the sweep."""

    temperature: float
    top_k: int
    top_p: float


def grid(temperatures: Iterable[float], top_ks: Iterable[int], top_ps: Iterable[float]) -> tuple[Setting, ...]:
    """Every combination, in the order given; what is named twice counts once."""
    return tuple(dict.fromkeys(Setting(*values) for values in product(temperatures, top_ks, top_ps)))


def read_numbers(name: str, text: str) -> list[float]:
    """The values in `0.2, 0.7`. Raises ParameterError, which names the parameter, for an empty or wrong list."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ParameterError(name, f"must be numbers with commas between them, got {text!r}") from None


def read_whole_numbers(name: str, text: str) -> list[int]:
    """The values in `0, 50`. Raises ParameterError as `read_numbers` does."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ParameterError(name, f"must be whole numbers with commas between them, got {text!r}") from None


def sampling(params: SamplingParams, setting: Setting, seed: int | None = None) -> SamplingParams:
    """`params` with the values of a setting. Raises ParameterError for a value out of range."""
    return replace(params, temperature=setting.temperature, top_k=setting.top_k, top_p=setting.top_p, seed=seed)


def requests(base: GenerationRequest, settings: Sequence[Setting], seeds: Sequence[int]) -> list[GenerationRequest]:
    """One request for each cell, by setting, then seed. Raises ParameterError for a value out of range."""
    return [
        # dataclasses.replace keeps the id, and each request needs its own
        GenerationRequest(
            prompt=base.prompt,
            prompt_ids=base.prompt_ids,
            messages=base.messages,
            params=sampling(base.params, setting, seed),
            clip=base.clip,
            client=base.client,
        )
        for setting in settings
        for seed in seeds
    ]
