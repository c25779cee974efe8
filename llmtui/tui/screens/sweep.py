"""Make a sweep: the prompt, the parameters and their values."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from llmtui.engine import Engine
from llmtui.errors import LlmtuiError
from llmtui.insight.grid import MANY_CELLS
from llmtui.tui.bridge import Bridge
from llmtui.tui.screens.prompt_form import PromptForm
from llmtui.tui.session import Session
from llmtui.tui.sweep_form import FIELDS, SweepPlan, first_values, problems, read_plan
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.prompt import Prompt


class SweepForm(PromptForm):
    """One line for each parameter; what is wrong is said beside it. Enter runs the sweep, in a window of its own."""

    NAME = "Sweep: one prompt under many settings"
    HINT = "Enter runs · ↑ ↓ choose · esc closes"
    AUTO_FOCUS = "#temperature"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "run", "Run", show=False, tooltip="Run what was typed")]

    def __init__(
        self, engine: Engine, bridge: Bridge, session: Session, prompt: str, *, glyphs: GlyphSet = "unicode"
    ) -> None:
        super().__init__(prompt, session.typed["sweep"], glyphs=glyphs)
        self._engine = engine
        self._bridge = bridge
        self._session = session
        self._usual = first_values(session.params)
        self._confirmed = 0

    def rows(self) -> ComposeResult:
        for field in FIELDS:
            yield from self.row(field.name, field.name, self._usual[field.name], field.help)

    def on_mount(self) -> None:
        super().on_mount()
        self._check()

    @property
    def values(self) -> dict[str, str]:
        """What stands in the fields."""
        return {field.name: self.query_one(f"#{field.name}", Input).value for field in FIELDS}

    @on(Input.Changed)
    @on(Prompt.Changed)
    def _check(self) -> None:
        wrong = problems(self.values)
        for field in FIELDS:
            problem = wrong.get(field.name)
            self.note(field.name, field.help if problem is None else f"✗ {problem}", wrong=problem is not None)
        self._confirmed = 0
        if wrong:
            # beside the field a long sentence may be cut
            self.tell("; ".join(f"✗ {name} {problem}" for name, problem in wrong.items()), wrong=True)
        else:
            self.tell(_summary(self.values))

    @on(Input.Submitted)
    @on(Prompt.Submitted)
    def _entered(self) -> None:
        self.action_run()

    def action_run(self) -> None:
        """Run what was typed; many cells only once it was asked for twice."""
        if problems(self.values):
            return
        try:
            plan = read_plan(self.values, self._session.request(self.prompt.text))
        except LlmtuiError as error:
            self.tell(f"✗ {error}", wrong=True)
            if not self.prompt.text:
                self.prompt.focus()
            return
        if self._engine.model is None or self._bridge.loading is not None:
            self.tell("✗ a model is still to be loaded: wait until it is ready", wrong=True)
        elif plan.at is None and plan.cells > MANY_CELLS and self._confirmed != plan.cells:
            self._confirmed = plan.cells
            self.tell(f"{plan.cells} cells are more than {MANY_CELLS}: Enter again runs them all", wrong=True)
        else:
            self._run(plan)

    def _run(self, plan: SweepPlan) -> None:
        from llmtui.tui.screens.position import PositionScreen
        from llmtui.tui.screens.sweep_run import SweepScreen

        screen = SweepScreen if plan.at is None else PositionScreen
        self.app.push_screen(screen(self._engine, self._bridge, plan, glyphs=self._glyphs))


def _summary(values: dict[str, str]) -> str:
    """What Enter would do."""
    settings = 1
    for name in ("temperature", "top_k", "top_p"):
        settings *= len({float(part) for part in values[name].split(",")})
    if values["at"].strip():
        return f"{settings} settings at token {values['at'].strip()} of the prompt, from one row of logits"
    seeds, tokens = int(values["seeds"]), int(values["max_tokens"])
    return f"{settings} settings × {seeds} seeds = {settings * seeds} cells of at most {tokens} tokens"
