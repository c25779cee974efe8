"""Choose a model: those on this machine, or a name that is typed."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from llmtui import own_kernels
from llmtui.engine.loads import ModelInfo
from llmtui.models.catalog import EMBEDDED, CatalogEntry, describe, embedded_path
from llmtui.models.dtypes import COSTS, split_dtype
from llmtui.processor import CPUINFO, cpu_flags
from llmtui.setting_values import DTYPES
from llmtui.tui.bridge import Bridge
from llmtui.tui.progress import SEPARATOR
from llmtui.tui.screens.window import Window, is_open
from llmtui.tui.text import cell_width, middle_ellipsis, visible
from llmtui.units import short_count, short_size

NAME_CELLS: Final = range(12, 35)
# What a row takes beside the name: the numbers, the kind of model, and the window's frame.
OTHER_CELLS: Final = 60
LOOKING: Final = "looking for models on this machine …"


class ModelPicker(Window[str]):
    """Gives the name of the chosen model. What is typed narrows the list, and is a choice itself."""

    NAME = "Models"
    HINT = "type to search, or an id, or a folder · Enter loads · ^T dtype · esc closes"
    AUTO_FOCUS = "#name"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
        Binding("ctrl+t", "next_dtype", "Next dtype", show=False, priority=True, tooltip="Load it as the next dtype"),
        Binding("ctrl+o", "close", "Close", show=False),
    ]

    def __init__(
        self,
        bridge: Bridge,
        loaded: ModelInfo | None,
        list_models: Callable[[], Sequence[CatalogEntry]] | None = None,
        *,
        dtype: str = "auto",
        flags: frozenset[str] | None = None,
    ) -> None:
        """dtype: the one that is loaded as unless another is chosen. flags: of this CPU; None: it is looked up."""
        super().__init__()
        self._usual_dtype = self._dtype = dtype
        self._flags = cpu_flags(CPUINFO) if flags is None else flags
        self._bridge = bridge
        self._loaded = loaded
        self._list_models = list_models or _list_models
        self._entries: Sequence[CatalogEntry] | None = None
        self._shown: list[CatalogEntry | str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            yield Input(placeholder="name, Hugging Face id or folder", id="name")
            yield Static(self._headings(), id="columns", markup=False)
            yield OptionList(id="models", markup=False)
            yield Static(LOOKING, id="detail", markup=False)
            yield Static("", id="dtype", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#models", OptionList).can_focus = False
        self._show_dtype()
        self._bridge.run(self._list_models, self._listed, self._not_listed)

    def _listed(self, entries: Sequence[CatalogEntry]) -> None:
        self._entries = entries
        if is_open(self):
            self._fill()

    def _not_listed(self, error: Exception) -> None:
        self._entries = ()
        if is_open(self):
            self._fill()
            self._tell(f"the models on this machine cannot be listed: {error}")

    @on(Input.Changed)
    def _narrow(self) -> None:
        self._fill()

    @on(Input.Submitted)
    def _entered(self) -> None:
        place = self.query_one("#models", OptionList).highlighted
        if place is not None and place < len(self._shown):
            self._choose(self._shown[place])

    @on(OptionList.OptionSelected)
    def _selected(self, message: OptionList.OptionSelected) -> None:
        self._choose(self._shown[message.option_index])

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, message: OptionList.OptionHighlighted) -> None:
        if message.option_index < len(self._shown):
            self._describe(self._shown[message.option_index])

    def action_move(self, by: int) -> None:
        """Go `by` models down."""
        models = self.query_one("#models", OptionList)
        if self._shown:
            models.highlighted = min(max(0, (models.highlighted or 0) + by), len(self._shown) - 1)

    def action_next_dtype(self) -> None:
        """Load as the next dtype."""
        self._dtype = DTYPES[(DTYPES.index(self._dtype) + 1) % len(DTYPES)]
        self._show_dtype()

    def _show_dtype(self) -> None:
        words = dtype_words(self._dtype, self._flags)
        self.query_one("#dtype", Static).update(f"load as {self._dtype} · {words}", layout=False)

    def _choose(self, choice: CatalogEntry | str) -> None:
        if isinstance(choice, str):
            name, typed = split_dtype(choice)
            self.dismiss(choice if typed or self._dtype == self._usual_dtype else f"{name}@{self._dtype}")
        elif choice.problem is not None:
            self._describe(choice)
        else:
            self.dismiss(choice.name if self._dtype == self._usual_dtype else f"{choice.name}@{self._dtype}")

    def _fill(self) -> None:
        if self._entries is None:
            return
        typed = self.query_one("#name", Input).value.strip()
        found = [entry for entry in self._entries if typed.lower() in entry.name.lower()]
        self._shown = [*found]
        if typed and not any(entry.name == typed for entry in found):
            self._shown.append(typed)
        models = self.query_one("#models", OptionList)
        models.clear_options()
        models.add_options([Option(self._row(choice)) for choice in self._shown])
        if self._shown:
            models.highlighted = self._best(typed)
            self._describe(self._shown[models.highlighted or 0])
        else:
            self._tell("there is no model on this machine: type a Hugging Face id or a folder")

    def _best(self, typed: str) -> int:
        """The row that Enter means: the first whose name begins so, before or after the slash; else what was typed."""
        for place, choice in enumerate(self._shown):
            if isinstance(choice, str):
                return place
            parts = choice.name.lower(), choice.name.lower().rpartition("/")[2]
            if any(part.startswith(typed.lower()) for part in parts):
                return place
        return 0

    @property
    def _name_cells(self) -> int:
        """How wide the names are: what the terminal leaves them, within bounds."""
        room = int(self.app.size.width * 0.9) - OTHER_CELLS
        return min(max(room, NAME_CELLS.start), NAME_CELLS.stop - 1)

    def _headings(self) -> str:
        return f"{'name':<{self._name_cells}} {'params':>7} {'disk':>6} {'dtype':<9} {'context':>8}  what"

    def on_resize(self) -> None:
        self.query_one("#columns", Static).update(self._headings())
        if self._shown:
            self._fill()

    def _row(self, choice: CatalogEntry | str) -> Content:
        if isinstance(choice, str):
            return Content(f"load “{middle_ellipsis(visible(choice), 60)}”")
        width = self._name_cells
        name = middle_ellipsis(visible(choice.name), width - 2)
        here = self._loaded is not None and self._loaded.name == choice.name
        name = ("● " if here else "  ") + name
        facts = [
            name + " " * (width - cell_width(name)),
            f"{short_count(choice.parameters):>7}",
            f"{short_size(choice.size_bytes):>6}",
            f"{visible(choice.dtype or '–'):<9}",
            f"{'–' if choice.context is None else choice.context:>8}",
        ]
        what = "cannot be run" if choice.problem else choice.kind + (", chat" if choice.has_chat_template else "")
        row = Content(" ".join(facts) + "  " + what)
        return row.stylize("$text-disabled") if choice.problem else row

    def _describe(self, choice: CatalogEntry | str) -> None:
        if isinstance(choice, str):
            self._tell("Enter looks for it: a folder, the Hugging Face cache, then the Hub")
        elif choice.problem is not None:
            self._tell(f"✗ {choice.name} cannot be run: {choice.problem}")
        elif self._loaded is not None and self._loaded.name == choice.name:
            info = self._loaded
            parts = [f"loaded, {short_size(info.weights_bytes)} of weights", info.linears, info.engine_path]
            self._tell(SEPARATOR.join(part for part in parts if part))
        else:
            memory = choice.estimated_memory()
            needs = "" if memory is None else f" · about {short_size(memory)} of memory as float32"
            self._tell(f"{choice.architecture or 'unknown architecture'}{needs} · {choice.path}")

    def _tell(self, text: str) -> None:
        self.query_one("#detail", Static).update(visible(text), layout=False)


def dtype_words(dtype: str, flags: frozenset[str]) -> str:
    """What loading as a dtype costs, as it was measured on the embedded model. flags: of this CPU; empty: not known."""
    cost = COSTS.get(dtype)
    if cost is None:
        return "float32 on a CPU, the checkpoint's own dtype on a GPU"
    if cost.flags and flags and not flags.intersection(cost.flags) and own_kernels.run_here() is None:
        return f"this CPU runs float32 instead: it needs {cost.needs}, or llmtui's own kernels"
    each = "1 byte" if cost.weight_bytes == 1 else f"{cost.weight_bytes} bytes"
    memory = short_size(describe(embedded_path(), EMBEDDED).estimated_memory(dtype) or 0)
    measured = f"{EMBEDDED}: {cost.bits_per_byte:.5f} bits per byte of unseen text, {memory}"
    return f"{each} a weight in linear layers · {measured}"


def _list_models() -> Sequence[CatalogEntry]:
    from llmtui.models.catalog import list_models

    return list_models()
