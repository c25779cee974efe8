"""What a prompt, an Esc or an Again means at this moment: decided here, without a widget in sight."""

from collections.abc import Callable

from llmtui.engine import Engine
from llmtui.engine.loads import LoadTask
from llmtui.engine.requests import GenerationRequest
from llmtui.errors import LlmtuiError
from llmtui.tui.bridge import Bridge
from llmtui.tui.session import Session


class NotNow(LlmtuiError):
    """What was asked for cannot be done at this moment."""


class Conductor:
    """Sends prompts when there is a model, keeps one until there is, and stops what runs. One generation at a time."""

    def __init__(self, engine: Engine, session: Session, bridge: Bridge, load_named: Callable[[str], LoadTask]) -> None:
        self._engine = engine
        self._session = session
        self._bridge = bridge
        self._load_named = load_named
        self.waiting: str | None = None
        # the first load begins when the first frame is out; who types as fast as that waits for it, too
        self.load_is_coming = False

    def send(self, prompt: str) -> GenerationRequest | None:
        """Generate from a prompt; None: it waits for the model that is being loaded. Raises NotNow, ParameterError."""
        if not prompt:
            raise NotNow("type a text for the model to continue")
        if self._bridge.generating:
            raise NotNow("one generation at a time: esc stops the one that runs")
        if self._engine.model is not None:
            return self._generate(self._session.begin(prompt))
        if self._bridge.loading is None and not self.load_is_coming:
            raise NotNow("no model is loaded: ^O chooses one")
        if self.waiting is not None:
            raise NotNow("one prompt waits for the model already: esc takes it back")
        self.waiting = prompt
        return None

    def send_waiting(self) -> GenerationRequest | None:
        """The model is there: generate from the prompt that waited for it, if one did."""
        prompt = self.take_back()
        return None if prompt is None else self.send(prompt)

    def take_back(self) -> str | None:
        """The prompt that waited for a model; it waits no longer."""
        prompt, self.waiting = self.waiting, None
        return prompt

    def again(self) -> GenerationRequest:
        """Generate from the last prompt once more. Raises NotNow."""
        if self._bridge.generating:
            raise NotNow("it is still running: esc stops it")
        if self._engine.model is None:
            raise NotNow("no model is loaded yet")
        request = self._session.begin_again()
        if request is None:
            raise NotNow("there is no prompt to run again yet")
        return self._generate(request)

    def load(self, name: str) -> None:
        """Load another model beside the present one. Raises ModelError, EngineClosed."""
        self._bridge.load(lambda: self._load_named(name))

    def stop(self) -> bool:
        """Stop the generation, or else the load; False: neither is under way."""
        if self._bridge.generating:
            self._bridge.cancel_generation()
            return True
        if self._bridge.loading is not None:
            self._bridge.cancel_load()
            return True
        return False

    def _generate(self, request: GenerationRequest) -> GenerationRequest:
        self._bridge.generate(request)
        return request
