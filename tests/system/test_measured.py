"""The speeds that `llmtui bench` keeps."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from llmtui.system.measured import MeasuredSpeed, keep_measured, measured_speeds, speeds_of

SPEED = MeasuredSpeed("gpt2", "/models/gpt2", "float32", "cpu", 31.5, "2026-11-24T10:00:00+00:00")


def test_a_later_speed_of_the_same_takes_the_earlier_ones_place_and_newest_come_first(tmp_path: Path) -> None:
    file = tmp_path / "measured.json"
    assert measured_speeds(file) == []
    later = replace(SPEED, tokens_per_second=33.0, when="2026-11-24T11:00:00+00:00")
    other = replace(SPEED, dtype="int8", when="2026-11-24T10:30:00+00:00")
    for speed in (SPEED, other, later):
        keep_measured(speed, file)
    assert measured_speeds(file) == [later, other]
    assert [path.name for path in tmp_path.iterdir()] == ["measured.json"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"speeds": 3}', b'{"speeds": [{"model": "x"}]}', b"\xff\xfe", b'{"speeds": ["x"]}']
)
def test_a_file_that_cannot_be_read_holds_nothing_and_is_written_anew(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "measured.json"
    file.write_bytes(content)
    assert measured_speeds(file) == []
    keep_measured(SPEED, file)
    assert measured_speeds(file) == [SPEED]


@pytest.mark.parametrize("wrong", [{"tokens_per_second": "fast"}, {"when": None}, {"path": 3}])
def test_a_field_of_another_type_is_no_speed(tmp_path: Path, wrong: dict[str, object]) -> None:
    file = tmp_path / "measured.json"
    keep_measured(SPEED, file)
    kept = json.loads(file.read_bytes())
    kept["speeds"][0] |= wrong
    file.write_text(json.dumps(kept))
    assert measured_speeds(file) == []


def test_speeds_are_a_models_by_its_name_or_its_folder(tmp_path: Path) -> None:
    here = replace(SPEED, model="./m", path=str(tmp_path))
    assert speeds_of("gpt2", tmp_path / "elsewhere", [SPEED, here]) == [SPEED]
    assert speeds_of("org/m", tmp_path, [SPEED, here]) == [here]
    assert speeds_of("other", tmp_path / "elsewhere", [SPEED, here]) == []


def test_a_model_in_two_folders_has_one_speed_for_each_dtype(tmp_path: Path) -> None:
    newer, older = replace(SPEED, path="/new", tokens_per_second=2.0), replace(SPEED, path="/old")
    other = replace(older, dtype="int8")
    assert speeds_of(SPEED.model, tmp_path / "elsewhere", [newer, older, other]) == [newer, other]
