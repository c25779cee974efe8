"""Runs models and reports every token. Importing it imports no torch: that happens in the thread that loads a model."""

from llmtui.engine.engine import Engine
from llmtui.engine.requests import ChatMessage, GenerationRequest, SamplingParams, StageOrder
from llmtui.engine.residents import Resident
from llmtui.engine.stats import EngineStats

__all__ = [
    "ChatMessage",
    "Engine",
    "EngineStats",
    "GenerationRequest",
    "Resident",
    "SamplingParams",
    "StageOrder",
]
