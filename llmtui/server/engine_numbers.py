"""What the engine tells of itself at the moment when Prometheus asks: the screen's own requests count, too."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from llmtui.engine import Engine


class EngineNumbers(Collector):
    """Gauges and counters out of one look at the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        stats = self._engine.stats()
        yield GaugeMetricFamily("llmtui_running", "generations that run", stats.running)
        yield GaugeMetricFamily("llmtui_waiting", "generations that wait", stats.waiting)
        yield GaugeMetricFamily("llmtui_kv_bytes", "keys and values of running generations", stats.kv_bytes)
        yield GaugeMetricFamily("llmtui_prefix_cache_bytes", "keys and values kept", stats.prefix_cache_bytes)
        yield CounterMetricFamily(
            "llmtui_prefix_hit_tokens", "prompt tokens that were not computed again", stats.prefix_hit_tokens
        )
        weights = GaugeMetricFamily("llmtui_weights_bytes", "weights of a model in memory", labels=("model",))
        for model in self._engine.models():
            weights.add_metric((model.info.name,), model.weights_bytes)
        yield weights
