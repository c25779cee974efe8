"""llmtui tokenize from outside."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import environment, llmtui
from transformers import AutoTokenizer

from llmtui.models.catalog import embedded_path

KEYS = {"model", "text", "characters", "bytes", "own_tokens", "characters_per_token", "bytes_per_token", "offsets"}
KEYS |= {"tokens"}


def test_json_has_the_documented_keys_and_the_models_ids(tmp_path: Path) -> None:
    done = llmtui("tokenize", "-", "--json", home=tmp_path, stdin="Héllo\n")
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    answer = json.loads(done.stdout)
    assert set(answer) == KEYS
    assert set(answer["tokens"][0]) == {"index", "id", "text", "bytes", "start", "end", "special", "added"}
    assert answer["text"] == "Héllo"
    assert [token["id"] for token in answer["tokens"]] == AutoTokenizer.from_pretrained(embedded_path())(
        "Héllo"
    ).input_ids
    assert b"".join(bytes(token["bytes"]) for token in answer["tokens"]) == "Héllo".encode()


def test_neither_weights_nor_torch_are_needed(tmp_path: Path) -> None:
    folder = tmp_path / "only-tokenizer"
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(embedded_path() / name, folder / name)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "llmtui", "tokenize", "a b", "--model", str(folder)],
        capture_output=True,
        env=environment(tmp_path),
        timeout=60,
        check=True,
    )
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    assert b"2 tokens, 3 characters, 3 bytes; 1.50 characters per token" in done.stdout
    assert not modules & {"torch", "transformers", "textual", "flask"}


def test_ids_become_text(tmp_path: Path) -> None:
    ids = AutoTokenizer.from_pretrained(embedded_path())("Once upon\na time 🦊").input_ids
    done = llmtui("tokenize", "--decode", ",".join(map(str, ids)), home=tmp_path)
    assert done.stdout.decode() == "Once upon\na time 🦊\n"


def test_control_characters_in_the_table_are_visible(tmp_path: Path) -> None:
    done = llmtui("tokenize", "a\x1b[31m\u202eb", home=tmp_path)
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
    assert "\u202e" not in done.stdout.decode()
    assert "‹ESC›" in done.stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--decode", "x"), "--decode"),
        (("--decode", ""), "--decode"),
        (("--decode", "5120"), "--decode"),
        (("--decode", "1" * 5000), "--decode"),
        (("text", "--decode", "1"), "--decode"),
        (("text", "--wrong"), "--wrong"),
    ],
)
def test_wrong_arguments_exit_2_and_name_the_option(tmp_path: Path, arguments: tuple[str, ...], named: str) -> None:
    done = llmtui("tokenize", *arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert named in done.stderr.decode()


def test_stdin_that_is_no_text_exits_2(tmp_path: Path) -> None:
    done = llmtui("tokenize", "-", home=tmp_path, stdin=b"\xff\xfe")
    assert done.returncode == 2
    assert b"UTF-8" in done.stderr


def test_unknown_model_exits_3(tmp_path: Path) -> None:
    assert llmtui("tokenize", "a", "--model", "./nowhere", home=tmp_path).returncode == 3


def test_narrow_terminals_get_shorter_lines(tmp_path: Path) -> None:
    done = llmtui("tokenize", "Once upon " + "x" * 200, home=tmp_path, COLUMNS="40")
    lines = done.stdout.decode().splitlines()
    assert max(len(line) for line in lines) <= 40
    assert "characters per token" in " ".join(lines[-2:])
