"""What loading and unloading beside another model does to a process that does nothing else.

python memory_process.py FOLDER: loads the model of FOLDER again and again; writes resident bytes as JSON, one pair
[while loaded, after unloading] a round. In a process of its own, because in one where tests ran before, what they left
behind is given back at any time.
"""

import json
import sys

import psutil

from llmtui.engine import Engine, GenerationRequest, SamplingParams

ROUNDS = 8
PARAMS = SamplingParams(temperature=0.0, max_tokens=12, ignore_eos=True)


def round_trip(engine: Engine, folder: str) -> tuple[int, int]:
    process = psutil.Process()
    engine.load_beside(folder).wait(60)
    engine.submit(GenerationRequest(prompt="Once upon a time", model=folder, params=PARAMS)).result()
    loaded = process.memory_info().rss
    engine.unload(folder)
    # the model goes between two turns of the engine's thread; who looked at the models meanwhile would hold it
    for _ in range(2):
        engine.run_job(lambda _: None).result(30)
    return loaded, process.memory_info().rss


if __name__ == "__main__":
    with Engine("tiny-tales") as tales:
        tales.wait_until_loaded(60)
        sys.stdout.write(json.dumps([round_trip(tales, sys.argv[1]) for _ in range(ROUNDS)]))
