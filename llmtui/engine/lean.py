"""Forwards of our own for the families that most models belong to, made of the loaded model's own modules.

transformers' forward of one token takes milliseconds outside the kernels. Here rows lie flat, [rows, width], what all
layers share is computed once, residuals are added in place, and nothing is asked that was settled at load.
Whether one computes what the model's own forward does is not believed but checked at every load, by `self_check`.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from llmtui.engine.attention import PackedBatch, PackedForward
from llmtui.engine.blocks import Blocks, described, described_block
from llmtui.engine.layers import (
    TANH_GELUS,
    activated,
    linear,
    norm_heads,
    residual,
    rotate,
    side_by_side,
    whole_of,
)
from llmtui.engine.norms import Norm
from llmtui.engine.panels import ADDED, GELU


class Gpt2Forward:
    """GPT-2: learned positions, layer norms before attention and before the feed-forward part."""

    def __init__(self, model: Any) -> None:
        body, config = model.transformer, model.config
        self._model = model  # kernels know its weights by their addresses alone
        self._heads = config.n_head
        self._tokens, self._positions = body.wte.weight, body.wpe.weight
        self._blocks = [Gpt2Block(block, config) for block in body.h]
        dim = config.n_embd // config.n_head
        self._in_one = Blocks.of([block.described for block in self._blocks], config.n_head, dim)
        self._head = linear(model.lm_head, Norm.layer(body.ln_f))

    def __call__(self, ids: Tensor, positions: Tensor, batch: PackedBatch, kept: Tensor | None) -> Tensor:
        x = self._tokens[ids].add_(self._positions[positions])
        computed = None if self._in_one is None else self._in_one.run(x, batch, kept)
        return self._head(self._one_by_one(x, batch, kept) if computed is None else computed)

    def _one_by_one(self, x: Tensor, batch: PackedBatch, kept: Tensor | None) -> Tensor:
        for number, block in enumerate(self._blocks):
            joined = block.qkv(x).view(len(x), 3, self._heads, -1)
            attended = batch.attend(number, joined[:, 0], joined[:, 1:], block.scaling).reshape(len(x), -1)
            if number == len(self._blocks) - 1 and kept is not None:
                x, attended = x[kept], attended[kept]
            block.add_attended(x, attended)
            block.add_down(x, block.up(x))
        return x


class Gpt2Block:
    def __init__(self, block: Any, config: Any) -> None:
        attention, mlp = block.attn, block.mlp
        before_attention, before_mlp = Norm.layer(block.ln_1), Norm.layer(block.ln_2)
        self.qkv = linear(attention.c_attn, before_attention)
        self.add_attended = residual(attention.c_proj)
        self.up = activated(mlp.c_fc, before_mlp, config.activation_function, mlp.act)
        self.add_down = residual(mlp.c_proj)
        self.scaling = attention.scaling
        self.described = described_block(
            described(attention.c_attn, before_attention),
            described(attention.c_proj, after=ADDED),
            described(mlp.c_fc, before_mlp, GELU) if config.activation_function in TANH_GELUS else None,
            described(mlp.c_proj, after=ADDED),
            heads=config.n_head,
            scale=self.scaling,
        )


class LlamaForward:
    """Llama and those built like it: rotary positions, root-mean-square norms, a gated feed-forward part.

    Norms stand before attention and feed-forward, or after them (OLMo 2). Queries and keys may have norms of their
    own, over each head (Qwen 3) or over all (OLMo 2). Granite multiplies embeddings, residuals and logits.
    """

    def __init__(self, model: Any) -> None:
        body, config = model.model, model.config
        self._model = model  # kernels know its weights by their addresses alone
        self._tokens, self._rotary = body.embed_tokens.weight, body.rotary_emb
        self._embedding_multiplier = getattr(config, "embedding_multiplier", 1.0)
        self._logits_scaling = getattr(config, "logits_scaling", 1.0)
        self._blocks = [LlamaBlock(block, config) for block in body.layers]
        first = body.layers[0].self_attn
        kv_heads = first.k_proj.out_features // first.head_dim
        self._in_one = Blocks.of([block.described for block in self._blocks], kv_heads, first.head_dim)
        self._head = linear(model.lm_head, Norm.rms(body.norm))

    def __call__(self, ids: Tensor, positions: Tensor, batch: PackedBatch, kept: Tensor | None) -> Tensor:
        x = self._tokens[ids]
        if self._embedding_multiplier != 1.0:
            x *= self._embedding_multiplier
        turn = self._turn(x, positions)
        computed = None if self._in_one is None else self._in_one.run(x, batch, kept, turn)
        logits = self._head(self._one_by_one(x, turn, batch, kept) if computed is None else computed)
        return logits if self._logits_scaling == 1.0 else logits / self._logits_scaling

    def _one_by_one(self, x: Tensor, turn: tuple[Tensor, Tensor], batch: PackedBatch, kept: Tensor | None) -> Tensor:
        for number, block in enumerate(self._blocks):
            attended = block.attend(x, turn, batch, number)
            if number == len(self._blocks) - 1 and kept is not None:
                x, attended = x[kept], attended[kept]
            block.add(x, attended)
        return x

    def _turn(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines, [rows, 1, dim]; the sines negative where `rotate_half` negates what they multiply."""
        cos, sin = self._rotary(x, positions[None])
        sin = sin.clone()
        sin[..., : sin.shape[-1] // 2].neg_()
        return cos[0, :, None], sin[0, :, None]


class LlamaBlock:
    """One layer; x: [rows, width]."""

    def __init__(self, block: Any, config: Any) -> None:
        attention, mlp = block.self_attn, block.mlp
        norms_first = hasattr(block, "input_layernorm")
        before = (block.input_layernorm, block.post_attention_layernorm) if norms_first else ()
        after = () if norms_first else (block.post_attention_layernorm, block.post_feedforward_layernorm)
        before_attention, before_mlp = map(Norm.rms, before) if before else (None, None)
        after_attention, after_mlp = map(Norm.rms, after) if after else (None, None)
        multiplier = getattr(block, "residual_multiplier", 1.0)
        self._qkv = side_by_side(before_attention, attention.q_proj, attention.k_proj, attention.v_proj)
        self._add_attended = residual(attention.o_proj, after_attention, multiplier)
        self._gate_up = side_by_side(before_mlp, mlp.gate_proj, mlp.up_proj)
        self._add_down = residual(mlp.down_proj, after_mlp, multiplier, (config.hidden_act, mlp.act_fn))
        self._dim, self._scaling = attention.head_dim, attention.scaling
        self._heads = attention.q_proj.out_features // self._dim
        self._rotated = self._heads + attention.k_proj.out_features // self._dim
        # Qwen's is the layer's or None, Mistral's is the config's; others have none, whatever theirs says
        of_config = config.sliding_window if config.model_type == "mistral" else None
        self._window = getattr(attention, "sliding_window", of_config)
        self._norm_heads = norm_heads(attention, self._heads, self._rotated)
        as_it_is = norms_first and multiplier == 1.0 and self._norm_heads is None and config.hidden_act == "silu"
        self.described = described_block(
            described(whole_of(attention.q_proj, attention.k_proj, attention.v_proj), before_attention),
            described(attention.o_proj, after=ADDED),
            described(whole_of(mlp.gate_proj, mlp.up_proj), before_mlp),
            described(mlp.down_proj, after=ADDED, gated=True) if as_it_is else None,
            heads=self._heads,
            scale=self._scaling,
            window=self._window,
        )

    def attend(self, x: Tensor, turn: tuple[Tensor, Tensor], batch: PackedBatch, number: int) -> Tensor:
        """[rows, heads * dim]"""
        heads = self._qkv(x).view(len(x), -1, self._dim)
        turned = heads[:, : self._rotated]
        if self._norm_heads is not None:
            turned.copy_(self._norm_heads(turned))
        rotate(turned, *turn)
        rows = heads[:, self._heads :].view(len(x), 2, -1, self._dim)
        attended = batch.attend(number, heads[:, : self._heads], rows, self._scaling, self._window)
        return attended.reshape(len(x), -1)

    def add(self, x: Tensor, attended: Tensor) -> None:
        """What comes of what was attended, and then the feed-forward part."""
        self._add_attended(x, attended)
        self._add_down(x, self._gate_up(x))


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
