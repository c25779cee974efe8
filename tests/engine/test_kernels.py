"""Which kernels compute: our own where they are built, fit and belong to this version, else torch's."""

import logging

import pytest

from llmtui import own_kernels
from llmtui.engine import kernels


@pytest.mark.skipif(kernels.KERNELS is None, reason="our own kernels do not run here")
def test_kernels_of_another_version_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert kernels.find_kernels() is kernels.KERNELS
    monkeypatch.setattr(kernels, "VERSION", kernels.VERSION + 1)
    with caplog.at_level(logging.WARNING):
        assert kernels.find_kernels() is None
    assert "install it again" in caplog.text


def test_kernels_that_cannot_be_loaded_give_way_to_torch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(name: str) -> None:
        raise ImportError(f"{name}: undefined symbol: GOMP_parallel")

    monkeypatch.setattr(own_kernels, "run_here", lambda: "AVX2")
    monkeypatch.setattr("importlib.import_module", fail)
    with caplog.at_level(logging.WARNING):
        assert kernels.find_kernels() is None
    assert "GOMP_parallel" in caplog.text


def test_a_processor_needs_every_instruction_and_none_that_serves_it_better() -> None:
    for name, needed in own_kernels.NEEDED.items():
        assert own_kernels.suit(needed | {"sse"}) == [name]
        assert not own_kernels.suit(needed | own_kernels.BETTER_SERVED)
        assert not any(own_kernels.suit(needed - {flag}) for flag in needed)


def test_the_fastest_that_is_built_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = frozenset().union(*own_kernels.NEEDED.values())
    monkeypatch.setattr(own_kernels, "cpu_flags", lambda _: flags)
    for built, expected in (({"AVX-512", "AVX2"}, "AVX-512"), ({"AVX2"}, "AVX2"), (set(), None)):
        monkeypatch.setattr(own_kernels, "is_built", built.__contains__)
        assert own_kernels.run_here.__wrapped__() == expected
