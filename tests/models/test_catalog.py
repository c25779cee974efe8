import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hub_caches import into_cache
from huggingface_hub import constants
from safetensors.numpy import save_file

from llmtui import own_kernels
from llmtui.models.catalog import EMBEDDED, CatalogEntry, Located, describe, embedded_path, list_models, locate
from llmtui.models.errors import ModelNotFound, ModelUnsupported

CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "max_position_embeddings": 128}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache, and an empty folder to stand in."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder that looks like a model: config, tokenizer, and the tensors that are given."""

    def make(name: str = "model", config: dict[str, object] | None = None, **tensors: np.ndarray) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config or CONFIG))
        (folder / "tokenizer.json").write_text("{}")
        save_file(tensors or {"embed.weight": np.zeros((4, 3), np.float32)}, folder / "model.safetensors")
        return folder

    return make


def test_embedded_model_is_described_by_its_true_numbers() -> None:
    entry = list_models()[0]
    config = json.loads((embedded_path() / "config.json").read_text())
    width, layers = config["n_embd"], config["n_layer"]
    # GPT-2's parameters by hand: embeddings, and per layer 12·d² weights and 13·d biases and norms, and the last norm
    expected = (
        (config["vocab_size"] + config["n_positions"]) * width + layers * (12 * width**2 + 13 * width) + 2 * width
    )
    assert (entry.name, entry.kind, entry.problem) == (EMBEDDED, "embedded", None)
    assert entry.parameters == expected
    assert entry.context == 512
    assert entry.dtype == "float16"
    assert entry.has_chat_template
    assert entry.size_bytes == (embedded_path() / "model.safetensors").stat().st_size
    # with our own kernels, the output layer is a copy of the embedding
    head = config["vocab_size"] * width if own_kernels.run_here() else 0
    assert entry.estimated_memory("float32") == 4 * (expected + head)
    assert entry.estimated_memory("float16", "cuda:0") == entry.estimated_memory("auto", "cuda:0") == 2 * expected


def test_models_are_listed_without_torch_transformers_textual_or_flask() -> None:
    code = (
        "import sys\nfrom llmtui.models.catalog import list_models, locate\nimport llmtui.models.download\n"
        "assert list_models(), locate('tiny-tales')\n"
        "heavy = {'torch', 'transformers', 'textual', 'flask', 'httpx2', 'huggingface_hub.hf_api'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_parameters_of_shards_are_added_up_and_missing_shards_make_it_incomplete(model: Callable[..., Path]) -> None:
    folder = model()
    (folder / "model.safetensors").unlink()
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    save_file({"a.weight": np.zeros((5, 2), np.float16)}, folder / first)
    save_file({"b.weight": np.zeros(7, np.float16)}, folder / second)
    index = {"weight_map": {"a.weight": first, "b.weight": second}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    entry = describe(folder, "sharded")
    assert (entry.parameters, entry.dtype, entry.problem) == (17, "float16", None)
    (folder / second).unlink()
    assert describe(folder, "sharded").problem == f"the download is incomplete: {second} is missing"


def test_masks_stored_by_old_checkpoints_and_tied_outputs_are_not_counted_as_parameters(
    model: Callable[..., Path],
) -> None:
    tensors = {
        "h.0.attn.bias": np.ones((1, 1, 8, 8), np.float32),
        "h.0.attn.masked_bias": np.zeros((), np.float32),
        "wte.weight": np.zeros((6, 2), np.float32),
        "lm_head.weight": np.zeros((6, 2), np.float32),
    }
    assert describe(model("tied", {**CONFIG, "tie_word_embeddings": True}, **tensors), "tied").parameters == 12
    assert describe(model("untied", CONFIG, **tensors), "untied").parameters == 24


@pytest.mark.parametrize("key", ["max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length"])
def test_context_is_found_under_every_name_that_configs_use(model: Callable[..., Path], key: str) -> None:
    assert describe(model(config={"architectures": ["XForCausalLM"], key: 77}), "x").context == 77


def test_context_of_a_nested_text_config_is_found(model: Callable[..., Path]) -> None:
    config = {"architectures": ["Gemma3ForConditionalGeneration"], "text_config": {"max_position_embeddings": 99}}
    entry = describe(model(config=config), "x")
    assert (entry.context, entry.problem) == (99, None)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"architectures": ["BertModel"], "model_type": "bert"}, "BertModel is not a text-generation model"),
        ({"architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True}, "encoder-decoder"),
        ({"model_type": "unheard-of"}, "names no architecture"),
        ({"architectures": [7]}, "names no architecture"),
    ],
)
def test_models_for_other_tasks_are_refused_by_name(
    model: Callable[..., Path], cache: Path, config: dict[str, object], words: str
) -> None:
    folder = model(config=config)
    assert words in (describe(folder, "x").problem or "")
    with pytest.raises(ModelUnsupported, match=words):
        locate(str(folder))
    into_cache(cache, folder, "someorg/other")
    assert [entry.name for entry in list_models()] == [EMBEDDED]
    with pytest.raises(ModelUnsupported, match=words):
        locate("someorg/other")


def test_base_checkpoint_of_a_decoder_runs(model: Callable[..., Path]) -> None:
    assert describe(model(config={"architectures": ["GPT2Model"], "model_type": "gpt2"}), "x").problem is None


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe{}", b"[" * 100_000, b'"text"', b"\x00" * 64])
def test_broken_config_is_a_problem_in_words_not_a_crash(model: Callable[..., Path], cache: Path, raw: bytes) -> None:
    folder = model()
    (folder / "config.json").write_bytes(raw)
    assert "config.json" in (describe(folder, "x").problem or "")
    into_cache(cache, folder, "someorg/broken")
    assert len(list_models()) == 1


def test_cut_off_weights_are_noticed_before_they_are_loaded(model: Callable[..., Path]) -> None:
    folder = model()
    whole = (folder / "model.safetensors").read_bytes()
    for length in (0, 7, 8, 20, len(whole) - 1):
        (folder / "model.safetensors").write_bytes(whole[:length])
        entry = describe(folder, "x")
        assert "model.safetensors" in (entry.problem or "")
        assert entry.parameters is None
    (folder / "model.safetensors").write_bytes(whole)
    assert describe(folder, "x").problem is None


@pytest.mark.parametrize(
    "header", [b"{}" + b" " * 6, b'{"a":1}', b'{"a":{"dtype":"F32","shape":"x","data_offsets":[0]}}', b"[]"]
)
def test_foreign_headers_never_raise(model: Callable[..., Path], header: bytes) -> None:
    folder = model()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert isinstance(describe(folder, "x"), CatalogEntry)


def test_index_that_points_out_of_its_folder_is_refused(model: Callable[..., Path]) -> None:
    folder = model()
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../../secret.safetensors"}}')
    assert "secret" in (describe(folder, "x").problem or "")


def test_pickled_weights_are_refused_and_safetensors_named(model: Callable[..., Path]) -> None:
    folder = model()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelUnsupported, match=r"pytorch_model\.bin.*safetensors"):
        locate(str(folder))


def test_every_form_of_gguf_is_answered_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "gguf").mkdir()
    (tmp_path / "gguf" / "tiny.gguf").touch()
    for name in (str(tmp_path / "gguf"), str(tmp_path / "gguf" / "tiny.gguf"), "tiny.gguf"):
        with pytest.raises(ModelUnsupported, match="take the safetensors version"):
            locate(name)


def test_chat_template_is_found_in_its_own_file_or_in_the_tokenizers_config(model: Callable[..., Path]) -> None:
    folder = model()
    assert not describe(folder, "x").has_chat_template
    (folder / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    assert describe(folder, "x").has_chat_template
    (folder / "tokenizer_config.json").unlink()
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert describe(folder, "x").has_chat_template


def test_cached_models_are_listed_by_what_main_points_to(model: Callable[..., Path], cache: Path) -> None:
    old, new = model("old"), model("new", CONFIG, w=np.zeros(5, np.float32))
    into_cache(cache, old, "someorg/tiny", "a" * 40)
    snapshot = into_cache(cache, new, "someorg/tiny", "b" * 40)
    into_cache(cache, old, "another", "c" * 40, ref=None)
    entries = list_models()
    assert [(entry.name, entry.kind) for entry in entries[1:]] == [("another", "cache"), ("someorg/tiny", "cache")]
    assert (entries[2].path, entries[2].parameters) == (snapshot, 5)


def test_rubbish_in_the_cache_hides_no_good_model(model: Callable[..., Path], cache: Path) -> None:
    into_cache(cache, model(), "good/one")
    (cache / "models--").mkdir()
    (cache / "models--empty").mkdir()
    (cache / "models--a-file").write_text("")
    (cache / "datasets--x--y").mkdir()
    dangling = cache / "models--d--d" / "snapshots" / ("d" * 40)
    dangling.mkdir(parents=True)
    (dangling / "config.json").symlink_to(cache / "nowhere")
    refs = cache / "models--r--r" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_bytes(b"../../../etc\xff")
    assert [entry.name for entry in list_models()] == [EMBEDDED, "good/one"]


def test_cache_that_is_missing_or_a_file_lists_the_embedded_model(cache: Path) -> None:
    assert [entry.name for entry in list_models()] == [EMBEDDED]
    cache.write_text("not a folder")
    assert [entry.name for entry in list_models()] == [EMBEDDED]


def test_interrupted_download_is_listed_with_its_problem_and_fetched_again(
    model: Callable[..., Path], cache: Path
) -> None:
    folder = model()
    (folder / "model.safetensors").unlink()
    into_cache(cache, folder, "someorg/half")
    assert "missing" in (list_models()[1].problem or "")
    assert locate("someorg/half") == Located("someorg/half", "hub", None)


def test_extra_folders_are_listed_even_when_something_is_wrong_with_them(
    model: Callable[..., Path], tmp_path: Path
) -> None:
    entries = list_models([model(), tmp_path / "nowhere"])
    assert [(entry.kind, entry.problem is None) for entry in entries[1:]] == [("folder", True), ("folder", False)]


def test_names_mean_the_embedded_model_a_folder_the_cache_or_the_hub(model: Callable[..., Path], cache: Path) -> None:
    folder = model("cwd/here/model")
    snapshot = into_cache(cache, folder, "someorg/tiny")
    tagged = into_cache(cache, folder, "someorg/tiny", "b" * 40, ref="v1")
    assert locate("tiny-tales") == Located("tiny-tales", "embedded", embedded_path())
    assert locate("./here/model").path == locate(str(folder)).path == folder.resolve()
    assert locate("someorg/tiny") == Located("someorg/tiny", "cache", snapshot)
    assert locate("someorg/tiny", "v1").path == locate("someorg/tiny", "b" * 40).path == tagged
    assert locate("someorg/tiny", "v2") == Located("someorg/tiny", "hub", None)
    assert locate("gpt2") == Located("gpt2", "hub", None)


def test_folder_named_like_a_hub_id_wins_only_if_it_holds_a_model(model: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "cwd" / "gpt2").mkdir()
    assert locate("gpt2").kind == "hub"
    model("cwd/org/name")
    assert locate("org/name").kind == "folder"


@pytest.mark.parametrize(
    "name",
    ["", "  ", "a b", "a--b", "a..b", "-a", "a/", "a/b/c", "x" * 97, "openai:gpt", "/no/where", "~nobody-here/x"],
)
def test_names_that_can_be_nothing_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(ModelNotFound) as refused:
        locate(name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["a\x1b[2Jb", "a\nb", "a\x00b", "./\x9b31m", "a\u202eb", "\ud800", "../\x1b]52;c;x\x07"]
)
def test_control_characters_of_a_name_reach_no_message_raw(name: str) -> None:
    with pytest.raises(ModelNotFound) as refused:
        locate(name)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("revision", ["../../x", "", "a b", "\x1b[2J", "/etc"])
def test_revisions_that_are_no_names_are_refused(revision: str) -> None:
    with pytest.raises(ModelNotFound):
        locate("gpt2", revision)


def test_path_that_is_no_model_folder_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file.safetensors").touch()
    with pytest.raises(ModelUnsupported, match="give the folder"):
        locate(str(tmp_path / "file.safetensors"))
    with pytest.raises(ModelUnsupported, match=r"no config\.json"):
        locate(str(tmp_path))
    with pytest.raises(ModelNotFound, match="check the path"):
        locate("/" + "x" * 300)
