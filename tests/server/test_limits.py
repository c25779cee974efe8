"""How much one client may ask for: requests and tokens, refused in the dialect's own words and told in headers."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from api_client import Api, Reply, serving, until
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from llmtui.engine import Engine
from llmtui.server.errors import ApiError
from llmtui.server.limits import MANY_BUCKETS, TokenBudget, duration
from llmtui.settings import Settings, SettingsError, load_settings

ALICE, BOB = {"X-API-Key": "sk-alice-12345"}, {"X-API-Key": "sk-bob-67890"}
ONE_TOKEN = {"prompt": "Once", "max_new_tokens": 1, "temperature": 0}
MESSAGES = [{"role": "user", "content": "Hi"}]
ROUTES = {
    "/generate": ONE_TOKEN,
    "/score": {"text": "Once upon"},
    "/v1/completions": {"prompt": "Once", "max_tokens": 1},
    "/v1/chat/completions": {"messages": MESSAGES, "max_tokens": 1, "stream": True},
    "/api/generate": {"model": "tiny-tales", "prompt": "Once", "options": {"num_predict": 1}},
    "/api/chat": {"model": "tiny-tales", "messages": MESSAGES, "options": {"num_predict": 1}},
}


def post(api: Api, path: str, body: dict, headers: dict[str, str] | None = None) -> Reply:
    return api.request("POST", path, json.dumps(body).encode(), headers or {})


@pytest.fixture
def limited(engine: Engine, settings: Settings) -> Callable[..., AbstractContextManager[Api]]:
    return lambda **values: serving(engine, settings.model_copy(update=values))


@pytest.mark.parametrize("path", ROUTES)
def test_requests_beyond_the_rate_are_refused_in_each_dialects_shape(limited: Callable, path: str) -> None:
    with limited(rate_limit="2/minute") as api:
        assert [post(api, path, ROUTES[path]).status for _ in range(2)] == [200, 200]
        refused = post(api, path, ROUTES[path])
    assert refused.status == 429
    assert 50 < int(refused.headers["retry-after"]) <= 60
    error = refused.json["error"]
    if path.startswith("/v1/"):
        assert (error["code"], error["type"]) == ("rate_limit_exceeded", "rate_limit_error")
        assert 50_000 < int(refused.headers["retry-after-ms"]) <= 60_000
    elif path.startswith("/api/"):
        assert error.startswith("more than 2 per 1 minute: try again in ")
    else:
        assert refused.error["code"] == "rate_limit_exceeded"


def test_answers_tell_how_many_requests_are_left(limited: Callable) -> None:
    with limited(rate_limit="3/minute") as api:
        replies = [post(api, "/generate", ONE_TOKEN) for _ in range(4)]
    assert [r.headers["x-ratelimit-limit-requests"] for r in replies] == ["3"] * 4
    assert [r.headers["x-ratelimit-remaining-requests"] for r in replies] == ["2", "1", "0", "0"]
    assert all(
        r.headers["x-ratelimit-reset-requests"].removesuffix("s").replace("1m0", "60").isdigit() for r in replies
    )
    assert "x-ratelimit-limit-tokens" not in replies[0].headers


def test_probes_are_never_limited_and_all_other_routes_share_one_count(limited: Callable) -> None:
    with limited(rate_limit="1/minute", tokens_per_minute=1) as api:
        assert api.get("/info").status == 200
        assert [api.get(path).status for path in ("/v1/models", "/api/tags", "/requests")] == [429] * 3
        for path in ("/health", "/ready", "/metrics"):
            reply = api.get(path)
            assert reply.status == 200
            assert not [name for name in reply.headers if name.startswith("x-ratelimit")]


def test_several_rates_hold_together(limited: Callable) -> None:
    with limited(rate_limit="100/second; 2/hour") as api:
        assert [api.get("/info").status for _ in range(3)] == [200, 200, 429]


def test_each_key_has_its_own_rate_and_what_is_refused_for_its_key_is_not_counted(limited: Callable) -> None:
    keys = Settings(_env_file=None, api_keys="alice:sk-alice-12345,bob:sk-bob-67890").api_keys
    with limited(rate_limit="1/minute", api_keys=keys) as api:
        assert [api.request("GET", "/info", headers={"X-API-Key": "wrong"}).status for _ in range(3)] == [401] * 3
        assert [api.request("GET", "/info", headers=ALICE).status for _ in range(2)] == [200, 429]
        assert api.request("GET", "/info", headers=BOB).status == 200


@pytest.mark.parametrize("path", ROUTES)
def test_a_spent_token_budget_refuses_every_route_that_makes_the_model_work(limited: Callable, path: str) -> None:
    with limited(tokens_per_minute=10) as api:
        spent = post(api, "/generate", ONE_TOKEN | {"max_new_tokens": 20}).json["metadata"]["total_tokens"]
        refused = post(api, path, ROUTES[path])
        assert refused.status == 429
        # 10 tokens in a minute are 6 s for each
        assert (spent - 10) * 6 <= int(refused.headers["retry-after"]) <= (spent - 10 + 1) * 6
        assert "tokens of this minute are spent" in str(refused.json["error"])
        assert post(api, "/tokenize", {"text": "Once"}).status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_the_budget_is_charged_what_the_answer_says_it_took(limited: Callable, stream: bool) -> None:
    with limited(tokens_per_minute=100_000) as api:
        reply = post(api, "/generate", ONE_TOKEN | {"max_new_tokens": 30, "stream": stream})
        used = (reply.events[-1] if stream else reply.json)["metadata"]["total_tokens"]
        left = int(api.get("/info").headers["x-ratelimit-remaining-tokens"])
    assert 100_000 - used <= left < 100_000 - used + 1700  # what comes in a second


def test_a_client_that_leaves_pays_for_what_was_computed(limited: Callable, engine: Engine) -> None:
    with limited(tokens_per_minute=200) as api:
        with api.begin(prompt="Once upon a time", max_length=500, temperature=0, stream=True) as connection:
            received = b""
            while received.count(b'"event":"token"') < 50:
                received += connection.recv(65536)
        until(lambda: engine.stats().running == 0)
        until(lambda: int(api.get("/info").headers["x-ratelimit-remaining-tokens"]) < 160)


def test_two_keys_have_two_budgets(limited: Callable) -> None:
    keys = Settings(_env_file=None, api_keys="alice:sk-alice-12345,bob:sk-bob-67890").api_keys
    with limited(tokens_per_minute=5, api_keys=keys) as api:
        body = ONE_TOKEN | {"max_new_tokens": 9}
        assert [post(api, "/generate", body, key).status for key in (ALICE, ALICE, BOB)] == [200, 429, 200]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_refills_evenly_and_never_above_its_size() -> None:
    clock = Clock()
    budget = TokenBudget(60, clock)
    budget.spend("a", 100)
    with pytest.raises(ApiError) as refused:
        budget.check("a")
    assert refused.value.retry_after == pytest.approx(41)
    clock.now = 40.9
    with pytest.raises(ApiError):
        budget.check("a")
    clock.now = 41.1
    budget.check("a")
    assert budget.seconds_to_full("a") == pytest.approx(100 - 41.1)
    clock.now = 1e6
    assert budget.level("a") == 60


@settings_of_hypothesis(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 50)), max_size=40))
def test_nobody_gets_more_tokens_than_the_size_and_the_rate_together(asked: list[tuple[float, int]]) -> None:
    clock, granted = Clock(), 0
    budget = TokenBudget(60, clock)
    for pause, tokens in asked:
        clock.now += pause
        try:
            budget.check("a")
        except ApiError:
            continue
        budget.spend("a", tokens)
        granted += tokens
    assert granted <= 60 + clock.now + 50 + 1e-6  # the last answer may overdraw


def test_clients_that_came_once_are_not_kept_forever() -> None:
    clock = Clock()
    budget = TokenBudget(60, clock)
    for number in range(3 * MANY_BUCKETS):
        clock.now += 1.0
        budget.spend(f"10.0.0.{number}", 1)
    assert len(budget._buckets) <= MANY_BUCKETS + 1


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0ms"), (0.2, "200ms"), (1, "1s"), (11.2, "12s"), (360, "6m0s"), (3661, "1h1m1s")]
)
def test_durations_are_written_as_openai_writes_them(seconds: float, written: str) -> None:
    assert duration(seconds) == written


@pytest.mark.parametrize("rate", ["60/minute", "2 per second", "10/2 hours", "1/second;600/hour"])
def test_rates_as_flask_limiter_knows_them(rate: str, tmp_path) -> None:
    from limits import parse_many

    assert load_settings({"rate_limit": rate}, tmp_path / ".env").rate_limit == rate
    assert len(parse_many(rate)) == rate.count(";") + 1


@pytest.mark.parametrize("rate", ["", "many", "60", "0/minute", "60/fortnight", "60/minute;", "-1/second"])
def test_other_rates_are_refused_by_name(rate: str, tmp_path) -> None:
    with pytest.raises(SettingsError, match="rate-limit"):
        load_settings({"rate_limit": rate}, tmp_path / ".env")
