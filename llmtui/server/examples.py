"""A request for each route that takes a body, as /openapi.json and /docs show it."""

from typing import Any

from llmtui.settings import Settings

Json = dict[str, Any]

PROMPT = "Once upon a time"
MESSAGES = [{"role": "user", "content": "Tell me a tale."}]
EXAMPLES: dict[str, Json] = {
    "/generate": {"prompt": PROMPT, "max_new_tokens": 20, "temperature": 0.8, "seed": 1},
    "/tokenize": {"text": PROMPT},
    "/detokenize": {"ids": [778, 846]},
    "/score": {"text": PROMPT, "top_logprobs": 2},
    "/v1/completions": {"prompt": PROMPT, "max_tokens": 20, "logprobs": 2},
    "/v1/chat/completions": {"messages": MESSAGES, "max_completion_tokens": 20},
    "/api/generate": {"prompt": PROMPT, "raw": True, "stream": False, "options": {"num_predict": 20}},
    "/api/chat": {"messages": MESSAGES, "stream": False, "options": {"num_predict": 20}},
    "/api/show": {},
    "/api/pull": {"stream": False},
}


def example(path: str, settings: Settings) -> Json:
    """The example of a path; those of other programs' dialects name the model."""
    named = {"model": settings.model_name} if path.startswith(("/v1/", "/api/")) else {}
    return named | EXAMPLES[path]
