"""Asks a running llmtui over HTTP; whatever goes wrong is one sentence."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpx2

from llmtui.errors import LlmtuiError, WrongArgument
from llmtui.system.monitor import OutOfReach

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
# the system's own errors begin with it, and nobody can act on it
_ERRNO: Final = re.compile(r"^\[Errno -?\d+\] ")


class ServerUnreachable(OutOfReach):
    """Nobody answers at that address, or not as an llmtui would."""


class ServerRefused(LlmtuiError):
    """The server answered that it will not. status: of HTTP. field: of the request that is at fault, if one is."""

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.field = field


class ApiClient:
    """One server, by its address, with the key that it wants. May be used by several threads."""

    def __init__(self, url: str, key: str | None = None) -> None:
        """Raises WrongArgument for what is no address."""
        parts = _parts(url)
        self.url = parts.geturl().rstrip("/")
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS, pool=None)
        limits = httpx2.Limits(max_connections=None)
        self._http = httpx2.Client(base_url=self.url, headers=headers, timeout=timeout, limits=limits, trust_env=False)

    def get(self, path: str) -> Any:
        """The JSON of an answer. Raises ServerUnreachable, ServerRefused."""
        return _json(self.ask("GET", path), self.url)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON of an answer. Raises ServerUnreachable, ServerRefused."""
        return _json(self.ask("POST", path, body), self.url)

    def text(self, path: str) -> str:
        """An answer as it is. Raises ServerUnreachable, ServerRefused."""
        return self.ask("GET", path).text

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx2.Response:
        """Raises ServerUnreachable, ServerRefused."""
        try:
            answer = self._http.request(method, path, json=body)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._unreachable(error) from None
        _refuse_errors(answer, self.url)
        return answer

    @contextmanager
    def events(self, path: str, body: dict[str, Any], request_id: str) -> Iterator[Iterator[dict[str, Any]]]:
        """Server-sent events, each a JSON object, as they come. Raises ServerUnreachable, ServerRefused.

        request_id: the name by which the request can be cancelled.
        """
        # a request may wait in the queue for long, and says nothing meanwhile
        timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS, pool=None)
        try:
            with self._http.stream(
                "POST", path, json=body, timeout=timeout, headers={"X-Request-Id": request_id}
            ) as answer:
                if answer.is_error:
                    answer.read()
                _refuse_errors(answer, self.url)
                yield (json.loads(line[5:]) for line in answer.iter_lines() if line.startswith("data:"))
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, ValueError) as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: Exception) -> ServerUnreachable:
        return ServerUnreachable(f"{self.url} does not answer: {_reason(error)}")


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port above 65535, or none at all; a bracket too many
        is_address = False
    if not is_address:
        raise WrongArgument(f"{url} is no address of a server: give one like http://127.0.0.1:5000")
    return parts


def _reason(error: Exception) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "it took too long"
    text = _ERRNO.sub("", str(error).strip())
    return text.splitlines()[0][:200] if text else type(error).__name__


def _json(answer: httpx2.Response, url: str) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise ServerUnreachable(f"{url} does not answer as an llmtui: what it sent is no JSON") from None


def _refuse_errors(answer: httpx2.Response, url: str) -> None:
    if not answer.is_error and not answer.is_redirect:
        return
    try:
        error = answer.json()["error"]
        message, field = str(error["message"]), error.get("param")
    except (ValueError, KeyError, TypeError, AttributeError):
        sentence = f"{url} does not answer as an llmtui: HTTP {answer.status_code}"
        raise ServerRefused(answer.status_code, sentence) from None
    if answer.status_code == 401:
        message += ": set LLMTUI_API_KEY, or give --api-key"
    raise ServerRefused(answer.status_code, f"the server refused: {message}", field)
