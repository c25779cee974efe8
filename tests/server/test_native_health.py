"""GET /health and GET /info, as operators and clients read them."""

import pytest
from api_client import Api, serving, until

from llmtui.engine import Engine
from llmtui.server.schemas import GenerateBody
from llmtui.settings import Settings


@pytest.fixture
def empty_engine() -> Engine:
    with Engine() as engine:
        yield engine


def test_health_of_a_loaded_model_is_exactly_what_the_contract_says(api: Api) -> None:
    reply = api.get("/health")
    assert reply.status == 200
    assert reply.json == {"status": "healthy", "model": "tiny-tales", "device": "CPU", "cuda_available": False}


def test_health_says_loading_before_the_first_load_begins(empty_engine: Engine) -> None:
    with serving(empty_engine, Settings(_env_file=None, port=0, model_name="some-model")) as api:
        reply = api.get("/health")
    assert (reply.status, reply.json["status"], reply.json["model"]) == (503, "loading", "some-model")
    assert int(reply.headers["retry-after"]) >= 1


def test_health_says_degraded_after_a_failed_load_and_generate_says_so_too(empty_engine: Engine, tmp_path) -> None:
    task = empty_engine.load(str(tmp_path / "no-such-model"))
    until(lambda: task.ended)
    with serving(empty_engine, Settings(_env_file=None, port=0)) as api:
        health, refused = api.get("/health"), api.generate(prompt="Once")
    assert (health.status, health.json["status"]) == (503, "degraded")
    assert (refused.status, refused.error["code"]) == (503, "model_not_ready")


def test_health_says_loading_while_the_model_loads_and_then_healthy(empty_engine: Engine) -> None:
    with serving(empty_engine, Settings(_env_file=None, port=0)) as api:
        task = empty_engine.load("tiny-tales", device="cpu")
        loading, refused = api.get("/health"), api.generate(prompt="Once")
        assert not task.ended, "the load was over before it could be asked about"
        task.wait(timeout=120)
        assert api.get("/health").json["status"] == "healthy"
    assert (loading.status, loading.json["status"], loading.json["model"]) == (503, "loading", "tiny-tales")
    assert (refused.status, refused.error["code"]) == (503, "model_not_ready")
    assert int(refused.headers["retry-after"]) >= 1


def test_a_closed_engine_is_degraded_and_refuses_work(settings: Settings) -> None:
    engine = Engine()
    engine.close()
    with serving(engine, settings) as api:
        assert (api.get("/health").status, api.get("/health").json["status"]) == (503, "degraded")
        refused = api.generate(prompt="Once")
    assert (refused.status, refused.error["code"]) == (503, "shutting_down")


def test_health_answers_while_the_engine_is_full(api: Api, occupied) -> None:
    with occupied(12):
        assert api.get("/health").status == 200


def test_info_holds_the_settings_and_every_parameter_with_its_limits(api: Api, settings: Settings) -> None:
    info = api.get("/info").json
    parameters = info.pop("supported_parameters")
    assert info == {
        "api_version": "1.0.0",
        "model": "tiny-tales",
        "device": "CPU",
        "max_length_limit": settings.max_length_limit,
        "default_max_length": settings.default_max_length,
        "default_temperature": settings.default_temperature,
    }
    assert set(parameters) == set(GenerateBody.model_fields)
    assert all(set(facts) == {"type", "min", "max", "default", "description"} for facts in parameters.values())
    assert all(facts["description"] for facts in parameters.values())
    assert parameters["max_length"]["max"] == settings.max_length_limit
    assert parameters["max_length"]["default"] == settings.default_max_length
    assert parameters["seed"]["max"] == 2**63 - 1
    assert parameters["stop"]["type"] == "string or array of strings"


def test_what_info_says_is_what_generate_does(api: Api) -> None:
    parameters = api.get("/info").json["supported_parameters"]
    above_zero = {name for name, facts in parameters.items() if facts["description"].startswith("above 0;")}
    assert above_zero == {"top_p", "typical_p"}
    for name, facts in parameters.items():
        for bound, step in (("min", -1), ("max", 1)):
            if facts[bound] is None:
                continue
            outside = api.generate(**{"prompt": "Once", "max_new_tokens": 1, name: facts[bound] + step})
            assert (outside.status, outside.error["param"]) == (400, name), (name, bound)
            inside = api.generate(**{"prompt": "Once", "max_new_tokens": 1, name: facts[bound]})
            if bound == "min" and name in above_zero:
                assert (inside.status, inside.error["param"]) == (400, name)
            elif (name, bound) not in {("max_length", "min"), ("max_new_tokens", "max")}:
                # those two depend on the prompt, too
                assert inside.status == 200, (name, bound, inside.body)


def test_head_works_where_get_does(api: Api) -> None:
    for path in ("/health", "/info"):
        head, get = api.request("HEAD", path), api.get(path)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"]
