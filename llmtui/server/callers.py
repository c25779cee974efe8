"""Who asks: the name of the key that came with a request, or where it came from."""

from flask import g, request


def caller() -> str:
    """The client whose turn the queue counts, and whose name stands in the live view."""
    name: str | None = g.get("key_name")
    return name or request.remote_addr or "unknown"
