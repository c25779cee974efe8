"""What the signs and numbers on the screen mean, in the order in which one meets them."""

from typing import Final

from llmtui.tui.heat import SURPRISE_BITS

GLOSSARY: Final = (
    ("␣ ↵ ⇥ ‹E2›", "A space, a new line, a tab, a byte of a character in parts: all are in the token."),
    ("▏", "Between the prompt, whose tokens are slanted, and what the model wrote."),
    ("p", "The token's probability, in the distribution named beside it."),
    ("bit", f"Surprisal, -log2 p: 1 bit is a coin's toss. Above {SURPRISE_BITS:g} bits a token is underlined."),
    ("rank 3 (=0)", "Two tokens were more probable, none exactly as probable."),
    ("H", "Entropy in bits: how open the choice was, over the whole vocabulary."),
    ("RAW", "The model's own distribution: temperature 1, nothing filtered."),
    ("SAMPLED", "The one that the token was drawn from, after temperature and filters; s switches."),
    ("top_k 50 → 50 kept", "A stage of sampling: how many tokens it left, and what they hold of RAW."),
    ("u", "The random number in [0, 1) that drew the token. The seed gives all of them."),
    ("mean, ppl", "Mean surprisal of the tokens written, and perplexity: 2 to the power of it."),
    ("excess", "Surprisal less entropy, in bits: odder than the choice was open."),
    ("tok/s, first", "Speed after the first token, and how long that took, waiting and reading included."),
    ("ctx 204/512", "Tokens of prompt and text, and how many the model can see at once."),
    ("cpu, ram", "All cores of this machine together, and its memory in use."),
)
