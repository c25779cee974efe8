"""A tuple made when it is first read, against the tuple itself."""

import copy
import pickle
import threading

import pytest

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.lazy import LazyTuple

ITEMS = ("a", "b", "c")


def test_it_is_made_once_and_only_when_it_is_read() -> None:
    made: list[int] = []

    def make() -> tuple[str, ...]:
        made.append(1)
        return ITEMS

    lazy = LazyTuple(make)
    assert made == []
    assert list(lazy) == list(ITEMS)
    assert (len(lazy), lazy[1], lazy[1:], "b" in lazy, lazy.index("c")) == (3, "b", ("b", "c"), True, 2)
    assert made == [1]


def test_it_compares_hashes_shows_and_travels_as_its_tuple() -> None:
    lazy = LazyTuple(lambda: ITEMS)
    assert lazy == ITEMS
    plain = ITEMS
    assert plain == lazy
    assert lazy == LazyTuple(lambda: ("a", "b", "c"))
    assert lazy != ("a", "b")
    assert lazy != list(ITEMS)
    assert hash(lazy) == hash(ITEMS)
    assert repr(lazy) == repr(ITEMS)
    assert pickle.loads(pickle.dumps(lazy)) == ITEMS
    assert copy.deepcopy(lazy) == ITEMS


def test_what_fails_to_be_made_fails_each_time_it_is_read() -> None:
    def make() -> tuple[str, ...]:
        raise ValueError("no")

    lazy = LazyTuple(make)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            len(lazy)


def test_threads_that_read_at_once_all_see_the_same_candidates(tiny_tales_engine: Engine) -> None:
    params = SamplingParams(seed=3, max_tokens=40, top_logprobs=20, ignore_eos=True)
    tokens = tiny_tales_engine.submit(GenerationRequest(prompt="Once", params=params)).result().tokens
    start = threading.Barrier(8)
    seen: list[list[tuple[object, ...]]] = []

    def read() -> None:
        start.wait()
        seen.append([tuple(token.candidates) for token in tokens])

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(seen) == 8
    assert all(own == seen[0] for own in seen)
    assert all(len(candidates) >= 20 for candidates in seen[0])
    assert pickle.loads(pickle.dumps(tokens)) == tokens
