import multiprocessing
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from llmtui import own_process
from llmtui.system.own_processes import prepare_process
from llmtui.system.paths import cache_dir


def _prepared(prepare: partial[None], connection: Connection) -> None:
    prepare()
    folder = own_process.cache_folder()
    connection.send((own_process.is_ours(), folder and folder()))


def test_a_process_of_the_programs_own_recalls_what_the_program_kept(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    log = tmp_path / "log.txt"
    process = context.Process(target=_prepared, args=(partial(prepare_process, log, False), theirs))
    process.start()
    assert ours.recv() == (True, cache_dir())
    process.join()
    assert log.exists()
