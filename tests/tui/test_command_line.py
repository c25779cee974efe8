"""What a line in the prompt means."""

import re

import pytest

from llmtui.tui.actions import ACTIONS
from llmtui.tui.command_line import (
    CommandError,
    completed,
    is_command,
    matching_commands,
    parse_command,
    text_of,
    usage_of,
)


@pytest.mark.parametrize(
    ("line", "command", "text"),
    [
        ("/again", True, None),
        ("/", True, None),
        ("Once", False, "Once"),
        (" /again", False, " /again"),
        ("//etc/hosts", False, "/etc/hosts"),
        ("///", False, "//"),
        ("/etc/hosts\n/etc/passwd", False, "/etc/hosts\n/etc/passwd"),
        ("", False, ""),
    ],
)
def test_one_slash_begins_a_command_and_two_begin_a_text(line: str, command: bool, text: str | None) -> None:
    assert is_command(line) is command
    if text is not None:
        assert text_of(line) == text


@pytest.mark.parametrize(
    ("line", "id", "argument"),
    [
        ("/again", "again", ""),
        ("/ag", "again", ""),
        ("/models", "models", ""),
        ("/model openai-community/gpt2", "models", "openai-community/gpt2"),
        ("/set temperature 0.2", "set", "temperature 0.2"),
        ("/SEED  7 ", "seed", "7"),
        ("/chat", "chat", ""),
        ("/save ~/my tale.txt", "save", "~/my tale.txt"),
    ],
)
def test_a_command_line_means_an_action(line: str, id: str, argument: str) -> None:
    action, rest = parse_command(line)
    assert (action.id, rest) == (id, argument)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/", "no command"),
        ("/nonsense", "/nonsense is no command"),
        ("/se", "/set or /seed"),
        ("/set", "/set NAME VALUE"),
        ("/quit now", "takes nothing"),
        ("/\x1b[2J", "no command"),
    ],
)
def test_a_wrong_command_says_what_would_be_right(line: str, words: str) -> None:
    with pytest.raises(CommandError, match=re.escape(words)):
        parse_command(line)


def test_an_exact_name_comes_before_longer_ones() -> None:
    longer = [action.slash for action in ACTIONS if action.slash.startswith("s")]
    assert len(longer) > 1
    assert {action.slash for action in matching_commands("s")} == set(longer)
    assert [parse_command(f"/{name} 3")[0].slash for name in ("set", "seed", "save")] == ["set", "seed", "save"]


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("/see", "/seed "),
        ("/ag", "/again"),
        ("/AG", "/again"),
        ("/para", "/parameters"),
        ("/to", "/token"),
        ("/se", "/se"),
        ("/nonsense", "/nonsense"),
        ("/seed 7", None),
        ("//se", None),
        ("see", None),
    ],
)
def test_a_beginning_is_completed_as_far_as_it_is_sure(line: str, whole: str | None) -> None:
    assert completed(line) == whole


def test_a_command_is_explained_and_those_that_begin_alike_are_named() -> None:
    assert usage_of("/see").startswith("/seed N: Same seed")
    assert usage_of("/set temperature").startswith("/set NAME VALUE: ")
    assert usage_of("/se") == "/set NAME VALUE  /seed N"
    assert usage_of("/nonsense") == ""
