"""What was typed into the prompt: a text for the model, or a /command, which is completed, explained and understood."""

from itertools import takewhile

from llmtui.errors import LlmtuiError
from llmtui.tui.actions import ACTIONS, Action


class CommandError(LlmtuiError):
    """What was typed after the slash cannot be done."""


def is_command(line: str) -> bool:
    """Whether it is a command: // begins a text, and so does a slash before more than one line."""
    return line.startswith("/") and not line.startswith("//") and "\n" not in line


def text_of(line: str) -> str:
    """The text that a line without a command stands for: // at its beginning is one slash."""
    return line[1:] if line.startswith("//") else line


def parse_command(line: str) -> tuple[Action, str]:
    """The action and the argument of a line such as "/set temperature 0.2"; a beginning that is unique will do.

    Raises CommandError.
    """
    name, _, argument = line.removeprefix("/").strip().partition(" ")
    found = matching_commands(name)
    if not name or not found:
        raise CommandError(f"/{name} is no command: f1 lists them, // sends a text that begins with /")
    if len(found) > 1 and found[0].slash != name:
        raise CommandError(f"/{name} may be {' or '.join(f'/{action.slash}' for action in found)}: type more of it")
    action, argument = found[0], argument.strip()
    if action.needs_argument and not argument:
        raise CommandError(f"type {action.usage}")
    if argument and not action.argument:
        raise CommandError(f"/{action.slash} takes nothing after it")
    return action, argument


def matching_commands(name: str) -> list[Action]:
    """The actions whose slash name begins so, an exact match first."""
    found = [action for action in ACTIONS if action.slash and action.slash.startswith(name.lower())]
    return sorted(found, key=lambda action: action.slash != name.lower())


def completed(line: str) -> str | None:
    """A beginning such as "/see" with the rest of its command, as far as it is sure; None: no name is being typed."""
    if not is_command(line) or " " in line:
        return None
    found = matching_commands(line[1:])
    letters = takewhile(lambda letters: len(set(letters)) == 1, zip(*(action.slash for action in found), strict=False))
    sure = "".join(letter for letter, *_ in letters) or line[1:]
    return f"/{sure}{' ' if len(found) == 1 and found[0].argument else ''}"


def usage_of(line: str) -> str:
    """What the command of a line takes and does; the commands it may become, where they are several."""
    found = matching_commands(line[1:].partition(" ")[0])
    return f"{found[0].usage}: {found[0].help}" if len(found) == 1 else "  ".join(action.usage for action in found)
