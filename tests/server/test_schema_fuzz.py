"""Requests made from /openapi.json by schemathesis: no defect of ours, no answer that is not described, none too late.

The suite's own few take seconds; LLMTUI_FUZZ_CASES=2000 makes at least so many in all, as .ci/run does.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from api_client import Api
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CASES = int(os.environ.get("LLMTUI_FUZZ_CASES", "0"))
EXAMPLES = max(3, CASES // 18)  # of each route; those without a body or a name have only one
ANSWER_SECONDS = 30
NOT_BUILT = r"^/api/(create|copy|push|embed|embeddings|blobs/.*)$"  # they answer 501, as they should
# so that most requests reach the model, and none keeps it for long
SHORT: dict[str, dict[str, Any]] = {
    "/generate": {"max_new_tokens": 2, "model": None},
    "/score": {"model": None},
    "/tokenize": {"model": None},
    "/detokenize": {"model": None},
    "/v1/completions": {"max_tokens": 2, "n": 1, "model": None},
    "/v1/chat/completions": {"max_completion_tokens": 2, "n": 1, "model": None},
    "/api/generate": {"model": "tiny-tales", "options": {"num_predict": 2}},
    "/api/chat": {"model": "tiny-tales", "options": {"num_predict": 2}},
    "/api/show": {"model": "tiny-tales"},
}


answers: Counter[str] = Counter()

pytestmark = pytest.mark.timeout(600)


def whole_json(_context: object, response: schemathesis.Response, _case: schemathesis.Case) -> None:
    """Every line of a stream, and every plain answer, is JSON as the standard has it."""
    kind = response.headers.get("content-type", [""])[0].partition(";")[0]
    text = response.content.decode("utf-8")
    if kind == "application/x-ndjson":
        lines = text.splitlines()
    elif kind == "text/event-stream":
        lines = [frame.removeprefix("data: ") for frame in text.split("\n\n") if frame and frame != "data: [DONE]"]
    else:
        lines = [text] if kind == "application/json" and text else []
    for line in lines:
        json.loads(line, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    whole_json,
]


@pytest.fixture(scope="module")
def described(api: Api) -> Iterator[Any]:
    yield schemathesis.openapi.from_url(f"http://127.0.0.1:{api.port}/openapi.json")
    assert answers.total() >= CASES, answers


schema = schemathesis.pytest.from_fixture("described").exclude(path_regex=NOT_BUILT)


@schema.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck), database=None
)
def test_every_answer_is_one_that_the_description_promises(case: schemathesis.Case) -> None:
    if isinstance(case.body, dict):
        case.body = case.body | SHORT.get(case.path, {})
    case.call_and_validate(checks=CHECKS, timeout=ANSWER_SECONDS)
    answers[case.path] += 1
