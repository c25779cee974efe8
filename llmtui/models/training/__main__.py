"""python -m llmtui.models.training: make tiny-tales, or a model like it, from nothing."""

import logging
from pathlib import Path
from typing import Any

import click

from .recipe import SMOKE, Recipe, TrainingError

STAGES = ["corpus", "tokenizer", "encode", "train", "export"]


def _smoke(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.default_map = SMOKE


def run(stage: str, recipe: Recipe) -> None:
    """One stage; torch and transformers are imported by the stages that need them."""
    match stage:
        case "corpus":
            from .dataset import make_corpus

            make_corpus(recipe)
        case "tokenizer":
            from .tokenizer import make_tokenizer

            make_tokenizer(recipe)
        case "encode":
            from .encode import encode

            encode(recipe)
        case "train":
            from .train import train

            train(recipe)
        case "export":
            from .export import export

            export(recipe)


@click.command(context_settings={"show_default": True})
@click.option("--work", type=click.Path(path_type=Path), default="work", help="Folder of text, tokens, checkpoints.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the finished model.  [default: WORK/model]")
@click.option("--stage", type=click.Choice(["all", *STAGES]), default="all")
@click.option("--smoke", is_flag=True, is_eager=True, expose_value=False, callback=_smoke, help="A tiny size, to try.")
@click.option("--seed", type=int, default=7)
@click.option(
    "--mix",
    type=click.Choice(["main", "chat"]),
    default="main",
    help="Shares of the text; chat: mostly chats, for a last phase.",
)
@click.option("--mb", type=float, default=60.0, help="Megabytes of training text.")
@click.option("--valid-mb", type=float, default=1.0, help="Megabytes of held-out text.")
@click.option("--vocab", type=click.IntRange(262, 65_535), default=5120, help="Tokens of the vocabulary.")
@click.option("--tok-docs", type=click.IntRange(1), default=20_000, help="Documents the tokenizer learns from.")
@click.option("--n-embd", type=click.IntRange(1), default=256)
@click.option("--n-layer", type=click.IntRange(1), default=6)
@click.option("--n-head", type=click.IntRange(1), default=4)
@click.option("--structured", type=bool, default=True, help="1: ordered start of the weights, 0: at random.")
@click.option(
    "--short-steps", type=click.IntRange(0), default=1250, help="So many steps first with rows of half length."
)
@click.option("--batch", type=click.IntRange(1), default=8, help="Rows of a step.")
@click.option("--steps", type=click.IntRange(1), default=2850, help="Steps of the schedule.")
@click.option("--stop", type=click.IntRange(0), default=0, help="Stop at this step of the schedule; 0: at its end.")
@click.option("--lr", type=float, default=2e-3, help="Peak learning rate.")
@click.option("--wd", type=float, default=0.05, help="Weight decay.")
@click.option("--warmup", type=click.IntRange(0), default=100, help="Steps of warm-up.")
@click.option("--valid-rows", type=click.IntRange(1), default=48, help="Held-out rows to measure on.")
@click.option("--log-every", type=click.IntRange(1), default=20)
@click.option("--save-every", type=click.IntRange(1), default=250)
@click.option("--threads", type=click.IntRange(1), default=2, help="CPU threads.")
@click.option("--device", type=str, default="cpu", help="Device of torch.")
@click.option("--compile/--no-compile", default=False)
@click.option("--fp32/--no-fp32", default=False, help="No bfloat16.")
@click.option(
    "--resume-from",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Start from this checkpoint when WORK has none.",
)
@click.option("--fresh/--no-fresh", default=False, help="Ignore the checkpoint in WORK.")
@click.option("--licence", type=str, default="mit", help="Licence on the card.")
def main(stage: str, **options: Any) -> None:
    """Train tiny-tales, the small built-in model of llmtui, from nothing.

    The training can be stopped and started again: it goes on from the last checkpoint in WORK.
    """
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("llmtui.training").setLevel(logging.INFO)
    try:
        recipe = Recipe(**options)
        recipe.work.mkdir(parents=True, exist_ok=True)
        for name in STAGES if stage == "all" else [stage]:
            run(name, recipe)
    except TrainingError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
