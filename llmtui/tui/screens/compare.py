"""Make a comparison: the prompt, and two to four models."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.suggester import SuggestFromList
from textual.widgets import Input

from llmtui.engine.errors import ParameterError
from llmtui.insight.compare import ModelChoice, parse_choice
from llmtui.setting_values import DTYPES
from llmtui.tui.bridge import Bridge
from llmtui.tui.screens.prompt_form import PromptForm
from llmtui.tui.screens.window import is_open
from llmtui.tui.session import Session
from llmtui.tui.sweep_form import MAX_TOKENS, read_count
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.prompt import Prompt

MODELS: Final = ("model 1", "model 2", "model 3", "model 4")
LEAST: Final = 2


class CompareForm(PromptForm):
    """A line for each model; Enter loads them and lets them write side by side, in a window of its own."""

    NAME = "Compare: several models on one prompt"
    HINT = "Enter runs · ↑ ↓ choose · → takes a suggestion · esc closes"
    AUTO_FOCUS = "#model-2"

    def __init__(
        self,
        bridge: Bridge,
        session: Session,
        prompt: str,
        model: str,
        device: str,
        dtype: str,
        *,
        glyphs: GlyphSet = "unicode",
    ) -> None:
        super().__init__(prompt, session.typed["compare"], glyphs=glyphs)
        self._bridge = bridge
        self._params = session.params
        self._model = model
        self._device = device
        self._dtype = dtype

    def rows(self) -> ComposeResult:
        first = (self._model, f"{self._model}@int8", "", "")
        for place, (name, value) in enumerate(zip(MODELS, first, strict=True), start=1):
            note = "" if place <= LEAST else "may be left empty"
            yield from self.row(name, f"model-{place}", value, note, long=True)
        tokens = self._params.max_tokens
        value = str(MAX_TOKENS if tokens is None else min(MAX_TOKENS, tokens))
        yield from self.row("max_tokens", "max_tokens", value, "of each text at most", long=True)

    def on_mount(self) -> None:
        super().on_mount()
        self._explain()
        self._bridge.run(_names, self._listed, lambda _: None)

    @on(Input.Changed)
    @on(Prompt.Changed)
    def _explain(self) -> None:
        self.tell("NAME or NAME@DTYPE: a dtype of a model counts as a model; " + ", ".join(sorted(DTYPES)))

    def _listed(self, names: Sequence[str]) -> None:
        if not is_open(self):
            return
        suggestions = [*names, *(f"{name}@{dtype}" for name in names for dtype in sorted(DTYPES))]
        for place in range(1, len(MODELS) + 1):
            self.query_one(f"#model-{place}", Input).suggester = SuggestFromList(suggestions)

    @property
    def choices(self) -> list[ModelChoice]:
        """The models that were named."""
        typed = [self.query_one(f"#model-{place}", Input).value.strip() for place in range(1, len(MODELS) + 1)]
        return [parse_choice(name, self._dtype) for name in typed if name]

    @on(Input.Submitted)
    @on(Prompt.Submitted)
    def _entered(self) -> None:
        choices = self.choices
        try:
            tokens = read_count("max_tokens", self.query_one("#max_tokens", Input).value)
            if not self.prompt.text:
                raise ParameterError("prompt", "must not be empty")
            if len(choices) < LEAST:
                raise ParameterError("models", f"must be at least {LEAST}, got {len(choices)}")
        except ParameterError as error:
            self.tell(f"✗ {error}", wrong=True)
            self.query_one({"models": "#model-2"}.get(error.field, f"#{error.field}")).focus()
            return
        seed = self._params.seed or 0
        params = replace(self._params, max_tokens=tokens, seed=seed, top_logprobs=0, prompt_logprobs=False)
        from llmtui.tui.screens.compare_run import CompareScreen

        self.app.push_screen(
            CompareScreen(self._bridge, self.prompt.text, params, choices, self._device, glyphs=self._glyphs)
        )


def _names() -> list[str]:
    from llmtui.models.catalog import list_models

    return [entry.name for entry in list_models() if entry.problem is None]
