"""Web pages of other origins: which of them a browser may let ask, and what it lets them read. Off unless set."""

from flask import Flask, Response, request

METHODS = "GET, POST, DELETE"
# what browsers ask about; the OpenAI SDK adds a dozen of its own
ALLOWED_HEADERS = ("authorization", "content-type", "accept", "user-agent", "x-api-key", "x-request-id")
ALLOWED_HEADERS_BEGIN = ("x-stainless-", "openai-")
EXPOSED_HEADERS = (
    "X-Request-Id, X-Llmtui-Cache, Retry-After, retry-after-ms, x-should-retry, "
    "x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
    "x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens"
)
PREFLIGHT_SECONDS = 600


class Cors:
    """Cross-origin resource sharing, by https://fetch.spec.whatwg.org/#http-cors-protocol, without credentials."""

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = origins

    def allows(self, origin: str) -> bool:
        return "*" in self._origins or origin.lower() in self._origins

    def install(self, app: Flask) -> None:
        """Before the keys: a browser asks whether it may ask without showing one."""
        if self._origins:
            app.before_request(self._answer_preflight)
            app.after_request(self._allow)

    def _answer_preflight(self) -> Response | None:
        origin = request.headers.get("Origin")
        asked = request.headers.get("Access-Control-Request-Method")
        if request.method != "OPTIONS" or asked is None or origin is None or not self.allows(origin):
            return None
        wanted = [name.strip() for name in request.headers.get("Access-Control-Request-Headers", "").split(",")]
        headers = {
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": ", ".join(filter(_is_harmless, wanted)),
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        }
        if request.headers.get("Access-Control-Request-Private-Network") == "true":
            headers["Access-Control-Allow-Private-Network"] = "true"
        return Response(status=204, headers=headers)

    def _allow(self, response: Response) -> Response:
        response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin is not None and self.allows(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        return response


def _is_harmless(header: str) -> bool:
    return header.lower() in ALLOWED_HEADERS or header.lower().startswith(ALLOWED_HEADERS_BEGIN)
