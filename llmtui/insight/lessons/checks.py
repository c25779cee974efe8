"""Whether what a learner did shows what a lesson claims: each check gives the sentence with the numbers, or None."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from llmtui.insight.lessons.observation import Crowd, Look, Observation, Run
from llmtui.insight.stats import mean_surprisal, perplexity

Check = Callable[[Sequence[Observation]], str | None]

# rounding of sums in another order, in nats
EQUAL_LOGPROBS = 1e-3
SHARED_TOKENS = 3
WARMER = 0.8
ENOUGH = 10
LONG_TEXT = 50
MANY = 100


def words_are_tokens(seen: Sequence[Observation]) -> str | None:
    """A prompt of several words, each of which is one token with the space before it."""
    for run in _runs(seen):
        if len(run.prompt) > 2 and all(t.bytes[:1] == b" " and len(t.bytes) > 1 for t in run.prompt[1:]):
            return f"{len(run.prompt)} words, {len(run.prompt)} tokens; all but the first begin with their space"
    return None


def a_word_in_pieces(seen: Sequence[Observation]) -> str | None:
    """A prompt with a word of at least three tokens."""
    for run in _runs(seen):
        for word in _words(run):
            text = b"".join(word)
            if len(word) >= 3 and text.strip().isalpha() and text.isascii():
                return f"“{text.decode().strip()}” is {len(word)} tokens: {' '.join(p.decode().strip() for p in word)}"
    return None


def a_character_in_pieces(seen: Sequence[Observation]) -> str | None:
    """A prompt with a token whose bytes are only a part of a character."""
    for run in _runs(seen):
        parts = [token for token in run.prompt if not _is_text(token.bytes)]
        if parts:
            shown = " ".join(part.bytes.hex().upper() for part in parts[:4])
            return f"{len(parts)} tokens hold a part of a character each; the first ones are the bytes {shown}"
    return None


def looked_at(what: str, sentence: str) -> Check:
    """Whether something was looked at."""
    return lambda seen: sentence if any(isinstance(each, Look) and each.at == what for each in seen) else None


def what_comes_later_changes_nothing(seen: Sequence[Observation]) -> str | None:
    """Two prompts that begin alike and end differently: the tokens they share have the same log-probabilities."""
    for first, second in combinations(_runs(seen), 2):
        shared = _shared(first.prompt_ids, second.prompt_ids)
        if (
            shared < SHARED_TOKENS
            or shared == min(len(first.prompt), len(second.prompt))
            or not _same_model(first, second)
        ):
            continue
        pairs = zip(first.prompt[1:shared], second.prompt[1:shared], strict=True)
        largest = max(
            (abs(a.logprob - b.logprob) for a, b in pairs if a.logprob is not None and b.logprob is not None), default=1
        )
        if largest <= EQUAL_LOGPROBS:
            how = f"to {largest:.1g} nat" if largest else "bit for bit"
            return f"the first {shared} tokens have the same log-probabilities in both, {how}"
    return None


def greedy_takes_the_first(seen: Sequence[Observation]) -> str | None:
    """A run at temperature 0: every token is one of the most probable."""
    for run in _runs(seen):
        if run.params.temperature == 0 and run.tokens and all(token.rank == 1 for token in run.tokens):
            return f"{len(run.tokens)} of {len(run.tokens)} tokens had rank 1"
    return None


def order_matters(seen: Sequence[Observation]) -> str | None:
    """The same words in two orders: one is far more surprising than the other."""
    for first, second in combinations(_runs(seen), 2):
        if first.prompt_ids == second.prompt_ids or _bag(first) != _bag(second) or len(_bag(first)) < 4:
            continue
        low, high = sorted((_prompt_bits(first), _prompt_bits(second)))
        if high - low > 1:
            return (
                f"{low:.2f} and {high:.2f} bits a token: perplexity {perplexity(low):,.1f} and {perplexity(high):,.1f}"
            )
    return None


def warmer_is_more_surprising(seen: Sequence[Observation]) -> str | None:
    """One prompt at two temperatures: the higher one gave tokens of more surprisal."""
    for first, second in combinations(_runs(seen), 2):
        cold, warm = sorted((first, second), key=lambda run: run.params.temperature)
        if first.prompt_ids != second.prompt_ids or warm.params.temperature - cold.params.temperature < WARMER:
            continue
        low, high = mean_surprisal(cold.tokens), mean_surprisal(warm.tokens)
        if min(len(cold.tokens), len(warm.tokens)) < ENOUGH or low is None or high is None or high <= low:
            continue
        return f"{low:.2f} bits a token at {cold.params.temperature:g}, {high:.2f} at {warm.params.temperature:g}"
    return None


def top_k_of_one(seen: Sequence[Observation]) -> str | None:
    """A run with top-k 1 and a temperature: the temperature has nothing left to change."""
    for run in _runs(seen):
        if run.params.top_k == 1 and run.params.temperature > 0 and run.tokens and all(t.rank == 1 for t in run.tokens):
            return (
                f"{len(run.tokens)} of {len(run.tokens)} tokens had rank 1, at temperature {run.params.temperature:g}"
            )
    return None


def top_p_follows_the_certainty(seen: Sequence[Observation]) -> str | None:
    """A run with top-p: how many tokens it keeps changes from token to token."""
    for run in _runs(seen):
        kept = [stage.kept for token in run.tokens for stage in token.stages if stage.name == "top_p"]
        if kept and max(kept) > min(kept):
            return f"top-p kept {min(kept)} token at the fewest and {max(kept)} at the most"
    return None


def same_seed_same_text(seen: Sequence[Observation]) -> str | None:
    """Two runs with everything alike, the seed too: their tokens are the same."""
    for first, second in combinations(_runs(seen), 2):
        drawn = first.params.temperature > 0 and first.params.top_k != 1
        if drawn and _alike(first, second) and first.seed == second.seed and first.ids == second.ids and first.ids:
            return f"seed {first.seed} twice: the same {len(first.ids)} tokens"
    return None


def another_seed_another_text(seen: Sequence[Observation]) -> str | None:
    """Two runs that differ in their seeds alone: their tokens part somewhere."""
    for first, second in combinations(_runs(seen), 2):
        if _alike(first, second) and first.seed != second.seed and first.ids != second.ids:
            place = _shared(first.ids, second.ids)
            return f"seeds {first.seed} and {second.seed}: the same until new token {place + 1}"
    return None


def greedy_needs_no_seed(seen: Sequence[Observation]) -> str | None:
    """Two greedy runs: the same tokens, whatever their seeds."""
    for first, second in combinations(_runs(seen), 2):
        if first.params.temperature == 0 and _alike(first, second) and first.ids == second.ids and first.ids:
            return f"the same {len(first.ids)} tokens; seeds {first.seed} and {second.seed} decided nothing"
    return None


def prompts_are_read_side_by_side(seen: Sequence[Observation]) -> str | None:
    """A long prompt: its tokens are computed faster than new ones are, of this answer or, if it is short, another."""
    for run in _runs(seen):
        if len(run.prompt) < MANY or run.timings.prefill <= 0:
            continue
        told = (other for other in (run, *_runs(seen)) if _same_model(run, other) and len(other.tokens) >= ENOUGH)
        for other in told:
            if other.timings.decode <= 0:
                continue
            reading = len(run.prompt) / run.timings.prefill
            writing = (len(other.tokens) - 1) / other.timings.decode
            if reading > writing:
                return f"prompt: {reading:,.0f} tokens a second; new tokens: {writing:,.0f} a second"
    return None


def one_token_a_forward(seen: Sequence[Observation]) -> str | None:
    """A long answer: each forward computed the newest token alone, for the others' keys and values were kept."""
    for run in _runs(seen):
        later = run.tokens[1:]
        if len(later) >= LONG_TEXT and all(token.rows == 1 for token in later):
            seen_back = len(run.prompt) + len(run.tokens) - 1
            return f"{len(later)} forwards of 1 token each; the last one looked back at {seen_back} tokens"
    return None


def fewer_bits_same_text(seen: Sequence[Observation]) -> str | None:
    """One prompt on the same model in two dtypes: other bytes, and what that changed in the prompt's surprisal."""
    for first, second in combinations(_runs(seen), 2):
        if first.model != second.model or first.dtype == second.dtype or first.prompt_ids != second.prompt_ids:
            continue
        if len(first.prompt) < 2:
            continue
        parts = [
            f"{run.dtype}: {run.weights_bytes / 1e6:.1f} MB, {_prompt_bits(run):.5f} bits a token"
            for run in (first, second)
        ]
        return "; ".join(parts)
    return None


def a_crowd_is_faster(seen: Sequence[Observation]) -> str | None:
    """Several requests at once: their tokens shared forwards, and more came a second."""
    for crowd in (each for each in seen if isinstance(each, Crowd)):
        if crowd.rows > 1 and crowd.together > crowd.alone:
            return (
                f"1 request: {crowd.alone:,.0f} tokens a second; {crowd.requests} at once: {crowd.together:,.0f}, "
                f"{crowd.rows} in a typical forward"
            )
    return None


def _runs(seen: Sequence[Observation]) -> Iterator[Run]:
    return (each for each in seen if isinstance(each, Run))


def _alike(first: Run, second: Run) -> bool:
    """Whether all but the seed is the same."""
    return (
        first.prompt_ids == second.prompt_ids
        and _same_model(first, second)
        and replace(first.params, seed=None) == replace(second.params, seed=None)
    )


def _same_model(first: Run, second: Run) -> bool:
    return (first.model, first.dtype) == (second.model, second.dtype)


def _shared(first: Sequence[int], second: Sequence[int]) -> int:
    """How many of the first items are the same in both."""
    for place, (a, b) in enumerate(zip(first, second, strict=False)):
        if a != b:
            return place
    return min(len(first), len(second))


def _words(run: Run) -> Iterator[list[bytes]]:
    """The prompt's tokens by words; a token that begins with a space begins one."""
    word: list[bytes] = []
    for token in run.prompt:
        if token.is_special:
            continue
        if token.bytes[:1].isspace() and word:
            yield word
            word = []
        word.append(token.bytes)
    if word:
        yield word


def _bag(run: Run) -> list[str]:
    text = b"".join(t.bytes for t in run.prompt if not t.is_special).decode("utf-8", "replace")
    return sorted(text.lower().split())


def _prompt_bits(run: Run) -> float:
    """Mean surprisal of the prompt's tokens, in bits."""
    return mean_surprisal(run.prompt) or 0.0


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
