"""The model before training: a small GPT-2, its weights at random or in a useful order."""

import math

import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.models.gpt2.modeling_gpt2 import GPT2Attention, GPT2Block

from .recipe import CONTEXT, Recipe

WIDTH, HEAD = 256, 64  # of the ordered start
PREVIOUS, POSITION = 128, 192  # where the residual stream keeps the token before, and the position
WAVES = (WIDTH - POSITION) // 2


def make_config(recipe: Recipe, vocabulary: int) -> GPT2Config:
    """The shape that the options ask for."""
    return GPT2Config(
        vocab_size=vocabulary,
        n_positions=CONTEXT,
        n_embd=recipe.n_embd,
        n_layer=recipe.n_layer,
        n_head=recipe.n_head,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        activation_function="gelu_pytorch_tanh",
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=1,
        tie_word_embeddings=True,
    )


def make_model(recipe: Recipe, vocabulary: int) -> GPT2LMHeadModel:
    """A model with fresh weights, float32, on the CPU; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = GPT2LMHeadModel(make_config(recipe, vocabulary))
    if recipe.structured:
        order_weights(model, recipe.seed)
    return model


@torch.no_grad()
def order_weights(model: GPT2LMHeadModel, seed: int) -> None:
    """Start the weights in a useful order instead of at random.

    A small model that sees only ten million tokens spends most of them before its attention learns to look back at
    all. So the residual stream starts with three parts: the token (0-127), the token before it (128-191) and the
    position (192-255, sines and cosines). One head of layer 0 looks at the token before, two heads of layer 1 find
    what followed the current token earlier on, and the first two heads of all later layers pass tokens on unchanged.
    Everything is trained from there like any other weight.
    """
    generator = torch.Generator().manual_seed(seed)
    body = model.transformer
    blocks = [block for block in body.h if isinstance(block, GPT2Block)]
    frequencies = torch.logspace(math.log10(2.83), math.log10(2 * math.pi / 600), WAVES)
    _order_embeddings(body.wte.weight, body.wpe.weight, frequencies, generator)
    for block in blocks:
        for weight in (block.attn.c_attn.weight, block.mlp.c_fc.weight):
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.03)
        block.attn.c_proj.weight.zero_()
        block.mlp.c_proj.weight.zero_()
    token_in_head = torch.linalg.qr(torch.randn(PREVIOUS, HEAD, generator=generator))[0]
    _look_at_token_before(blocks[0].attn, frequencies, token_in_head)
    for head in (0, 1):
        _find_what_followed(blocks[1].attn, head, token_in_head)
        for block in blocks[2:]:
            _pass_on(block.attn, head, gain=0.1)
    body.ln_f.weight.fill_(0.2)


def _order_embeddings(tokens: Tensor, positions: Tensor, frequencies: Tensor, generator: torch.Generator) -> None:
    tokens.copy_(torch.randn(tokens.shape, generator=generator) * 0.01)
    tokens[:, :PREVIOUS] += torch.randn(tokens.shape[0], PREVIOUS, generator=generator) * 0.1
    angles = torch.arange(CONTEXT).float()[:, None] * frequencies
    positions.copy_(torch.randn(positions.shape, generator=generator) * 0.002)
    positions[:, POSITION:] = 0.2 * torch.stack([angles.sin(), angles.cos()], -1).reshape(CONTEXT, 2 * WAVES)


def _slices(attention: GPT2Attention, head: int) -> tuple[Tensor, Tensor, Tensor]:
    """Views [width, head size] of the query, key and value weights of one head."""
    query, key, value = attention.c_attn.weight.chunk(3, dim=1)
    columns = slice(head * HEAD, (head + 1) * HEAD)
    return query[:, columns], key[:, columns], value[:, columns]


def _look_at_token_before(attention: GPT2Attention, frequencies: Tensor, token_in_head: Tensor) -> None:
    query, key, value = _slices(attention, 0)
    query.zero_()
    key.zero_()
    value.zero_()
    gain = 1.25
    for i, frequency in enumerate(frequencies.tolist()):
        cosine, sine = math.cos(frequency), math.sin(frequency)
        at = POSITION + 2 * i
        # turns (sin, cos) of t into (sin, cos) of t - 1
        query[at, 2 * i], query[at + 1, 2 * i] = gain * cosine, -gain * sine
        query[at, 2 * i + 1], query[at + 1, 2 * i + 1] = gain * sine, gain * cosine
        key[at, 2 * i] = key[at + 1, 2 * i + 1] = gain
    value[:PREVIOUS] = token_in_head
    attention.c_proj.weight[:HEAD, PREVIOUS:POSITION] = 0.12 * torch.eye(HEAD)


def _find_what_followed(attention: GPT2Attention, head: int, token_in_head: Tensor) -> None:
    query, key, _ = _slices(attention, head)
    query.zero_()
    key.zero_()
    query[:PREVIOUS] = 1.25 * token_in_head
    key[PREVIOUS:POSITION] = 1.25 * torch.eye(HEAD)
    _pass_on(attention, head, gain=0.3)


def _pass_on(attention: GPT2Attention, head: int, gain: float) -> None:
    _, _, value = _slices(attention, head)
    own = slice(head * HEAD, (head + 1) * HEAD)
    value.zero_()
    value[own] = torch.eye(HEAD)
    attention.c_proj.weight[own, own] = gain * torch.eye(HEAD)
