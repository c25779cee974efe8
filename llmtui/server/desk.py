"""Where every dialect hands in its generations: what is counted, limited and remembered is so here, once for all."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import g

from llmtui.engine import Engine, GenerationRequest
from llmtui.engine.events import Usage
from llmtui.server.batch import Batch
from llmtui.server.generation import Generation
from llmtui.server.limits import Limits
from llmtui.server.metrics import GenerationMeter, Metrics
from llmtui.server.usage import UsageCounter


@dataclass(frozen=True)
class Desk:
    """Takes generations, and lets those watch them who count."""

    engine: Engine
    metrics: Metrics
    limits: Limits

    def begin(self, requests: Sequence[GenerationRequest]) -> Batch:
        """The generations of the HTTP request at hand, begun.

        Raises ApiError (429) where the caller has spent its tokens, and what `Engine.submit` raises.
        """
        self.limits.check_tokens()
        return Batch(self.submit, g.request_id, requests)

    def submit(self, request: GenerationRequest) -> Generation:
        """One generation, begun. Raises what `Engine.submit` raises."""

        def charge(usage: Usage) -> None:
            self.limits.spend(request.client, usage)

        return Generation(self.engine.submit(request), [GenerationMeter(self.metrics), UsageCounter(charge)])
