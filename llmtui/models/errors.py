"""Why a model cannot be had, each with a sentence a person can act on."""

from llmtui.errors import LlmtuiError


class ModelError(LlmtuiError):
    """A model cannot be found, fetched or loaded."""


class ModelNotFound(ModelError):
    """No model of that name: not embedded, no folder, not in the cache, not on the Hub."""


class ModelUnreachable(ModelError):
    """The model is not on this machine and the Hub does not answer."""


class ModelForbidden(ModelError):
    """The Hub wants a token, or the licence accepted, before it gives the model out."""


class ModelUnsupported(ModelError):
    """The model is there, but in a form that llmtui does not run (pickled weights, remote code, other tasks)."""


class LoadCancelled(ModelError):
    """Loading was stopped on request."""
