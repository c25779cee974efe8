"""Make a comparison: the prompt, and two to four models."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from llmtui.engine import SamplingParams
from llmtui.engine.errors import ParameterError
from llmtui.insight.compare import ModelChoice, parse_choice
from llmtui.setting_values import DTYPES
from llmtui.tui.bridge import Bridge
from llmtui.tui.screens.window import Window
from llmtui.tui.sweep_form import MAX_TOKENS, read_count
from llmtui.tui.text import GlyphSet, visible
from llmtui.tui.widgets.prompt import Prompt

MODELS: Final = ("model 1", "model 2", "model 3", "model 4")
LEAST: Final = 2


class CompareForm(Window[None]):
    """A line for each model; Enter loads them and lets them write side by side, in a window of its own."""

    NAME = "Compare: several models on one prompt"
    HINT = "Enter runs · ↑ ↓ choose · → takes a suggestion · esc closes"
    CSS_PATH: ClassVar[str | list[str | PurePath]] = ["window.tcss", "sweep.tcss"]
    AUTO_FOCUS = "#model-2"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
    ]

    def __init__(
        self,
        bridge: Bridge,
        params: SamplingParams,
        prompt: str,
        model: str,
        device: str,
        dtype: str,
        *,
        glyphs: GlyphSet = "unicode",
    ) -> None:
        super().__init__()
        self._bridge = bridge
        self._params = params
        self._first_prompt = prompt
        self._model = model
        self._device = device
        self._dtype = dtype
        self._glyphs: GlyphSet = glyphs
        self.prompt = Prompt(glyphs=glyphs, id="prompt")

    def compose(self) -> ComposeResult:
        first = (self._model, f"{self._model}@int8", "", "")
        tokens = self._params.max_tokens
        with Vertical(id="window"):
            yield self.prompt
            with VerticalScroll(classes="scroll", can_focus=False):
                for place, (name, value) in enumerate(zip(MODELS, first, strict=True), start=1):
                    yield from self._row(name, f"model-{place}", value, "" if place <= LEAST else "may be left empty")
                value = str(MAX_TOKENS if tokens is None else min(MAX_TOKENS, tokens))
                yield from self._row("max_tokens", "max_tokens", value, "of each text at most")
            yield Static("", id="told", markup=False)

    def _row(self, name: str, id: str, value: str, note: str) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Static(name, classes="name", markup=False)
            yield Input(value, id=id, classes="value long", select_on_focus=True)
            yield Static(note, id=f"{id}-note", classes="note", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.prompt.border_title = Content("Prompt")
        self.prompt.write(self._first_prompt)
        self._tell("NAME or NAME@DTYPE: a dtype of a model counts as a model; " + ", ".join(sorted(DTYPES)))
        self._bridge.run(_names, self._listed, lambda _: None)

    def _listed(self, names: Sequence[str]) -> None:
        if not self.is_attached:
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
            self._tell(f"✗ {error}", wrong=True)
            return
        seed = self._params.seed or 0
        params = replace(self._params, max_tokens=tokens, seed=seed, top_logprobs=0, prompt_logprobs=False)
        from llmtui.tui.screens.compare_run import CompareScreen

        self.app.push_screen(
            CompareScreen(self._bridge, self.prompt.text, params, choices, self._device, glyphs=self._glyphs)
        )

    def _tell(self, text: str, *, wrong: bool = False) -> None:
        told = self.query_one("#told", Static)
        told.set_class(wrong, "-wrong")
        told.update(visible(text), layout=False)


def _names() -> list[str]:
    from llmtui.models.catalog import list_models

    return [entry.name for entry in list_models() if entry.problem is None]
