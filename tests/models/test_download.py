import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_standin import Fault, HubStandIn
from huggingface_hub import constants, scan_cache_dir, snapshot_download

from llmtui.models import background, download, transfer
from llmtui.models.catalog import embedded_path, list_models, locate
from llmtui.models.download import DownloadPlan, fetch, plan
from llmtui.models.errors import (
    LoadCancelled,
    ModelError,
    ModelForbidden,
    ModelNotFound,
    ModelUnreachable,
    ModelUnsupported,
)

TINY = "someorg/tiny"
WEIGHTS = "model.safetensors"
CONFIG = b'{"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"}'


@pytest.fixture
def tiny(hub: HubStandIn) -> HubStandIn:
    hub.add_repo(TINY, embedded_path())
    return hub


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PAUSE_SECONDS", 0.01)


def bring(wanted: DownloadPlan) -> tuple[Path, list[tuple[int, int]]]:
    """Fetch, and what progress said."""
    seen: list[tuple[int, int]] = []
    folder = fetch(wanted, lambda done, total: seen.append((done, total)), threading.Event())
    return folder, seen


def stop_at(wanted: DownloadPlan, size: int) -> float:
    """Fetch until so many bytes are here, then cancel: the seconds it took to stop."""
    cancelled = threading.Event()
    moments: list[float] = []

    def watch(done: int, _: int) -> None:
        if done >= size and not cancelled.is_set():
            moments.append(time.monotonic())
            cancelled.set()

    with pytest.raises(LoadCancelled):
        fetch(wanted, watch, cancelled)
    return time.monotonic() - moments[0]


def within(seconds: float, act: Callable[[], object]) -> None:
    began = time.monotonic()
    act()
    assert time.monotonic() - began < seconds


@pytest.mark.usefixtures("tiny")
def test_fetched_model_is_what_huggingface_hub_itself_would_have_fetched(tmp_path: Path) -> None:
    wanted = plan(TINY)
    folder, seen = bring(wanted)
    theirs = Path(snapshot_download(TINY, cache_dir=tmp_path / "theirs", allow_patterns=[f.name for f in wanted.files]))
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {p.name: p.read_bytes() for p in theirs.iterdir()}
    assert {p.name: p.resolve().name for p in folder.iterdir()} == {p.name: p.resolve().name for p in theirs.iterdir()}
    assert {p.name for p in folder.iterdir()} == {p.name for p in embedded_path().iterdir()} - {"README.md"}
    assert seen[-1] == (wanted.total_bytes, wanted.total_bytes)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_fetched_model_is_found_offline_by_us_and_by_huggingface_hub(
    tiny: HubStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = bring(plan(TINY))
    tiny.close()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert locate(TINY).path == folder
    assert Path(snapshot_download(TINY, cache_dir=constants.HF_HUB_CACHE)) == folder
    assert [entry.name for entry in list_models() if entry.kind == "cache" and entry.problem is None] == [TINY]
    report = scan_cache_dir(constants.HF_HUB_CACHE)
    assert not report.warnings
    assert [repo.repo_id for repo in report.repos] == [TINY]


def test_plan_tells_sizes_before_anything_is_fetched_and_knows_what_is_here(tiny: HubStandIn) -> None:
    wanted = plan(TINY)
    sizes = {path.name: path.stat().st_size for path in embedded_path().iterdir() if path.name != "README.md"}
    assert {file.name: file.size for file in wanted.files} == sizes
    assert wanted.total_bytes == wanted.missing_bytes == sum(sizes.values())
    assert not tiny.file_requests(WEIGHTS)
    assert not Path(constants.HF_HUB_CACHE).exists()
    bring(wanted)
    assert plan(TINY).missing_bytes == 0
    before = len(tiny.requests)
    assert bring(wanted)[1] == [(wanted.total_bytes, wanted.total_bytes)]
    assert len(tiny.requests) == before


def test_only_what_running_the_model_needs_is_chosen(hub: HubStandIn) -> None:
    needed = {
        "config.json": CONFIG,
        "generation_config.json": b"{}",
        "tokenizer.json": b"{}",
        "tokenizer_config.json": b"{}",
        "special_tokens_map.json": b"{}",
        "vocab.json": b"{}",
        "merges.txt": b"a b",
        "tokenizer.model": b"x",
        "chat_template.jinja": b"x",
        WEIGHTS: b"weights",
    }
    others = ["README.md", "pytorch_model.bin", "model.fp32.safetensors", "consolidated.safetensors", "onnx/model.onnx"]
    others += [
        "original/tokenizer.model",
        "flax_model.msgpack",
        "modeling_custom.py",
        "training_args.bin",
        ".gitattributes",
    ]
    others += ["model-00001-of-00002.safetensors", "tiny.gguf", "../../evil.json", "..model"]
    hub.add_repo(TINY, {**needed, **dict.fromkeys(others, b"other")})
    assert {file.name for file in plan(TINY).files} == set(needed)


def test_shards_are_those_that_the_index_lists_whatever_they_are_called(hub: HubStandIn) -> None:
    shards = ["model.safetensors-00001-of-00002.safetensors", "model.safetensors-00002-of-00002.safetensors"]
    index = {"weight_map": {"a": shards[0], "b": shards[1], "c": shards[0]}}
    files = {name: name.encode() for name in [*shards, "model-00001-of-00009.safetensors", "tokenizer.json"]}
    files |= {"config.json": CONFIG, "model.safetensors.index.json": json.dumps(index).encode()}
    hub.add_repo(TINY, files)
    wanted = plan(TINY)
    assert [file.name for file in wanted.files][-3:] == ["model.safetensors.index.json", *shards]
    folder, _ = bring(wanted)
    assert (folder / shards[1]).read_bytes() == shards[1].encode()


@pytest.mark.parametrize(
    "weight_map", [{"a": "gone.safetensors"}, {"a": "../../x.safetensors"}, {"a": "x.bin"}, {}, [], None]
)
def test_index_that_lies_is_refused_before_anything_is_fetched(hub: HubStandIn, weight_map: object) -> None:
    index = json.dumps({"weight_map": weight_map}).encode()
    hub.add_repo(TINY, {"config.json": CONFIG, "model.safetensors.index.json": index})
    with pytest.raises(ModelUnsupported, match=TINY):
        plan(TINY)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"config.json": CONFIG, "pytorch_model.bin": b""}, "safetensors"),
        ({"config.json": CONFIG}, "safetensors"),
        ({"tiny.gguf": b""}, "GGUF"),
        ({"README.md": b""}, "config.json"),
        ({"config.json": b'{"architectures": ["BertModel"]}', WEIGHTS: b""}, "BertModel"),
        (
            {"config.json": b'{"architectures": ["T5Model"], "is_encoder_decoder": true}', WEIGHTS: b""},
            "encoder-decoder",
        ),
    ],
)
def test_model_that_cannot_run_is_refused_before_it_is_fetched(
    hub: HubStandIn, files: dict[str, bytes], words: str
) -> None:
    hub.add_repo(TINY, files)
    with pytest.raises(ModelUnsupported, match=words):
        plan(TINY)
    assert not hub.file_requests(WEIGHTS)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault(status=404), ModelNotFound, "private"),
        (Fault(status=401), ModelForbidden, "HF_TOKEN"),
        (Fault(status=403), ModelForbidden, "HF_TOKEN"),
        (Fault(gated=True), ModelForbidden, "accept its licence"),
        (Fault(status=429), ModelUnreachable, "try again later"),
        (Fault(status=503), ModelUnreachable, "try again later"),
        (Fault(html=True), ModelUnreachable, "HF_ENDPOINT"),
    ],
)
def test_what_the_hub_refuses_becomes_one_sentence_of_the_right_kind(
    tiny: HubStandIn, fault: Fault, error: type[ModelError], words: str
) -> None:
    tiny.fault = fault
    with pytest.raises(error, match=words) as refused:
        plan(TINY)
    assert "\n" not in str(refused.value)
    assert TINY in str(refused.value) or fault.html


def test_wrong_token_is_told_from_a_wrong_name(tiny: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    tiny.fault = Fault(bad_token=True)
    with pytest.raises(ModelForbidden, match="valid access token"):
        plan(TINY)
    assert tiny.requests[-1].headers["authorization"] == "Bearer hf_wrong"


def test_token_goes_to_the_hub_and_never_to_the_store_it_points_to(
    tiny: HubStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    bring(plan(TINY))
    assert {"authorization" in r.headers for r in tiny.requests if "/resolve/" in r.path} == {True}
    assert [r for r in tiny.file_requests(WEIGHTS) if "hf_secret" in str(r.headers)] == []
    assert tiny.file_requests(WEIGHTS)


@pytest.mark.usefixtures("tiny")
def test_unknown_model_and_unknown_revision_are_told_apart() -> None:
    with pytest.raises(ModelNotFound, match="no model someorg/other"):
        plan("someorg/other")
    with pytest.raises(ModelNotFound, match="no such revision"):
        plan(TINY, "v9")


def test_no_network_is_said_at_once(tiny: HubStandIn) -> None:
    tiny.close()
    with pytest.raises(ModelUnreachable, match="cannot be reached"):
        within(30, lambda: plan(TINY))


def test_offline_mode_is_named_as_the_reason(tiny: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnreachable, match="HF_HUB_OFFLINE"):
        plan(TINY)
    assert not tiny.requests


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("endpoint", ["http://", "not a url", "ftp://x", "http://[::1", "http://127.0.0.1:65537"])
def test_nonsense_endpoint_is_a_sentence(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    with pytest.raises(ModelUnreachable):
        plan(TINY)


def test_hub_that_never_answers_is_given_up_and_can_be_stopped_before(
    tiny: HubStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.fault = Fault(silent=True)
    monkeypatch.setattr(download, "PLAN_SECONDS", 0.3)
    with pytest.raises(ModelUnreachable, match="does not answer"):
        plan(TINY)
    monkeypatch.setattr(download, "PLAN_SECONDS", 60)
    cancelled = threading.Event()
    threading.Timer(0.2, cancelled.set).start()
    with pytest.raises(LoadCancelled):
        within(30, lambda: plan(TINY, cancelled=cancelled))


@pytest.mark.usefixtures("tiny")
def test_disk_that_is_too_small_is_noticed_before_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 12345, 12345))
    needed = sum(path.stat().st_size for path in embedded_path().iterdir() if path.name != "README.md")
    with pytest.raises(ModelError, match=rf"{needed} bytes.*12345 bytes"):
        plan(TINY)


def test_stopped_download_ends_while_the_hub_holds_and_the_next_one_goes_on_from_there(tiny: HubStandIn) -> None:
    wanted = plan(TINY)
    tiny.fault = Fault(hold_after=5_000_000)
    assert stop_at(wanted, 5_000_000) < 30
    assert locate(TINY).kind == "hub"
    tiny.fault = Fault()
    tiny.released.set()
    folder, seen = bring(wanted)
    assert (folder / WEIGHTS).read_bytes() == (embedded_path() / WEIGHTS).read_bytes()
    assert seen[0][0] >= 5_000_000
    assert int(tiny.file_requests(WEIGHTS)[-1].headers["range"].removeprefix("bytes=").rstrip("-")) > 4_000_000


def test_download_that_is_cancelled_before_it_begins_asks_nothing(tiny: HubStandIn) -> None:
    wanted = plan(TINY)
    cancelled = threading.Event()
    cancelled.set()
    asked = len(tiny.requests)
    with pytest.raises(LoadCancelled):
        fetch(wanted, lambda *_: None, cancelled)
    assert len(tiny.requests) == asked


def test_connection_that_is_cut_again_and_again_is_resumed_where_it_broke(tiny: HubStandIn) -> None:
    wanted = plan(TINY)
    tiny.fault = Fault(cut_after=4_000_000)
    folder, seen = bring(wanted)
    assert (folder / WEIGHTS).read_bytes() == (embedded_path() / WEIGHTS).read_bytes()
    assert tiny.cuts >= 2
    assert all("range" in request.headers for request in tiny.file_requests(WEIGHTS)[1:])
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_connection_that_stays_broken_says_what_is_kept_and_the_next_fetch_finishes(tiny: HubStandIn) -> None:
    wanted = plan(TINY)
    tiny.fault = Fault(cut_after=3_000_000, fail_after_cuts=1)
    with pytest.raises(ModelUnreachable, match=r"broke while model\.safetensors.*kept"):
        bring(wanted)
    tiny.fault = Fault()
    assert 0 < plan(TINY).missing_bytes < wanted.total_bytes - 2_000_000
    folder, _ = bring(wanted)
    assert (folder / WEIGHTS).read_bytes() == (embedded_path() / WEIGHTS).read_bytes()


def test_server_that_ignores_ranges_gives_a_whole_file_not_a_doubled_one(tiny: HubStandIn) -> None:
    wanted = plan(TINY)
    tiny.fault = Fault(cut_after=3_000_000, fail_after_cuts=1)
    with pytest.raises(ModelUnreachable):
        bring(wanted)
    tiny.fault = Fault(ignore_range=True)
    folder, seen = bring(wanted)
    assert (folder / WEIGHTS).read_bytes() == (embedded_path() / WEIGHTS).read_bytes()
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == wanted.total_bytes


def test_damaged_bytes_never_become_a_model(tiny: HubStandIn) -> None:
    wanted = plan(TINY)
    tiny.fault = Fault(damaged=True)
    with pytest.raises(ModelError, match="damaged"):
        bring(wanted)
    assert locate(TINY).kind == "hub"
    tiny.fault = Fault()
    assert locate(TINY).kind == "hub"
    assert bring(wanted)[0] == locate(TINY).path


@pytest.mark.parametrize("listed", [100, 20_000_000])
def test_file_of_another_length_than_listed_is_refused(tiny: HubStandIn, listed: int) -> None:
    tiny.repos[TINY].sizes[WEIGHTS] = listed
    with pytest.raises(ModelError, match=WEIGHTS):
        bring(plan(TINY))
    assert locate(TINY).kind == "hub"


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("checksum", ["../../../../evil", "", "A" * 40, "0" * 63])
def test_checksum_that_is_none_never_becomes_a_path(monkeypatch: pytest.MonkeyPatch, checksum: str) -> None:
    monkeypatch.setattr("hub_standin.Repo.checksum", lambda *_: checksum)
    with pytest.raises(ModelUnreachable, match="HF_ENDPOINT"):
        plan(TINY)


@pytest.mark.usefixtures("tiny")
def test_cache_that_cannot_be_written_is_said_with_its_path() -> None:
    wanted = plan(TINY)
    Path(constants.HF_HUB_CACHE).parent.mkdir(parents=True)
    Path(constants.HF_HUB_CACHE).write_text("a file where the cache should be")
    with pytest.raises(ModelError, match="cannot be stored"):
        bring(wanted)


def test_two_fetches_of_one_model_at_a_time_do_not_spoil_each_other(tiny: HubStandIn) -> None:
    wanted = plan(TINY)
    folders: list[Path] = []
    threads = [threading.Thread(target=lambda: folders.append(bring(wanted)[0])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(folders) == 3
    assert len(tiny.file_requests(WEIGHTS)) == 1
    assert (folders[0] / WEIGHTS).read_bytes() == (embedded_path() / WEIGHTS).read_bytes()


def test_download_writes_nothing_to_stdout_or_stderr_and_honours_hf_endpoint(tmp_path: Path) -> None:
    code = (
        "import threading, pathlib\nfrom llmtui.models.download import fetch, plan\n"
        "from llmtui.system.logs import setup_logging\nsetup_logging(pathlib.Path('llmtui.log'))\n"
        f"folder = fetch(plan({TINY!r}), lambda done, total: None, threading.Event())\n"
        "assert (folder / 'model.safetensors').is_file()"
    )
    with HubStandIn() as hub:
        hub.add_repo(TINY, embedded_path())
        hub.fault = Fault(warning="upgrade; \x1b[31mnow")
        env = {**os.environ, **hub.environ(tmp_path / "home")}
        done = subprocess.run([sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "home" / "hub" / "models--someorg--tiny").is_dir()
    assert "\\x1b[31mnow" in (tmp_path / "llmtui.log").read_text()


def test_mistake_inside_a_background_job_is_an_error_not_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_type))
    with pytest.raises(ModelError, match="unexpected"):
        background.run_stoppable(lambda: 1 // 0, threading.Event())
    assert seen == [ZeroDivisionError]
