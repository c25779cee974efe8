"""What is remembered of transformers' models: the same as what it reads itself, and never of another installation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import transformers
from transformers.utils import import_utils

from llmtui.engine.import_structure import FILE, answering
from llmtui.system.paths import FolderError

MODELS = Path(transformers.__file__).parent / "models"
# what transformers itself reads, whoever replaced its question in this process
SOURCE: Any = import_utils.create_import_structure_from_path
READ: Any = import_utils.spread_import_structure


def read(module_path: str | Path, prefix: str | None = None) -> Any:
    structure = READ(SOURCE(str(module_path)))
    before = "" if prefix is None else f"{prefix}."
    return {needed: {before + file: names for file, names in files.items()} for needed, files in structure.items()}


def never(*_: object, **__: object) -> Any:
    raise AssertionError("it was read again")


def asked(folder: Path, reader: Callable[..., Any] = read) -> Callable[..., Any]:
    return answering(reader, lambda: folder)


@pytest.fixture
def remembered(tmp_path: Path) -> Path:
    asked(tmp_path)(MODELS, prefix="models")
    return tmp_path


@pytest.mark.parametrize(("path", "prefix"), [(MODELS, "models"), (str(MODELS / "__init__.py"), None)])
def test_what_is_remembered_is_what_transformers_reads(remembered: Path, path: str | Path, prefix: str | None) -> None:
    answer = asked(remembered, never)(path, prefix=prefix)
    assert answer == import_utils.define_import_structure(str(MODELS), prefix=prefix) == read(MODELS, prefix)
    assert sum(map(len, answer.values())) > 1000


def test_what_one_who_asks_puts_in_does_not_reach_the_next(remembered: Path) -> None:
    ask = asked(remembered, never)
    first = ask(MODELS)
    first[frozenset()]["gpt2.configuration_gpt2"].add("Another")
    assert "Another" not in ask(MODELS)[frozenset()]["gpt2.configuration_gpt2"]


def test_the_folder_of_one_model_is_read_by_transformers(remembered: Path) -> None:
    one = MODELS / "gpt2" / "__init__.py"
    assert asked(remembered, lambda path, prefix: (path, prefix))(one) == (one, None)


def test_a_working_copy_is_read_every_time(tmp_path: Path) -> None:
    models = tmp_path / "transformers" / "models"
    models.mkdir(parents=True)
    answer = {frozenset[str](): {"a.b": {"C"}}}
    assert asked(tmp_path, lambda *_, **__: answer)(models) is answer
    assert not (tmp_path / FILE).exists()


def installation(folder: Path) -> Path:
    models = folder / "site-packages" / "transformers" / "models"
    models.mkdir(parents=True)
    (models / "__init__.py").touch()
    return models


def test_another_installation_is_read_anew(tmp_path: Path) -> None:
    models = installation(tmp_path)
    old, new = ({frozenset({"torch"}): {"a.b": {name}}} for name in ("Old", "New"))
    assert asked(tmp_path, lambda *_: old)(models) == old
    assert asked(tmp_path, never)(models) == old
    (models / "new").mkdir()
    assert asked(tmp_path, lambda *_: new)(models) == new
    assert asked(tmp_path, never)(models) == new


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"of": OF}', '{"of": OF, "files": [[1, 2]]}', '{"of": OF, "files"'])
def test_a_file_that_cannot_be_read_is_written_anew(tmp_path: Path, text: str) -> None:
    models = installation(tmp_path)
    answer = {frozenset[str](): {"a.b": {"C"}}}
    asked(tmp_path, lambda *_: answer)(models)
    file = tmp_path / FILE
    file.write_text(text.replace("OF", json.dumps(json.loads(file.read_text())["of"])))
    assert asked(tmp_path, lambda *_: answer)(models) == answer
    assert asked(tmp_path, never)(models) == answer


def test_where_nothing_can_be_written_it_is_read(tmp_path: Path) -> None:
    def no_folder() -> Path:
        raise FolderError("a file stands in its place")

    models = installation(tmp_path)
    answer = {frozenset[str](): {"a.b": {"C"}}}
    assert answering(lambda *_: answer, no_folder)(models) == answer
    assert asked(tmp_path / "not made", lambda *_: answer)(models) == answer
