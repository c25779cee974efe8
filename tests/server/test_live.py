"""What operators see: readiness, the requests under way, and the numbers."""

import json
import threading
from collections.abc import Callable

import pytest
from api_client import Api, Reply, serving, until
from prometheus_client.parser import text_string_to_metric_families

from llmtui.engine import Engine
from llmtui.server import Keyring
from llmtui.settings import Settings

PROMPT = "Once upon a time"
pytestmark = pytest.mark.usefixtures("slow_steps")

LONG = {"prompt": PROMPT, "max_length": 500, "temperature": 0}


@pytest.fixture
def fresh(engine: Engine, settings: Settings):
    """A server whose numbers are all zero."""
    with serving(engine, settings) as api:
        yield api


def numbers(api: Api) -> dict[tuple[str, ...], float]:
    """Every sample, by its name and the values of its labels, ordered by their names."""
    families = text_string_to_metric_families(api.get("/metrics").body.decode())
    return {
        (s.name, *(s.labels[label] for label in sorted(s.labels))): s.value
        for family in families
        for s in family.samples
    }


def test_ready_says_that_the_next_request_is_taken(api: Api) -> None:
    assert (api.get("/ready").status, api.get("/ready").json["status"]) == (200, "ready")


def test_ready_says_full_while_the_next_request_would_be_refused(api: Api, occupied: Callable) -> None:
    with occupied(12):
        until(lambda: api.get("/ready").json["waiting"] == 8)
        full = api.get("/ready")
        assert api.generate(prompt="Once").status == 429
    assert (full.status, full.json) == (503, {"status": "full", "running": 4, "waiting": 8})
    assert int(full.headers["retry-after"]) >= 1


def test_ready_says_loading_before_the_first_load(settings: Settings) -> None:
    with Engine() as empty, serving(empty, settings) as api:
        assert (api.get("/ready").status, api.get("/ready").json["status"]) == (503, "loading")


def test_ready_says_degraded_where_no_model_could_be_loaded(settings: Settings, tmp_path) -> None:
    with Engine() as empty, serving(empty, settings) as api:
        task = empty.load(str(tmp_path / "no-such-model"))
        until(lambda: task.ended)
        assert (api.get("/ready").status, api.get("/ready").json["status"]) == (503, "degraded")


def test_the_live_view_shows_who_runs_and_who_waits(api: Api, engine: Engine, occupied: Callable) -> None:
    assert api.get("/requests").json == {"requests": []}
    with occupied(6):
        until(lambda: engine.stats().waiting == 2)
        shown = api.get("/requests").json["requests"]
        until(lambda: all(view["tokens_per_second"] for view in api.get("/requests").json["requests"][:4]))
    assert [view["state"] for view in shown] == ["running"] * 4 + ["waiting"] * 2
    assert {view["client"] for view in shown} == {"someone else"}
    assert {view["model"] for view in shown} == {"tiny-tales"}
    assert all(view["prompt_tokens"] > 0 and view["queued"] >= 0 for view in shown)
    assert [view["generated_tokens"] for view in shown[4:]] == [0, 0]


@pytest.mark.parametrize("stream", [True, False])
def test_deleting_a_request_by_its_http_id_cancels_it_and_tells_its_client(
    api: Api, engine: Engine, stream: bool
) -> None:
    replies: list[Reply] = []

    def ask() -> None:
        body = json.dumps(LONG | {"stream": stream}).encode()
        replies.append(api.request("POST", "/generate", body, {"X-Request-Id": "mine-7"}))

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: engine.stats().running == 1)
    (view,) = api.get("/requests").json["requests"]
    assert (view["request_id"], view["client"]) == ("mine-7", "127.0.0.1")
    deleted = api.request("DELETE", "/requests/mine-7")
    asking.join(timeout=30)
    assert (deleted.status, deleted.json) == (200, {"cancelled": [view["id"]]})
    failure = replies[0].events[-1]["error"] if stream else replies[0].error
    assert failure["code"] == "cancelled"
    gone = api.request("DELETE", "/requests/mine-7")
    assert (gone.status, gone.error["code"]) == (404, "request_not_found")


def test_metrics_count_answers_tokens_and_times(fresh: Api) -> None:
    done = fresh.generate(prompt=PROMPT, max_new_tokens=9, temperature=0).json["metadata"]
    assert fresh.generate(prompt="").status == 400
    fresh.get("/made/up/by/a/client")
    seen = numbers(fresh)
    assert seen["llmtui_requests_total", "200", "", "/generate"] == 1
    assert seen["llmtui_requests_total", "400", "", "/generate"] == 1
    assert seen["llmtui_requests_total", "404", "", "other"] == 1
    assert seen["llmtui_tokens_total", "", "prompt"] == done["prompt_tokens"]
    assert seen["llmtui_tokens_total", "", "completion"] == done["completion_tokens"] == 9
    assert seen[("llmtui_ttft_seconds_count",)] == 1
    assert seen[("llmtui_inter_token_seconds_count",)] == 8
    assert seen[("llmtui_queue_wait_seconds_count",)] == 1
    assert seen[("llmtui_batch_rows_count",)] == 9
    assert 0 < seen[("llmtui_ttft_seconds_sum",)] < 60
    assert (seen[("llmtui_running",)], seen[("llmtui_waiting",)]) == (0, 0)


def test_metrics_tell_why_requests_were_turned_away_or_stopped(fresh: Api, engine: Engine, occupied: Callable) -> None:
    with occupied(12):
        fresh.generate(prompt="Once")
        until(lambda: numbers(fresh)[("llmtui_waiting",)] == 8)
        assert numbers(fresh)[("llmtui_running",)] == 4
    with fresh.begin(**LONG):
        until(lambda: engine.stats().running == 1)
    until(lambda: engine.stats().running == 0)
    until(lambda: numbers(fresh).get(("llmtui_cancelled_total", "client")) == 1)
    assert numbers(fresh)["llmtui_rejected_total", "queue_full"] == 1


def test_with_keys_one_may_watch_all_requests_but_stop_only_ones_own(engine: Engine, settings: Settings) -> None:
    ours = settings.model_copy(update={"api_keys": Settings(_env_file=None, api_keys="a:aaaaaaaa,b:bbbbbbbb").api_keys})
    assert Keyring.of(ours).needed
    with serving(engine, ours) as api:
        body = json.dumps(LONG | {"stream": True}).encode()
        head = f"POST /generate HTTP/1.1\r\nX-API-Key: aaaaaaaa\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with api.raw(head + body):
            until(lambda: engine.stats().running == 1)
            (view,) = api.get("/requests", X_API_Key="bbbbbbbb").json["requests"]
            assert view["client"] == "a"
            path = f"/requests/{view['id']}"
            refused = api.request("DELETE", path, headers={"X-API-Key": "bbbbbbbb"})
            assert (refused.status, refused.error["code"]) == (403, "not_your_request")
            assert api.request("DELETE", path, headers={"X-API-Key": "aaaaaaaa"}).status == 200
