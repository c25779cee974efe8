"""How much a request may have."""

from llmtui.engine.errors import ContextOverflow, ParameterError
from llmtui.engine.requests import GenerationRequest


def room_for(request: GenerationRequest, prompt_tokens: int, context: int) -> int:
    """How many new tokens a request may have, at least one.

    Raises ContextOverflow where prompt and new tokens exceed the context, ParameterError where `max_length` leaves no
    room for a new token.
    """
    params = request.params
    room = context - prompt_tokens
    if room < 1:
        raise ContextOverflow(prompt_tokens + 1, context)
    wanted = room if params.max_tokens is None else params.max_tokens
    if params.max_length is not None:
        if params.max_length <= prompt_tokens:
            raise ParameterError(
                "max_length", f"must be above the prompt's own {prompt_tokens} tokens, got {params.max_length}"
            )
        wanted = min(wanted, params.max_length - prompt_tokens)
    if wanted > room and not request.clip:
        raise ContextOverflow(prompt_tokens + wanted, context)
    return min(wanted, room)
