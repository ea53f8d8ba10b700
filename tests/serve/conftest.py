"""What the tests of the service share: a kept domain, and a service of it for each module."""

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("httpx")

from service_processes import keep_domain, running_service


@pytest.fixture(scope="session")
def domain_path(tmp_path_factory):
    return keep_domain(tmp_path_factory.mktemp("domain"))


@pytest.fixture(scope="module")
def service(domain_path):
    with running_service(domain_path) as service:
        yield service


@pytest.fixture
def client(service):
    with service.client() as client:
        yield client
