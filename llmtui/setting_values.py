"""What the values of settings may look like. Each function gives the value as it is used, or raises ValueError."""

import ipaddress
import re

from pydantic import SecretStr

DTYPES = ("auto", "float32", "bfloat16", "float16", "int8")
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
MIN_KEY_CHARACTERS = 8
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*")
_RATE = r"[1-9]\d{0,8} ?(?:/|per) ?(?:[1-9]\d{0,5} ?)?(?:second|minute|hour|day)s?"
_RATES = re.compile(rf"{_RATE}(?: ?; ?{_RATE})*", re.IGNORECASE)
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?")
_KEY_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY = re.compile(rf"[!-~]{{{MIN_KEY_CHARACTERS},512}}")


def parse_device(value: str) -> str:
    """-1 is the CPU and 0, 1, … that GPU; else auto, cpu, mps, cuda or cuda:N."""
    text = str(value).strip().lower()
    if text == "-1":
        return "cpu"
    if re.fullmatch(r"\d+", text):
        return f"cuda:{text}"
    if text in ("auto", "cpu", "mps", "cuda") or re.fullmatch(r"cuda:\d+", text):
        return text
    raise ValueError("must be -1 (CPU), 0 or higher (that GPU), auto, cpu, cuda or mps")


def parse_dtype(value: str) -> str:
    if value not in DTYPES:
        raise ValueError(f"must be one of {', '.join(DTYPES)}")
    return value


def parse_host(value: str) -> str:
    if not _HOST_NAME.fullmatch(value) and not _is_address(value):
        raise ValueError("must be an address like 127.0.0.1, 0.0.0.0 or ::1, or a host name")
    return value


def parse_origins(value: str) -> str:
    """Origins with commas between them, in lower case and without a slash at the end, as browsers send them."""
    origins = [part.strip().lower().removesuffix("/") for part in value.split(",")]
    if not all(origin == "*" or _ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError("must be origins like https://a.example or http://b.example:3000, without a path, or *")
    return ",".join(origins)


def parse_rate(value: str) -> str:
    if not _RATES.fullmatch(value.strip()):
        raise ValueError("must be like 60/minute, or several with ; between them: 2/second;600/hour")
    return value.strip()


def parse_address(value: str) -> str:
    if not _is_address(value):
        raise ValueError("must be an address like 127.0.0.1 or ::1")
    return value


def parse_keys(value: SecretStr) -> SecretStr:
    """`name:key` pairs, separated by commas or line ends."""
    read_keys(value.get_secret_value())
    return value


def read_keys(text: str) -> dict[str, str]:
    """The keys by name. Raises ValueError, without showing a key."""
    keys: dict[str, str] = {}
    for number, pair in enumerate((part.strip() for part in re.split(r"[,\n]", text)), start=1):
        if not pair:
            continue
        name, separator, key = pair.partition(":")
        if not separator or not _KEY_NAME.fullmatch(name.strip()) or not _KEY.fullmatch(key.strip()):
            raise ValueError(
                f"must be NAME:KEY pairs with commas between them (number {number} is none): names of letters, digits, "
                f"- and _, keys of at least {MIN_KEY_CHARACTERS} characters without spaces"
            )
        if name.strip() in keys:
            raise ValueError(f"names {name.strip()} twice")
        keys[name.strip()] = key.strip()
    return keys


def parse_bytes(value: object) -> object:
    """`8G`, `512M`, `2048`: a number of bytes, in powers of 1024 where a unit is given."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", value.strip(), re.IGNORECASE)
    if match is None:
        raise ValueError("must be bytes, or a number with K, M, G or T behind it, like 8G")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def parse_models(value: str | None) -> str | None:
    """Names with commas between them; empty is not given."""
    if value is not None and not value.isprintable():
        raise ValueError("must be names of models with commas between them")
    return value or None


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
