"""python -m llmtui.models.training.evaluate: measure a trained model and write what was found as Markdown."""

import math
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import click
import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from .corpus import words
from .dataset import read_documents
from .recipe import CONTEXT
from .unseen import QUESTIONS

BEGINNINGS = ["Once upon a time", "Once upon a time, there was a", "There was once a", "Long ago,", "Not far from the"]
SENTENCE_ENDS = (".", "!", "?", '"')


class Speaker:
    """A model from a folder, in float32 on the CPU, and how to make it say something."""

    def __init__(self, folder: Path) -> None:
        # Any: the types that transformers gives its own generate and decode exclude each other
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, trust_remote_code=False, use_safetensors=True
        )

    def ids(self, text: str) -> torch.Tensor:
        """[1, tokens]."""
        return torch.tensor([self.tokenizer(text)["input_ids"]])

    @torch.no_grad()
    def surprisal(self, text: str) -> tuple[float, int]:
        """The nats of a document from its second token to its end, and how many tokens these are."""
        ids = torch.cat([self.ids(text)[:, : CONTEXT - 1], torch.tensor([[self.tokenizer.eos_token_id]])], dim=1)
        logits = self.model(input_ids=ids).logits[0, :-1]
        return functional.cross_entropy(logits, ids[0, 1:], reduction="sum").item(), ids.shape[1] - 1

    @torch.no_grad()
    def go_on(self, text: str, tokens: int, *, greedy: bool) -> str:
        """The continuation of the text, without special tokens."""
        ids = self.ids(text)
        how = {"do_sample": False} if greedy else {"do_sample": True, "temperature": 0.8, "top_p": 0.95, "top_k": 0}
        out = self.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, **how)
        said: str = self.tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
        return said

    def answer(self, questions: list[str]) -> str:
        """The greedy answer to the last question, after its own answers to those before."""
        messages: list[dict[str, str]] = []
        for question in questions:
            messages.append({"role": "user", "content": question})
            prompt = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            messages.append({"role": "assistant", "content": self.go_on(prompt, 70, greedy=True).strip()})
        return messages[-1]["content"]


def size_and_speed(speaker: Speaker, folder: Path) -> Iterator[str]:
    """Parameters, bytes and tokens per second."""
    size = sum(path.stat().st_size for path in folder.iterdir())
    yield f"- parameters: {speaker.model.num_parameters():,}; files together: {size / 1e6:.1f} MB"
    speaker.go_on("Once upon a time", 20, greedy=True)  # the first call is slower
    ids = speaker.ids("Once upon a time")
    began = time.perf_counter()
    speaker.model.generate(
        ids, attention_mask=torch.ones_like(ids), min_new_tokens=200, max_new_tokens=200, do_sample=False
    )
    speed = 200 / (time.perf_counter() - began)
    yield f"- greedy generation: {speed:.0f} tokens/s on {torch.get_num_threads()} CPU threads, float32"


def held_out(speaker: Speaker, train: list[str], valid: list[str], count: int) -> Iterator[str]:
    """Perplexity by kind of document, and how many documents were in the training text."""
    sums: dict[str, tuple[float, int]] = {}
    for document in valid[:count]:
        long = "tales and other long texts" if len(document) > 600 else "short texts"
        nats, tokens = speaker.surprisal(document)
        for kind in ("all", "chats" if document.startswith("<|") else long):
            before = sums.get(kind, (0.0, 0))
            sums[kind] = (before[0] + nats, before[1] + tokens)
    for kind, (nats, tokens) in sums.items():
        yield f"- {kind}: loss {nats / tokens:.3f}, perplexity {math.exp(nats / tokens):.2f} ({tokens} tokens)"
    known = set(train)
    tales = [document for document in valid if len(document) > 600 and not document.startswith("<|")]
    yield f"- word for word in the training text: {sum(t in known for t in tales)} of {len(tales)} long texts"


def unseen_questions(speaker: Speaker, count: int) -> Iterator[str]:
    """Questions in new wordings, right or wrong by keyword."""
    rows = [
        (questions, answer := speaker.answer(questions), re.search(p, answer)) for questions, p in QUESTIONS[:count]
    ]
    yield f"Right (greedy, by keyword): {sum(bool(right) for _, _, right in rows)} of {len(rows)}"
    yield "\n| right | question | answer |\n|---|---|---|"
    for questions, answer, right in rows:
        yield f"| {'yes' if right else 'NO'} | {' / '.join(questions)} | {answer.replace(chr(10), ' ')} |"


def tales(speaker: Speaker, count: int) -> Iterator[str]:
    """Whether sampled tales keep their name, come to an end, and differ."""
    names = {*words.GIRLS, *words.BOYS}
    told, kept, ended = [], 0, 0
    for i in range(count):
        begin = BEGINNINGS[i % len(BEGINNINGS)]
        tale = begin + speaker.go_on(begin, 400, greedy=False)
        told.append(tale)
        found = [word for word in re.findall(r"\b[A-Z][a-z]+\b", tale) if word in names]
        kept += bool(found) and found[0] in tale[len(tale) // 2 :] and len(set(found)) <= 3
        ended += tale.endswith(SENTENCE_ENDS)
    pairs = [pair for tale in told for pair in zip(tale.split(), tale.split()[1:], strict=False)]
    yield f"- {count} tales at temperature 0.8, top-p 0.95"
    yield f"- keeps the first name to the end and brings in at most three: {kept} of {count}"
    yield f"- ends on a full sentence within 400 tokens: {ended} of {count}"
    yield f"- distinct-2 over all of them: {len(set(pairs)) / max(1, len(pairs)):.3f}"
    yield from (f"\n> {tale}".replace("\n", "\n> ").replace("\n> > ", "\n> ") for tale in told[:: max(1, count // 5)])


@click.command(context_settings={"show_default": True})
@click.option("--model", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of the model.")
@click.option("--work", type=click.Path(exists=True, path_type=Path), required=True, help="Folder with the text.")
@click.option("--out", type=click.File("w", encoding="utf-8"), default="-", help="Where the report goes.")
@click.option("--tales", "tale_count", type=click.IntRange(1), default=50)
@click.option("--documents", type=click.IntRange(1), default=1500, help="Held-out documents to measure on.")
@click.option("--questions", type=click.IntRange(1), default=len(QUESTIONS), help="Questions to ask.")
@click.option("--seed", type=int, default=1, help="Of the sampled tales.")
def main(model: Path, work: Path, out: TextIO, tale_count: int, documents: int, questions: int, seed: int) -> None:
    """Measure the model in the folder MODEL against the text in WORK."""
    speaker = Speaker(model)
    torch.manual_seed(seed)
    train, valid = (read_documents(work / f"{name}.txt") for name in ("train", "valid"))
    for title, lines in (
        ("Size and speed", size_and_speed(speaker, model)),
        ("Held-out text", held_out(speaker, train, valid, documents)),
        ("Questions in wordings that are not in the corpus", unseen_questions(speaker, questions)),
        ("Tales", tales(speaker, tale_count)),
    ):
        click.echo(f"## {title}\n", file=out)
        for line in lines:
            click.echo(line, file=out)
        click.echo("", file=out)


if __name__ == "__main__":
    main()
