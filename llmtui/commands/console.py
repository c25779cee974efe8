"""What a command without a screen says to a person: on stderr, and on stdout only the harmless result."""

import sys

from llmtui.engine.events import Event, Finished, Token
from llmtui.engine.loads import LoadProgress, LoadStage, LoadTask, ModelInfo

POLL_SECONDS = 0.1


class Console:
    """Errors and progress on stderr; text for stdout, made harmless where that is a terminal."""

    def say(self, sentence: str) -> None:
        from llmtui.tui.text import visible

        sys.stderr.write(f"llmtui: {visible(sentence)}\n")
        sys.stderr.flush()

    def complain(self, problem: object) -> None:
        self.say(str(problem))

    def wait_for_model(self, task: LoadTask) -> ModelInfo:
        """Wait for a load, with a line of progress if a person watches. Raises what ended the load."""
        shown = False
        while True:
            try:
                info = task.wait(POLL_SECONDS)
            except TimeoutError:
                shown = self._show_progress(task) or shown
            else:
                break
            finally:
                if task.ended and shown:
                    sys.stderr.write("\r\x1b[K")
                    sys.stderr.flush()
        return info

    def harmless_delta(self, event: Event) -> str:
        """The text that an event adds to the answer: every character for a pipe, none that a terminal would obey."""
        if not isinstance(event, (Token, Finished)):
            return ""
        if not sys.stdout.isatty():
            return event.delta
        from llmtui.tui.text import visible_multiline

        return visible_multiline(event.delta) + ("\n" if isinstance(event, Finished) else "")

    def _show_progress(self, task: LoadTask) -> bool:
        if not sys.stderr.isatty():
            return False
        from llmtui.tui.text import visible

        sys.stderr.write(f"\r\x1b[K{visible(task.name)}: {progress_text(task.progress)}")
        sys.stderr.flush()
        return True


def progress_text(progress: LoadProgress) -> str:
    """How far a load is, in words."""
    match progress.stage:
        case LoadStage.DOWNLOAD if progress.total:
            return f"downloading {progress.done / 1e6:.1f} of {progress.total / 1e6:.1f} MB"
        case LoadStage.WEIGHTS if progress.total:
            return f"reading weights, {progress.done} of {progress.total} tensors"
        case LoadStage.RESOLVE:
            return "starting"
        case stage:
            return str(stage)
