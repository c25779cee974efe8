"""Which model a request means: the loaded one, by its name or as Ollama's clients write it."""

from llmtui.engine import Engine
from llmtui.engine.errors import EngineClosed, ModelNotReady
from llmtui.engine.loads import ModelInfo
from llmtui.server.errors import ApiError

LATEST = ":latest"


def loaded_model(engine: Engine) -> ModelInfo:
    """Raises ModelNotReady or EngineClosed where there is none to ask."""
    if engine.state == "closed":
        raise EngineClosed
    info = engine.model
    if info is None:
        raise ModelNotReady("the model is still loading" if engine.loading is not None else "no model is loaded")
    return info


def requested_model(engine: Engine, name: str | None) -> ModelInfo:
    """The loaded model, if `name` means it or is not given. Raises ApiError (404), or as `loaded_model`."""
    info = loaded_model(engine)
    if name is None or name.removesuffix(LATEST) == info.name:
        return info
    message = f"there is no model {name!r} here: the one that is loaded is {info.name!r}"
    raise ApiError(404, "model_not_found", message, "model")
