"""Commands on a running server's engine, against the same commands on their own."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from api_client import Api, serving
from running import environment, llmtui

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Event, Finished, Prefilled, Token
from llmtui.insight.trace import event_from_json, event_to_json
from llmtui.settings import Settings

KEY = "a-key-of-alice"
GENERATE = ("generate", "Once upon a time", "--seed", "7", "--max-new-tokens", "12")
TIMES = ("step_ns", "rows", "request_id", "timings", "cached_tokens", "usage")


@pytest.fixture
def server(tiny_tales_engine: Engine) -> Iterator[Api]:
    with serving(tiny_tales_engine, Settings(_env_file=None, port=0)) as api:
        yield api


def url(api: Api) -> str:
    return f"http://127.0.0.1:{api.port}"


def events(output: bytes) -> list[dict[str, Any]]:
    """JSON lines without what differs from run to run."""
    lines = [json.loads(line) for line in output.splitlines()]
    return [without_times(line) for line in lines if line["event"] != "prefilled" or line["tokens"]]


def without_times(fields: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in fields.items() if name not in TIMES}
    if "tokens" in kept:
        kept["tokens"] = [without_times(token) for token in kept["tokens"]]
    return kept


@pytest.mark.parametrize("options", [(), ("--prompt-logprobs", "--top-p", "0.9", "--stop", " and")])
def test_a_server_generates_the_same_text_with_the_same_facts(
    server: Api, tmp_path: Path, options: tuple[str, ...]
) -> None:
    own = llmtui(*GENERATE, *options, "--json", home=tmp_path)
    told = llmtui(*GENERATE, *options, "--json", "--url", url(server), home=tmp_path)
    assert (own.returncode, told.returncode, told.stderr) == (0, 0, b"")
    mine, theirs = events(own.stdout), events(told.stdout)
    assert [line["event"] for line in mine] == [line["event"] for line in theirs]
    # 12 tokens after the prompt's own stay below the server's limit of 200
    for one, other in zip(mine, theirs, strict=True):
        assert set(one) == set(other)
        assert {name: one[name] for name in ("id", "text", "rank", "u") if name in one} == {
            name: other[name] for name in ("id", "text", "rank", "u") if name in other
        }
        if one.get("logprob") is not None:
            assert one["logprob"] == pytest.approx(other["logprob"], abs=1e-4)
            assert [c["id"] for c in one["candidates"]] == [c["id"] for c in other["candidates"]]
    plain = llmtui(*GENERATE, *options, "--url", url(server), home=tmp_path)
    assert plain.stdout.decode() == mine[-1]["text"]


def test_more_tokens_than_the_server_allows_are_not_asked_for(server: Api, tmp_path: Path) -> None:
    done = llmtui(
        "generate", "Once", "--max-new-tokens", "5000", "--seed", "1", "--json", "--url", url(server), home=tmp_path
    )
    started = next(line for line in events(done.stdout) if line["event"] == "started")
    assert done.returncode == 0
    assert started["prompt_tokens"] + started["max_tokens"] == 200


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--url", "http://127.0.0.1:1"), 1, "http://127.0.0.1:1 does not answer"),
        (("--url", "nonsense://x"), 2, "no address of a server"),
        (("--url", "http://127.0.0.1:99999"), 2, "http://127.0.0.1:99999 is no address of a server"),
        (("--url", "URL", "--top-logprobs", "50"), 2, "top_logprobs"),
        (("--url", "URL", "--model", "other/model"), 1, "other/model"),
        (("--url", "URL", "--chat"), 2, "--chat does not go with --url"),
        (("--url", "URL", "--json", "--lookahead", "2"), 2, "--lookahead does not go with --url"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    server: Api, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    arguments = tuple(url(server) if argument == "URL" else argument for argument in arguments)
    done = llmtui("generate", "Once", *arguments, home=tmp_path)
    assert words in done.stderr.decode()
    assert (done.returncode, done.stdout) == (code, b"")


@pytest.mark.parametrize(("status", "body"), [(404, b"<p>no</p>"), (501, b""), (200, b"<p>hi</p>"), (200, b"[]")])
@pytest.mark.parametrize("command", ["generate", "tokenize"])
def test_another_program_that_answers_is_told_as_that(tmp_path: Path, command: str, status: int, body: bytes) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        done = llmtui(command, "Once", "--url", f"http://127.0.0.1:{other.server_port}", home=tmp_path)
        other.shutdown()
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"does not answer as an llmtui" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_the_key_comes_from_the_environment(tiny_tales_engine: Engine, tmp_path: Path) -> None:
    with serving(tiny_tales_engine, Settings(_env_file=None, port=0, api_keys=f"alice:{KEY}")) as api:
        without = llmtui(*GENERATE, "--url", url(api), home=tmp_path)
        done = llmtui(*GENERATE, "--url", url(api), home=tmp_path, LLMTUI_API_KEY=KEY)
    assert (without.returncode, done.returncode) == (1, 0)
    assert "LLMTUI_API_KEY" in without.stderr.decode()
    assert KEY not in without.stderr.decode() + done.stderr.decode()
    assert done.stdout


def test_ctrl_c_stops_the_servers_generation_and_writes_its_end(tiny_tales_engine: Engine, tmp_path: Path) -> None:
    with serving(tiny_tales_engine, Settings(_env_file=None, port=0, max_length_limit=500)) as api:
        arguments = [sys.executable, "-m", "llmtui", "generate", "Once", "--json", "--url", url(api)]
        arguments += ["--max-new-tokens", "490", "--seed", "3"]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=tmp_path, env=environment(tmp_path)) as process:
            assert process.stdout is not None
            while json.loads(process.stdout.readline())["event"] != "token":
                pass
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
        last = json.loads(rest.splitlines()[-1])
        assert process.returncode == 130
        assert last["event"] == "finished"
        if last["reason"] == "cancelled":
            assert last["usage"]["completion_tokens"] < 490
        deadline = time.monotonic() + 60
        while tiny_tales_engine.stats().running and time.monotonic() < deadline:
            time.sleep(0.01)
        assert tiny_tales_engine.stats().running == 0


def test_a_sweep_on_a_server_gives_the_cells_of_a_sweep_here(server: Api, tmp_path: Path) -> None:
    arguments = (
        "sweep",
        "Once upon a time",
        "--temperature",
        "0.2,1",
        "--seeds",
        "2",
        "--max-new-tokens",
        "8",
        "--json",
    )
    own = json.loads(llmtui(*arguments, home=tmp_path).stdout)
    told = llmtui(*arguments, "--url", url(server), home=tmp_path)
    assert told.returncode == 0
    remote = json.loads(told.stdout)
    assert (remote["model"], remote["complete"]) == ("tiny-tales", True)
    same = ("temperature", "seed", "text", "ids", "diverges_at", "longest_repeat")
    assert [{name: cell[name] for name in same} for cell in remote["cells"]] == [
        {name: cell[name] for name in same} for cell in own["cells"]
    ]
    refused = llmtui("sweep", "Once", "--at", "1", "--url", url(server), home=tmp_path)
    assert refused.returncode == 2
    assert "--at does not go with --url" in refused.stderr.decode()


@pytest.mark.parametrize("text", ["Once upon a 🦊", "é\u0301 \x1b[31m", " ", ""])
def test_a_server_cuts_a_text_as_it_is_cut_here(server: Api, tmp_path: Path, text: str) -> None:
    own = json.loads(llmtui("tokenize", text, "--json", home=tmp_path).stdout)
    told = json.loads(llmtui("tokenize", text, "--json", "--url", url(server), home=tmp_path).stdout)
    assert told == own
    ids = ",".join(str(token["id"]) for token in own["tokens"])
    if not ids:
        return
    assert (
        llmtui("tokenize", "--decode", ids, "--url", url(server), home=tmp_path).stdout
        == llmtui("tokenize", "--decode", ids, home=tmp_path).stdout
    )


def test_every_event_survives_the_way_through_json(tiny_tales_engine: Engine) -> None:
    params = SamplingParams(max_tokens=9, seed=4, prompt_logprobs=True, top_p=0.9, stop=[" the"])
    seen: list[Event] = list(tiny_tales_engine.submit(GenerationRequest(prompt="The fox and the hen", params=params)))
    assert {Prefilled, Token, Finished} <= {type(event) for event in seen}
    assert [event_from_json(json.loads(json.dumps(event_to_json(event)))) for event in seen] == seen
    assert event_from_json({"event": "of a later version"}) is None
