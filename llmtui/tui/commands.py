"""What the /commands that take something do to the session; each returns the sentence that says what is so now."""

from pathlib import Path
from typing import Final

from llmtui.engine.loads import ModelInfo
from llmtui.tui.command_line import CommandError
from llmtui.tui.session import Session

SWITCH: Final = {"on": True, "off": False}


def set_parameter(session: Session, argument: str) -> str:
    """`temperature 0.2`. Raises ParameterError, CommandError."""
    name, _, value = argument.replace("=", " ", 1).partition(" ")
    if not value.strip():
        raise CommandError(f"{name} is {session.value(name)}: /set {name} VALUE changes it")
    session.set(name, value)
    return f"{name} is {session.value(name)} from the next run on"


def set_seed(session: Session, argument: str) -> str:
    """`42` or `off`. Raises ParameterError."""
    session.set("seed", argument)
    return f"seed is {session.value('seed')} from the next run on"


def set_chat(session: Session, argument: str, model: ModelInfo | None) -> str:
    """`on`, `off`, or nothing for the other one. Raises CommandError."""
    wanted = SWITCH.get(argument.lower(), not session.chat if not argument else None)
    if wanted is None:
        raise CommandError("type /chat on or /chat off")
    if wanted and model is None:
        raise CommandError("no model is loaded yet, so none with a chat template")
    if wanted and model is not None and not model.has_chat_template:
        raise CommandError(f"{model.name} has no chat template: it continues plain text")
    session.chat = wanted
    return "chat mode: prompts are turns of a conversation" if wanted else "plain mode: the model continues the text"


def save(session: Session, argument: str) -> str:
    """Write all texts to a new file. Raises CommandError."""
    if not session.runs:
        raise CommandError("there is nothing to save yet")
    path = Path(argument).expanduser()
    text = session.transcript()
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CommandError(f"{path} is there already: choose another name") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CommandError(f"{path} cannot be written: {reason}") from None
    return f"saved {len(text):,} characters to {path}"
