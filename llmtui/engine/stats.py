"""How the engine stands, in one value."""

from dataclasses import dataclass
from typing import Literal

EngineState = Literal["empty", "loading", "ready", "degraded", "closed"]


@dataclass(frozen=True, slots=True)
class EngineStats:
    """The engine at this moment, all models together; `Engine.models` has each one's share.

    tokens_per_second   of all running requests together, over the latest tokens
    kv_bytes            of the keys and values of running requests
    computing_threads   of the latest step: fewer where other programs use the cores; 0 before the first one
    prefix_cache_bytes  of those kept of requests for later ones that begin like them
    prefix_hit_tokens   prompt tokens, since the engine began, that need not be computed because they were kept
    """

    state: EngineState
    running: int
    waiting: int
    generated_tokens: int
    tokens_per_second: float
    computing_threads: int = 0
    kv_bytes: int = 0
    prefix_cache_bytes: int = 0
    prefix_hit_tokens: int = 0
