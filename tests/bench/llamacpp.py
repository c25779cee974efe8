"""One stream against llama.cpp on the same weights: llmtui and llama-cpp-python, alternating in one run.

    python tests/bench/llamacpp.py --venv FOLDER [--shape gpt2] [--tokens 64] [--rounds 5] [--json]

FOLDER is a virtual environment that has `llama-cpp-python` and `gguf`; it is made (about 5 minutes of compiling) if it
is not there. The weights go into GGUF files as F32, BF16 and Q8_0, and are decoded greedily by `Llama.generate` in a
process of that environment, with and without `use_extra_bufts` (repacked weights). GPT-2 shapes only.
x = median of (llama.cpp's time / llmtui's time) of each round: above 1, llmtui is faster.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROMPT_IDS = list(range(100, 132))
PAIRS = {"F32": "float32", "BF16": "bfloat16", "Q8_0": "int8"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--shape", choices=["gpt2", "distilgpt2"], default="gpt2")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    compare(options)


def compare(options: argparse.Namespace) -> None:
    from models import make_folder

    from llmtui.engine import Engine
    from llmtui.insight.bench.workloads import engine_seconds

    with tempfile.TemporaryDirectory() as folder:
        model = make_folder(options.shape, Path(folder))
        worker = Worker(make_venv(options.venv), model)
        rounds: list[dict[str, float]] = [{} for _ in range(options.rounds + 1)]
        for kind, dtype in PAIRS.items():
            # one engine at a time: the threads of several would be more than the cores
            with Engine() as engine:
                engine.load(str(model), device="cpu", dtype=dtype).wait(300)
                for seconds in rounds:
                    for repacked in (True, False):
                        name = f"{kind}{' repacked' if repacked else ''}"
                        seconds[name] = worker.seconds(kind, repacked, options.tokens)
                    seconds[dtype] = engine_seconds(engine, options.tokens, greedy=True)
        worker.close()
    report(options, rounds[1:])


def report(options: argparse.Namespace, rounds: list[dict[str, float]]) -> None:
    speeds = {n: (options.tokens - 1) / statistics.median(r[n] for r in rounds) for n in rounds[0]}
    ratios = {
        f"{dtype} vs {other}": statistics.median(r[other] / r[dtype] for r in rounds)
        for kind, dtype in PAIRS.items()
        for other in (kind, f"{kind} repacked")
    }
    if options.json:
        print(json.dumps({"shape": options.shape, "tokens_per_second": speeds, "ratios": ratios, "rounds": rounds}))
        return
    print(f"{options.shape}, {len(rounds)} rounds of {options.tokens - 1} tokens")
    for name, value in speeds.items():
        print(f"  {name:26} {value:8.1f} tok/s")
    for name, value in ratios.items():
        print(f"  {name:26} {value:8.2f} x")


def make_venv(folder: Path) -> Path:
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "llama-cpp-python", "gguf", "safetensors"], check=True)
    return python


class Worker:
    """The process that runs llama.cpp: a line in says what to decode, a line out how long it took."""

    def __init__(self, python: Path, model: Path) -> None:
        self._process = subprocess.Popen(
            [python, __file__, "--worker", model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def seconds(self, kind: str, repacked: bool, tokens: int) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([kind, repacked, tokens]), file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def serve(folder: Path) -> None:
    """The worker's side: convert once for each kind, load once for each way."""
    import os

    import llama_cpp

    loaded: dict[tuple[str, bool], Any] = {}
    for line in sys.stdin:
        kind, repacked, tokens = json.loads(line)
        if (kind, repacked) not in loaded:
            path = folder / f"{kind}.gguf"
            if not path.exists():
                convert(folder, path, kind)
            loaded[kind, repacked] = open_model(llama_cpp, path, repacked, len(os.sched_getaffinity(0)))
        print(decode_seconds(loaded[kind, repacked], tokens), flush=True)


def open_model(llama_cpp: Any, path: Path, repacked: bool, threads: int) -> Any:
    """`Llama` has no argument for use_extra_bufts: set where the default parameters are made."""
    defaults = llama_cpp.llama_cpp.llama_model_default_params

    def params() -> Any:
        made = defaults()
        made.use_extra_bufts = repacked
        return made

    llama_cpp.llama_cpp.llama_model_default_params = params
    try:
        return llama_cpp.Llama(
            str(path), n_ctx=512, n_threads=threads, n_threads_batch=threads, verbose=False, n_gpu_layers=0
        )
    finally:
        llama_cpp.llama_cpp.llama_model_default_params = defaults


def decode_seconds(model: Any, tokens: int) -> float:
    """From the first new token to the last."""
    began = 0.0
    model.reset()
    for n, _ in enumerate(model.generate(PROMPT_IDS, temp=0.0, top_k=1)):
        if n == 0:
            began = time.perf_counter()
        if n == tokens - 1:
            break
    return time.perf_counter() - began


def convert(folder: Path, path: Path, kind: str) -> None:
    """GPT-2's weights as GGUF: matrices as `kind`, the rest as float32, without a tokenizer."""
    import gguf
    from safetensors import safe_open

    config = json.loads((folder / "config.json").read_text())
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_context_length(config["n_positions"])
    writer.add_embedding_length(config["n_embd"])
    writer.add_feed_forward_length(4 * config["n_embd"])
    writer.add_block_count(config["n_layer"])
    writer.add_head_count(config["n_head"])
    writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    writer.add_tokenizer_model("no_vocab")
    writer.add_vocab_size(config["vocab_size"])
    names = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}
    parts = {
        "ln_1": "attn_norm",
        "attn.c_attn": "attn_qkv",
        "attn.c_proj": "attn_output",
        "ln_2": "ffn_norm",
        "mlp.c_fc": "ffn_up",
        "mlp.c_proj": "ffn_down",
    }
    kinds = gguf.GGMLQuantizationType
    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        for key in file.keys():  # noqa: SIM118 - not a dict
            name, _, what = key.removeprefix("transformer.").rpartition(".")
            tensor = file.get_tensor(key)
            if name.startswith("h."):
                _, layer, part = name.split(".", 2)
                gguf_name = f"blk.{layer}.{parts[part]}.{what}"
                tensor = tensor.T.copy() if tensor.ndim == 2 else tensor
            elif name in names:
                gguf_name = f"{names[name]}.{what}"
            else:
                continue
            stored = kinds[kind] if tensor.ndim == 2 and name != "wpe" else kinds.F32
            data = gguf.quants.quantize(tensor.astype("float32"), stored)
            writer.add_tensor(gguf_name, data, raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        serve(Path(sys.argv[2]))
    else:
        main()
