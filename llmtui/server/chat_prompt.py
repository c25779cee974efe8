"""A conversation as a prompt: by the model's own chat template, or by a plain one where it has none.

The plain template, for base models, which only continue texts::

    System: Be brief.

    User: How are you?

    Assistant:

Each turn is its role, a colon, its text and an empty line; the answer ends where the model begins the user's next turn.
"""

from collections.abc import Sequence

from llmtui.engine import Engine
from llmtui.engine.loads import ModelInfo
from llmtui.engine.requests import ChatMessage

PLAIN_STOPS = ("\nUser:", "\nSystem:")


def plain_prompt(messages: Sequence[ChatMessage]) -> str:
    """The conversation in the plain template, up to where the answer begins."""
    turns = [f"{message.role.capitalize()}: {message.content.strip()}\n\n" for message in messages]
    return "".join(turns) + "Assistant:"


def chat_ids(
    engine: Engine, model: ModelInfo, messages: Sequence[ChatMessage]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The prompt of a conversation with a model as token ids, and the stop texts that its template needs.

    `developer` is OpenAI's newer name of `system`, and no template knows it.
    Raises ParameterError for a conversation that the model's template refuses.
    """
    known = [ChatMessage(role=_role(message.role), content=message.content) for message in messages]
    if not model.has_chat_template:
        return engine.tokenize(plain_prompt(known), model.name), PLAIN_STOPS
    return engine.tokenize_chat(known, model.name), ()


def _role(role: str) -> str:
    return "system" if role == "developer" else role
