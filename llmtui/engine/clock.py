"""When a request reached each of its milestones."""

import time
from dataclasses import dataclass, field

from llmtui.engine.events import Timings


@dataclass(slots=True)
class Clock:
    """When a request reached each of its milestones, in time.perf_counter seconds."""

    submitted: float = field(default_factory=time.perf_counter)
    started: float | None = None
    first_token: float | None = None
    last_token: float | None = None

    def tick(self) -> None:
        """A token was drawn."""
        self.last_token = time.perf_counter()
        if self.first_token is None:
            self.first_token = self.last_token

    def timings(self) -> Timings:
        now = time.perf_counter()
        started = self.started if self.started is not None else now
        first = self.first_token
        return Timings(
            queued=started - self.submitted,
            prefill=(first if first is not None else now) - started,
            first_token=None if first is None else first - self.submitted,
            decode=0.0 if first is None or self.last_token is None else self.last_token - first,
            total=now - self.submitted,
        )
