"""The requests in the engine, for people to look at: those of this moment, and the last ones that ended."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from llmtui.engine.events import Failed, Finished

if TYPE_CHECKING:
    from llmtui.engine.sequence import Sequence

RequestState = Literal["waiting", "running", "finished", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class RequestView:
    """One request that waits, runs or has ended. Counts are tokens, times are seconds.

    queued, running    how long it waited, and how long it runs by now, or ran
    tokens_per_second  decode speed; None before the second token
    """

    id: str
    client: str
    model: str
    state: RequestState
    prompt_tokens: int
    generated_tokens: int
    max_tokens: int
    queued: float
    running: float
    tokens_per_second: float | None


def view_of(sequence: "Sequence") -> RequestView:
    """A sequence as it stands; read beside the engine's thread, so one number may be a step ahead of another."""
    now = time.perf_counter()
    clock, generated = sequence.clock, sequence.generated
    started, first, last = clock.started, clock.first_token, clock.last_token
    decode = last - first if first is not None and last is not None else 0.0
    return RequestView(
        id=sequence.request.request_id,
        client=sequence.request.client,
        model=sequence.model.info.name,
        state="waiting" if started is None else "running",
        prompt_tokens=sequence.prompt_length,
        generated_tokens=generated,
        max_tokens=sequence.max_tokens,
        queued=(now if started is None else started) - clock.submitted,
        running=0.0 if started is None else now - started,
        tokens_per_second=(generated - 1) / decode if generated > 1 and decode > 0 else None,
    )


def view_of_ended(sequence: "Sequence", end: Finished | Failed) -> RequestView:
    """A sequence that has just ended."""
    state: RequestState = "failed"
    if isinstance(end, Finished):
        state = "cancelled" if end.reason == "cancelled" else "finished"
    return replace(view_of(sequence), state=state)


def cache_bytes(cache: Any) -> int:
    """Bytes of a sequence's keys and values: of a KVSlab, of transformers' own cache, of none at all.

    For the engine's thread alone.
    """
    if cache is None:
        return 0
    own: int | None = getattr(cache, "bytes", None)
    if own is not None:
        return own
    tensors = [getattr(layer, name, None) for layer in list(cache.layers) for name in ("keys", "values")]
    return sum(tensor.nbytes for tensor in tensors if tensor is not None)
