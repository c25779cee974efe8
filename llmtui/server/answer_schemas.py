"""What every route answers, as /openapi.json describes it.

The handlers do not go through these models: tests hold every answer of every route against them.
"""

from pydantic import BaseModel

from llmtui.server import native_answer_schemas, ollama_answer_schemas, openai_answer_schemas

ANSWERS: dict[str, type[BaseModel]] = (
    native_answer_schemas.ANSWERS | openai_answer_schemas.ANSWERS | ollama_answer_schemas.ANSWERS
)
"""By the rule of the route."""
