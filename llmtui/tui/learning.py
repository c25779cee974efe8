"""The lessons beside the screen: what the learner does is watched, and what it shows is told and kept. No widgets."""

from collections.abc import Callable, Sequence
from typing import Final

from llmtui.engine.events import Event, Finished, Prefilled, Started, Token
from llmtui.engine.loads import ModelInfo
from llmtui.engine.requests import GenerationRequest
from llmtui.insight.lessons.course import COURSE, Lesson
from llmtui.insight.lessons.observation import Observation, Run
from llmtui.tui.command_line import CommandError

# The newest runs are enough for every task; older ones are let go.
REMEMBERED: Final = 12


class Learning:
    """Where the learner is in the course, and what was seen and found.

    done: the sentence that was found for each task, by its id; keep: called with it when there is a new one.
    """

    def __init__(self, done: dict[str, str], keep: Callable[[dict[str, str]], None]) -> None:
        self.done = done
        self._keep = keep
        self.number = self.first_open()
        self._seen: list[Observation] = []
        self._request: GenerationRequest | None = None
        self._model: ModelInfo | None = None
        self._started: Started | None = None
        self._prompt: list[Token] = []
        self._tokens: list[Token] = []

    @property
    def lesson(self) -> Lesson:
        return COURSE[self.number]

    def first_open(self) -> int:
        """The first lesson with something left to try; the first of all if none is left."""
        open_ones = [n for n, lesson in enumerate(COURSE) if any(task.id not in self.done for task in lesson.tasks)]
        return open_ones[0] if open_ones else 0

    def go(self, argument: str) -> None:
        """To a lesson by its number, as it was typed. Raises CommandError."""
        if argument not in {str(number) for number in range(1, len(COURSE) + 1)}:
            raise CommandError(f"type /learn with a number from 1 to {len(COURSE)}, or with try")
        self.number = int(argument) - 1

    def turn(self, by: int) -> None:
        """Go on or back by so many pages; the first and the last one are the ends."""
        self.number = min(max(0, self.number + by), len(COURSE) - 1)

    def so_far(self, number: int) -> str:
        """How much of a lesson was done: `1 of 3 done`."""
        tasks = COURSE[number].tasks
        return f"{sum(task.id in self.done for task in tasks)} of {len(tasks)} done"

    def begin(self, request: GenerationRequest, model: ModelInfo) -> None:
        """A generation begins."""
        self._request, self._model, self._started = request, model, None
        self._prompt, self._tokens = [], []

    def take(self, events: Sequence[Event]) -> list[int]:
        """Events of the generation; the lessons of which its end shows something new."""
        for event in events:
            match event:
                case Started():
                    self._started = event
                case Prefilled():
                    self._prompt.extend(event.tokens)
                case Token():
                    self._tokens.append(event)
                case Finished():
                    return self._ended(event)
        return []

    def see(self, observation: Observation) -> list[int]:
        """Something was done; the lessons of which it shows a task that was still open."""
        self._seen = [*self._seen, observation][-REMEMBERED:]
        found = {}
        lessons = []
        for number, lesson in enumerate(COURSE):
            for task in lesson.tasks:
                sentence = None if task.id in self.done else task.check(self._seen)
                if sentence is not None:
                    found[task.id] = sentence
                    lessons.append(number)
        if found:
            self.done = self.done | found
            self._keep(self.done)
        return lessons

    def _ended(self, end: Finished) -> list[int]:
        if self._request is None or self._model is None or self._started is None:
            return []
        run = Run(
            params=self._request.params,
            model=self._model.name,
            dtype=self._model.dtype,
            weights_bytes=self._model.weights_bytes,
            prompt=tuple(self._prompt),
            tokens=tuple(self._tokens),
            seed=self._started.seed,
            timings=end.timings,
        )
        self._request = None
        return self.see(run)
