"""Run language models on your own machine and watch every token being chosen."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmtui.engine import ChatMessage, Engine, GenerationRequest, SamplingParams

__version__ = "0.1.0"
__all__ = ["ChatMessage", "Engine", "GenerationRequest", "SamplingParams", "__version__"]


def __getattr__(name: str) -> object:
    """Import the engine only when it is asked for, so that `llmtui --help` stays instant (PEP 562)."""
    if name in __all__:
        from llmtui import engine

        return getattr(engine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
