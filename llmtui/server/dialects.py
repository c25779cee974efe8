"""Which dialect a path belongs to: that decides how its errors look, and where the API's description puts it."""

from typing import Literal

Dialect = Literal["native", "openai", "ollama"]

DIALECTS: tuple[Dialect, ...] = ("native", "openai", "ollama")


def dialect_of(path: str) -> Dialect:
    """The path decides, not the blueprint: one that no route knows has none. GET / is how Ollama's clients knock."""
    if path.startswith("/v1/"):
        return "openai"
    if path == "/" or path.startswith("/api/"):
        return "ollama"
    return "native"
