"""The eight lessons. Every claim is one that the lesson's own experiments show, with the learner's numbers."""

from dataclasses import dataclass
from typing import Final

from llmtui.insight.lessons import checks
from llmtui.insight.lessons.checks import Check


@dataclass(frozen=True, slots=True)
class Task:
    """Something to try.

    id        under which it is remembered as done
    do        what to type, in one or two sentences
    look_for  where to look, and for what
    check     the sentence with the learner's own numbers once it was done; None before
    """

    id: str
    do: str
    look_for: str
    check: Check


@dataclass(frozen=True, slots=True)
class Lesson:
    """A page: some paragraphs, then things to try."""

    title: str
    text: tuple[str, ...]
    tasks: tuple[Task, ...]


COURSE: Final = (
    Lesson(
        "Tokens",
        (
            "A language model reads and writes tokens: pieces of text from a fixed list, its vocabulary. A frequent "
            "word is one token, and the space before it belongs to it. A rare word is put together from several.",
            "Underneath are bytes. A character that is not in the vocabulary as a whole is cut into tokens that hold a "
            "part of its bytes each, so that any text can be written.",
        ),
        (
            Task(
                "tokens.words",
                "Type: Once upon a time. Leave the full stop out, and press Enter.",
                "f2 shows the tokens: one a word, ␣ is the space that belongs to it.",
                checks.words_are_tokens,
            ),
            Task(
                "tokens.pieces",
                "Send a text with a long or rare word: The xylophonist",
                "The word in the token pane: it is cut into pieces.",
                checks.a_word_in_pieces,
            ),
            Task(
                "tokens.bytes",
                "Send a text with a sign that stories seldom have: A 🦊",
                "Tokens such as ‹F0› are bytes of one character. /tokenizer shows the same for any text.",
                checks.a_character_in_pieces,
            ),
        ),
    ),
    Lesson(
        "The transformer block",
        (
            "The id of each token selects a row of numbers, its embedding. The rows then pass through equal blocks, "
            "one after another, of two parts: attention, where a position takes in what stands before it, and "
            "feed-forward. In the end come the logits, one number for each token of the vocabulary.",
            "A position never sees what comes after it. So what the model says about a beginning does not depend on "
            "how the text goes on.",
        ),
        (
            Task(
                "block.diagram",
                "Type /architecture and read the way of a token.",
                "How many blocks there are, what is in each, and where the parameters are.",
                checks.looked_at("architecture", "the diagram of this model was opened"),
            ),
            Task(
                "block.causal",
                "Send: The old mill stood by the river. Then send the same with sea for river.",
                "After each run, the surprisal of every token before the last word: f2 shows the tokens, tab goes to "
                "them, and the arrows walk.",
                checks.what_comes_later_changes_nothing,
            ),
        ),
    ),
    Lesson(
        "Logits to text",
        (
            "Logits become probabilities by the softmax: e to the logit, over the sum of that for all tokens. The "
            "surprisal of a token is minus the base-2 logarithm of its probability, in bits: 1 bit is a coin toss.",
            "Greedy choice takes the most probable token each time. Its rank is 1. The mean surprisal of a text says "
            "how well the model foresaw it; 2 to the power of that is the perplexity.",
        ),
        (
            Task(
                "logits.greedy",
                "/set temperature 0, then send: Once upon a time",
                "Every token of the answer has rank 1 in the inspector.",
                checks.greedy_takes_the_first,
            ),
            Task(
                "logits.inspector",
                "Show the tokens (f2), press tab until they have the bright frame, and walk with the arrows.",
                "The candidates of each token with their probabilities, and the rest that is not listed.",
                checks.looked_at("token", "you walked to a token"),
            ),
            Task(
                "logits.order",
                "Send: Once upon a time there was a little girl. Then send the same words in reverse order.",
                "The colours of the prompt's tokens: the second text is far more surprising.",
                checks.order_matters,
            ),
        ),
    ),
    Lesson(
        "Temperature, top-k, top-p",
        (
            "Sampling draws the next token by chance. The temperature divides all logits before the softmax: below 1 "
            "the probable tokens gain, above 1 the others do.",
            "Top-k keeps the k most probable tokens. Top-p keeps the fewest tokens whose probability reaches p: one "
            "where the model is certain, many where it is not. What is kept shares the whole probability.",
        ),
        (
            Task(
                "filters.temperature",
                "/set top_k 0, /set temperature 0.2, send: Once upon a time. Then /set temperature 1.5, and ^G.",
                "Mean surprisal in the strip below the tokens, and the texts themselves.",
                checks.warmer_is_more_surprising,
            ),
            Task(
                "filters.top_k",
                "/set top_k 1, and ^G.",
                "The temperature is still 1.5, but one token is all that is left to draw from.",
                checks.top_k_of_one,
            ),
            Task(
                "filters.top_p",
                "/set top_k 0, /set temperature 0.7, /set top_p 0.5, and ^G.",
                "In the inspector: how many tokens top-p kept. It changes from token to token.",
                checks.top_p_follows_the_certainty,
            ),
        ),
    ),
    Lesson(
        "Greedy, seeds and sampling",
        (
            "One random number between 0 and 1 decides each token: it points into the probabilities, stacked from the "
            "most probable down. The numbers come from a generator that starts from the seed.",
            "So the same seed, model, prompt and parameters give the same text. Greedy choice uses no random number.",
        ),
        (
            Task(
                "seeds.same",
                "/set temperature 0.8, /seed 7, send: The fox. Then ^G.",
                "u in the inspector is the random number of a token: it is the same in both runs.",
                checks.same_seed_same_text,
            ),
            Task(
                "seeds.other",
                "/seed 8, and ^G.",
                "The token where the texts part.",
                checks.another_seed_another_text,
            ),
            Task(
                "seeds.greedy",
                "/set temperature 0, and ^G. Then /seed 9, and ^G.",
                "Another seed, the same text.",
                checks.greedy_needs_no_seed,
            ),
        ),
    ),
    Lesson(
        "Context and KV cache",
        (
            "Attention needs a key and a value of every token before. They are computed once and kept: the KV cache. "
            "A new token then costs one forward of one token, however long the text is.",
            "The tokens of a prompt are all known, so they are computed side by side, many in one forward. That is why "
            "reading is faster than writing. The context is the number of tokens that the model can hold at most.",
        ),
        (
            Task(
                "cache.reading",
                "Send a prompt of at least 100 tokens: put a paragraph into it, or an answer with /copy, then ^V.",
                "Tokens a second while reading and while writing, below.",
                checks.prompts_are_read_side_by_side,
            ),
            Task(
                "cache.rows",
                "Let the model write at least 51 tokens: /set max_tokens 100, send: Once upon a time",
                "ctx in the status line grows; each forward still computes one token.",
                checks.one_token_a_forward,
            ),
        ),
    ),
    Lesson(
        "Memory, dtype, quantisation",
        (
            "A parameter in float32 takes 4 bytes, in bfloat16 or float16 2, and in int8 1. Here the linear layers "
            "are held so; embeddings and norms stay float32.",
            "Rounding changes the probabilities. How much is measured, not guessed: by the surprisal of one text.",
        ),
        (
            Task(
                "dtype.two",
                "Send: Once upon a time. Then ^O, choose the model as int8, and ^G when it is ready.",
                "Bytes of the weights, and bits a token of the prompt, of both, below.",
                checks.fewer_bits_same_text,
            ),
        ),
    ),
    Lesson(
        "Serving",
        (
            "When several people ask at once, their tokens can share a forward: the weights are then read once for "
            "all of them, and more tokens come in a second than for one alone.",
            "llmtui --serve answers programs this way, while you watch.",
        ),
        (
            Task(
                "serving.crowd",
                "Type /learn try: one request alone, then eight at once.",
                "Tokens a second of all together, below.",
                checks.a_crowd_is_faster,
            ),
        ),
    ),
)

TASKS: Final = {task.id: task for lesson in COURSE for task in lesson.tasks}
