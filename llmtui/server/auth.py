"""API keys: who may ask. Needed on every path but /health as soon as there is one, or others can reach the port."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask, g, request

from llmtui.server.errors import ApiError
from llmtui.server.guesses import Guesses
from llmtui.setting_values import LOOPBACK_HOSTS
from llmtui.settings import Settings

PUBLIC_PATHS = ("/health",)
GENERATED_NAME = "generated"


@dataclass(frozen=True)
class Keyring:
    """The keys by name, as digests; the values themselves are not kept.

    generated: the key made for this run because none was set and others can reach the port; to be shown once.
    """

    digests: Mapping[str, bytes]
    generated: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Keyring":
        """The keys of the settings, or a random one where there must be one."""
        digests = {name: _digest(key) for name, key in settings.named_keys().items()}
        if digests or settings.host in LOOPBACK_HOSTS:
            return cls(digests)
        key = f"llmtui-{secrets.token_urlsafe(24)}"
        return cls({GENERATED_NAME: _digest(key)}, key)

    @property
    def needed(self) -> bool:
        return bool(self.digests)

    def name_of(self, key: str) -> str | None:
        """Whose key this is. Takes as long for a wrong one as for a right one."""
        given, found = _digest(key), None
        for name, digest in self.digests.items():
            if hmac.compare_digest(given, digest):
                found = name
        return found

    def install(self, app: Flask) -> None:
        if not self.needed:
            return
        guesses = Guesses()

        @app.before_request
        def check() -> None:
            if request.path not in PUBLIC_PATHS:
                g.key_name = self._checked(shown_key(), guesses)

    def _checked(self, key: str | None, guesses: Guesses) -> str:
        """Whose key a request shows. Raises ApiError (401) where it shows none or a wrong one, (429) for a guesser."""
        if key is None:
            raise ApiError(401, "invalid_api_key", "this request needs an API key: send Authorization: Bearer KEY")
        name = self.name_of(key)
        guesses.count(request.remote_addr or "unknown", name)
        if name is None:
            raise ApiError(401, "invalid_api_key", "this request shows a wrong API key")
        return name


def shown_key() -> str | None:
    """The key that a request shows."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("X-API-Key") or None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", errors="surrogatepass")).digest()
