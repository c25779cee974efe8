"""What the engine and the machine tell at the moment when Prometheus asks: the screen's own requests count, too."""

from collections.abc import Iterator
from functools import cached_property

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from llmtui.engine import Engine
from llmtui.system.exposition import families
from llmtui.system.monitor import LocalReader


class EngineNumbers(Collector):
    """Gauges and counters out of one look at the engine, this process and the machine below them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def describe(self) -> Iterator[Metric]:
        """Nothing yet: a GPU's driver takes a moment to answer, and need not before the first question."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        return families(self._look())

    @cached_property
    def _look(self) -> LocalReader:
        return LocalReader(engine=self._engine)
