"""Every knob once: flag > environment > .env > default. A variable that is set to nothing is unset.

Field names are the variables' names in lower case. What a variable means and may be stands in its `Field`;
`.env.example` and the README's table are checked against it.
"""

import difflib
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from llmtui.env_file import EnvFile, EnvFileError, read_env_file
from llmtui.errors import LlmtuiError
from llmtui.setting_values import (
    parse_address,
    parse_bytes,
    parse_device,
    parse_dtype,
    parse_host,
    parse_keys,
    parse_models,
    parse_origins,
    parse_rate,
    read_keys,
)

ENV_FILE = Path(".env")


class SettingsError(LlmtuiError):
    """A setting has a wrong value; the message names the variable, where it came from and what it may be."""


def read_keys_file(path: Path) -> dict[str, str]:
    """The keys in a file. Raises SettingsError, without showing a key."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SettingsError(f"API_KEYS_FILE {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"API_KEYS_FILE {path} is not UTF-8 text") from None
    try:
        keys = read_keys("\n".join("" if line.lstrip().startswith("#") else line for line in lines))
    except ValueError as error:
        raise SettingsError(f"API_KEYS_FILE {path}: {error}") from None
    if not keys:
        raise SettingsError(f"API_KEYS_FILE {path} holds no key: write one as NAME:KEY, or unset it")
    return keys


class Settings(BaseSettings):
    """The settings of one run, checked."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, protected_namespaces=())

    model_name: str = Field(
        "tiny-tales", min_length=1, description="the model: `tiny-tales`, a Hugging Face id or a folder"
    )
    device: Annotated[str, AfterValidator(parse_device)] = Field(
        "auto",
        description="-1 or cpu, 0 and up for that GPU, cuda, mps, or auto",
        coerce_numbers_to_str=True,
    )
    dtype: Annotated[str, AfterValidator(parse_dtype)] = Field(
        "auto", description="of the weights: float32, bfloat16, float16, int8 (CPU), or auto (float32 on a CPU)"
    )
    max_length_limit: int = Field(200, ge=2, description="API: the largest `max_length` of a request, in tokens")
    max_tokens_limit: int | None = Field(
        None,
        ge=1,
        description="OpenAI and Ollama APIs: new tokens of an answer at most; OpenAI's refuses to write more, Ollama's "
        "ends there, as each does at the context's end; unset: as the context has room",
    )
    default_max_length: int = Field(
        50, ge=2, description="API: `max_length` where none is given: prompt and new tokens"
    )
    default_temperature: float = Field(0.7, ge=0.0, le=2.0, description="temperature where none is given")
    default_top_k: int = Field(50, ge=0, description="top-k where none is given; 0 is off")
    default_top_p: float = Field(1.0, gt=0.0, le=1.0, description="top-p where none is given; 1 is off")
    max_new_tokens: int = Field(200, ge=1, description="screen and `generate`: new tokens at most")
    max_length: int | None = Field(None, ge=1, description="screen and `generate`: prompt and new tokens at most")
    seed: int | None = Field(None, ge=0, lt=2**63, description="of every generation; unset: a fresh one each time")
    host: Annotated[str, AfterValidator(parse_host)] = Field("127.0.0.1", description="API: the address it listens on")
    port: int = Field(5000, ge=0, le=65535, description="API: the port it listens on; 0 takes a free one")
    api_keys: Annotated[SecretStr, AfterValidator(parse_keys)] | None = Field(
        None,
        description="API: who may ask, as NAME:KEY pairs with commas between them; needed where HOST is not loopback",
    )
    api_keys_file: Path | None = Field(
        None, description="API: a file with more of them, a pair a line; lines that begin with # are skipped"
    )
    cors_origins: Annotated[str, AfterValidator(parse_origins)] | None = Field(
        None,
        description="API: web pages that may ask from a browser, as in `https://a.example,http://b.example:3000`, or *",
    )
    trusted_proxy: Annotated[str, AfterValidator(parse_address)] | None = Field(
        None, description="API: the address of a proxy whose X-Forwarded-For tells who asks"
    )
    rate_limit: Annotated[str, AfterValidator(parse_rate)] | None = Field(
        None,
        description="API: requests of one key, or address, as in `60/minute` or `2/second;600/hour`; unset: no limit",
    )
    tokens_per_minute: int | None = Field(
        None, ge=1, description="API: tokens, read and written, of one key, or address, in a minute; unset: no limit"
    )
    answer_cache_bytes: int = Field(
        64 * 1024 * 1024,
        ge=0,
        description="API: room for answers that are greedy or have a seed, to give them again; 0 is off",
    )
    llmtui_api_key: SecretStr | None = Field(None, description="commands with `--url`: the key to show to that server")
    drain_seconds: float = Field(
        30.0, ge=0.0, le=3600.0, description="API: how long a stopping server lets running answers finish"
    )
    max_waiting: int = Field(32, ge=1, description="requests that may wait before others are told to come back")
    max_waiting_tokens: int = Field(
        65_536,
        ge=1,
        description="tokens that the prompts of requests that wait may have together; a single one may be longer",
    )
    max_running: int = Field(16, ge=1, description="requests that run at once, their tokens in the same forwards")
    prefix_cache_bytes: Annotated[int, BeforeValidator(parse_bytes)] = Field(
        256 * 1024 * 1024,
        ge=0,
        description="room in each model for beginnings of prompts that need not be computed again, in bytes or like "
        "`512M`; 0 is off",
    )
    memory_budget: Annotated[int | None, BeforeValidator(parse_bytes)] = Field(
        None,
        ge=1,
        description="memory that models and their caches may take together, in bytes or like `8G`; unset: no limit",
    )
    keep_alive: float = Field(
        300.0,
        ge=-1.0,
        description="API: seconds that a model loaded on demand stays after its last use; 0: not at all, -1: for ever",
    )
    allowed_models: Annotated[str | None, AfterValidator(parse_models)] = Field(
        None,
        description="API: models that requests may name, besides the loaded one: names, globs and folders with commas "
        "between them; unset: all on this machine",
    )
    allow_pull: bool = Field(False, description="API: let requests download models into the Hugging Face cache")
    allow_delete: bool = Field(False, description="API: let requests delete models from the Hugging Face cache")
    request_deadline_seconds: float | None = Field(
        None,
        gt=0.0,
        description="API: how long a request may take, waiting included; then it ends as it is; unset: no limit",
    )
    max_body_bytes: int = Field(1_048_576, ge=1024, description="API: the largest request body, in bytes")
    max_header_bytes: int = Field(
        32_768, ge=1024, description="API: the largest request line and headers together, in bytes"
    )
    max_prompt_tokens: int | None = Field(
        None, ge=1, description="API: tokens of a prompt at most; unset: as many as the context holds"
    )
    max_connections: int = Field(256, ge=1, description="API: open connections beyond which requests are refused")
    read_seconds: float = Field(30.0, gt=0.0, le=3600.0, description="API: how long a request may take to arrive whole")
    access_log_file: Path | None = Field(
        None, description="API: where each request is told in a line of JSON; unset: in the log file"
    )
    debug: bool = Field(False, description="write everything to the log file")
    mouse: bool = Field(True, description="screen: take the mouse; off leaves selecting to the terminal")
    glyphs: Annotated[str, Field(pattern="^(unicode|ascii)$")] = Field(
        "unicode", description="screen: `ascii` for terminals without block glyphs"
    )

    @property
    def keep_alive_seconds(self) -> float | None:
        """KEEP_ALIVE as the engine takes it: None is for ever."""
        return None if self.keep_alive < 0 else self.keep_alive

    @property
    def client_key(self) -> str | None:
        """The key to show to a server."""
        return None if self.llmtui_api_key is None else self.llmtui_api_key.get_secret_value() or None

    def allowed_names(self) -> tuple[str, ...] | None:
        """ALLOWED_MODELS one by one; None where there is no such list."""
        if self.allowed_models is None:
            return None
        return tuple(name for part in self.allowed_models.split(",") if (name := part.strip()))

    def named_keys(self) -> dict[str, str]:
        """The API keys by name. Raises SettingsError for a file that cannot be read or names one of them again."""
        keys = {} if self.api_keys is None else read_keys(self.api_keys.get_secret_value())
        more = {} if self.api_keys_file is None else read_keys_file(self.api_keys_file)
        twice = sorted(keys.keys() & more.keys())
        if twice:
            raise SettingsError(f"API_KEYS and API_KEYS_FILE {self.api_keys_file} both name {twice[0]}")
        return keys | more

    def allowed_origins(self) -> frozenset[str]:
        """The origins of CORS_ORIGINS, as browsers write them; `*` means any."""
        return frozenset() if self.cors_origins is None else frozenset(self.cors_origins.split(","))

    @model_validator(mode="after")
    def _default_below_limit(self) -> "Settings":
        if self.default_max_length > self.max_length_limit:
            raise ValueError(
                f"DEFAULT_MAX_LENGTH ({self.default_max_length}) is above MAX_LENGTH_LIMIT ({self.max_length_limit})"
            )
        return self


def load_settings(
    flags: Mapping[str, Any] | None = None, env_file: Path = ENV_FILE, wanted: Collection[str] | None = None
) -> Settings:
    """The settings of this run. `flags` holds the options that were typed, by field name.

    wanted: the fields that matter; what the environment and the file say of others is not looked at. None: all.
    Raises SettingsError naming the variable and the file, environment or option that it came from.
    """
    typed = {name: value for name, value in (flags or {}).items() if value is not None}
    file = _read(env_file)
    above = {name.upper() for name in os.environ}
    written = {name.lower(): value for name, value in file.values.items() if name.upper() not in above}
    unwanted = (
        {}
        if wanted is None
        else {name: field.default for name, field in Settings.model_fields.items() if name not in wanted}
    )
    try:
        return Settings(**(written | unwanted | typed))
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(problem, typed, file) for problem in error.errors())) from None


def option_of(field: str) -> str:
    """The command-line option that sets a field: `default_top_k` is --top-k."""
    return "--" + field.removeprefix("default_").removeprefix("llmtui_").removesuffix("_name").replace("_", "-")


def unknown_variables(env_file: Path = ENV_FILE) -> list[str]:
    """A sentence for what in `.env` is no line of settings, and for each variable that is none of them.

    It tells the name that may have been meant. Raises SettingsError.
    """
    known = {name.upper() for name in Settings.model_fields}
    file = _read(env_file)
    sentences = [] if file.complaint is None else [file.complaint]
    for name in file.values:
        if name.upper() in known:
            continue
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.75)
        hint = f": did you mean {near[0]}?" if near else ", it is ignored"
        sentences.append(f"{name} in {env_file.resolve()} is not a setting of llmtui{hint}")
    return sentences


def _read(env_file: Path) -> EnvFile:
    try:
        return read_env_file(env_file)
    except EnvFileError as error:
        raise SettingsError(str(error)) from None


def _explain(problem: Mapping[str, Any], typed: Mapping[str, Any], file: EnvFile) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    field = str(problem["loc"][0])
    message = message[0].lower() + message[1:]
    shown = "" if field == "api_keys" else f", got {problem['input']!r}"
    return f"{_origin(field, typed, file)}: {message}{shown}"


def _origin(field: str, typed: Mapping[str, Any], file: EnvFile) -> str:
    variable = field.upper()
    if field in typed:
        return option_of(field)
    if any(name.upper() == variable and value for name, value in os.environ.items()):
        return f"{variable} in the environment"
    if any(name.upper() == variable for name in file.values):
        return f"{variable} in {file.path.resolve()}"
    return variable
