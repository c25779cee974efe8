"""Events as JSON, one line each: the same names and units everywhere that a trace leaves the program.

A log-probability that is minus infinity has no JSON number and is written as null.
"""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

from llmtui.engine.events import (
    Branch,
    BranchToken,
    Candidate,
    Event,
    Failed,
    Finished,
    Lookahead,
    Prefilled,
    Queued,
    Stage,
    Started,
    Timings,
    Token,
    Usage,
)

_NAMES: dict[type, str] = {
    Queued: "queued",
    Started: "started",
    Prefilled: "prefilled",
    Token: "token",
    Lookahead: "lookahead",
    Finished: "finished",
    Failed: "failed",
}


def event_to_json(event: Event) -> dict[str, Any]:
    """One event as plain JSON values; `event` holds its name. Bytes are lists of integers."""
    fields: dict[str, Any] = {"event": _NAMES[type(event)]}
    match event:
        case Queued():
            return fields | {"request_id": event.request_id, "position": event.position}
        case Started():
            return fields | {
                "request_id": event.request_id,
                "model": event.model,
                "prompt_tokens": event.prompt_tokens,
                "max_tokens": event.max_tokens,
                "seed": event.seed,
                "cached_tokens": event.cached_tokens,
            }
        case Prefilled():
            return fields | {
                "done": event.done,
                "total": event.total,
                "tokens": [token_to_json(t) for t in event.tokens],
            }
        case Token():
            return fields | token_to_json(event)
        case Lookahead():
            return fields | lookahead_to_json(event)
        case Finished():
            return fields | {
                "reason": event.reason,
                "delta": event.delta,
                "text": event.text,
                "text_tokens": event.text_tokens,
                "stop": event.stop,
                "usage": usage_to_json(event.usage),
                "timings": timings_to_json(event.timings, event.usage),
            }
        case Failed():
            return fields | {
                "error": event.error,
                "usage": usage_to_json(event.usage),
                "timings": timings_to_json(event.timings, event.usage),
            }


def token_to_json(token: Token) -> dict[str, Any]:
    """Every fact of a token."""
    return {
        "index": token.index,
        "id": token.id,
        "text": token.text,
        "delta": token.delta,
        "bytes": list(token.bytes),
        "is_prompt": token.is_prompt,
        "is_special": token.is_special,
        "logprob": _finite(token.logprob),
        "surprisal_bits": _finite(token.surprisal_bits),
        "rank": token.rank,
        "ties": token.ties,
        "entropy_bits": token.entropy_bits,
        "sampled_prob": token.sampled_prob,
        "u": token.u,
        "candidates": [_candidate_to_json(c) for c in token.candidates],
        "stages": [_stage_to_json(s) for s in token.stages],
        "rows": token.rows,
        "step_ns": token.step_ns,
    }


def lookahead_to_json(lookahead: Lookahead) -> dict[str, Any]:
    """What would have come instead of the token at `index`."""
    return {
        "index": lookahead.index,
        "branches": [
            _branch_token_to_json(branch)
            | {"continuation": branch.continuation, "tokens": [_branch_token_to_json(t) for t in branch.tokens]}
            for branch in lookahead.branches
        ],
    }


def usage_to_json(usage: Usage) -> dict[str, int | float | None]:
    """Tokens; and the share of drafted ones that were accepted, null where none was drafted."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cached_tokens": usage.cached_tokens,
        "drafted_tokens": usage.drafted_tokens,
        "accepted_tokens": usage.accepted_tokens,
        "acceptance_rate": usage.acceptance_rate,
    }


def timings_to_json(timings: Timings, usage: Usage) -> dict[str, float | None]:
    """Seconds; and the decode speed in tokens per second."""
    return {
        "queued_s": timings.queued,
        "prefill_s": timings.prefill,
        "first_token_s": timings.first_token,
        "decode_s": timings.decode,
        "total_s": timings.total,
        "tokens_per_second": timings.tokens_per_second(usage.completion_tokens),
    }


def event_from_json(fields: dict[str, Any]) -> Event | None:
    """The event that `event_to_json` wrote; None for a lookahead, and for one that a later version may have."""
    match fields["event"]:
        case "queued":
            return Queued(fields["request_id"], fields["position"])
        case "started":
            started = ("request_id", "model", "prompt_tokens", "max_tokens", "seed", "cached_tokens")
            return Started(**{name: fields[name] for name in started})
        case "prefilled":
            return Prefilled(fields["done"], fields["total"], tuple(token_from_json(t) for t in fields["tokens"]))
        case "token":
            return token_from_json(fields)
        case "finished":
            names = ("reason", "delta", "text", "text_tokens", "stop")
            facts = {name: fields[name] for name in names}
            return Finished(**facts, usage=_usage_from_json(fields), timings=_timings_from_json(fields))
        case "failed":
            return Failed(fields["error"], _usage_from_json(fields), _timings_from_json(fields))
    return None


def _usage_from_json(fields: dict[str, Any]) -> Usage:
    names = ("prompt_tokens", "completion_tokens", "cached_tokens", "drafted_tokens", "accepted_tokens")
    return Usage(**{name: fields["usage"][name] for name in names})


def _timings_from_json(fields: dict[str, Any]) -> Timings:
    names = ("queued", "prefill", "first_token", "decode", "total")
    return Timings(**{name: fields["timings"][f"{name}_s"] for name in names})


def token_from_json(fields: dict[str, Any]) -> Token:
    """The token that `token_to_json` wrote."""
    return Token(
        index=fields["index"],
        id=fields["id"],
        bytes=bytes(fields["bytes"]),
        text=fields["text"],
        delta=fields["delta"],
        is_prompt=fields["is_prompt"],
        is_special=fields["is_special"],
        logprob=_logprob(fields) if fields["rank"] is not None else None,
        rank=fields["rank"],
        ties=fields["ties"],
        entropy_bits=fields["entropy_bits"],
        candidates=tuple(
            Candidate(c["id"], bytes(c["bytes"]), _logprob(c), c["sampled_prob"]) for c in fields["candidates"]
        ),
        stages=tuple(Stage(s["name"], s["value"], s["kept"], s["raw_mass"]) for s in fields["stages"]),
        u=fields["u"],
        sampled_prob=fields["sampled_prob"],
        rows=fields["rows"],
        step_ns=fields["step_ns"],
    )


def read_tokens(lines: Iterable[str]) -> Iterator[Token]:
    """The tokens of a trace in JSON lines, the prompt's included, oldest first."""
    for line in lines:
        fields = json.loads(line)
        match fields["event"]:
            case "prefilled":
                yield from (token_from_json(token) for token in fields["tokens"])
            case "token":
                yield token_from_json(fields)


def _candidate_to_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "id": candidate.id,
        "text": candidate.bytes.decode("utf-8", errors="replace"),
        "bytes": list(candidate.bytes),
        "logprob": _finite(candidate.logprob),
        "sampled_prob": candidate.sampled_prob,
    }


def _branch_token_to_json(token: Branch | BranchToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "text": token.bytes.decode("utf-8", errors="replace"),
        "bytes": list(token.bytes),
        "logprob": _finite(token.logprob),
    }


def _stage_to_json(stage: Stage) -> dict[str, Any]:
    return {"name": stage.name, "value": stage.value, "kept": stage.kept, "raw_mass": stage.raw_mass}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _logprob(fields: dict[str, Any]) -> float:
    return -math.inf if fields["logprob"] is None else float(fields["logprob"])
