"""The tokenizer: byte-level BPE with single digits and the marks of a chat."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from .corpus.chats import ASSISTANT, END, SYSTEM, USER
from .dataset import read_documents
from .recipe import CONTEXT, Recipe, log, needed

END_OF_TEXT, PAD = "<|endoftext|>", "<|pad|>"
SPECIAL = [END_OF_TEXT, PAD, SYSTEM, USER, ASSISTANT, END]
CHAT_TEMPLATE = (
    "{%- for m in messages -%}"
    "{{- '<|' + m['role'] + '|>\\n' + (m['content'] | trim) + '<|end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- endif -%}"
)
_SPECIAL_PATTERN = re.compile("|".join(map(re.escape, SPECIAL)))


def make_tokenizer(recipe: Recipe) -> None:
    """Stage `tokenizer`: learn the merges from a sample of the training documents and save the tokenizer."""
    documents = read_documents(needed(recipe.text("train"), "corpus"))
    sample = documents[:: max(1, len(documents) // recipe.tok_docs)]
    bpe = train_bpe(sample, recipe.vocab)
    save(bpe, recipe.tokenizer_folder)
    log.info("vocabulary of %d tokens", bpe.get_vocab_size())


def train_bpe(documents: Sequence[str], size: int) -> Tokenizer:
    """A tokenizer of at most `size` tokens; all 256 bytes are among them, so that every text can be written."""
    bpe = Tokenizer(models.BPE(byte_fallback=False))
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    bpe.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=SPECIAL,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator((text for d in documents for text in _SPECIAL_PATTERN.split(d) if text), trainer)
    return bpe


def save(bpe: Tokenizer, folder: Path) -> None:
    """Write the files that transformers' AutoTokenizer reads."""
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bpe,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=PAD,
        unk_token=None,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT, END],
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    # transformers 4 reads these names as well as transformers 5
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    config["chat_template"] = CHAT_TEMPLATE
    if isinstance(config.get("extra_special_tokens"), list):
        config["additional_special_tokens"] = config.pop("extra_special_tokens")
    for key in ("is_local", "local_files_only", "backend"):
        config.pop(key, None)
    path.write_text(json.dumps(config, indent=2))


def load(recipe: Recipe) -> PreTrainedTokenizerFast:
    """The tokenizer that the tokenizer stage has left."""
    folder = needed(recipe.tokenizer_folder, "tokenizer")
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder)
    return tokenizer
