"""The training loop: from the last checkpoint on, in an order that depends on the seed and the step alone."""

import json
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import GPT2LMHeadModel

from . import tokenizer
from .dataset import Split
from .model import make_model
from .recipe import CONTEXT, Recipe, TrainingError, log, needed, write_atomically

SHORT = CONTEXT // 2


@dataclass(slots=True)
class Progress:
    """How far the training is. Losses are nats per token; `held_out` has (step, loss), the first before any step."""

    step: int = 0
    seconds: float = 0.0
    held_out: list[tuple[int, float]] = field(default_factory=list)


class Order:
    """Which rows the batch of a step has: short rows of running text first, then rows that begin with a document."""

    def __init__(self, recipe: Recipe, data: Split) -> None:
        generator = np.random.default_rng(recipe.seed)
        self.batch = recipe.batch
        self.short_steps = recipe.short_steps
        self.data = data
        wanted = recipe.short_steps * recipe.batch * 2
        places = (len(data.ids) - 1) // SHORT
        if places < wanted or not data.rows:
            raise TrainingError("the corpus is too small for the short steps: give more --mb or fewer --short-steps")
        self.short = generator.permutation(places)[:wanted]
        epochs = 1 + recipe.steps * recipe.batch // len(data.rows)
        self.long = np.concatenate([generator.permutation(len(data.rows)) for _ in range(epochs)])

    def __call__(self, step: int) -> NDArray[np.int64]:
        """[rows, length + 1]: the tokens of one step; short steps have half rows, twice as many."""
        if step < self.short_steps:
            chosen = self.short[step * self.batch * 2 : (step + 1) * self.batch * 2]
            return self.data.batch((int(i) * SHORT for i in chosen), SHORT)
        chosen = self.long[step * self.batch : (step + 1) * self.batch]
        return self.data.batch((self.data.rows[i] for i in chosen), CONTEXT)


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then a cosine down to two percent of the peak."""
    if step < recipe.warmup:
        return recipe.lr * (step + 1) / recipe.warmup
    done = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.lr * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class Trainer:
    """A model, its optimizer and where they are in the schedule."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.device = torch.device(recipe.device)
        for name in ("train", "valid"):
            needed(recipe.ids(name), "encode")
        self.data = Split(recipe, "train")
        self.order = Order(recipe, self.data)
        held_out = Split(recipe, "valid")
        begins = held_out.rows[: recipe.valid_rows]
        batches = range(0, len(begins) - recipe.batch + 1, recipe.batch)
        self.held_out = [held_out.batch(begins[i : i + recipe.batch], CONTEXT) for i in batches]
        if not self.held_out:
            raise TrainingError("the held-out text has fewer rows than a batch: give more --valid-mb")
        self.model: GPT2LMHeadModel = make_model(recipe, len(tokenizer.load(recipe)))
        self.model.to(self.device)  # type: ignore[arg-type]  # transformers' wrapper hides the signature of Module.to
        self.body = torch.compile(self.model.transformer) if recipe.compile else self.model.transformer
        matrices = [p for p in self.model.parameters() if p.dim() >= 2]
        others = [p for p in self.model.parameters() if p.dim() < 2]
        groups = [{"params": matrices, "weight_decay": recipe.wd}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=recipe.lr, betas=(0.9, 0.98), eps=1e-8, fused=True)
        self.progress = Progress()

    def loss(self, rows: NDArray[np.int64]) -> Tensor:
        """The mean loss of predicting each token of the rows [batch, length + 1] but the first, nats per token."""
        tokens = torch.from_numpy(rows).to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=not self.recipe.fp32):
            hidden = self.body(input_ids=tokens[:, :-1], use_cache=False)[0]
            logits = self.model.lm_head(hidden)
        return functional.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten())

    def step(self) -> float:
        """Train on one batch; returns its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, self.progress.step)
        loss = self.loss(self.order(self.progress.step))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.progress.step += 1
        return loss.item()

    @torch.no_grad()
    def evaluate(self) -> None:
        """Measure the loss on the held-out rows and note it in the progress."""
        self.model.train(False)
        loss = sum(self.loss(rows).item() for rows in self.held_out) / len(self.held_out)
        self.model.train(True)
        self.progress.held_out.append((self.progress.step, loss))
        log.info("step %d: held-out loss %.4f, perplexity %.3f", self.progress.step, loss, math.exp(loss))

    def save(self) -> None:
        """Write the checkpoint, and the progress for a person to read."""
        state: dict[str, Any] = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        state["progress"] = asdict(self.progress)
        write_atomically(self.recipe.checkpoint, lambda part: torch.save(state, part))
        facts = {
            **asdict(self.progress),
            "steps": self.recipe.steps,
            "parameters": self.model.num_parameters(),
            "tokens_seen": self.progress.step * self.recipe.batch * CONTEXT,
            "epoch_tokens": len(self.data.rows) * CONTEXT,
        }
        text = json.dumps(facts, indent=2)
        write_atomically(self.recipe.work / "progress.json", lambda part: part.write_text(text))

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, weights_only=True, map_location=self.device)
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise TrainingError(f"{path} is of another model: give its options, or --fresh") from error
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
        log.info("resumed at step %d", self.progress.step)


def train(recipe: Recipe) -> None:
    """Stage `train`: up to the last step of the schedule, or to `stop`, with a checkpoint every `save_every` steps."""
    torch.set_num_threads(recipe.threads)
    trainer = Trainer(recipe)
    old = recipe.checkpoint if recipe.checkpoint.exists() and not recipe.fresh else recipe.resume_from
    if old:
        trainer.restore(old)
    else:
        trainer.evaluate()
    trainer.model.train()
    last = min(recipe.steps, recipe.stop or recipe.steps)
    began = logged = time.perf_counter()
    losses: list[float] = []
    while trainer.progress.step < last:
        losses.append(trainer.step())
        step = trainer.progress.step
        if step % recipe.log_every == 0 or step == last:
            seconds = (time.perf_counter() - logged) / len(losses)
            mean = sum(losses) / len(losses)
            speed = recipe.batch * CONTEXT / seconds
            left = (last - step) * seconds / 60
            log.info("step %d/%d: loss %.4f, %.0f tokens/s, %.1f min left", step, last, mean, speed, left)
            logged, losses = time.perf_counter(), []
        if step % recipe.save_every == 0 or step == last:
            trainer.progress.seconds += time.perf_counter() - began
            began = time.perf_counter()
            trainer.evaluate()
            trainer.save()
