"""The state of one running generation, and how a row of logits becomes its next token."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from llmtui.engine.branch_attention import BranchTails
from llmtui.engine.detokenize import StopFinder, TextDecoder
from llmtui.engine.drafting import PromptLookup
from llmtui.engine.events import (
    BranchToken,
    Candidate,
    Failed,
    Finished,
    FinishReason,
    Lookahead,
    Prefilled,
    Started,
    Timings,
    Token,
    Usage,
)
from llmtui.engine.lookahead import BranchRow, Explorer
from llmtui.engine.requests import GenerationRequest
from llmtui.engine.sampling import Distribution, adjust, distribution
from llmtui.engine.scheduler import Slice
from llmtui.engine.telemetry import RawRow
from llmtui.engine.watching import TOP_CANDIDATES, WatchedStream

if TYPE_CHECKING:
    from llmtui.engine.loaded import LoadedModel
    from llmtui.engine.runner import KVCache


@dataclass(slots=True)
class Clock:
    """When a request reached each of its milestones, in time.perf_counter seconds."""

    submitted: float = field(default_factory=time.perf_counter)
    started: float | None = None
    first_token: float | None = None
    last_token: float | None = None

    def tick(self) -> None:
        """A token was drawn."""
        self.last_token = time.perf_counter()
        if self.first_token is None:
            self.first_token = self.last_token

    def timings(self) -> Timings:
        now = time.perf_counter()
        started = self.started if self.started is not None else now
        first = self.first_token
        return Timings(
            queued=started - self.submitted,
            prefill=(first if first is not None else now) - started,
            first_token=None if first is None else first - self.submitted,
            decode=0.0 if first is None or self.last_token is None else self.last_token - first,
            total=now - self.submitted,
        )


class Sequence:
    """One request on its way: tokens known, tokens computed, text, and everything needed to draw the next one.

    Each sequence has `computed` <= len(`ids`); a step computes more of the known ones, and one that has caught up
    draws a new one, or several where guesses came true. The prefix cache was offered the first `offered` of them.
    """

    def __init__(
        self,
        request: GenerationRequest,
        stream: WatchedStream,
        model: "LoadedModel",
        prompt_ids: list[int],
        max_tokens: int,
    ) -> None:
        self.request = request
        self.params = request.params
        self.stream = stream
        self.model = model
        self.ids = list(prompt_ids)
        self.prompt_length = len(prompt_ids)
        self.max_tokens = max_tokens
        self.seed = request.params.seed if request.params.seed is not None else random.SystemRandom().getrandbits(32)
        self.computed = 0
        self.cached = 0
        self.offered = 0
        self.cache: KVCache = None
        self.tails = BranchTails(self.params.lookahead_depth)
        self.cancel_requested = False
        self.clock = Clock()
        self._lookup = PromptLookup()
        self._drafted = self._accepted = 0
        self._explorer = Explorer(self.params.lookahead_depth, model.info.context, model.eos_ids)
        self._branches_are_next = False
        self._generator = random.Random(self.seed)
        self._prompt_counts = Counter(prompt_ids)
        self._generated_counts: Counter[int] = Counter()
        self._decoder = TextDecoder(model.pieces)
        self._prompt_decoder = TextDecoder(model.pieces, at_start=True)
        self._stops = StopFinder(request.params.stop)
        self._text: list[str] = []
        self._text_length = 0
        self._text_ends: list[int] = []
        self._stop_ids = set(request.params.stop_ids) | (set() if request.params.ignore_eos else model.eos_ids)

    @property
    def generated(self) -> int:
        return len(self.ids) - self.prompt_length

    @property
    def pending(self) -> int:
        """How many tokens are known but not computed."""
        return len(self.ids) - self.computed

    @property
    def runs_alone(self) -> bool:
        """Whether its forwards hold no other sequence."""
        return self.params.exact or not self.model.runner.packs

    @property
    def overdue(self) -> bool:
        """Whether its deadline has passed."""
        deadline = self.request.deadline
        return deadline is not None and time.perf_counter() > self.clock.submitted + deadline

    def start(self) -> None:
        """Take the place that was given: begin where earlier requests' work ends."""
        self.clock.started = time.perf_counter()
        self.cached = self.computed = self.offered = self.model.runner.begin(self)
        self.stream.put(
            Started(
                self.request.request_id,
                self.model.info.name,
                self.prompt_length,
                self.max_tokens,
                self.seed,
                self.cached,
            )
        )

    def drafts(self) -> tuple[int, ...]:
        """Guesses to compute beside a generated token that is pending; no more than may be drawn after the next one."""
        room = min(self.params.speculate, self.max_tokens - self.generated - 1)
        return self._lookup.draft(self.ids, room) if room > 0 and self.generated and self.pending == 1 else ()

    def branches(self, room: int, *, between: bool = False) -> tuple[BranchRow, ...]:
        """Rows of lookahead to compute in the next forward, at most `room`; without room for them they are given up.

        between: in a forward of their own, which comes after each of the sequence's own.
        """
        if not self.params.lookahead or (between and not self._branches_are_next):
            return ()
        self._branches_are_next = False
        rows = self._explorer.rows(room)
        if not rows:
            self._tell(self._explorer.drop())
        return rows

    def accept(self, part: Slice, raws: list[RawRow], rows: int, began_ns: int) -> FinishReason | None:
        """Take what a step computed for this sequence; the reason to finish, if there is one.

        raws: each row of the part where `part.all_rows`, else the last one alone; and then those of branches.
        """
        own = len(raws) - len(part.branches)
        reason = self._accept_own(part, raws[:own], rows, began_ns)
        if part.branches:
            self._tell(self._explorer.accept([self._most_probable(raw) for raw in raws[own:]]))
        return reason

    def _accept_own(self, part: Slice, raws: list[RawRow], rows: int, began_ns: int) -> FinishReason | None:
        if part.begin < self.prompt_length:
            self._report_prefill(part, raws, rows, began_ns)
        self.computed = part.end
        if part.end < len(self.ids):
            return None
        return self._draw_along(part.drafts, raws[-1 - len(part.drafts) :], rows, began_ns)

    def _most_probable(self, raw: RawRow) -> BranchToken:
        """The greedy choice from a row; the lowest id of equals."""
        (token_id,) = raw.checked().top(1)
        return BranchToken(token_id, self.model.pieces.bytes_of(token_id), raw.logprob(token_id))

    def _tell(self, lookaheads: list[Lookahead]) -> None:
        for lookahead in lookaheads:
            self.stream.put(lookahead)

    def _draw_along(self, drafts: tuple[int, ...], raws: list[RawRow], rows: int, began_ns: int) -> FinishReason | None:
        """Draw from the first row, and from each next one while the draw is what its draft guessed.

        Each draw is made as without drafts: same row, same counts, same next `u`.
        """
        self._drafted += len(drafts)
        for raw, draft in zip(raws, (*drafts, None), strict=True):
            reason = self._draw(raw, rows, began_ns)
            came_true = self.ids[-1] == draft
            self._accepted += came_true
            if reason is not None or not came_true:
                return reason
            self.computed += 1
        return None

    def _report_prefill(self, part: Slice, raws: list[RawRow], rows: int, began_ns: int) -> None:
        scored: tuple[Token, ...] = ()
        if part.all_rows:
            first = (self._prompt_token(0, None, rows, began_ns),) if part.begin == 0 else ()
            predicted = range(part.begin + 1, min(part.end + 1, self.prompt_length))
            scored = first + tuple(self._prompt_token(i, raws[i - part.begin - 1], rows, began_ns) for i in predicted)
        self.stream.put(Prefilled(part.end, self.prompt_length, scored))

    def _draw(self, raw: RawRow, rows: int, began_ns: int) -> FinishReason | None:
        """Draw the next token from a row and report it with every fact."""
        raw.checked()
        adjusted = adjust(raw.logits, self.params, self._prompt_counts, self._generated_counts)
        dist = distribution(adjusted, self.params, raw)
        u = None if self.params.temperature == 0 else self._generator.random()
        token_id = dist.draw(u or 0.0)
        self.ids.append(token_id)
        self._generated_counts[token_id] += 1
        text = "" if token_id in self._stop_ids else self._decoder.push(token_id)
        delta = self._take_text(text)
        self.clock.tick()
        token = self._drawn_token(token_id, raw, dist, u, text, delta, rows, began_ns)
        self.stream.put(token, lambda: replace(token, candidates=self._candidates(raw, dist, token_id, TOP_CANDIDATES)))
        if self.params.lookahead:
            self._offer_alternatives(raw, token_id)
        if token_id in self._stop_ids or self._stops.match is not None:
            return "stop"
        return "length" if self.generated >= self.max_tokens else None

    def _drawn_token(
        self,
        token_id: int,
        raw: RawRow,
        dist: Distribution,
        u: float | None,
        text: str,
        delta: str,
        rows: int,
        began_ns: int,
    ) -> Token:
        candidates = self._candidates(raw, dist, token_id, 0)
        rank, ties = raw.rank_and_ties(token_id)
        return Token(
            index=len(self.ids) - 1,
            id=token_id,
            bytes=self.model.pieces.bytes_of(token_id),
            text=text,
            delta=delta,
            is_prompt=False,
            is_special=self.model.pieces.is_special(token_id),
            logprob=raw.logprob(token_id),
            rank=rank,
            ties=ties,
            entropy_bits=raw.entropy_bits,
            candidates=candidates,
            stages=dist.stages,
            u=u,
            sampled_prob=next(c.sampled_prob for c in candidates if c.id == token_id),
            rows=rows,
            step_ns=time.perf_counter_ns() - began_ns,
        )

    def _offer_alternatives(self, raw: RawRow, token_id: int) -> None:
        wanted = [i for i in raw.top(self.params.lookahead + 1) if i != token_id][: self.params.lookahead]
        bytes_of = self.model.pieces.bytes_of
        self._explorer.offer(len(self.ids) - 1, [BranchToken(i, bytes_of(i), raw.logprob(i)) for i in wanted])
        self._branches_are_next = True

    def finish(self, reason: FinishReason) -> None:
        """Report the end, with the text that was still held back and what lookahead came to."""
        self._tell(self._explorer.drop())
        rest = "" if self._stops.match is not None else self._stops.push(self._decoder.flush()) + self._stops.flush()
        self._text.append(rest)
        self.cache = None
        match = self._stops.match
        self.stream.put(
            Finished(
                reason=reason,
                delta=rest,
                text="".join(self._text),
                text_tokens=sum(end <= match.start for end in self._text_ends) if match else len(self._text_ends),
                stop=match.stop if match else None,
                usage=self.usage,
                timings=self.clock.timings(),
            )
        )

    def fail(self, error: BaseException) -> None:
        self.cache = None
        self.stream.put(Failed(str(error) or type(error).__name__, self.usage, self.clock.timings()))

    @property
    def usage(self) -> Usage:
        return Usage(self.prompt_length, self.generated, self.cached, self._drafted, self._accepted)

    def _append(self, token_id: int) -> None:
        self.ids.append(token_id)
        self._generated_counts[token_id] += 1

    def _take_text(self, text: str) -> str:
        """Pass new text through the stop strings; the delta that may be shown."""
        self._text_length += len(text)
        # a token that begins a character reaches into the text to come
        self._text_ends.append(self._text_length + (1 if self._decoder.pending else 0))
        delta = self._stops.push(text)
        self._text.append(delta)
        return delta

    def _candidates(self, raw: RawRow, dist: Distribution, token_id: int, at_least: int) -> tuple[Candidate, ...]:
        count = max(self.params.top_logprobs, at_least)
        raw_top = raw.top(count)
        ids = list(dict.fromkeys([*raw_top, *dist.ranking.ids[: min(count, dist.kept)].tolist(), token_id]))
        if len(ids) > len(raw_top):
            ids.sort(key=lambda i: (-float(raw.logits[i]), i))
        pieces = self.model.pieces
        return tuple(Candidate(i, pieces.bytes_of(i), raw.logprob(i), dist.prob(i)) for i in ids)

    def _prompt_token(self, index: int, raw: RawRow | None, rows: int, began_ns: int) -> Token:
        """The facts of one prompt token; raw: the row that predicted it, None for the first token."""
        token_id = self.ids[index]
        pieces = self.model.pieces
        if raw is not None:
            raw.checked()
        rank, ties = (None, None) if raw is None else raw.rank_and_ties(token_id)
        ids = [] if raw is None else raw.top(self.params.top_logprobs)
        if raw is not None and token_id not in ids:
            ids = sorted([*ids, token_id], key=lambda i: (-float(raw.logits[i]), i))
        text = self._prompt_decoder.push(token_id)
        return Token(
            index=index,
            id=token_id,
            bytes=pieces.bytes_of(token_id),
            text=text,
            delta="",
            is_prompt=True,
            is_special=pieces.is_special(token_id),
            logprob=None if raw is None else raw.logprob(token_id),
            rank=rank,
            ties=ties,
            entropy_bits=None if raw is None else raw.entropy_bits,
            candidates=()
            if raw is None
            else tuple(Candidate(i, pieces.bytes_of(i), raw.logprob(i), None) for i in ids),
            stages=(),
            u=None,
            sampled_prob=None,
            rows=rows,
            step_ns=time.perf_counter_ns() - began_ns,
        )
