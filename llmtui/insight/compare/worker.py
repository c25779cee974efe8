"""The other side of a comparison: one model in a process of its own, which loads it, runs it and measures itself.

A process for each model makes its memory its own figure, gives every byte back at the end, and survives none of the
others' troubles: a model for which there is not enough memory takes nothing but its own process with it. It computes
only in its turns, from the message that gives it one to its next answer, so that its speed is its own figure, too.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from llmtui import own_process
from llmtui.engine import Engine, GenerationRequest
from llmtui.engine.errors import GenerationFailed
from llmtui.engine.events import Failed, Finished, Token
from llmtui.engine.imports import import_heavy_libraries
from llmtui.engine.loads import LoadProgress, LoadStage, ModelInfo
from llmtui.errors import LlmtuiError
from llmtui.insight.compare.look import look
from llmtui.insight.compare.messages import Answer, Here, Loaded, Measured, Order, Paused, Turn
from llmtui.insight.compare.turns import Turns
from llmtui.insight.process_memory import PeakMemory, mapped_bytes, resident_after_cleaning
from llmtui.models.catalog import describe, locate
from llmtui.models.download import fetch, plan
from llmtui.models.folder import weight_files

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1


def work(order: Order, connection: Connection) -> None:
    """Do it: send progress and answers; at last what it saw, or a sentence about what went wrong.

    The process ends as soon as the one that began it has ended, however that came about.
    """
    # Ctrl-C reaches every process of the terminal: the one that gave the order decides
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own_process.claim()
    threading.Thread(target=_end_with_parent, name="llmtui-parent", daemon=True).start()
    with contextlib.suppress(BrokenPipeError, EOFError):
        try:
            order.prepare()
            _Worker(order, connection).work()
        except (LlmtuiError, MemoryError) as error:
            connection.send(str(error) or "there is not enough memory")
        except (BrokenPipeError, EOFError):
            raise
        except Exception as error:
            logger.exception("comparing %s failed", order.choice.name)
            connection.send(f"it failed: {(str(error).strip() or type(error).__name__).splitlines()[0][:200]}")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _Worker:
    """What a process goes through, from the model's files to its look at the reference text."""

    def __init__(self, order: Order, connection: Connection) -> None:
        self._order = order
        self._connection = connection

    def work(self) -> None:
        name = self._order.choice.name
        path = self._bring_here(name)
        self._answer(Here())
        _import_code(path)
        before = resident_after_cleaning()
        with Engine() as engine:
            info = self._load(engine)
            files = [Path(info.path) / file for file in weight_files(Path(info.path))]
            self._answer(Loaded(info.device, self._order.free_memory(info.device), mapped_bytes(files)))
            measured, ids = self._write(engine, info, before)
            turn = self._answer(measured)
            self._connection.send(look(engine, ids, turn.reference))

    def _tell(self, progress: LoadProgress | Token) -> None:
        self._connection.send(progress)

    def _answer(self, answer: Answer) -> Turn:
        """Give the turn back, and wait for the next one."""
        self._connection.send(answer)
        turn = self._connection.recv()
        assert isinstance(turn, Turn)
        return turn

    def _bring_here(self, name: str) -> Path:
        """The model's folder, once it is on this machine."""
        located = locate(name)
        if located.path is not None:
            return located.path
        told_at = 0.0

        def tell(done: int, total: int) -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= POLL_SECONDS:
                told_at = time.monotonic()
                self._tell(LoadProgress(LoadStage.DOWNLOAD, done, total))

        return fetch(plan(located.name), tell, threading.Event())

    def _load(self, engine: Engine) -> ModelInfo:
        choice = self._order.choice
        task = engine.load(choice.name, device=self._order.device, dtype=choice.dtype)
        while True:
            try:
                return task.wait(POLL_SECONDS)
            except TimeoutError:
                self._tell(task.progress)

    def _write(self, engine: Engine, info: ModelInfo, before: int) -> tuple[Measured, list[int]]:
        """Generate once; the measured model, and the ids of prompt and text. before: resident bytes before the load."""
        memory: int | None = None
        ids = list(engine.tokenize(self._order.prompt))
        peak = PeakMemory()
        turns = Turns(engine, self._pass_on)
        request = GenerationRequest(prompt=self._order.prompt, params=self._order.params, clip=True)
        for event in turns.events(engine.submit(request)):
            match event:
                case Token():
                    memory = memory or peak.sample()
                    ids.append(event.id)
                    self._tell(event)
                case Failed():
                    raise GenerationFailed(event.error)
                case Finished():
                    timings = turns.own(event.timings)
                    measured = Measured(
                        info=info,
                        disk_bytes=describe(Path(info.path), info.name).size_bytes,
                        memory_bytes=(memory or peak.sample()) - before,
                        peak_bytes=peak.bytes() - before,
                        first_token=timings.first_token,
                        tokens_per_second=timings.tokens_per_second(event.usage.completion_tokens),
                        tokens=event.usage.completion_tokens,
                        text=event.text,
                    )
                case _:
                    pass
        return measured, ids

    def _pass_on(self) -> None:
        self._answer(Paused())


def _import_code(path: Path) -> None:
    """Import what a load of this model would import, so that memory counts the model and not its program."""
    import_heavy_libraries()
    import torch

    from llmtui.insight.meta_model import read_config, without_weights

    without_weights(read_config(path), torch.float32)
