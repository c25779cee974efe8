"""Where every dialect hands in its generations: what is counted, limited and remembered is so here, once for all."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import g

from llmtui.engine import Engine, GenerationRequest
from llmtui.server.batch import Batch
from llmtui.server.generation import Generation
from llmtui.server.metrics import GenerationMeter, Metrics


@dataclass(frozen=True)
class Desk:
    """Takes generations, and lets those watch them who count."""

    engine: Engine
    metrics: Metrics

    def begin(self, requests: Sequence[GenerationRequest]) -> Batch:
        """The generations of the HTTP request at hand, begun. Raises what `Engine.submit` raises."""
        return Batch(self.submit, g.request_id, requests)

    def submit(self, request: GenerationRequest) -> Generation:
        """One generation, begun. Raises what `Engine.submit` raises."""
        return Generation(self.engine.submit(request), [GenerationMeter(self.metrics)])
