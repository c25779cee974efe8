"""llmtui models from outside."""

import json
import shutil
from pathlib import Path

import pytest
from running import llmtui
from transformers import GPT2Config

from llmtui.engine.quantize import choose_precision
from llmtui.models.catalog import embedded_path
from llmtui.models.licence import licence_of


def test_list_holds_the_embedded_model_with_its_facts(tmp_path: Path) -> None:
    done = llmtui("models", "--json", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    entry = json.loads(done.stdout)[0]
    keys = {"name", "kind", "path", "architecture", "parameters", "context", "size_bytes", "estimated_memory_bytes"}
    assert set(entry) == keys | {"dtype", "licence", "has_chat_template", "problem", "measured"}
    assert entry["measured"] == []
    assert entry["licence"] == "mit"
    assert entry["parameters"] == 6_180_864
    assert entry["size_bytes"] == (embedded_path() / "model.safetensors").stat().st_size


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int8"])
def test_how_the_linear_layers_are_held_is_said_as_the_engine_says_it(tmp_path: Path, dtype: str) -> None:
    done = llmtui("models", "show", "tiny-tales", "--dtype", dtype, "--json", home=tmp_path)
    answer = json.loads(done.stdout)
    precision = choose_precision(dtype, "cpu", None, 64)
    assert answer["linears"] == precision.told(narrow=precision.narrow)
    assert (answer["dtype"], answer["kv_bytes_per_token"]) == ("float32", 2 * 6 * 256 * (2 if precision.narrow else 4))
    table = llmtui("models", "show", "tiny-tales", "--dtype", dtype, home=tmp_path).stdout.decode()
    assert any(line.split() == ["linears", *answer["linears"].split()] for line in table.splitlines())


def test_config_alone_gives_gpt2s_parameters(tmp_path: Path) -> None:
    GPT2Config().save_pretrained(tmp_path / "gpt2")
    done = llmtui("models", "show", "./gpt2", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["parameters"] == 124_439_808
    assert answer["tree"]["parameters"] == 124_439_808
    assert answer["kv_bytes_per_token"] == 73_728
    assert answer["tied"] == [["lm_head.weight", "transformer.wte.weight"]]


def test_tree_shows_every_shape_and_fits_the_terminal(tmp_path: Path) -> None:
    done = llmtui("models", "show", "tiny-tales", "--tree", home=tmp_path, COLUMNS="90")
    lines = done.stdout.decode().splitlines()
    assert any("6 × GPT2Block" in line for line in lines)
    assert max(map(len, lines)) <= 90
    assert any("5120 × 256" in line and "is transformer.wte.weight" in line for line in lines)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{", "could not be read"),
        ('{"model_type": "nothing"}', "could not be read"),
        ('{"model_type": "vit"}', "config"),
    ],
)
def test_broken_and_foreign_configs_are_one_sentence(tmp_path: Path, config: str, said: str) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text(config)
    done = llmtui("models", "show", "./m", home=tmp_path)
    assert (done.returncode, done.stdout) == (3, b"")
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_unknown_model_exits_3_and_missing_name_2(tmp_path: Path) -> None:
    assert llmtui("models", "show", "./nowhere", home=tmp_path).returncode == 3
    assert llmtui("models", "show", home=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\ntags: [a]\n---\n# x", "apache-2.0"),
        ("---\nlanguage: en\nlicense: 'mit'\n---\n", "mit"),
        ("---\nlicense: other\nlicense_name: llama3\n---\n", "llama3"),
        ("---\r\nlicense: mit\r\n---\r\n", "mit"),
        ("# no front matter\nlicense: mit\n", None),
        ("---\nlicense: \x1b[31m\n---\n", None),
        ("---\n---\n", None),
    ],
)
def test_licence_is_what_the_card_names(tmp_path: Path, card: str, licence: str | None) -> None:
    (tmp_path / "README.md").write_bytes(card.encode())
    assert licence_of(tmp_path) == licence


def test_folder_without_a_card_has_no_licence(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "gone", ignore_errors=True)
    assert licence_of(tmp_path / "gone") is None
