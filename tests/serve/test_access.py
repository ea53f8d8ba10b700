"""Who may ask: names, pages from elsewhere, tokens."""

import os
import subprocess
import sys

import httpx
import pytest

from hullwise.errors import DataError
from hullwise.serve import create_app
from hullwise.serve._access_guard import AccessGuard
from service_processes import WAIT, running_service, training_rows

TOKEN = "a-token-of-the-tests"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example",
     "10.0.0.1", "user@localhost", "localhost/x", "", "[::1", "0x7f.1", "localhost:x"],
)  # fmt: skip
def test_foreign_names_are_refused(client, host):
    answer = client.get("/domain", headers={"Host": host})
    assert answer.status_code in (400, 421)
    if answer.status_code == 421:
        assert "--allow-host" in answer.json()["error"]
    assert "size" not in answer.text


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "127.0.0.1", "[::1]:80", "LOCALHOST."]
)
def test_own_names_are_answered(client, host):
    assert client.get("/domain", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://localhost", "file://", "http://localhost:1"]
)
def test_pages_from_elsewhere_are_refused(client, service, origin):
    headers = {"Origin": origin, "Host": f"localhost:{service.port}"}
    assert client.post("/locate", json={"size": 3}, headers=headers).status_code == 403
    assert "access-control-allow-origin" not in client.get("/domain").headers


def test_own_page_may_ask(client, service):
    headers = {"Origin": service.url}
    assert client.post("/locate", json={"size": 3}, headers=headers).status_code == 200


@pytest.fixture(scope="module")
def guarded(domain_path):
    environment = {**os.environ, "HULLWISE_TOKEN": TOKEN}
    options = ("--allow-host", "hull.example", "--host", "127.0.0.1")
    with running_service(domain_path, *options, env=environment) as service:
        yield service


@pytest.mark.parametrize(
    "value", [None, "Bearer", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"Bearer  {TOKEN}", "é"]
)
def test_token_is_asked_for(guarded, value):
    headers = {} if value is None else {"Authorization": value.encode()}
    with guarded.client() as client:
        for path in ("/domain", "/metrics", "/nothing"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert TOKEN not in answer.text
        for path in ("/locate", "/explain"):
            assert client.post(path, json={"size": 3}, headers=headers).status_code == 401


def test_token_opens(guarded):
    with guarded.client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        assert client.get("/domain").status_code == 200
        assert client.get("/domain", headers={"Host": "hull.example"}).status_code == 200
        assert client.post("/locate", json={"size": 3}).status_code == 200
    with guarded.client() as client:
        for path in ("/", "/healthz", "/openapi.json", "/page/main.js"):
            answer = client.get(path)
            assert answer.status_code == 200
            assert TOKEN not in answer.text


def test_headers_of_answers(client):
    for path in ("/", "/domain", "/nothing"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


def test_other_machines_need_a_token(domain_path):
    command = [sys.executable, "-m", "hullwise", "serve", str(domain_path), "--host", "0.0.0.0"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)
    assert run.returncode == 3
    assert "--token" in run.stderr
    assert "--without-token" in run.stderr


@pytest.mark.parametrize("token", ["short", "with a space in it", "höchst-geheim"])
def test_tokens_that_are_none(token):
    import hullwise as hw

    domain = hw.Domain().fit(training_rows()[:50], target="rent")
    with pytest.raises(DataError, match="token"):
        create_app(domain, token=token)


@pytest.mark.parametrize(
    ("host", "server", "allowed"),
    [
        (b"10.0.0.7:8000", ("10.0.0.7", 8000), True),
        (b"192.168.1.1", ("10.0.0.7", 8000), True),
        (b"hull.example", ("10.0.0.7", 8000), False),
        (b"10.0.0.7", ("127.0.0.1", 8000), False),
        (b"10.0.0.7", ("/run/hull.sock", None), False),
        (b"localhost", ("/run/hull.sock", None), True),
    ],
)
def test_addresses_name_a_service_of_the_network(host, server, allowed):
    """An address cannot be made to point elsewhere, a name can."""
    assert AccessGuard(None, None)._is_own(host, server) == allowed
    assert AccessGuard(None, None, ["*"])._is_own(host, server)


def test_raw_request_without_a_host(service):
    import socket

    with socket.create_connection(("127.0.0.1", service.port), timeout=WAIT) as link:
        link.sendall(b"GET /domain HTTP/1.0\r\n\r\n")
        assert b" 421 " in link.recv(4096)
    assert httpx.get(f"{service.url}/healthz", trust_env=False).status_code == 200
