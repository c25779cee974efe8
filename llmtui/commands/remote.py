"""The engine of a running llmtui behind the few methods of `Engine` that commands use."""

import logging
import queue
import threading
from typing import Any, Final

from llmtui.engine import GenerationRequest
from llmtui.engine.errors import EngineBusy, EngineError
from llmtui.engine.events import Failed, Finished, Timings, Usage
from llmtui.engine.stream import Stream
from llmtui.errors import LlmtuiError
from llmtui.insight.trace import event_from_json
from llmtui.settings import Settings
from llmtui.system.api_client import ApiClient, ServerRefused, ServerUnreachable

# What `/generate` calls the sampling parameters of a request.
SENT: Final = (
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "repetition_penalty",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "top_logprobs",
    "prompt_logprobs",
    "speculate",
)
RETRY_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


class ServerBusy(EngineBusy):
    """The server's queue is full at this moment."""

    def __init__(self, sentence: str) -> None:
        EngineError.__init__(self, sentence)
        self.retry_after = RETRY_SECONDS


class RemoteEngine:
    """Generates on a server, each token with every fact.

    model_name  the one that generates there
    """

    def __init__(self, client: ApiClient, model: str | None = None) -> None:
        """model: one that the server is asked for; None: its own. Raises ServerUnreachable, ServerRefused."""
        self._client = client
        self._model = model
        info = client.get("/info")
        try:
            self._limit = int(info["max_length_limit"])
            self.model_name = model or str(info["model"])
        except (KeyError, TypeError, ValueError):
            raise ServerUnreachable(f"{client.url} does not answer as an llmtui: its /info is another one's") from None

    @classmethod
    def of(cls, url: str, settings: Settings) -> "RemoteEngine":
        """A server by its address, with the key and the model of the settings, if one was asked for."""
        asked = settings.model_name if "model_name" in settings.model_fields_set else None
        return cls(ApiClient(url, settings.client_key), asked)

    def submit(self, request: GenerationRequest) -> Stream:
        """Begin a request and return its events. It gets no more tokens than the server allows.

        Raises ServerBusy where the queue is full, EngineError for what is wrong, ServerRefused, ServerUnreachable.
        """
        stream = Stream(request.request_id, lambda: self._cancel(request.request_id))
        begun: queue.SimpleQueue[LlmtuiError | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(request, stream, begun), name="llmtui-remote", daemon=True).start()
        problem = begun.get()
        if problem is not None:
            raise problem
        return stream

    def _read(self, request: GenerationRequest, stream: Stream, begun: "queue.SimpleQueue[LlmtuiError | None]") -> None:
        is_begun = False
        try:
            with self._client.events("/generate", self._body(request), request.request_id) as frames:
                begun.put(None)
                is_begun = True
                for frame in frames:
                    event = event_from_json(frame)
                    if event is not None:
                        stream.put(event)
                    if isinstance(event, (Finished, Failed)):
                        return
            problem = LlmtuiError("the server closed the connection before the end")
        except LlmtuiError as error:
            problem = _meant(error)
        except Exception as error:
            logger.exception("what the server sent could not be read")
            problem = LlmtuiError(f"what the server sent could not be read: {error}")
        if is_begun:
            stream.put(Failed(str(problem), Usage(0, 0), Timings(0.0, 0.0, None, 0.0, 0.0)))
        else:
            begun.put(problem)

    def _body(self, request: GenerationRequest) -> dict[str, Any]:
        params = request.params
        body: dict[str, Any] = {name: getattr(params, name) for name in SENT if getattr(params, name) is not None}
        body |= {"prompt": request.prompt, "stream": True, "trace": True}
        # of the two the server takes the smaller, so that a long prompt gets fewer tokens instead of a refusal
        body["max_length"] = min(params.max_length or self._limit, self._limit)
        body["max_new_tokens"] = min(params.max_tokens or self._limit, self._limit - 1)
        if params.stop:
            body["stop"] = list(params.stop)
        if self._model is not None:
            body["model"] = self._model
        return body

    def _cancel(self, request_id: str) -> None:
        """Ask the server to stop it; its last event comes then. In a thread: nobody waits for that answer."""

        def ask() -> None:
            try:
                self._client.ask("DELETE", f"/requests/{request_id}")
            except LlmtuiError as error:
                logger.info("request %s was not cancelled: %s", request_id, error)

        threading.Thread(target=ask, name="llmtui-cancel", daemon=True).start()


def _meant(error: LlmtuiError) -> LlmtuiError:
    """A refusal as the engine itself would have raised it, where it would have."""
    if isinstance(error, ServerRefused):
        if error.status == 429:
            return ServerBusy(str(error))
        if error.status == 400:
            return EngineError(str(error))
    return error
