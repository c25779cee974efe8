"""Everything a person can do, once: from this table come the key bindings, the palette, the /commands and the help."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from textual.binding import Binding

Target = Literal["app", "screen", "prompt", "tokens"]


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do.

    id        names the binding, for remapping, and the method `action_<id>` of the target
    keys      separated by commas, the first one is shown; empty: no key
    title     a few words, for palette and footer
    help      one sentence
    target    who does it: the whole program, the main screen, the prompt or the token pane
    slash     the command's name after "/"; empty: none
    argument  what the command takes; in brackets: may be left out
    footer    the word beside its key in the footer; empty: not there
    """

    id: str
    keys: str
    title: str
    help: str
    target: Target = "screen"
    slash: str = ""
    argument: str = ""
    footer: str = ""

    @property
    def needs_argument(self) -> bool:
        return bool(self.argument) and not self.argument.startswith("[")

    @property
    def usage(self) -> str:
        """The slash command as one would type it; empty if there is none."""
        return f"/{self.slash} {self.argument}".rstrip() if self.slash else ""


ACTIONS: Final = (
    Action("send", "enter", "Send", "Continue the text in the prompt.", "prompt"),
    Action(
        "newline", "ctrl+j,shift+enter,alt+enter", "New line", "Begin a new line; ^J works in every terminal.", "prompt"
    ),
    Action("earlier", "up", "Earlier prompt", "In the first line: the prompt before.", "prompt"),
    Action("later", "down", "Later prompt", "In the last line: the prompt after.", "prompt"),
    Action(
        "stop",
        "escape",
        "Stop",
        "Stop the generation or the load and keep what is there; close a window; else go to the prompt.",
        slash="stop",
        footer="Stop",
    ),
    Action(
        "models",
        "ctrl+o",
        "Choose a model",
        "Choose among the models on this machine, or type a Hugging Face id or a folder.",
        slash="models",
        argument="[NAME]",
        footer="Model",
    ),
    Action(
        "colour",
        "ctrl+t",
        "Colour of the tokens",
        "What the colour of a token tells: the next of surprisal, entropy, rank, excess, off.",
        slash="colour",
        footer="Colour",
    ),
    Action("again", "ctrl+g", "Again", "Run the last prompt again.", slash="again", footer="Again"),
    Action(
        "tokens",
        "f2,f3",
        "Tokens pane",
        "Show or hide the tokens; on a small terminal: flip between text and tokens.",
        slash="tokens",
        footer="Tokens",
    ),
    Action(
        "sweep",
        "f9",
        "Sweep",
        "One prompt under many settings: a grid of texts with their numbers.",
        slash="sweep",
        argument="[PROMPT]",
    ),
    Action(
        "compare",
        "alt+c",
        "Compare",
        "Two to four models, or dtypes of one, on one prompt: what each costs, writes and expects.",
        "app",
        slash="compare",
        argument="[PROMPT]",
    ),
    Action("new", "ctrl+n", "New", "Stop, and clear the output and the conversation.", slash="new"),
    Action(
        "requests",
        "f4",
        "Requests",
        "Watch the requests of all who ask, the API's clients and your own; open one or stop it.",
        slash="requests",
    ),
    Action(
        "monitor",
        "alt+m",
        "Monitor",
        "Watch the machine, this process and the engine, second by second.",
        slash="monitor",
    ),
    Action("parameters", "f5", "Parameters", "See and set the sampling parameters.", slash="parameters"),
    Action(
        "set",
        "",
        "Set a parameter",
        "Set a sampling parameter: /set temperature 0.2",
        slash="set",
        argument="NAME VALUE",
    ),
    Action(
        "seed", "", "Set the seed", "Same seed, same text; off: a fresh one for each run.", slash="seed", argument="N"
    ),
    Action(
        "chat",
        "",
        "Chat mode",
        "Use the model's chat template and keep the conversation, or continue plain text.",
        slash="chat",
        argument="[on|off]",
    ),
    Action("copy", "", "Copy the text", "Copy what is selected, or else the last text.", slash="copy"),
    Action("save", "", "Save the texts", "Write prompts and texts to a new file.", slash="save", argument="FILE"),
    Action(
        "sampled",
        "s",
        "Raw or sampled",
        "In the token pane: bars of the model's own distribution, or of the one that was drawn from.",
        slash="sampled",
    ),
    Action("output_up", "pageup", "Output up", "Scroll the output up, from the prompt.", "prompt"),
    Action("output_down", "pagedown", "Output down", "Scroll the output down, from the prompt.", "prompt"),
    Action("next_pane", "tab", "Next pane", "Go from prompt to output to tokens; in a /command: complete it."),
    Action("previous_pane", "shift+tab", "Previous pane", "The same, backwards."),
    Action("theme", "", "Theme", "Dark or light.", "app", slash="theme", argument="[dark|light]"),
    Action(
        "learn",
        "f12",
        "Lessons",
        "Eight lessons beside the screen: read, try, and see what was found; try measures a crowd.",
        slash="learn",
        argument="[N|try]",
    ),
    Action(
        "tokenizer",
        "",
        "Tokenizer",
        "How a text is cut into tokens, live while it is typed; two tokenizers side by side.",
        "app",
        slash="tokenizer",
    ),
    Action(
        "architecture",
        "",
        "Architecture",
        "What a model is made of: its numbers, the way of a token through its blocks, every module.",
        "app",
        slash="architecture",
        argument="[NAME]",
    ),
    Action("logs", "f8", "Log", "The newest lines of the log file.", "app", slash="logs"),
    Action("repaint", "ctrl+l", "Repaint", "Draw the whole screen again.", "app", slash="repaint"),
    Action(
        "interrupt",
        "ctrl+c",
        "Copy or stop",
        "Copy what is selected; else stop; else say how to quit.",
    ),
    Action("help", "f1", "Help", "Keys and commands.", "app", slash="help", footer="Help"),
    Action("command_palette", "ctrl+p", "Palette", "Find and run any of these by name.", "app", footer="Palette"),
    Action("quit", "ctrl+q", "Quit", "Leave llmtui.", "app", slash="quit", footer="Quit"),
)

# These work above every window.
PRIORITY: Final = ("quit",)

KEY_LABELS: Final = {
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def bindings(target: Target) -> "list[Binding]":
    """The key bindings of one target."""
    from textual.binding import Binding

    return [
        Binding(
            action.keys,
            action.id,
            action.title,
            show=False,
            tooltip=action.help,
            id=action.id,
            priority=action.id in PRIORITY,
        )
        for action in ACTIONS
        if action.keys and action.target == target
    ]


def key_label(key: str) -> str:
    """How a key is shown: ^G, f1, esc, [."""
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+").upper()
    return KEY_LABELS.get(key, key)


def key_labels(action: Action) -> str:
    """All keys of an action; empty if it has none."""
    return " ".join(key_label(key) for key in action.keys.split(",") if key)


def keys_of(thing: type) -> list[tuple[str, str]]:
    """The keys that a screen or a widget of ours brings along, separated by spaces, and what each of them does."""
    from textual.binding import Binding

    ours = [kind for kind in thing.__mro__ if kind.__module__.startswith("llmtui.")]
    keys: dict[str, list[str]] = {}
    does: dict[str, str] = {}
    taken: set[str] = set()
    for kind in ours:
        for binding in kind.__dict__.get("BINDINGS", ()):
            assert isinstance(binding, Binding)
            own = [key for key in binding.key.split(",") if key not in taken]
            if own:
                taken.update(own)
                keys[binding.action] = keys.get(binding.action, []) + [key_label(key) for key in own]
                does[binding.action] = binding.tooltip or does.get(binding.action, binding.description)
    return [(" ".join(own), does[action]) for action, own in keys.items()]


def token_pane_keys() -> list[tuple[str, str]]:
    """The token pane's own."""
    from llmtui.tui.widgets.token_view import TokenView

    return keys_of(TokenView)


def keys_table() -> str:
    """The table of keys and commands, as Markdown."""
    rows = ["| key | command | does |", "|---|---|---|"]
    for action in ACTIONS:
        command = f"`{action.usage}`".replace("|", "\\|") if action.slash else ""
        rows.append(f"| {_code(key_labels(action))} | {command} | {action.help} |")
    rows += [f"| {_code(keys)} | | In the token pane: {does}. |" for keys, does in token_pane_keys()]
    return "\n".join(rows)


def _code(keys: str) -> str:
    return " ".join(f"`{key}`" for key in keys.split())
