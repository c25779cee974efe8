"""Looks at a running llmtui through its /metrics."""

from llmtui.system.api_client import ApiClient, ServerRefused, ServerUnreachable
from llmtui.system.exposition import read_exposition
from llmtui.system.monitor import OutOfReach
from llmtui.system.reading import Reading


class RemoteReader:
    """One look at a server, its process and the machine it runs on."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def __call__(self) -> Reading:
        """Raises OutOfReach while it does not answer or is too busy, ServerRefused where asking again is in vain."""
        try:
            text = self._client.text("/metrics")
        except ServerRefused as error:
            if error.status < 500 and error.status != 429:
                raise
            raise OutOfReach(str(error)) from None
        try:
            return read_exposition(text)
        except (ValueError, KeyError) as error:
            raise ServerUnreachable(f"{self._client.url} does not answer as an llmtui: {error}") from None
