"""What llmtui's own process does with the imports it declines: run as a program, writes what it found as JSON.

python lean_process.py FOLDER: writes each architecture's logits to FOLDER/logits.pt, and keeps there what it remembers
"""

import contextlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any

from llmtui import own_process

own_process.claim(lambda: Path(sys.argv[1]))

from llmtui.engine import Engine, SamplingParams  # noqa: E402 - the claim comes first, as in the program
from llmtui.engine.meta_kernels import NAME as META_KERNELS  # noqa: E402
from llmtui.engine.unneeded import COMPILER  # noqa: E402

UNNEEDED = (
    "scipy",
    "sympy",
    "torch.distributed.tensor",
    "torch._inductor",
    "torch._decomp",
    "torch._dynamo.eval_frame",
    "torch._refs",
)


def main(folder: Path) -> None:
    found: dict[str, Any] = {}
    with Engine("tiny-tales") as engine:
        result = engine.generate("Once upon a time", SamplingParams(max_tokens=8, seed=1, temperature=0.8))[0]
        found["ids"] = [token.id for token in result.tokens]
    import torch
    from architectures import NOT_PACKABLE, PACKABLE, plain_logits, shared_model

    from llmtui.engine.self_check import find_runner

    models = {name: shared_model(name) for name in (*PACKABLE, *NOT_PACKABLE)}
    found["paths"] = {name: find_runner(model, "cpu").path for name, model in models.items()}
    torch.save({name: plain_logits(model, list(range(20))) for name, model in models.items()}, folder / "logits.pt")
    # what `warnings`, `unittest` and `inspect` do to every module there is
    for module in list(sys.modules.values()):
        getattr(module, "__warningregistry__", None)
    with contextlib.suppress(TypeError):
        inspect.getmodule(object())
    found["imported"] = [name for name in UNNEEDED if name in sys.modules]
    found["stand_in"] = [type(sys.modules[name]).__name__ for name in (COMPILER, META_KERNELS)]
    found.update(load_what_needs_them(torch, folder / "ctrl"))
    found.update(use_it_after_all(torch))
    sys.stdout.write(json.dumps(found))


def load_what_needs_them(torch: Any, folder: Path) -> dict[str, Any]:
    """CTRL divides whole numbers while it is made, which torch does without numbers in Python alone."""
    from architectures import copy_tokenizer
    from transformers import CTRLConfig, CTRLLMHeadModel

    config = CTRLConfig(vocab_size=5120, n_positions=64, n_embd=16, dff=32, n_layer=2, n_head=2, use_cache=True)
    CTRLLMHeadModel(config).save_pretrained(folder)
    copy_tokenizer(folder)
    came_in = META_KERNELS in sys.modules and type(sys.modules[META_KERNELS]).__name__
    with Engine(str(folder)) as engine:
        written = len(engine.generate("Once upon", SamplingParams(max_tokens=3))[0].tokens)
    return {
        "before": came_in,
        "after": type(sys.modules[META_KERNELS]).__name__,
        "written": written,
        "shape": list(torch.histc(torch.empty(3, device="meta"), bins=7).shape),
    }


def use_it_after_all(torch: Any) -> dict[str, Any]:
    """The compiler and scipy are there for whoever asks for them."""
    import transformers.integrations.deepgemm
    from scipy.optimize import linear_sum_assignment
    from transformers import masking_utils

    lazy = sys.modules[COMPILER]
    disabled = lazy.disable(lambda x: x + 1)
    before = disabled(1)
    compiled = torch.compile(lambda x: x * 2 + 1, backend="eager")(torch.ones(2)).tolist()
    compiler = sys.modules[COMPILER]
    return {
        "compiled": compiled,
        "real": type(compiler).__name__,
        "old_reference": lazy.config is compiler.config,
        "disabled": [before, disabled(1)],
        "marked": transformers.integrations.deepgemm.is_sm100._dynamo_marked_constant,
        "submodule": compiler._trace_wrapped_higher_order_op.TransformGetItemToIndex
        is masking_utils.TransformGetItemToIndex,
        "scipy": linear_sum_assignment([[1, 0], [0, 1]])[1].tolist(),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
