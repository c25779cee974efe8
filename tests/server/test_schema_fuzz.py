"""Requests made from /openapi.json by schemathesis: no defect of ours, no answer that is not described, none too late.

LLMTUI_FUZZ_EXAMPLES says how many for each route; the suite's own few take seconds, 100 are some 2,500 in all.
"""

import os
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

EXAMPLES = int(os.environ.get("LLMTUI_FUZZ_EXAMPLES", "3"))
ANSWER_SECONDS = 30
NOT_BUILT = r"^/api/(create|copy|push|embed|embeddings)$"  # they answer 501, as they should
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
# so that most requests reach the model, and none keeps it for long
SHORT: dict[str, dict[str, Any]] = {
    "/generate": {"max_new_tokens": 2},
    "/v1/completions": {"max_tokens": 2, "n": 1, "model": None},
    "/v1/chat/completions": {"max_completion_tokens": 2, "n": 1, "model": None},
    "/api/generate": {"model": "tiny-tales", "options": {"num_predict": 2}},
    "/api/chat": {"model": "tiny-tales", "options": {"num_predict": 2}},
    "/api/show": {"model": "tiny-tales"},
}


@pytest.fixture(scope="module")
def described(api: Api) -> Any:
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{api.port}/openapi.json")


schema = schemathesis.pytest.from_fixture("described").exclude(path_regex=NOT_BUILT)


@schema.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck), database=None
)
def test_every_answer_is_one_that_the_description_promises(case: schemathesis.Case) -> None:
    if isinstance(case.body, dict):
        case.body = case.body | SHORT.get(case.path, {})
    case.call_and_validate(checks=CHECKS, timeout=ANSWER_SECONDS)
