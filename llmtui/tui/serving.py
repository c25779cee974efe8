"""The API beside the screen, as the screen tells of it. Plain data and words."""

from dataclasses import dataclass
from typing import Final

PROMPT: Final = '{"prompt": "Once upon a time", "max_new_tokens": 40, "stream": true}'


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the API listens, and whose requests it answers.

    key_names      of the API keys; none: whoever reaches the port may ask
    generated_key  the key that was made for this run, because none was set and others can reach the port
    """

    url: str
    key_names: tuple[str, ...] = ()
    generated_key: str | None = None

    @property
    def address(self) -> str:
        """`127.0.0.1:5000`."""
        return self.url.removeprefix("http://").rstrip("/")

    @property
    def keys(self) -> str:
        """`key alice`, `3 keys`; empty without keys."""
        match self.key_names:
            case ():
                return ""
            case (name,):
                return f"key {name}"
            case names:
                return f"{len(names)} keys"

    @property
    def example(self) -> str:
        """A line for a shell that sends a request."""
        key = f"-H 'Authorization: Bearer {self.generated_key or 'KEY'}' " if self.key_names else ""
        return f"curl -N {self.url.rstrip('/')}/generate {key}-d '{PROMPT}'"


def queue_words(running: int, waiting: int) -> str:
    """`12 run,  3 wait`: of one width up to 99 of each."""
    return f"{running:>2} run, {waiting:>2} wait"
