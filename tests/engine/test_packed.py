"""Many sequences in one forward: each one's logits are those that the model's own forward gives it alone."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from architectures import LEAN, NOT_PACKABLE, PACKABLE, VOCAB, WINDOW, make_model, plain_logits, shared_model
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtui.engine.attention import OwnForward, PackedBatch, PackedForward, Span
from llmtui.engine.kv_cache import FIRST_CAPACITY, KVPool, KVSlab
from llmtui.engine.lean import lean_forward
from llmtui.engine.plain_runner import PlainRunner
from llmtui.engine.runner import PackedRunner
from llmtui.engine.self_check import find_runner, packed_difference

pytestmark = pytest.mark.usefixtures("each_kernels")

LENGTHS = st.lists(st.integers(1, 5 * WINDOW), min_size=1, max_size=5)


def random_ids(length: int, seed: int) -> list[int]:
    return random.Random(seed).choices(range(VOCAB), k=length)


def read_by_schedule(runner: PackedRunner, prompts: list[list[int]], seed: int) -> list[torch.Tensor]:
    """All rows of logits of each prompt, read in blocks of random sizes by random company."""
    rng = random.Random(seed)
    pool = KVPool()
    slabs = [KVSlab(pool) for _ in prompts]
    done = [0] * len(prompts)
    rows: list[list[torch.Tensor]] = [[] for _ in prompts]
    while left := [i for i, prompt in enumerate(prompts) if done[i] < len(prompt)]:
        chosen = rng.sample(left, rng.randint(1, len(left)))
        ends = [min(len(prompts[i]), done[i] + rng.choice((1, 1, 1, 3, WINDOW + 2))) for i in chosen]
        spans = [Span(slabs[i], done[i], end) for i, end in zip(chosen, ends, strict=True)]
        ids = [t for i, end in zip(chosen, ends, strict=True) for t in prompts[i][done[i] : end]]
        every = [rng.random() < 0.5 for _ in chosen]
        for i, end, wants_all, logits in zip(chosen, ends, every, runner.forward_spans(spans, ids, every), strict=True):
            assert logits.shape == (end - done[i] if wants_all else 1, VOCAB)
            rows[i].append(torch.full((end - done[i], VOCAB), torch.nan))
            rows[i][-1][-len(logits) :] = logits
            done[i] = end
    return [torch.cat(parts) for parts in rows]


@pytest.mark.parametrize(
    ("architecture", "make_forward"),
    [(a, OwnForward) for a in PACKABLE] + [(a, lean_forward) for a in LEAN],
    ids=[*PACKABLE, *(f"{a}, lean" for a in LEAN)],
)
def test_whoever_shares_the_forward_each_gets_its_own_logits(
    architecture: str, make_forward: Callable[[Any], PackedForward]
) -> None:
    model = shared_model(architecture)
    runner = PackedRunner(make_forward(model), "cpu")

    @settings(max_examples=12, deadline=None)
    @given(LENGTHS, st.integers(0, 2**32))
    def check(lengths: list[int], seed: int) -> None:
        prompts = [random_ids(length, seed + i) for i, length in enumerate(lengths)]
        for prompt, logits in zip(prompts, read_by_schedule(runner, prompts, seed), strict=True):
            expected = plain_logits(model, prompt)
            wanted = ~torch.isnan(logits)
            assert wanted[-1].all()
            torch.testing.assert_close(logits[wanted], expected[wanted], rtol=1e-4, atol=1e-4 * float(expected.std()))

    check()


@pytest.mark.parametrize("architecture", PACKABLE)
def test_an_architecture_that_can_be_packed_runs_so_by_a_lean_forward_where_there_is_one(architecture: str) -> None:
    runner = find_runner(shared_model(architecture), "cpu")
    assert isinstance(runner, PackedRunner)
    assert isinstance(runner.forward_rows, OwnForward) == (architecture not in LEAN)


LEAN_FIELDS = {
    "gpt2": {"scale_attn_by_inverse_layer_idx": True, "activation_function": "relu"},
    "llama": {"attention_bias": True, "mlp_bias": True, "head_dim": 16, "hidden_act": "gelu_pytorch_tanh"},
    "llama, scaled": {
        "rope_parameters": {
            "rope_type": "llama3",
            "rope_theta": 10000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 16,
        }
    },
    "granite": {
        "embedding_multiplier": 12.0,
        "residual_multiplier": 0.22,
        "logits_scaling": 8.0,
        "attention_multiplier": 0.015,
    },
    "olmo2": {"num_key_value_heads": 4},
    "qwen3": {"attention_bias": True, "use_sliding_window": True, "sliding_window": WINDOW, "max_window_layers": 1},
    **{f"{name}, a window it does not know": {"sliding_window": WINDOW} for name in ("llama", "granite", "olmo2")},
}


@pytest.mark.parametrize("case", LEAN_FIELDS)
def test_what_a_config_may_change_is_in_the_lean_forward_too(case: str) -> None:
    model = make_model(case.partition(",")[0], **LEAN_FIELDS[case])
    runner = PackedRunner(lean_forward(model), "cpu")
    prompts = [random_ids(length, length) for length in (3, 40, 17)]
    for prompt, logits in zip(prompts, read_by_schedule(runner, prompts, 5), strict=True):
        expected, wanted = plain_logits(model, prompt), ~torch.isnan(logits)
        torch.testing.assert_close(logits[wanted], expected[wanted], rtol=1e-4, atol=1e-4 * float(expected.std()))


def test_a_lean_forward_that_is_wrong_gives_way_to_the_models_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmtui.engine.layers.activation", lambda *_: torch.sigmoid)
    runner = find_runner(make_model("llama"), "cpu")
    assert isinstance(runner, PackedRunner)
    assert isinstance(runner.forward_rows, OwnForward)


@pytest.mark.parametrize("architecture", NOT_PACKABLE)
def test_an_architecture_that_cannot_be_packed_runs_one_sequence_at_a_time(architecture: str) -> None:
    runner = find_runner(shared_model(architecture), "cpu")
    assert isinstance(runner, PlainRunner)
    assert runner.path == "one sequence at a time"


def test_rotary_frequencies_that_follow_the_longest_sequence_are_not_packed() -> None:
    rope = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
    assert isinstance(find_runner(make_model("llama", rope_parameters=rope), "cpu"), PlainRunner)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("architecture", ["gpt2", "llama", "gemma3_text"])
def test_half_precision_is_packed_within_its_own_rounding(architecture: str, dtype: torch.dtype) -> None:
    model = make_model(architecture, dtype)
    assert isinstance(find_runner(model, "cpu"), PackedRunner)
    assert packed_difference(model, OwnForward(model), "cpu") < 0.05


def test_the_check_at_load_sees_rows_that_look_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    def everything(_: Any, rows: int, keys: int, *__: object) -> torch.Tensor:
        return torch.ones(rows, keys, dtype=torch.bool)

    monkeypatch.setattr(PackedBatch, "mask", everything)
    assert isinstance(find_runner(shared_model("llama"), "cpu"), PlainRunner)


def test_the_check_at_load_sees_sequences_that_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = KVSlab()
    monkeypatch.setattr("llmtui.engine.self_check.KVSlab", lambda _: shared)
    assert isinstance(find_runner(shared_model("gpt2"), "cpu"), PlainRunner)


@pytest.mark.parametrize("architecture", ["gpt2", "mistral"])
def test_packing_leaves_the_models_own_forward_as_it_was(architecture: str) -> None:
    model = make_model(architecture)
    ids = random_ids(20, 1)
    before = plain_logits(model, ids)
    find_runner(model, "cpu")
    assert model.config._attn_implementation == "sdpa"
    assert torch.equal(plain_logits(model, ids), before)


def test_a_slab_holds_what_was_written_however_it_grew() -> None:
    rng = random.Random(3)
    pool = KVPool()
    slabs = [KVSlab(pool) for _ in range(3)]
    written = [torch.empty(0, 2, 3, 4) for _ in slabs]
    while min(len(rows) for rows in written) < 5 * FIRST_CAPACITY:
        number = rng.randrange(3)
        new = torch.randn(rng.choice((1, 60, 200)), 2, 3, 4)
        rows = slabs[number].write(0, len(written[number]), new)
        written[number] = torch.cat([written[number], new])
        assert torch.equal(rows.permute(2, 0, 1, 3), written[number])
    for slab, rows in zip(slabs, written, strict=True):
        assert torch.equal(slab.view(0, 0, len(rows)), rows.permute(1, 2, 0, 3))


@pytest.mark.parametrize("room", [1, FIRST_CAPACITY, FIRST_CAPACITY + 1, 5 * FIRST_CAPACITY])
def test_a_slab_with_room_never_moves_while_it_fills(room: int) -> None:
    slab = KVSlab(KVPool(), room)
    place = slab.shelf, slab.place
    for begin in range(0, room, 50):
        slab.write(0, begin, torch.ones(min(50, room - begin), 2, 1, 4))
        assert (slab.shelf, slab.place) == place
    assert slab.shelf.capacity < 2 * max(room, FIRST_CAPACITY)


def test_writing_a_block_again_replaces_it() -> None:
    slab = KVSlab()
    slab.write(0, 0, torch.zeros(4, 2, 1, 2))
    assert slab.write(0, 2, torch.ones(4, 2, 1, 2))[0, 0, :, 0].tolist() == [0, 0, 1, 1, 1, 1]


def test_a_place_is_free_when_its_slab_is_gone_and_holds_nothing_of_it() -> None:
    pool = KVPool()
    stays, goes = KVSlab(pool), KVSlab(pool)
    stays.write(0, 0, torch.ones(1, 2, 1, 2))
    goes.write(0, 0, torch.full((5, 2, 1, 2), torch.inf))
    place = goes.place
    del goes
    comes = KVSlab(pool)
    assert (comes.shelf, comes.place) == (stays.shelf, place)
    assert not comes.view(0, 0, FIRST_CAPACITY).any()


def used_once(pool: KVPool, room: int) -> KVSlab:
    """A slab of which every row is written: 16 bytes each."""
    slab = KVSlab(pool, room)
    slab.write(0, 0, torch.ones(room, 2, 1, 2))
    return slab


def test_memory_that_nobody_uses_is_bounded_whatever_the_lengths_and_the_latest_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rooms = [FIRST_CAPACITY * times for times in (1, 2, 4, 1)]
    monkeypatch.setattr("llmtui.engine.kv_cache.KEPT_BYTES", 16 * (rooms[2] + rooms[3]))
    pool = KVPool()
    kept = []
    for room in rooms:
        used_once(pool, room)
        kept.append(pool.idle_bytes // 16)
    assert kept == [rooms[0], rooms[0] + rooms[1], rooms[2], rooms[2] + rooms[3]]
    assert KVSlab(pool, rooms[3]).layers == 1
    used_once(pool, 8 * FIRST_CAPACITY)
    assert pool.idle_bytes == 16 * (rooms[2] + rooms[3])


def test_memory_in_use_is_not_spare_and_stays_when_the_rest_goes() -> None:
    pool = KVPool()
    stays = used_once(pool, FIRST_CAPACITY)
    used_once(pool, FIRST_CAPACITY)
    assert pool.idle_bytes == 0
    used_once(pool, 2 * FIRST_CAPACITY)
    assert pool.idle_bytes == 16 * 2 * FIRST_CAPACITY
    pool.clear()
    assert pool.idle_bytes == 0
    assert stays.view(0, 0, FIRST_CAPACITY).all()
    assert KVSlab(pool, 2 * FIRST_CAPACITY).layers == 0
