"""What a person types to make a sweep, read field by field. Pure: texts in, a plan out, and what is wrong by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from llmtui.engine.errors import ParameterError
from llmtui.engine.requests import GenerationRequest, SamplingParams
from llmtui.insight.grid import Setting, grid, read_numbers, read_whole_numbers

MAX_TOKENS: Final = 40
SEEDS: Final = 3


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the form. optional: may be left empty."""

    name: str
    help: str
    optional: bool = False


FIELDS: Final = (
    Field("temperature", "0.2, 0.7 are two; 0 is greedy"),
    Field("top_k", "0 is off"),
    Field("top_p", "1 is off"),
    Field("seeds", "texts of each setting"),
    Field("max_tokens", "of each text at most"),
    Field("at", "prompt token to look at instead", optional=True),
)


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """A sweep to be run. at: the position of the prompt to look at instead, nothing is generated then."""

    base: GenerationRequest
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    at: int | None

    @property
    def cells(self) -> int:
        return len(self.settings) * len(self.seeds)


def first_values(params: SamplingParams) -> dict[str, str]:
    """What the form begins with: the session's own values, and two temperatures to compare them with."""
    temperatures = sorted({0.2, params.temperature, 1.2})
    return {
        "temperature": ", ".join(f"{value:g}" for value in temperatures),
        "top_k": str(params.top_k),
        "top_p": f"{params.top_p:g}",
        "seeds": str(SEEDS),
        "max_tokens": str(MAX_TOKENS if params.max_tokens is None else min(MAX_TOKENS, params.max_tokens)),
        "at": "",
    }


def problems(values: Mapping[str, str]) -> dict[str, str]:
    """For each field that is wrong what it must be."""
    found = {}
    for field in FIELDS:
        try:
            _READERS[field.name](values[field.name])
        except ParameterError as error:
            found[field.name] = error.problem
    return found


def read_plan(values: Mapping[str, str], base: GenerationRequest) -> SweepPlan:
    """The sweep that was typed, of the request `base`. Raises ParameterError, which names the field."""
    read = {field.name: _READERS[field.name](values[field.name]) for field in FIELDS}
    first = base.params.seed or 0
    [seeds], [max_tokens] = read["seeds"], read["max_tokens"]
    params = replace(base.params, max_tokens=int(max_tokens), prompt_logprobs=False)
    return SweepPlan(
        base=replace(base, params=params),
        settings=grid(read["temperature"], map(int, read["top_k"]), read["top_p"]),
        seeds=tuple(range(first, first + int(seeds))),
        at=int(read["at"][0]) if read["at"] else None,
    )


def _temperatures(text: str) -> list[float]:
    return [SamplingParams(temperature=value).temperature for value in read_numbers("temperature", text)]


def _top_ks(text: str) -> list[float]:
    return [SamplingParams(top_k=value).top_k for value in read_whole_numbers("top_k", text)]


def _top_ps(text: str) -> list[float]:
    return [SamplingParams(top_p=value).top_p for value in read_numbers("top_p", text)]


def read_count(name: str, text: str) -> int:
    """A whole number of at least 1. Raises ParameterError, which names the field."""
    try:
        number = int(text)
    except ValueError:
        raise ParameterError(name, f"must be a whole number, got {text!r}") from None
    if number < 1:
        raise ParameterError(name, f"must be at least 1, got {number}")
    return number


_READERS: Final[Mapping[str, Callable[[str], list[float]]]] = {
    "temperature": _temperatures,
    "top_k": _top_ks,
    "top_p": _top_ps,
    "seeds": lambda text: [read_count("seeds", text)],
    "max_tokens": lambda text: [read_count("max_tokens", text)],
    "at": lambda text: [read_count("at", text)] if text.strip() else [],
}


def asked_text(request: GenerationRequest) -> str:
    """What a request asks the model to continue, or the last turn of its conversation."""
    return request.prompt if request.prompt is not None else (request.messages or ())[-1].content
