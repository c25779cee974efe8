"""The engine of a screen, an API or both."""

from llmtui.engine import Engine
from llmtui.settings import Settings


def shared_engine(settings: Settings) -> Engine:
    """Within the limits of the settings, without a model."""
    return Engine(
        max_waiting=settings.max_waiting,
        max_waiting_tokens=settings.max_waiting_tokens,
        max_running=settings.max_running,
        prefix_cache_bytes=settings.prefix_cache_bytes,
        memory_budget=settings.memory_budget,
    )
