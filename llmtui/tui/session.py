"""What the person has set and said since the program started; makes the requests. Plain data, no screen."""

import dataclasses
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from llmtui.engine.errors import ParameterError
from llmtui.engine.events import Usage
from llmtui.engine.requests import ChatMessage, GenerationRequest, SamplingParams
from llmtui.settings import Settings

CLIENT: Final = "screen"
OFF_WORDS: Final = ("off", "none", "default", "")


@dataclass(frozen=True, slots=True)
class Knob:
    """A sampling parameter that the person may turn: its name, what it does, how its value is written."""

    name: str
    help: str
    kind: type
    optional: bool = False


KNOBS: Final = (
    Knob("temperature", "divides the logits; 0 is greedy", float),
    Knob("top_k", "keep the k most probable tokens; 0 is off", int),
    Knob("top_p", "keep the smallest set that reaches this probability; 1 is off", float),
    Knob("min_p", "drop tokens below this share of the best one; 0 is off", float),
    Knob("typical_p", "keep tokens whose surprisal is near the entropy; 1 is off", float),
    Knob("repetition_penalty", "above 1: every token seen becomes less likely; 1 is off", float),
    Knob("frequency_penalty", "taken from a logit for each time it was generated; 0 is off", float),
    Knob("presence_penalty", "taken from a logit once it was generated; 0 is off", float),
    Knob("max_tokens", "new tokens at most; off: what the context has room for", int, optional=True),
    Knob("max_length", "prompt and new tokens at most; off: no such limit", int, optional=True),
    Knob("seed", "same seed, same text; off: a fresh one for each run", int, optional=True),
    Knob("lookahead", "so many alternatives of each token are continued; 0 is off", int),
    Knob("lookahead_depth", "tokens that each of them is continued by", int),
    Knob("speculate", "guesses computed beside each token, for speed; 0 is off", int),
    Knob("stop", "text that ends the generation; off: none", str, optional=True),
)


@dataclass(slots=True)
class Run:
    """One generation as the session remembers it: what was asked, and the text that came."""

    prompt: str
    chat: bool
    text: str = ""
    usage: Usage | None = None


# What was typed into the fields of a form, by the field's name and what had stood there.
Typed = dict[tuple[str, str], str]


@dataclass(slots=True)
class Session:
    """Parameters, conversation and runs of one sitting; nothing of it outlives the program.

    typed: into each form, by its name
    """

    params: SamplingParams
    chat: bool = False
    runs: list[Run] = field(default_factory=list)
    typed: defaultdict[str, Typed] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def from_settings(cls, settings: Settings) -> "Session":
        """Begin with what flags, environment and `.env` say."""
        return cls(
            SamplingParams(
                temperature=settings.default_temperature,
                top_k=settings.default_top_k,
                top_p=settings.default_top_p,
                max_tokens=settings.max_new_tokens,
                max_length=settings.max_length,
                seed=settings.seed,
                prompt_logprobs=True,
            )
        )

    @property
    def last_prompt(self) -> str | None:
        """What "again" runs."""
        return self.runs[-1].prompt if self.runs else None

    def set(self, name: str, text: str) -> None:
        """Turn one knob, from what was typed. Raises ParameterError naming the field and what it may be."""
        knob = _knob(name)
        self.params = dataclasses.replace(self.params, **{knob.name: _parse(knob, text.strip())})

    def value(self, name: str) -> str:
        """A knob's value, as it would be typed."""
        value = getattr(self.params, _knob(name).name)
        if value is None or value == ():
            return "off"
        return value[0] if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)

    def begin(self, prompt: str) -> GenerationRequest:
        """The request for a prompt, remembered as a run. In chat mode it carries the conversation before it."""
        run = Run(prompt, self.chat)
        request = self.request(prompt)
        self.runs.append(run)
        return request

    def begin_again(self) -> GenerationRequest | None:
        """The last prompt once more; in chat mode its first answer is taken out of the conversation."""
        if self.last_prompt is None:
            return None
        last = self.runs[-1]
        if last.chat:
            self.runs.pop()
        return self.begin(last.prompt)

    def finish(self, text: str, usage: Usage) -> None:
        """The running generation ended, with this text."""
        if self.runs:
            self.runs[-1].text = text
            self.runs[-1].usage = usage

    def withdraw(self) -> str | None:
        """The newest run was not taken by the engine: forget it, and give its prompt back."""
        return self.runs.pop().prompt if self.runs else None

    def forget(self) -> None:
        """A new conversation; parameters stay."""
        self.runs.clear()

    def request(self, prompt: str) -> GenerationRequest:
        """The request that a prompt means now, without remembering it. Raises ParameterError."""
        if not self.chat:
            return GenerationRequest(prompt=prompt, params=self.params, client=CLIENT, clip=True)
        messages = []
        for run in self.runs:
            if run.chat and run.text:
                messages += [
                    ChatMessage(role="user", content=run.prompt),
                    ChatMessage(role="assistant", content=run.text),
                ]
        messages.append(ChatMessage(role="user", content=prompt))
        return GenerationRequest(messages=messages, params=self.params, client=CLIENT, clip=True)

    def transcript(self) -> str:
        """Prompts and texts as they truly are, for a file."""
        if not self.runs:
            return ""
        return "\n\n".join(run.prompt + ("\n\n" if run.chat else "") + run.text for run in self.runs) + "\n"


def _knob(name: str) -> Knob:
    wanted = name.strip().lower().replace("-", "_")
    for knob in KNOBS:
        if knob.name == wanted:
            return knob
    raise ParameterError(name, f"is no parameter: choose one of {', '.join(knob.name for knob in KNOBS)}")


def _parse(knob: Knob, text: str) -> Any:
    if knob.optional and text.lower() in OFF_WORDS:
        return () if knob.kind is str else None
    if knob.kind is str:
        return (text,)
    try:
        return knob.kind(text)
    except ValueError:
        wanted = "a whole number" if knob.kind is int else "a number"
        raise ParameterError(knob.name, f"must be {wanted}, got {text!r}") from None
