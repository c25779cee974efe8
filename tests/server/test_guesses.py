"""Guessing keys: how many wrong ones an address may show, and whom that must not shut out."""

import pytest
from api_client import Api, serving

from llmtui.engine import Engine
from llmtui.server.errors import ApiError
from llmtui.server.guesses import MANY, WRONG_KEYS, Guesses
from llmtui.settings import Settings

KEY, OTHER = "sk-alice-12345", "sk-bob-67890"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guesses(clock: Clock) -> Guesses:
    return Guesses(clock)


def guess(guesses: Guesses, address: str, times: int) -> None:
    for _ in range(times):
        guesses.count(address, None)


def test_an_address_waits_until_its_oldest_wrong_key_is_a_minute_old(guesses: Guesses, clock: Clock) -> None:
    guess(guesses, "10.0.0.1", 1)
    clock.now += 20
    guess(guesses, "10.0.0.1", WRONG_KEYS - 1)
    with pytest.raises(ApiError) as refused:
        guesses.count("10.0.0.1", None)
    assert (refused.value.status, refused.value.code) == (429, "too_many_wrong_keys")
    assert refused.value.retry_after == pytest.approx(40)
    clock.now += 40
    guess(guesses, "10.0.0.1", 1)
    with pytest.raises(ApiError) as refused:
        guesses.count("10.0.0.1", None)
    assert refused.value.retry_after == pytest.approx(20)


def test_who_waits_does_not_learn_that_a_key_is_right(guesses: Guesses, clock: Clock) -> None:
    guess(guesses, "10.0.0.1", WRONG_KEYS)
    with pytest.raises(ApiError):
        guesses.count("10.0.0.1", "alice")
    clock.now += 60
    guesses.count("10.0.0.1", "alice")


def test_a_key_that_was_right_from_there_before_is_never_refused(guesses: Guesses) -> None:
    guesses.count("10.0.0.1", "alice")
    guess(guesses, "10.0.0.1", WRONG_KEYS)
    guesses.count("10.0.0.1", "alice")
    with pytest.raises(ApiError):
        guesses.count("10.0.0.1", "bob")


def test_addresses_do_not_answer_for_each_other(guesses: Guesses) -> None:
    guess(guesses, "10.0.0.1", WRONG_KEYS)
    guesses.count("10.0.0.2", None)
    guesses.count("10.0.0.2", "alice")


def test_addresses_that_guess_no_more_are_forgotten_but_not_those_that_do(guesses: Guesses, clock: Clock) -> None:
    for number in range(MANY):
        guesses.count(f"old {number}", None)
    clock.now += 61
    guess(guesses, "10.0.0.1", WRONG_KEYS)
    with pytest.raises(ApiError):
        guesses.count("10.0.0.1", None)
    assert guesses.addresses == 1


def test_over_http_wrong_keys_are_limited_in_each_dialects_shape_and_right_ones_are_not(engine: Engine) -> None:
    with serving(engine, Settings(_env_file=None, port=0, api_keys=f"alice:{KEY}, bob:{OTHER}")) as api:
        assert api.get("/info", X_API_Key=KEY).status == 200
        for _ in range(WRONG_KEYS + 5):
            assert api.get("/info").status == 401  # no key is no guess
        assert [api.get("/info", X_API_Key=f"wrong-{n}").status for n in range(WRONG_KEYS)] == [401] * WRONG_KEYS
        refused = [api.get(path, X_API_Key="wrong-again") for path in ("/info", "/v1/models", "/api/tags")]
        assert api.get("/info", X_API_Key=KEY).status == 200
        assert api.get("/info", X_API_Key=OTHER).status == 429
        assert api.get("/health", X_API_Key="wrong-again").status == 200
        assert rejected(api) == 4
    assert [reply.status for reply in refused] == [429] * 3
    assert all(0 < int(reply.headers["retry-after"]) <= 60 for reply in refused)
    assert refused[0].error["code"] == refused[1].json["error"]["code"] == "too_many_wrong_keys"
    assert refused[2].json["error"].startswith("too many wrong API keys came from this address")


def rejected(api: Api) -> float:
    text = api.get("/metrics", X_API_Key=KEY).body.decode()
    line = 'llmtui_rejected_total{cause="too_many_wrong_keys"} '
    return float(next(row for row in text.splitlines() if row.startswith(line)).removeprefix(line))
