"""The program from outside: its exit codes, what it writes where, and what it never imports."""

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from running import environment, llmtui

from llmtui import __version__, cli, own_process
from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.insight.trace import read_tokens

STORY = ["generate", "Once upon a time", "--seed", "7", "--max-new-tokens", "12"]


def imported_modules(importtime: str) -> set[str]:
    """The modules that `python -X importtime` lists."""
    return {line.rpartition("|")[2].strip() for line in importtime.splitlines() if line.startswith("import time:")}


def test_help_and_version_import_neither_torch_nor_textual_nor_settings(tmp_path: Path) -> None:
    for arguments in (["--help"], ["generate", "--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "llmtui", *arguments],
            capture_output=True,
            text=True,
            env=environment(tmp_path),
            check=True,
        )
        modules = imported_modules(done.stderr)
        assert "click" in modules
        assert not modules & {"torch", "textual", "transformers", "pydantic", "flask", "numpy"}
    assert done.stdout == f"llmtui, version {__version__}\n"


def test_generate_writes_the_text_and_nothing_else(tmp_path: Path, tiny_tales_engine: Engine) -> None:
    done = llmtui(*STORY, home=tmp_path)
    params = SamplingParams(temperature=0.7, top_k=50, seed=7, max_tokens=12)
    expected = tiny_tales_engine.submit(GenerationRequest(prompt="Once upon a time", params=params)).result().text
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == expected


def test_generate_json_has_one_event_a_line_with_every_fact(tmp_path: Path) -> None:
    done = llmtui(
        "generate", "-", "--json", "--prompt-logprobs", "--max-new-tokens", "5", home=tmp_path, stdin="The fox\n"
    )
    lines = done.stdout.decode().splitlines()
    events = [json.loads(line) for line in lines]
    assert done.returncode == 0
    assert [event["event"] for event in events] == ["queued", "started", "prefilled", *["token"] * 5, "finished"]
    token = events[3]
    facts = "id text bytes logprob surprisal_bits rank ties entropy_bits candidates stages sampled_prob u rows step_ns"
    assert set(facts.split()) <= token.keys()
    assert len(token["candidates"]) >= 10
    assert bytes(b for event in events[3:8] for b in event["bytes"]).decode() == events[-1]["text"]
    assert events[-1]["usage"] == {
        "prompt_tokens": 2,
        "completion_tokens": 5,
        "total_tokens": 7,
        "cached_tokens": 0,
        "drafted_tokens": 0,
        "accepted_tokens": 0,
        "acceptance_rate": None,
    }
    assert events[-1]["timings"]["tokens_per_second"] > 0
    tokens = list(read_tokens(lines))
    assert [t.is_prompt for t in tokens] == [True] * 2 + [False] * 5
    assert tokens[0].logprob is None
    assert b"".join(t.bytes for t in tokens[:2]) == b"The fox"


def test_generate_json_tells_what_would_have_come_instead(tmp_path: Path) -> None:
    options = ("--json", "--lookahead", "2", "--lookahead-depth", "3", "--max-new-tokens", "8", "--seed", "1")
    done = llmtui("generate", "The fox", *options, home=tmp_path)
    events = [json.loads(line) for line in done.stdout.decode().splitlines()]
    tokens = {event["index"]: event for event in events if event["event"] == "token"}
    told = [event for event in events if event["event"] == "lookahead"]
    assert told[0]["index"] == min(tokens)
    assert events[-1]["event"] == "finished"
    for event in told:
        chosen = tokens[event["index"]]
        others = [candidate["id"] for candidate in chosen["candidates"] if candidate["id"] != chosen["id"]]
        assert [branch["id"] for branch in event["branches"]] == others[:2]
        for branch in event["branches"]:
            data = b"".join(bytes(token["bytes"]) for token in branch["tokens"])
            assert data.decode(errors="replace") == branch["continuation"]
    assert [len(branch["tokens"]) for branch in told[0]["branches"]] == [3, 3]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["generate", "x", "--temperature", "9"], 2, ["--temperature", "2"]),
        (["generate", "x", "--top-k", "many"], 2, ["--top-k"]),
        (["generate", "x", "--min-p", "7"], 2, ["--min-p must be", "between 0 and 1"]),
        (["generate", "x", "--lookahead", "3"], 2, ["lookahead", "--json"]),
        (["generate", "x", "--json", "--lookahead", "99"], 2, ["lookahead", "between 0 and 8"]),
        (["generate", ""], 2, ["PROMPT", "empty"]),
        (["generate", "x", "--device", "gpu7"], 2, ["--device", "cuda"]),
        (["generate", "x", "--dtype", "float8"], 2, ["--dtype", "bfloat16"]),
        (["--headless"], 2, ["--serve"]),
        ([], 2, ["terminal", "llmtui generate"]),
        (["--serve", "generate", "x"], 2, ["generate"]),
        (["--no-such-option"], 2, ["--no-such-option"]),
        (["generate", "x", "--model", "./nowhere"], 3, ["./nowhere"]),
        (["generate", "x", "--model", "no/such\x1b[31m"], 3, ["no/such"]),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_with_its_exit_code(
    tmp_path: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    done = llmtui(*arguments, home=tmp_path)
    message = done.stderr.decode()
    assert done.returncode == code
    assert done.stdout == b""
    assert all(word in message for word in words), message
    assert "Traceback" not in message
    assert "\x1b" not in message


def test_a_wrong_value_names_the_variable_and_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TOP_K_TYPO=1\nDEFAULT_TOP_KK=3\nMAX_LENGTH_LIMIT=many\n")
    done = llmtui("generate", "x", home=tmp_path)
    assert done.returncode == 2
    assert f"MAX_LENGTH_LIMIT in {tmp_path / '.env'}" in done.stderr.decode()
    done = llmtui("generate", "x", home=tmp_path, MAX_LENGTH_LIMIT="0")
    assert "MAX_LENGTH_LIMIT in the environment" in done.stderr.decode()


def test_ctrl_c_stops_with_130_and_a_proper_last_event(tmp_path: Path) -> None:
    # a text of 265 tokens, each with 64 more beside it: far from its end when the fifth event is read
    slow = [
        "--temperature",
        "2",
        "--seed",
        "4",
        "--max-new-tokens",
        "500",
        "--lookahead",
        "8",
        "--lookahead-depth",
        "8",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "llmtui", "generate", "Once", "--json", *slow],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(tmp_path),
    ) as process:
        assert process.stdout is not None
        events = []
        for line in process.stdout:
            events.append(json.loads(line))
            if len(events) == 5:
                process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert events[-1]["event"] == "finished"
    assert events[-1]["reason"] == "cancelled"


def test_ctrl_c_before_a_command_has_begun_is_130_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.LazyGroup, "get_command", interrupted)
    monkeypatch.setattr(sys, "argv", ["llmtui", "doctor"])
    monkeypatch.setattr(own_process, "claim", lambda _: None)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 130


@pytest.mark.parametrize(
    "command",
    [("--help",), ("--version",), ("tokenize", "a b"), ("dashboard",), ("generate", "Once", "--max-new-tokens", "3")],
)
def test_a_full_disk_is_one_sentence_and_exit_1(tmp_path: Path, command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "llmtui", *command],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment(tmp_path),
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"llmtui: stdout cannot be written to: No space left on device\n"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("generate", "Once", "--max-length", "1"), "--max-length must be above the prompt's own "),
        (
            ("sweep", "Once", "--seeds", "2", "--seed", "9223372036854775807"),
            "--seed must be at most 9223372036854775806 with 2 seeds, got 9223372036854775807",
        ),
        (("sweep", "Once", "--max-length", "1"), "--max-length must be above the prompt's own "),
    ],
)
def test_a_wrong_value_is_named_as_it_was_typed(tmp_path: Path, command: tuple[str, ...], sentence: str) -> None:
    done = llmtui(*command, home=tmp_path)
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"llmtui: {sentence}")


def test_an_address_that_is_not_this_machines_is_told_once(tmp_path: Path) -> None:
    done = llmtui("--serve", "--headless", "--host", "192.0.2.1", home=tmp_path, API_KEYS="kim:12345678")
    assert done.returncode == 1
    assert b"of 192.0.2.1 cannot be opened (Cannot assign requested address): set HOST" in done.stderr


@pytest.mark.parametrize("columns", [24, 40, 80])
def test_a_sweep_is_no_wider_than_the_terminal(tmp_path: Path, columns: int) -> None:
    asked = ("sweep", "Once upon a time", "--temperature", "0.5,1", "--seeds", "1", "--max-new-tokens", "20")
    done = llmtui(*asked, home=tmp_path, COLUMNS=str(columns))
    assert done.returncode == 0
    assert max(map(len, done.stdout.decode().splitlines())) <= columns


@pytest.mark.parametrize("command", [("generate", "hi"), ("--serve", "--headless"), ("tokenize", "hi")])
def test_a_home_in_which_nothing_can_be_made_is_one_sentence_and_exit_1(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "file" / "home")
    folders = {f"XDG_{kind}_HOME": nowhere for kind in ("CONFIG", "STATE", "CACHE", "DATA")}
    done = llmtui(*command, home=tmp_path, HOME=nowhere, **folders)
    assert done.returncode == 1
    assert done.stderr.startswith(b"llmtui: ")
    assert b"cannot be made" in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        ("tokenize", "a\N{FOX FACE}"),
        ("models", "show", "tiny-tales", "--tree"),
        ("sweep", "\N{FOX FACE}", "--seeds", "1", "--max-new-tokens", "2"),
    ],
)
def test_what_stdouts_encoding_does_not_have_is_escaped(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = llmtui(*command, home=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u" in done.stdout
    assert done.stdout.isascii()


def test_json_is_json_in_every_encoding(tmp_path: Path) -> None:
    done = llmtui("tokenize", "a\N{FOX FACE}", "--json", home=tmp_path, PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout.decode("ascii"))["text"] == "a\N{FOX FACE}"


@pytest.mark.parametrize("closed", ["<&- >&-", ">&- 2>&-"])
def test_closed_standard_streams_are_no_error(tmp_path: Path, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m llmtui tokenize abc {closed}"],
        capture_output=True,
        cwd=tmp_path,
        env=environment(tmp_path),
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_closed_pipe_ends_it_quietly(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "llmtui", "generate", "Once", "--max-new-tokens", "500"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(tmp_path),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(30) == 141
        assert process.stderr.read() == b""


def ask(url: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_headless_serves_without_textual_and_ends_on_sigterm(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "llmtui", "--serve", "--headless", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment(tmp_path),
    ) as process:
        assert process.stderr is not None
        lines: list[str] = []

        def read_until(word: str) -> str:
            for line in process.stderr or ():
                lines.append(line)
                if word in line and not line.startswith("import time:"):
                    return line
            raise AssertionError(f"{word!r} was never said")

        url = read_until("listening on").split("listening on ")[1].split(",")[0].strip()
        status, health = ask(f"{url}/health")
        assert (status, health["status"]) in [(503, "loading"), (200, "healthy")]
        read_until("is ready")
        assert ask(f"{url}/health") == (
            200,
            {"status": "healthy", "model": "tiny-tales", "device": "CPU", "cuda_available": health["cuda_available"]},
        )
        status, answer = ask(f"{url}/generate", {"prompt": "Once upon a time", "max_length": 20, "temperature": 0})
        assert status == 200
        assert answer["generated_text"].startswith("Once upon a time,")
        process.send_signal(signal.SIGTERM)
        lines.append(process.stderr.read())
        assert process.wait(5) == 0
    assert "torch" in imported_modules("".join(lines))
    assert not [module for module in imported_modules("".join(lines)) if module.startswith("textual")]


def test_a_busy_port_is_one_sentence_that_names_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = llmtui("--serve", "--headless", "--port", str(port), home=tmp_path)
    message = done.stderr.decode()
    assert done.returncode == 1
    assert str(port) in message
    assert "PORT" in message
    assert len(message.splitlines()) == 1


def test_headless_says_why_a_model_cannot_be_loaded(tmp_path: Path) -> None:
    done = llmtui("--serve", "--headless", "--port", "0", "--model", "./nowhere", home=tmp_path)
    assert done.returncode == 3
    assert "./nowhere" in done.stderr.decode()
