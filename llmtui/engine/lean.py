"""Forwards of our own for the families that most models belong to, made of the loaded model's own modules.

transformers' forward of one token takes milliseconds outside the kernels. Here rows lie flat, [rows, width], what all
layers share is computed once, residuals are added in place, and nothing is asked that was settled at load.
Whether one computes what the model's own forward does is not believed but checked at every load, by `self_check`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from llmtui.engine.attention import PackedBatch, PackedForward
from llmtui.engine.panels import PanelLinear
from llmtui.engine.quantize import OneDnnLinear, Part

Layer = Callable[[Tensor], Tensor]
TANH_GELUS = ("gelu_new", "gelu_pytorch_tanh")


class Gpt2Forward:
    """GPT-2: learned positions, layer norms before attention and before the feed-forward part."""

    def __init__(self, model: Any) -> None:
        body, config = model.transformer, model.config
        self._heads = config.n_head
        self._tokens, self._positions = body.wte.weight, body.wpe.weight
        self._blocks = [Gpt2Block(block, config) for block in body.h]
        self._norm = layer_norm(body.ln_f)
        self._head = linear(model.lm_head)

    def __call__(self, ids: Tensor, positions: Tensor, batch: PackedBatch, kept: Tensor | None) -> Tensor:
        x = self._tokens[ids].add_(self._positions[positions])
        rows = len(ids)
        for number, block in enumerate(self._blocks):
            joined = block.qkv(block.norm_1(x)).view(rows, 3, self._heads, -1)
            attended = batch.attend(number, joined[:, 0], joined[:, 1:], block.scaling)
            x += block.out(attended.reshape(rows, -1))
            x += block.down(block.up(block.norm_2(x)))
        x = x if kept is None else x[kept]
        logits: Tensor = self._head(self._norm(x))
        return logits


class Gpt2Block:
    def __init__(self, block: Any, config: Any) -> None:
        self.norm_1, self.norm_2 = layer_norm(block.ln_1), layer_norm(block.ln_2)
        self.qkv, self.out = linear(block.attn.c_attn), linear(block.attn.c_proj)
        self.up = activated(block.mlp.c_fc, config.activation_function, block.mlp.act)
        self.down = linear(block.mlp.c_proj)
        self.scaling = block.attn.scaling


class LlamaForward:
    """Llama and those built like it: rotary positions, root-mean-square norms, a gated feed-forward part.

    Norms stand before attention and feed-forward, or after them (OLMo 2). Queries and keys may have norms of their
    own, over each head (Qwen 3) or over all (OLMo 2). Granite multiplies embeddings, residuals and logits.
    """

    def __init__(self, model: Any) -> None:
        body, config = model.model, model.config
        self._tokens, self._rotary = body.embed_tokens.weight, body.rotary_emb
        self._embedding_multiplier = getattr(config, "embedding_multiplier", 1.0)
        self._logits_scaling = getattr(config, "logits_scaling", 1.0)
        self._blocks = [LlamaBlock(block, config) for block in body.layers]
        self._norm = rms_norm(body.norm)
        self._head = model.lm_head.forward

    def __call__(self, ids: Tensor, positions: Tensor, batch: PackedBatch, kept: Tensor | None) -> Tensor:
        x = self._tokens[ids]
        if self._embedding_multiplier != 1.0:
            x *= self._embedding_multiplier
        turn = self._turn(x, positions)
        for number, block in enumerate(self._blocks):
            block.attend(x, turn, batch, number)
            block.feed_forward(x)
        logits: Tensor = self._head(self._norm(x if kept is None else x[kept]))
        return logits if self._logits_scaling == 1.0 else logits / self._logits_scaling

    def _turn(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines, [rows, 1, dim]; the sines negative where `rotate_half` negates what they multiply."""
        cos, sin = self._rotary(x, positions[None])
        sin = sin.clone()
        sin[..., : sin.shape[-1] // 2].neg_()
        return cos[0, :, None], sin[0, :, None]


class LlamaBlock:
    """One layer; its methods add to x, [rows, width]."""

    def __init__(self, block: Any, config: Any) -> None:
        attention, mlp = block.self_attn, block.mlp
        self._qkv = side_by_side(attention.q_proj, attention.k_proj, attention.v_proj)
        self._out = attention.o_proj.forward
        self._gate_up = side_by_side(mlp.gate_proj, mlp.up_proj)
        self._down = mlp.down_proj.forward
        self._activation = activation(config.hidden_act, mlp.act_fn)
        self._dim, self._scaling = attention.head_dim, attention.scaling
        self._heads = attention.q_proj.out_features // self._dim
        self._rotated = self._heads + attention.k_proj.out_features // self._dim
        # Mistral's is the config's, Qwen's is the layer's or None
        self._window = getattr(attention, "sliding_window", getattr(config, "sliding_window", None))
        self._norm_heads = norm_heads(attention, self._heads, self._rotated)
        norms_first = hasattr(block, "input_layernorm")
        before = (block.input_layernorm, block.post_attention_layernorm) if norms_first else (None, None)
        after = (None, None) if norms_first else (block.post_attention_layernorm, block.post_feedforward_layernorm)
        self._before_attention, self._before_mlp = (rms_norm(norm) for norm in before)
        self._after_attention, self._after_mlp = (rms_norm(norm) for norm in after)
        self._multiplier = getattr(block, "residual_multiplier", 1.0)

    def attend(self, x: Tensor, turn: tuple[Tensor, Tensor], batch: PackedBatch, number: int) -> None:
        heads = self._qkv(self._before_attention(x)).view(len(x), -1, self._dim)
        turned = heads[:, : self._rotated]
        cos, sin = turn
        normed = self._norm_heads(turned)
        torch.addcmul(normed * cos, normed.roll(self._dim // 2, -1), sin, out=turned)
        rows = heads[:, self._heads :].view(len(x), 2, -1, self._dim)
        attended = batch.attend(number, heads[:, : self._heads], rows, self._scaling, self._window)
        x.add_(self._after_attention(self._out(attended.reshape(len(x), -1))), alpha=self._multiplier)

    def feed_forward(self, x: Tensor) -> None:
        gate, up = self._gate_up(self._before_mlp(x)).chunk(2, dim=-1)
        x.add_(self._after_mlp(self._down(self._activation(gate).mul_(up))), alpha=self._multiplier)


# by the name of the class: what looks like one of these may still differ, in what a check at load does not see
FAMILIES: dict[str, Callable[[Any], PackedForward]] = {
    "GPT2LMHeadModel": Gpt2Forward,
    "GraniteForCausalLM": LlamaForward,
    "LlamaForCausalLM": LlamaForward,
    "MistralForCausalLM": LlamaForward,
    "Olmo2ForCausalLM": LlamaForward,
    "Qwen2ForCausalLM": LlamaForward,
    "Qwen3ForCausalLM": LlamaForward,
}


def lean_forward(model: Any) -> PackedForward | None:
    """A forward for this model; None for one of no family here."""
    family = FAMILIES.get(type(model).__name__)
    return None if family is None else family(model)


def same_input(model: Any) -> list[tuple[str, ...]]:
    """Names of the linears that lean forwards call with one input: packed side by side they are one call."""
    if FAMILIES.get(type(model).__name__) is not LlamaForward:
        return []
    groups = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"), ("mlp.gate_proj", "mlp.up_proj")
    layers = range(len(model.model.layers))
    return [tuple(f"model.layers.{layer}.{name}" for name in group) for layer in layers for group in groups]


def side_by_side(*linears: Any) -> Layer:
    """The outputs of linears with the same input, one after the other."""
    if all(isinstance(linear, Part) for linear in linears):
        whole: Layer = linears[0].whole.forward
        return whole
    layers = [linear.forward for linear in linears]
    return lambda x: torch.cat([layer(x) for layer in layers], dim=-1)


def norm_heads(attention: Any, heads: int, all_heads: int) -> Layer:
    """The norms of queries and keys: [rows, query heads and key heads, dim] to the same."""
    if not hasattr(attention, "q_norm"):
        return unchanged
    query, key = attention.q_norm, attention.k_norm
    if len(query.weight) == attention.head_dim:
        weight = torch.cat((query.weight.expand(heads, -1), key.weight.expand(all_heads - heads, -1)))
        return lambda x: torch.rms_norm(x, query.weight.shape, None, query.variance_epsilon).mul_(weight)
    query, key = rms_norm(query), rms_norm(key)
    return lambda x: torch.cat((query(x[:, :heads].flatten(1)), key(x[:, heads:].flatten(1))), dim=-1).view(x.shape)


def linear(module: Any) -> Layer:
    """Its own forward, but for GPT-2's Conv1D, which asks for shapes and looks its weights up at every call."""
    from transformers.pytorch_utils import Conv1D

    if isinstance(module, Conv1D):
        bias, weight = module.bias, module.weight
        return lambda x: torch.addmm(bias, x, weight)
    forward: Layer = module.forward
    return forward


def activated(module: Any, name: str, function: Any) -> Layer:
    """A linear and the activation of its outputs: one kernel where oneDNN knows it."""
    if isinstance(module, OneDnnLinear | PanelLinear) and name in TANH_GELUS:
        return module.with_gelu
    before, after = linear(module), activation(name, function)
    return lambda x: after(before(x))


def activation(name: str, module: Any) -> Layer:
    """gelu_new is eight operations in transformers; torch has it in one."""
    if name in TANH_GELUS:
        return partial(functional.gelu, approximate="tanh")
    forward: Layer = module.forward
    return forward


def layer_norm(module: Any) -> Layer:
    return partial(
        torch.layer_norm,
        normalized_shape=module.normalized_shape,
        weight=module.weight,
        bias=module.bias,
        eps=module.eps,
    )


def rms_norm(module: Any) -> Layer:
    if module is None:
        return unchanged
    weight = module.weight
    return partial(torch.rms_norm, normalized_shape=weight.shape, weight=weight, eps=module.variance_epsilon)


def unchanged(x: Tensor) -> Tensor:
    return x
