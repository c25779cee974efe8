"""llmtui learn from outside."""

import json
from pathlib import Path

from running import llmtui


def test_the_lessons_as_a_list_and_as_json(tmp_path: Path) -> None:
    done = llmtui("learn", "--list", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 8
    assert lines[0].split() == ["1", "Tokens", "0", "of", "3", "done"]
    answer = json.loads(llmtui("learn", "2", "--json", home=tmp_path).stdout)
    assert [lesson["number"] for lesson in answer] == [2]
    assert set(answer[0]["tasks"][0]) == {"id", "do", "look_for", "done", "found"}


def test_a_wrong_number_and_a_pipe_instead_of_a_terminal(tmp_path: Path) -> None:
    wrong = llmtui("learn", "9", home=tmp_path)
    assert wrong.returncode == 2
    assert b"NUMBER" in wrong.stderr
    piped = llmtui("learn", home=tmp_path)
    assert piped.returncode == 2
    assert b"needs a terminal" in piped.stderr
