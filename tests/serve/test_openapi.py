"""The service against its own description."""

import json

import pytest

pytest.importorskip("schemathesis")

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as openapi_checks

import hullwise as hw
from hullwise.serve import ServiceLimits, create_app
from service_processes import training_rows

EXAMPLES = 25


@pytest.fixture(scope="module")
def description(service):
    with service.client() as client:
        return client.get("/openapi.json").json()


def test_description(description):
    assert sorted(description["paths"]) == [
        "/domain",
        "/explain",
        "/healthz",
        "/locate",
        "/metrics",
    ]
    body = description["paths"]["/locate"]["post"]["requestBody"]["content"]
    assert "size" in json.dumps(body["application/json"])
    assert "http" not in json.dumps(description)


@pytest.mark.filterwarnings("ignore")
def test_service_keeps_to_its_description(service, description):
    schema = schemathesis.openapi.from_dict(description)
    checks = [
        not_a_server_error,
        openapi_checks.status_code_conformance,
        openapi_checks.content_type_conformance,
        openapi_checks.response_schema_conformance,
    ]
    strategy = schema["/locate"]["POST"].as_strategy() | schema["/explain"]["POST"].as_strategy()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def keeps(case):
        response = case.call(base_url=service.url)
        case.validate_response(response, checks=checks)

    keeps()


def test_app_for_other_servers():
    """What uvicorn and gunicorn are given; no process of ours."""
    domain = hw.Domain().fit(training_rows()[:60], target="rent")
    app = create_app(domain, limits=ServiceLimits(max_rows=10))
    assert app.state.service.description["limits"]["max_rows"] == 10
    assert app.openapi()["info"]["title"] == "hullwise"
