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


class ModelDoesNotFit(ModelError):
    """The memory budget has no room for the model."""

    def __init__(self, name: str, needed: int, free: int, budget: int) -> None:
        super().__init__(
            f"{name} needs {_size(needed)}, and the memory budget of {_size(budget)} has room for {_size(free)}: "
            "unload another model, take a smaller one or raise MEMORY_BUDGET"
        )
        self.needed = needed
        self.free = free
        self.budget = budget


class LoadCancelled(ModelError):
    """Loading was stopped on request."""


def _size(number: int) -> str:
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 else f"{number / 2**20:.1f} MiB"
