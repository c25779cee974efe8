"""Small models of several architectures with random weights, norms included, loaded by the real engine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_folders import make_model_folder

from llmtui.engine import Engine
from llmtui.engine.loaded import LoadedModel


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a small random model of an architecture, made once."""
    made: dict[str, Path] = {}

    def folder(architecture: str) -> Path:
        if architecture not in made:
            made[architecture] = make_model_folder(architecture, tmp_path_factory.mktemp(architecture))
        return made[architecture]

    return folder


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def tiny_tales(tiny_tales_engine: Engine) -> LoadedModel:
    """The embedded model itself, for oracles that ask transformers directly."""
    return tiny_tales_engine.run_job(lambda loaded: loaded).result(timeout=10)


@pytest.fixture(scope="module")
def busy_engine() -> Iterator[Engine]:
    """The embedded model for many requests at once."""
    with Engine("tiny-tales") as engine:
        engine.wait_until_loaded(60)
        yield engine
