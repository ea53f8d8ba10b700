"""Bodies that are too large, malformed, slow, or mean to be larger than they are."""

import contextlib
import gzip
import io
import json
import socket
import time

import httpx
import pyarrow as pa
import pytest

from service_processes import WAIT, running_service

JSON = {"Content-Type": "application/json"}
STREAM = {"Content-Type": "application/vnd.apache.arrow.stream"}


@pytest.fixture(scope="module")
def service(domain_path):
    options = ("--max-rows", "200", "--max-body", "1", "--max-seconds", "5")
    with running_service(domain_path, *options) as service:
        yield service


def error_of(answer, status):
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    return answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("", 400, "no JSON"),
        ("{", 400, "no JSON"),
        ("nope", 400, "no JSON"),
        (b"\xff\xfe{}", 400, "no"),
        (b'{"city": "K\xf6ln"}', 400, "UTF-8"),
        ("3", 422, "a number"),
        ("null", 422, "null"),
        ('"text"', 422, "text"),
        ("[]", 422, "no rows"),
        ('{"size": []}', 422, "no rows"),
        ('[{"size": NaN}]', 422, "NaN"),
        ('[{"size": -Infinity}]', 422, "Infinity"),
        ('[{"size": 1, "size": 2}]', 422, "'size' twice"),
        ('{"size": [1, 2], "rooms": [1]}', 422, "2 and 1 cells"),
        ('{"size": [1, 2], "rooms": 3}', 422, "a number where"),
        ('{"size": [1, 2]}', 422, "'rooms', 'city', 'built'"),
        ("[" * 100_000, 422, "nested too deeply"),
        ('{"a":' * 100_000, 422, "nested too deeply"),
        ("[" + "1" * 5000 + "]", 400, "no JSON that can be read"),
        (json.dumps([{"size": 1}] * 201), 413, "201 rows at once"),
        (json.dumps({name: [1] * 201 for name in ("size", "rooms", "city", "built")}), 413, "201"),
        (" " * 2**20 + "[{}]", 413, "1.0 MiB"),
    ],
)  # fmt: skip
def test_refusals_are_sentences(client, body, status, words):
    assert words in error_of(client.post("/locate", content=body, headers=JSON), status)


@pytest.mark.parametrize("kind", ["text/csv", "application/xml", "multipart/form-data", "x" * 500])
def test_other_types_are_refused(client, kind):
    answer = client.post("/locate", content="a,b", headers={"Content-Type": kind})
    assert "application/json" in error_of(answer, 415)


def test_nothing_else_is_accepted(client):
    answer = client.post("/locate", json={"size": 3}, headers={"Accept": "text/html"})
    assert "Accept" in error_of(answer, 406)


def test_compressed_bodies_are_refused(client):
    bomb = gzip.compress(b"[" + b" " * 2**26)
    headers = {**JSON, "Content-Encoding": "gzip"}
    assert "compressed" in error_of(client.post("/locate", content=bomb, headers=headers), 415)


def chunks():
    for _ in range(64):
        yield b" " * 2**16


def test_chunked_bodies_are_counted(client):
    assert "1.0 MiB" in error_of(client.post("/locate", content=chunks(), headers=JSON), 413)


def arrow(table, **options):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def flats(n=1, **columns):
    base = {"size": [50.0] * n, "rooms": [2] * n, "city": ["Ulm"] * n, "built": [1950] * n}
    return pa.table(base | columns)


def repeated(text, n):
    """n rows that all refer to one text."""
    indices = pa.array([0] * n, pa.int32())
    return pa.DictionaryArray.from_arrays(indices, pa.array([text]))


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "no Arrow"),
        (b"ARROW1\x00\x00", 400, "no Arrow"),
        (b"PAR1" * 20, 400, "no Arrow"),
        (arrow(flats())[:-30], 400, "no Arrow"),
        (arrow(flats(size=[b"x"])), 422, "binary"),
        (arrow(flats(size=[[1.0]])), 422, "list"),
        (arrow(flats().drop_columns(["size"])), 422, "'size'"),
        (arrow(flats().slice(0, 0)), 422, "no rows"),
        (arrow(flats(300)), 413, "rows at once"),
        (arrow(flats(200), compression="zstd"), 415, "compressed"),
        (arrow(flats(150, city=repeated("x" * 300_000, 150))), 422, "300,000 bytes"),
    ],
)
def test_arrow_refusals(client, body, status, words):
    assert words in error_of(client.post("/locate", content=body, headers=STREAM), status)


def test_arrow_that_was_damaged_is_no_fault_of_the_service(client):
    body = arrow(flats(40, city=repeated("Ulm", 40)))
    for place in range(0, len(body), 13):
        damaged = body[:place] + bytes([body[place] ^ 0x5B]) + body[place + 1 :]
        answer = client.post("/locate", content=damaged, headers=STREAM)
        assert answer.status_code in (200, 400, 413, 415, 422), (place, answer.text)


def test_a_row_of_very_many_columns(client):
    row = {f"c{i}": i for i in range(40_000)} | {"size": 60, "rooms": 2, "city": "Ulm"}
    answer = client.post("/locate", json=row)
    assert answer.status_code == 200
    assert len(answer.content) < 10_000


def test_long_texts_are_not_repeated(client):
    answer = client.post("/locate", json=[{"city": "x" * 300_000}, {"size": "1" * 300_000}])
    assert all("300,000 letters" in row["error"] for row in answer.json()["rows"])
    assert len(answer.content) < 5000


def test_slow_bodies_end(service):
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", service.port), timeout=WAIT) as link:
        head = "POST /locate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        link.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + b"[")
        answer = link.recv(4096)
    assert b" 408 " in answer
    assert time.monotonic() - start < 30


def test_bodies_of_all_requests_are_counted(service):
    """Many that are each small enough would otherwise fill the memory."""
    head = "POST /locate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head = f"{head}Content-Length: {2**20}\r\n\r\n".encode()
    links = [socket.create_connection(("127.0.0.1", service.port), timeout=WAIT) for _ in range(8)]
    for link in links:
        link.sendall(head + b" " * (2**20 - 1))
    answers = [link.recv(4096) for link in links]
    assert {b" 503 " in answer for answer in answers} == {True, False}
    assert all(b" 503 " in answer or b" 408 " in answer for answer in answers)
    for link in links:
        link.close()
    assert httpx.post(f"{service.url}/locate", json={"size": 3}, trust_env=False).is_success


def test_slow_heads_end(service):
    """And others are answered meanwhile."""
    links = [socket.create_connection(("127.0.0.1", service.port), timeout=WAIT) for _ in range(50)]
    for link in links:
        link.sendall(b"POST /locate HTTP/1.1\r\nHost: lo")
    assert httpx.get(f"{service.url}/healthz", trust_env=False).status_code == 200
    for link in links:
        with contextlib.suppress(ConnectionError):
            assert link.recv(100) == b""
        link.close()


def test_paths_and_methods(client):
    for path in ("/../etc/passwd", "/page/../app.py", "/page/%2e%2e%2fserver.py", "/nothing",
                 "/docs", "/page/", "/page/server.py", "//etc/passwd"):  # fmt: skip
        assert "no such" in error_of(client.get(path), 404)
    assert "method" in error_of(client.get("/locate"), 405)
    assert "strict" in error_of(client.post("/locate?strict=perhaps", json={"size": 1}), 422)


def test_explain_takes_one_row(client):
    assert "2 rows" in error_of(client.post("/explain", json=[{"size": 1}, {"size": 2}]), 422)
    error_of(client.post("/explain", content=arrow(flats()), headers=STREAM), 415)
