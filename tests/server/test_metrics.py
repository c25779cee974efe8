"""What operators watch: numbers by key, the dashboard over them, and a line for each request."""

import json
import logging
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from api_client import Api, serving, until
from prometheus_client.parser import text_string_to_metric_families

from llmtui.commands import exit_codes
from llmtui.commands.dashboard import write_dashboard
from llmtui.engine import Engine
from llmtui.settings import Settings
from llmtui.system.logs import ACCESS_LOGGER, LogError, setup_access_log

KEYS = "alice:sk-alice-12345,bob:sk-bob-67890"
ALICE = {"X-API-Key": "sk-alice-12345"}
PROMPT = "Once upon a time"


@pytest.fixture
def keyed(engine: Engine, settings: Settings) -> Api:
    values = {"api_keys": Settings(_env_file=None, api_keys=KEYS).api_keys, "answer_cache_bytes": 100_000}
    with serving(engine, settings.model_copy(update=values)) as api:
        yield api


def ask(api: Api, path: str = "/generate", headers: dict[str, str] | None = None, **body: object) -> dict:
    reply = api.request("POST", path, json.dumps({"prompt": PROMPT} | body).encode(), ALICE | (headers or {}))
    assert reply.status == 200
    return reply.json


def exposition(api: Api) -> str:
    return api.request("GET", "/metrics", headers=ALICE).body.decode()


def test_requests_and_tokens_are_counted_by_the_name_of_the_key_and_never_by_the_key(keyed: Api) -> None:
    done = ask(keyed, max_new_tokens=7, temperature=0)["metadata"]
    assert keyed.get("/info").status == 401
    text = exposition(keyed)
    samples = {
        (s.name, s.labels.get("key"), s.labels.get("kind") or s.labels.get("code")): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }
    assert samples["llmtui_tokens_total", "alice", "completion"] == done["completion_tokens"] == 7
    assert samples["llmtui_tokens_total", "alice", "prompt"] == done["prompt_tokens"]
    assert samples["llmtui_requests_total", "alice", "200"] == 1
    assert samples["llmtui_requests_total", "", "401"] == 1
    assert "sk-" not in text


def test_the_engines_own_numbers_are_the_ones_it_tells(keyed: Api, engine: Engine, occupied: Callable) -> None:
    def number(name: str) -> float:
        families = text_string_to_metric_families(exposition(keyed))
        return next(s.value for family in families for s in family.samples if s.name == f"llmtui_{name}")

    with occupied(6):
        until(lambda: number("running") == 4 and number("waiting") == 2)
        assert number("kv_bytes") > 0
    until(lambda: number("running") == 0)
    assert number("kv_bytes") == 0
    before, long = engine.stats().prefix_hit_tokens, "It was a dark and stormy night, and nobody was there. " * 8
    for seed in (1, 2):
        ask(keyed, prompt=long, max_new_tokens=1, seed=seed)
    assert number("prefix_hit_tokens_total") == engine.stats().prefix_hit_tokens > before
    assert number("prefix_cache_bytes") == engine.stats().prefix_cache_bytes > 0
    assert engine.model is not None
    assert number("weights_bytes") == engine.model.weights_bytes


# the dashboard


@pytest.fixture
def dashboard(capsys: pytest.CaptureFixture[str]) -> dict:
    assert write_dashboard() == exit_codes.DONE
    return json.loads(capsys.readouterr().out)


def test_the_dashboard_asks_only_for_metrics_and_labels_that_there_are(dashboard: dict, keyed: Api) -> None:
    ask(keyed, max_new_tokens=3, temperature=0)
    keyed.get("/info")
    families = list(text_string_to_metric_families(exposition(keyed)))
    labels: dict[str, set[str]] = {}
    for family in families:
        # a family without samples yet is still there by its name
        for name in (family.name, f"{family.name}_total", f"{family.name}_bucket"):
            labels.setdefault(name, {"instance"})
        for sample in family.samples:
            labels.setdefault(sample.name, {"instance"}).update(sample.labels)
    labels["llmtui_cancelled_total"].add("cause")
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(expressions) > 20
    for expression in [*expressions, dashboard["templating"]["list"][1]["definition"]]:
        names = re.findall(r"llmtui_\w+", expression)
        assert names
        assert set(names) <= set(labels), expression
        wanted = re.findall(r"(\w+)=", expression) + re.findall(r"by \((\w+)\)", expression)
        assert set(wanted) <= set().union(*(labels[name] for name in names)), expression


def test_the_command_prints_the_dashboard(dashboard: dict) -> None:
    done = subprocess.run([sys.executable, "-m", "llmtui", "dashboard"], capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) == dashboard


def test_the_dashboard_leaves_no_metric_out(dashboard: dict, keyed: Api) -> None:
    shown = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    names = [family.name for family in text_string_to_metric_families(exposition(keyed))]
    assert [name for name in names if name not in shown and not name.endswith("_created")] == []


def test_the_dashboard_can_be_imported(dashboard: dict) -> None:
    assert dashboard["schemaVersion"] >= 36
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(set(cells)) == len(cells), "two panels lie on each other"
    assert max(x for x, _ in cells) < 24


# the access log


@pytest.fixture
def access_file(tmp_path: Path):
    file = tmp_path / "access.jsonl"
    logger = logging.getLogger(ACCESS_LOGGER)
    before = (logger.level, logger.propagate)
    logger.setLevel(logging.INFO)
    setup_access_log(file)
    yield file
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.level, logger.propagate = before


def lines_of(file: Path, name: str) -> list[dict]:
    lines = [json.loads(line) for line in file.read_text("ascii").splitlines()]
    return [line for line in lines if line["request_id"] == name]


@pytest.mark.parametrize("stream", [False, True])
def test_each_answer_leaves_a_line_with_who_what_and_how_much(keyed: Api, access_file: Path, stream: bool) -> None:
    body = {"prompt": PROMPT, "max_new_tokens": 9, "temperature": 0, "stream": stream}
    for name in ("log-1", "log-2"):
        keyed.request("POST", "/generate", json.dumps(body).encode(), ALICE | {"X-Request-Id": name})
    until(lambda: bool(lines_of(access_file, "log-1") and lines_of(access_file, "log-2")))
    (first,), (second,) = lines_of(access_file, "log-1"), lines_of(access_file, "log-2")
    wanted = {"key": "alice", "method": "POST", "route": "/generate", "path": "/generate", "status": 200, "error": None}
    assert {name: first[name] for name in wanted} == wanted
    assert (first["completion_tokens"], second["completion_tokens"]) == (9, 9)
    assert first["prompt_tokens"] == second["prompt_tokens"] > 0
    assert (first["cache"], second["cache"]) == ("miss", "hit")
    assert 0 < second["seconds"] < first["seconds"] < 60
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", first["time"])
    assert "sk-alice" not in access_file.read_text()


def test_refusals_unknown_paths_and_hostile_ones_are_told_without_control_characters(
    keyed: Api, access_file: Path
) -> None:
    keyed.request("GET", "/a%0ab%1b[31m" + "x" * 2000, headers=ALICE | {"X-Request-Id": "log-1"})
    keyed.request("GET", "/info", headers={"X-Request-Id": "log-2"})
    until(lambda: bool(lines_of(access_file, "log-1") and lines_of(access_file, "log-2")))
    (hostile,), (refused,) = lines_of(access_file, "log-1"), lines_of(access_file, "log-2")
    assert (hostile["status"], hostile["route"], len(hostile["path"])) == (404, None, 300)
    assert hostile["path"].startswith("/a\nb\x1b[31m")
    assert "\x1b" not in access_file.read_text()
    assert (refused["status"], refused["error"], refused["key"]) == (401, "invalid_api_key", None)


def begun(api: Api, path: str, **body: object) -> socket.socket:
    """A request under the id log-1 whose answer is being streamed."""
    data = json.dumps(body | {"stream": True}).encode()
    headers = f"X-API-Key: sk-alice-12345\r\nX-Request-Id: log-1\r\nContent-Length: {len(data)}"
    return api.raw(f"POST {path} HTTP/1.1\r\n{headers}\r\n\r\n".encode() + data)


def test_a_client_that_leaves_is_told_with_what_it_took(keyed: Api, access_file: Path) -> None:
    with begun(keyed, "/generate", prompt=PROMPT, max_length=500, temperature=0) as connection:
        received = b""
        while received.count(b'"event":"token"') < 10:
            received += connection.recv(65536)
    until(lambda: bool(lines_of(access_file, "log-1")))
    (line,) = lines_of(access_file, "log-1")
    assert 10 <= line["completion_tokens"] < 500
    assert (line["status"], line["error"]) == (200, "client_closed_request")


def test_a_stream_that_is_stopped_is_told_as_stopped(keyed: Api, access_file: Path) -> None:
    with begun(keyed, "/v1/completions", prompt=PROMPT, max_tokens=400, ignore_eos=True, n=2) as connection:
        assert connection.recv(65536)
        assert keyed.request("DELETE", "/requests/log-1", headers=ALICE).status == 200
        while connection.recv(65536):
            pass
    until(lambda: bool(lines_of(access_file, "log-1")))
    (line,) = lines_of(access_file, "log-1")
    assert (line["status"], line["error"]) == (200, "cancelled")


def test_a_file_that_was_moved_away_is_opened_anew(access_file: Path) -> None:
    logging.getLogger(ACCESS_LOGGER).info("%s", '{"request_id": "1"}')
    access_file.rename(access_file.with_suffix(".1"))
    logging.getLogger(ACCESS_LOGGER).info("%s", '{"request_id": "2"}')
    assert access_file.read_text() == '{"request_id": "2"}\n'


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="ACCESS_LOG_FILE"):
        setup_access_log(tmp_path / "no" / "such" / "folder")


def test_what_waitress_refuses_leaves_a_line_too(keyed: Api, access_file: Path) -> None:
    reply = keyed.request("POST", "/v1/completions", b"{}", {"X-Padding": "x" * 40_000})
    assert reply.status == 431
    (line,) = lines_of(access_file, reply.headers["x-request-id"])
    assert (line["status"], line["error"], line["path"]) == (431, "headers_too_large", "/v1/completions")


@pytest.mark.parametrize("repeated", [False, True])
def test_a_prompt_that_several_answers_share_is_logged_as_often_as_the_usage_counts_it(
    keyed: Api, access_file: Path, repeated: bool
) -> None:
    body = {"prompt": ["Once", "Tom"], "n": 3, "max_tokens": 2, "seed": 4, "ignore_eos": True}
    if repeated:
        ask(keyed, "/v1/completions", **body)
    usage = ask(keyed, "/v1/completions", {"X-Request-Id": "log-1"}, **body)["usage"]
    until(lambda: bool(lines_of(access_file, "log-1")))
    (line,) = lines_of(access_file, "log-1")
    assert {counted: line[counted] for counted in ("prompt_tokens", "completion_tokens")} == {
        counted: usage[counted] for counted in ("prompt_tokens", "completion_tokens")
    }
