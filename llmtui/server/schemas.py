"""What the native API accepts. `/info`, the checks and the defaults all come from these fields.

Types are strict: "0.7" and true are no numbers, and a whole number is written without a fraction (5, not 5.0).
Fields nobody knows are ignored, null means "not given".
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator

from llmtui.engine.requests import (
    LOWEST_REPETITION_PENALTY,
    MAX_LOOKAHEAD,
    MAX_LOOKAHEAD_DEPTH,
    MAX_SPECULATE,
    MAX_STOP_STRINGS,
    SEED_LIMIT,
)
from llmtui.server.complaints import explain
from llmtui.server.errors import ApiError
from llmtui.server.jsonio import read_object
from llmtui.settings import Settings

MAX_TOP_LOGPROBS = 20
SHOWN_TYPE = "x-type"  # in a schema: its type in words, where it has several

Body = TypeVar("Body", bound=BaseModel)


def _one_or_more(value: object) -> object:
    if not isinstance(value, str | list):
        raise ValueError("must be a string or an array of strings")
    return [value] if isinstance(value, str) else value


StopTexts = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    BeforeValidator(_one_or_more),
    Field(max_length=MAX_STOP_STRINGS),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": MAX_STOP_STRINGS},
            ],
            SHOWN_TYPE: "string or array of strings",
        }
    ),
]


class NativeBody(BaseModel):
    """The body of a route of the native API. A field that is null is not given."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: Any) -> Any:
        return {name: value for name, value in fields.items() if value is not None}


class GenerateBody(NativeBody):
    """The body of POST /generate, as far as no setting decides it: see `generate_body`."""

    prompt: str = Field(min_length=1, description="the text to continue; required, and never truncated")
    max_length: int
    temperature: float
    top_k: int
    top_p: float
    max_new_tokens: int | None
    model: str | None = Field(
        None, min_length=1, description="which one: see /v1/models; not given: the one the server was started with"
    )
    seed: int | None = Field(
        None,
        ge=0,
        lt=SEED_LIMIT,
        description="repeats a generation exactly; not given: a fresh one, told in the answer",
    )
    stop: StopTexts | None = Field(None, description="texts that end the generation; they are cut from the answer")
    min_p: float = Field(
        0.0, ge=0.0, le=1.0, description="drops tokens less probable than min_p times the most probable; 0 is off"
    )
    typical_p: float = Field(
        1.0, gt=0.0, le=1.0, description="above 0; keeps the tokens whose surprisal is closest to the entropy; 1 is off"
    )
    repetition_penalty: float = Field(
        1.0,
        ge=LOWEST_REPETITION_PENALTY,
        le=10.0,
        description="makes every token seen, the prompt's too, less probable; 1 is off",
    )
    frequency_penalty: float = Field(
        0.0, ge=-2.0, le=2.0, description="taken from a generated token's logit for each time it came"
    )
    presence_penalty: float = Field(
        0.0, ge=-2.0, le=2.0, description="taken from a token's logit once it was generated"
    )
    top_logprobs: int = Field(
        0, ge=0, le=MAX_TOP_LOGPROBS, description="above 0: metadata.tokens reports each token and this many candidates"
    )
    lookahead: int = Field(
        0,
        ge=0,
        le=MAX_LOOKAHEAD,
        description="so many alternatives of each token are continued while there are rows to spare; 0 is off",
    )
    lookahead_depth: int = Field(
        5, ge=1, le=MAX_LOOKAHEAD_DEPTH, description="tokens that each of these alternatives is continued by"
    )
    speculate: int = Field(
        0,
        ge=0,
        le=MAX_SPECULATE,
        description="guesses of what follows that are computed beside each token, for speed alone; 0 is off",
    )
    stream: bool = Field(False, description="answer with server-sent events, one for each token")
    trace: bool = Field(
        False, description="with stream: every event with every fact, as `llmtui generate --json` writes them"
    )
    prompt_logprobs: bool = Field(False, description="with trace: score the prompt's tokens, too")

    @classmethod
    def read(cls, body: bytes) -> "GenerateBody":
        """Raises ApiError (400) that names the field at fault."""
        return check(cls, parse(body))


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object that a body holds. Raises ApiError (400)."""
    try:
        return read_object(body)
    except ValueError as error:
        raise ApiError(400, "invalid_json", str(error)) from None


def check(model: type[Body], fields: Mapping[str, Any]) -> Body:
    """`fields` as the model. Raises ApiError (400) that names the field at fault."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise explain(error, fields) from None


def generate_body(settings: Settings) -> type[GenerateBody]:
    """The body of POST /generate with this server's defaults and limits."""
    limit = settings.max_length_limit

    class LimitedBody(GenerateBody):
        max_length: int = Field(
            settings.default_max_length, ge=2, le=limit, description="tokens at most, the prompt's and the new ones"
        )
        temperature: float = Field(
            settings.default_temperature,
            ge=0.0,
            le=2.0,
            description="divides the logits; 0 takes the most probable token",
        )
        top_k: int = Field(settings.default_top_k, ge=0, description="keeps the k most probable tokens; 0 is off")
        top_p: float = Field(
            settings.default_top_p,
            gt=0.0,
            le=1.0,
            description="above 0; keeps the smallest set this probable; 1 is off",
        )
        max_new_tokens: int | None = Field(
            None, ge=1, le=limit - 1, description="new tokens at most; where max_length is given too, the smaller wins"
        )

    return LimitedBody


def supported_parameters(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """Each field that `model` accepts: {name: {type, min, max, default, description}}, null where there is none."""
    return {name: _parameter(schema) for name, schema in model.model_json_schema()["properties"].items()}


def _parameter(schema: Mapping[str, Any]) -> dict[str, Any]:
    typed = next((option for option in schema.get("anyOf", ()) if option.get("type") != "null"), schema)
    upper = typed.get("maximum")
    if "exclusiveMaximum" in typed:
        upper = typed["exclusiveMaximum"] - 1
    return {
        "type": typed.get(SHOWN_TYPE) or typed["type"],
        "min": typed.get("minimum", typed.get("exclusiveMinimum")),
        "max": upper,
        "default": schema.get("default"),
        "description": schema.get("description", ""),
    }
