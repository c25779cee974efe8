"""A model that is not on this machine: fetched from a hub by its id, kept, and used without the hub afterwards."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_standin import Fault, HubStandIn
from running import llmtui

from llmtui.models.catalog import embedded_path

STORY = ["generate", "Once upon a time", "--seed", "7", "--max-new-tokens", "8", "--model"]


@pytest.fixture
def hub() -> Iterator[HubStandIn]:
    with HubStandIn() as hub:
        hub.add_repo("someorg/tiny", embedded_path())
        yield hub


def test_a_hub_model_is_fetched_once_and_then_works_without_the_hub(hub: HubStandIn, tmp_path: Path) -> None:
    variables = hub.environ(tmp_path)
    embedded = llmtui(*STORY, "tiny-tales", home=tmp_path)
    fetched = llmtui(*STORY, "someorg/tiny", home=tmp_path, **variables)
    assert (fetched.returncode, fetched.stderr) == (0, b"")
    assert fetched.stdout == embedded.stdout
    hub.fault = Fault(status=500)
    assert llmtui(*STORY, "someorg/tiny", home=tmp_path, **variables).stdout == embedded.stdout


def test_models_to_compare_are_fetched_before_it_is_asked_whether_they_fit(hub: HubStandIn, tmp_path: Path) -> None:
    models = ["--model", "tiny-tales", "--model", "someorg/tiny", "--model", "someorg/nothing"]
    length = ["--max-new-tokens", "4", "--json"]
    done = llmtui("compare", "Once", *models, *length, home=tmp_path, **hub.environ(tmp_path))
    assert done.returncode == 0
    first, fetched, missing = json.loads(done.stdout)["models"]
    assert fetched["text"] == first["text"]
    assert (fetched["mean_kl_bits"], fetched["top1_agreement"]) == (pytest.approx(0.0, abs=1e-6), 1.0)
    assert "someorg/nothing" in missing["problem"]


def test_a_name_the_hub_does_not_know_is_one_sentence(hub: HubStandIn, tmp_path: Path) -> None:
    done = llmtui(*STORY, "someorg/nothing", home=tmp_path, **hub.environ(tmp_path))
    assert done.returncode == 3
    assert "someorg/nothing" in done.stderr.decode()
    assert len(done.stderr.decode().splitlines()) == 1
