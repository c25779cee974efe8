"""Bringing models to this machine and taking them away again: only where the settings allow it."""

from collections.abc import Callable, Iterator

from llmtui.models.catalog import EMBEDDED
from llmtui.models.removal import remove_cached
from llmtui.server.errors import ApiError
from llmtui.server.model_access import LATEST, ModelAccess
from llmtui.server.pulls import Progress, Pulls
from llmtui.settings import Settings


class ModelStore:
    """Downloads into the Hugging Face cache, and deletes from it; nothing else is ever touched."""

    def __init__(self, settings: Settings, access: ModelAccess) -> None:
        self._settings = settings
        self._access = access
        self._pulls = Pulls()

    def pull(self, name: str, gone: Callable[[], bool]) -> Iterator[Progress]:
        """Fetch a model, or what is new of it; nothing for one that is here, where that is not allowed.

        gone: whether to stop. Raises ApiError (403) at once; read, what `Pulls.pull` raises.
        """
        known = name.removesuffix(LATEST)
        if self._settings.allow_pull and self._access.admits(known) and known != EMBEDDED:
            return self._pulls.pull(known, gone)
        if self._access.has(known):
            return iter(())
        reason = f"{known} is not among ALLOWED_MODELS" if self._settings.allow_pull else "ALLOW_PULL is off"
        raise ApiError(403, "pull_not_allowed", f"{known} is not pulled over HTTP here: {reason}", "model")

    def delete(self, name: str) -> None:
        """Delete a model from the Hugging Face cache.

        Raises ApiError: 403 where that is not allowed and for the embedded one, 404, 409 while it is in memory.
        """
        known = name.removesuffix(LATEST)
        if not self._settings.allow_delete:
            raise ApiError(403, "delete_not_allowed", "models are not deleted over HTTP here: ALLOW_DELETE is off")
        if known == EMBEDDED:
            raise ApiError(403, "delete_not_allowed", f"{known} comes with llmtui and stays", "model")
        if not self._access.admits(known):
            raise ApiError(404, "model_not_found", f"there is no model {known!r} here", "model")
        with self._access.unused(known):
            remove_cached(known)
