"""Who may ask a server that listens on this machine alone."""

import pytest
from api_client import Api

from llmtui.server.host_check import is_loopback

OURS = ["localhost", "LOCALHOST:5000", "127.0.0.1", "127.0.0.1:80", "127.9.9.9:1", "[::1]", "[::1]:5000"]
FOREIGN = [
    "",
    "evil.example",
    "evil.example:5000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "localhost@evil.example",
    "evil.example#localhost",
    "0.0.0.0",
    "192.168.0.1",
    "[::]",
    "[::1",
    "localhost:port",
    "127.0.0.1, evil.example",
    "2130706433",
]


@pytest.mark.parametrize("name", OURS)
def test_this_machines_own_names_are_let_in(name: str) -> None:
    assert is_loopback(name)


@pytest.mark.parametrize("name", FOREIGN)
def test_any_other_name_is_foreign(name: str) -> None:
    assert not is_loopback(name)


@pytest.mark.parametrize("host", ["localhost:5000", "[::1]:5000"])
def test_a_request_under_our_own_name_is_answered(api: Api, host: str) -> None:
    assert api.get("/health", Host=host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:5000", "127.0.0.1.evil.example"])
@pytest.mark.parametrize("path", ["/health", "/generate", "/nope"])
def test_a_page_that_rebinds_its_name_to_this_machine_gets_nothing(api: Api, host: str, path: str) -> None:
    reply = api.get(path, Host=host)
    assert (reply.status, reply.error["code"]) == (403, "host_not_allowed")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", "file://"])
def test_another_sites_page_cannot_start_a_generation(api: Api, origin: str) -> None:
    reply = api.request("POST", "/generate", b'{"prompt": "Once"}', {"Origin": origin, "Content-Type": "text/plain"})
    assert (reply.status, reply.error["code"]) == (403, "origin_not_allowed")


def test_a_page_of_this_machine_may_ask(api: Api) -> None:
    assert api.get("/health", Origin="http://localhost:3000").status == 200


def test_a_client_without_a_host_header_is_no_browser(api: Api) -> None:
    assert api.exchange(b"GET /health HTTP/1.0\r\n\r\n").status == 200
