"""The state of one running generation, and how it goes on with what a step computed."""

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from llmtui.engine.branch_attention import BranchTails
from llmtui.engine.clock import Clock
from llmtui.engine.detokenize import TextDecoder
from llmtui.engine.drafting import PromptLookup
from llmtui.engine.draws import Draw, Drawer
from llmtui.engine.events import (
    BranchToken,
    Failed,
    Finished,
    FinishReason,
    Lookahead,
    Prefilled,
    Started,
    Token,
    Usage,
)
from llmtui.engine.live import cache_bytes
from llmtui.engine.lookahead import BranchRow, Explorer
from llmtui.engine.requests import GenerationRequest
from llmtui.engine.scheduler import Slice
from llmtui.engine.telemetry import RawRow
from llmtui.engine.token_facts import Step, branch_token, drawn_candidates, drawn_token, prompt_token
from llmtui.engine.watching import TOP_CANDIDATES, WatchedStream
from llmtui.engine.written_text import WrittenText

if TYPE_CHECKING:
    from llmtui.engine.loaded import LoadedModel
    from llmtui.engine.runner import KVCache

# tokens: a slab moves to a larger place at multiples of it; to weigh a cache is to look at each of its layers, which is
# too much for every step
GROWTH = 64


class Sequence:
    """One request on its way: tokens known, tokens computed, text, and everything needed to draw the next one.

    Each sequence has `computed` <= len(`ids`); a step computes more of the known ones, and one that has caught up
    draws a new one, or several where guesses came true. The prefix cache was offered the first `offered` of them.

    cache     keys and values; no other thread may hold them, or it would be the one to give their memory back
    kv_bytes  what they take, for all threads
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
        self.kv_bytes = 0
        self._weighed = 0
        self.tails = BranchTails(self.params.lookahead_depth)
        self.cancel_requested = False
        self.clock = Clock()
        self._lookup = PromptLookup()
        self._drafted = self._accepted = 0
        self._explorer = Explorer(self.params.lookahead_depth, model.info.context, model.eos_ids)
        self._branches_are_next = False
        self._generator = random.Random(self.seed)
        self._drawer = Drawer(self.params, prompt_ids)
        self._prompt_decoder = TextDecoder(model.pieces, at_start=True)
        self._written = WrittenText(model.pieces, request.params.stop)
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
        self.kv_bytes = cache_bytes(self.cache)
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

        Its events are held by the stream until they are released.
        raws: each row of the part where `part.all_rows`, else the last one alone; and then those of branches.
        """
        if part.last > self._weighed:
            self._weigh(part.last)
        step = Step(rows, began_ns)
        own = len(raws) - len(part.branches)
        reason = self._accept_own(part, raws[:own], step)
        if part.branches:
            self._tell(self._explorer.accept([self._most_probable(raw) for raw in raws[own:]]))
        return reason

    def _weigh(self, tokens: int) -> None:
        """Publish what its cache takes, now that it holds so many tokens; the next time is when it may have grown."""
        self.kv_bytes = cache_bytes(self.cache)
        self._weighed = -(-tokens // GROWTH) * GROWTH

    def _accept_own(self, part: Slice, raws: list[RawRow], step: Step) -> FinishReason | None:
        if part.begin < self.prompt_length:
            self._report_prefill(part, raws, step)
        self.computed = part.end
        if part.end < len(self.ids):
            return None
        return self._draw_along(part.drafts, raws[-1 - len(part.drafts) :], step)

    def _most_probable(self, raw: RawRow) -> BranchToken:
        """The greedy choice from a row; the lowest id of equals."""
        (token_id,) = raw.checked().top(1)
        return branch_token(raw, token_id, self.model.pieces)

    def _tell(self, lookaheads: list[Lookahead]) -> None:
        for lookahead in lookaheads:
            self.stream.put(lookahead)

    def _draw_along(self, drafts: tuple[int, ...], raws: list[RawRow], step: Step) -> FinishReason | None:
        """Draw from the first row, and from each next one while the draw is what its draft guessed.

        Each draw is made as without drafts: same row, same counts, same next `u`.
        """
        self._drafted += len(drafts)
        for raw, draft in zip(raws, (*drafts, None), strict=True):
            reason = self._take(self._draw(raw), step)
            came_true = self.ids[-1] == draft
            self._accepted += came_true
            if reason is not None or not came_true:
                return reason
            self.computed += 1
        return None

    def _report_prefill(self, part: Slice, raws: list[RawRow], step: Step) -> None:
        scored: tuple[Token, ...] = ()
        if part.all_rows:
            first = (self._prompt_token(0, None, step),) if part.begin == 0 else ()
            predicted = range(part.begin + 1, min(part.end + 1, self.prompt_length))
            scored = first + tuple(self._prompt_token(i, raws[i - part.begin - 1], step) for i in predicted)
        self.stream.hold(Prefilled(part.end, self.prompt_length, scored))

    def _prompt_token(self, index: int, raw: RawRow | None, step: Step) -> Token:
        token_id = self.ids[index]
        text = self._prompt_decoder.push(token_id)
        return prompt_token(raw, index, token_id, text, step, self.model.pieces, self.params.top_logprobs)

    def _draw(self, raw: RawRow) -> Draw:
        """Draw the next token from a row."""
        u = None if self.params.temperature == 0 else self._generator.random()
        return self._drawer.draw(raw.checked(), u)

    def _take(self, draw: Draw, step: Step) -> FinishReason | None:
        """Append a token that was drawn and report it with every fact; the reason to finish, if there is one."""
        self.ids.append(draw.id)
        ends = draw.id in self._stop_ids
        text, delta = self._written.push(None if ends else draw.id)
        self.clock.tick()
        pieces, top = self.model.pieces, self.params.top_logprobs
        token = drawn_token(draw, len(self.ids) - 1, text, delta, step, pieces, top)
        rich = max(top, TOP_CANDIDATES)
        self.stream.hold(token, lambda: replace(token, candidates=drawn_candidates(draw, pieces, rich)))
        if self.params.lookahead:
            self._offer_alternatives(draw)
        if ends or self._written.stopped:
            return "stop"
        return "length" if self.generated >= self.max_tokens else None

    def _offer_alternatives(self, draw: Draw) -> None:
        count = self.params.lookahead
        wanted = [i for i in draw.raw.top(count + 1) if i != draw.id][:count]
        self._explorer.offer(len(self.ids) - 1, [branch_token(draw.raw, i, self.model.pieces) for i in wanted])
        self._branches_are_next = True

    def finish(self, reason: FinishReason) -> None:
        """Report the end, with the text that was still held back and what lookahead came to."""
        self._tell(self._explorer.drop())
        delta = self._written.end()
        self._let_go()
        self.stream.put(
            Finished(
                reason=reason,
                delta=delta,
                text=self._written.text,
                text_tokens=self._written.tokens,
                stop=self._written.stop,
                usage=self.usage,
                timings=self.clock.timings(),
            )
        )

    def fail(self, error: BaseException) -> None:
        self._let_go()
        self.stream.put(Failed(str(error) or type(error).__name__, self.usage, self.clock.timings()))

    def _let_go(self) -> None:
        self.cache, self.kv_bytes = None, 0

    @property
    def usage(self) -> Usage:
        return Usage(self.prompt_length, self.generated, self.cached, self._drafted, self._accepted)
