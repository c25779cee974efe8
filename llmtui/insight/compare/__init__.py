"""Several models on one prompt: what each costs, what it writes, and how they differ on the same text."""

from llmtui.insight.compare.columns import Column, Step
from llmtui.insight.compare.comparison import Comparison
from llmtui.insight.compare.messages import Measured, ModelChoice, Progress, Standing, parse_choice

__all__ = ["Column", "Comparison", "Measured", "ModelChoice", "Progress", "Standing", "Step", "parse_choice"]
