"""What can go wrong in the engine, each with a sentence a person can act on."""

from llmtui.errors import LlmtuiError


class EngineError(LlmtuiError):
    """Something the engine refused or could not do."""


class ParameterError(EngineError):
    """A request field is missing, of the wrong type or out of range."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem


class ContextOverflow(EngineError):
    """The prompt and the wanted tokens do not fit the model's context.

    needed         tokens of both together
    prompt_tokens  where the prompt alone fits, so that asking for fewer helps
    """

    def __init__(self, needed: int, context: int, prompt_tokens: int | None = None) -> None:
        if prompt_tokens is None:
            problem = f"needs {needed} tokens, the model's context is {context}"
            remedy = "shorten the prompt or ask for fewer tokens"
        else:
            new, room = needed - prompt_tokens, context - prompt_tokens
            problem = (
                f"{new} new tokens and the prompt's {prompt_tokens} are more than the model's context of {context}"
            )
            remedy = f"ask for {room} at most, or shorten the prompt"
        super().__init__(f"{problem}: {remedy}")
        self.needed = needed
        self.context = context
        self.prompt_tokens = prompt_tokens


class EngineBusy(EngineError):
    """The queue is full; `retry_after` says in how many seconds it is worth asking again."""

    def __init__(self, waiting: int, retry_after: float) -> None:
        super().__init__(f"{waiting} requests are waiting already: try again in {retry_after:.0f} s")
        self.retry_after = retry_after


class ModelNotReady(EngineError):
    """No model is loaded yet."""


class EngineClosed(EngineError):
    """The engine has been shut down."""

    def __init__(self) -> None:
        super().__init__("the engine is closed: start llmtui again, or make another Engine")


class OtherProcess(EngineError):
    """The engine was made before this process was forked: its thread stayed with the other one."""

    def __init__(self) -> None:
        super().__init__("this engine belongs to the process that made it: make another Engine in this one")


class GenerationFailed(EngineError):
    """A step of this request failed; the requests beside it go on."""


class RequestEnded(EngineError):
    """What was asked for concerns a request that neither waits nor runs, and is no longer remembered."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"request {request_id} has ended")
