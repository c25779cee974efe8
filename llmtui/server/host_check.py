"""A guard against DNS rebinding and cross-site requests: only this machine's own names, only its own pages.

A web page can make its visitor's browser ask a loopback address, under the page's own name (rebinding) or from the
page's own origin. The browser then says so in `Host` or `Origin`, and nothing but a browser needs to.
"""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, request

from llmtui.server.errors import ApiError


def is_loopback(authority: str) -> bool:
    """Whether `name`, `name:port` or `[address]:port` means this machine: localhost, 127.0.0.0/8 or ::1."""
    if any(character in authority for character in "/?#@\\"):
        return False
    try:
        url = urlsplit(f"//{authority}")
        url.port  # noqa: B018 - raises ValueError for a port that is none
        return url.hostname == "localhost" or ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        return False


def check(is_allowed: Callable[[str], bool]) -> None:
    """Raises ApiError (403) if the request came under a foreign name, or from a foreign page that is not allowed."""
    host = request.environ.get("HTTP_HOST")
    if host is not None and not is_loopback(host):
        raise ApiError(403, "host_not_allowed", "the Host header must be localhost or a loopback address")
    origin = request.environ.get("HTTP_ORIGIN")
    if origin is not None and not is_loopback(origin.partition("://")[2]) and not is_allowed(origin):
        raise ApiError(403, "origin_not_allowed", "requests from other sites' pages are refused")


def install(app: Flask, is_allowed: Callable[[str], bool]) -> None:
    """is_allowed: whether the operator lets pages of this origin ask."""
    app.before_request(lambda: check(is_allowed))
