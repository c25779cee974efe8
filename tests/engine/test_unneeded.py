"""What llmtui's process declines to import: nothing that a model needs, and nothing where llmtui is a library."""

import functools
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from architectures import NOT_PACKABLE, PACKABLE, plain_logits, shared_model

from llmtui import own_process
from llmtui.engine import Engine, SamplingParams
from llmtui.engine import unneeded as module
from llmtui.engine.meta_kernels import with_them_if_needed
from llmtui.engine.plain_runner import PlainRunner
from llmtui.engine.runner import PackedRunner
from llmtui.engine.stand_in import StandIn


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process of llmtui's own found, and the logits that it computed."""
    folder = tmp_path_factory.mktemp("lean")
    program = Path(__file__).with_name("lean_process.py")
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", program, folder], capture_output=True, text=True, timeout=110, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout) | {"logits": torch.load(folder / "logits.pt")}


def test_llmtuis_own_process_imports_no_compiler_and_nothing_that_only_it_needs(lean: dict[str, Any]) -> None:
    assert lean["imported"] == []
    assert lean["stand_in"] == ["LazyCompiler", "StandIn"]


def test_a_model_that_cannot_be_made_without_what_came_later_is_made_with_it(lean: dict[str, Any]) -> None:
    assert (lean["before"], lean["after"]) == ("StandIn", "module")
    assert lean["written"] == 3
    assert lean["shape"] == [7]


def test_every_architecture_takes_the_same_path_and_has_the_same_logits_without_them(lean: dict[str, Any]) -> None:
    paths = dict.fromkeys(PACKABLE, PackedRunner.path) | dict.fromkeys(NOT_PACKABLE, PlainRunner.path)
    assert lean["paths"] == paths
    for name in paths:
        torch.testing.assert_close(
            lean["logits"][name], plain_logits(shared_model(name), list(range(20))), rtol=1e-4, atol=1e-4
        )


def test_the_embedded_model_writes_the_same_text_without_them(lean: dict[str, Any], tiny_tales_engine: Engine) -> None:
    params = SamplingParams(max_tokens=8, seed=1, temperature=0.8)
    expected = tiny_tales_engine.generate("Once upon a time", params)[0]
    assert lean["ids"] == [token.id for token in expected.tokens]


def test_what_was_declined_is_there_for_whoever_asks_for_it_later(lean: dict[str, Any]) -> None:
    assert lean["compiled"] == [3.0, 3.0]
    assert lean["real"] == "module"
    assert lean["old_reference"]
    assert lean["disabled"] == [2, 2]
    assert lean["marked"]
    assert lean["submodule"]
    assert lean["scipy"] == [1, 0]


def test_a_process_that_is_not_llmtuis_own_keeps_everything(tiny_tales_engine: Engine) -> None:
    from transformers.utils import is_scipy_available, is_torch_distributed_available

    assert tiny_tales_engine.model is not None
    assert not own_process.is_ours()
    assert is_scipy_available()
    assert is_torch_distributed_available() is torch.distributed.is_available()
    assert not isinstance(sys.modules.get("torch._dynamo"), StandIn)
    assert not isinstance(sys.modules["torch._meta_registrations"], StandIn)


def test_an_operator_that_torch_does_not_have_is_told_as_such() -> None:
    def make() -> None:
        raise NotImplementedError("no such operator")

    with pytest.raises(NotImplementedError, match="no such operator"):
        with_them_if_needed(make)


def test_a_question_that_another_version_does_not_remember_is_left_alone() -> None:
    asked = []
    owner = ModuleType("another_version")
    owner.is_scipy_available = lambda: asked.append(1)  # type: ignore[attr-defined]
    module._ask_again(owner, "is_scipy_available")
    module._ask_again(owner, "is_gone")
    assert asked == []


def test_a_remembered_answer_is_asked_for_again_while_the_package_cannot_be_found() -> None:
    from importlib.util import find_spec

    owner = ModuleType("this_version")
    owner.is_there = functools.cache(lambda: find_spec("colorsys") is not None)  # type: ignore[attr-defined]
    assert owner.is_there()
    with module._not_installed("colorsys"):
        module._ask_again(owner, "is_there")
    assert find_spec("colorsys") is not None
    assert not owner.is_there()
