"""The server as an attacker finds it."""

import http.client
import json
import socket
import threading
import time

import pytest

pytest.importorskip("torch")
pytest.importorskip("websockets")

from websockets.exceptions import ConnectionClosed, InvalidStatus

from hullwise.errors import DataError
from hullwise.play import server as server_module
from play_pages import WAIT, Page, open_page, running_server, socket_to, token_of


def get(server, path, host=None, method="GET", **headers):
    """Status, headers and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
    connection.putrequest(method, path, skip_host=True)
    for one in [host] if isinstance(host, str) else host or [f"127.0.0.1:{server.port}"]:
        connection.putheader("Host", one)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, response.headers, body


def test_page_and_its_headers(server):
    status, headers, body = get(server, "/?token=whatever")
    assert status == 200
    assert body.lower().startswith(b"<!doctype html>")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Server" not in headers
    assert "Access-Control-Allow-Origin" not in headers


def test_all_files_of_the_page_are_served(server):
    for path, (file, kind) in server_module.page_files().items():
        status, headers, body = get(server, path)
        assert status == 200
        assert body == file.read_bytes()
        assert headers["Content-Type"] == kind


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/..%2fserver.py",
        "/assets/index.html",
        "//etc/passwd",
        "/../../../../../../../../etc/hostname",
        "/%2e%2e/%2e%2e/etc/hostname",
        "/index.html/../../server.py",
        "/index.html%00.js",
        "/server.py",
        "/INDEX.HTML",
        "/index.html/",
        "/" + "a" * 5000,
        "/socket/",
        "http://127.0.0.1/index.html",
    ],
)
def test_no_other_path_is_a_file(server, path):
    status, _, body = get(server, path)
    assert status == 404
    assert b"import" not in body


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "localhost", "", "127.0.0.1:1", "[::1]"]
)
def test_foreign_names_are_refused(server, host):
    """A page of elsewhere whose name points to this machine."""
    assert get(server, "/", host=host)[0] == 403


def test_two_hosts_are_refused(server):
    name = f"127.0.0.1:{server.port}"
    assert get(server, "/", host=[name, name])[0] in (400, 403)
    assert get(server, "/", host=[])[0] == 200  # the helper's own


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1"]
)
def test_foreign_origins_get_no_socket(server, origin):
    with pytest.raises(InvalidStatus, match="403"), socket_to(server, origin=origin):
        pass


def test_socket_needs_an_origin(server):
    status, _, _ = get(
        server, "/socket", Upgrade="websocket", Connection="Upgrade",
        **{"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"},
    )  # fmt: skip
    assert status == 403


def read_to_the_end(socket_):
    while True:
        socket_.recv(timeout=WAIT)


def closing(socket_):
    """Code and reason with which the server closes a socket."""
    with pytest.raises(ConnectionClosed) as closed:
        read_to_the_end(socket_)
    return closed.value.rcvd.code, closed.value.rcvd.reason


@pytest.mark.parametrize("token", ["", "x", None, 3, ["a"], {}, "é", "\ud800", "a" * 10_000])
def test_socket_needs_the_token(server, token):
    with socket_to(server) as socket_:
        socket_.send(json.dumps({"type": "open", "token": token, "configuration": {}}))
        assert closing(socket_) == (1008, "token")


def test_tickets_end(server, monkeypatch):
    monkeypatch.setattr(server_module, "TICKET_SECONDS", -1.0)
    ticket = token_of(server.ticket_url())
    with socket_to(server) as socket_:
        Page(socket_, ticket)
        assert closing(socket_) == (1008, "token")


def test_connections_are_limited_and_pages_live_on(server, monkeypatch):
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 5)
    with open_page(server) as page:
        page.frame()
        crowd = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(30)]
        page.send("step")
        page.wait_for("status", state="paused")
        for one in crowd:
            one.close()
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        try:
            assert get(server, "/")[0] == 200
            return
        except (ConnectionError, http.client.HTTPException):
            time.sleep(0.05)
    pytest.fail("nobody gets in after the crowd has left")


def test_first_message_opens(server):
    with socket_to(server) as socket_:
        socket_.send('{"type": "play"}')
        assert closing(socket_)[0] == 1008


def test_ticket_is_good_for_one_page(server):
    ticket = token_of(server.ticket_url())
    with socket_to(server) as socket_:
        page = Page(socket_, ticket)
        assert page.wait_for("opened")["token"] == token_of(server.url)
    with socket_to(server) as socket_:
        Page(socket_, ticket)
        assert closing(socket_) == (1008, "token")


@pytest.mark.parametrize(
    "data",
    [
        "", "x", "[]", "3", "{}", '{"type": 1}', '{"type": "shutdown"}', '{"type": "ack"}',
        '{"type": "probe", "point": NaN}', "[" * 60_000, '{"a":' * 30_000, b"\x00\xff" * 10,
        '{"type": "open", "token": "x", "configuration": {}}', "1" * 5000,
        json.dumps({"type": "view", "view": "x" * 70_000}),
    ],
)  # fmt: skip
def test_garbage_closes_the_socket(server, page, data):
    page.frame()
    page.socket.send(data)
    assert closing(page.socket)[0] == 1008
    with open_page(server) as other:
        other.frame()


def test_huge_messages_close_the_socket(page):
    page.frame()
    page.socket.send("x" * (9 * 2**20))
    assert closing(page.socket)[0] == 1009


@pytest.mark.parametrize(
    "message",
    [
        {"type": "configure", "configuration": 3},
        {"type": "view", "view": {"center": [1e300, 0], "half": [1, 1]}},
        {"type": "view", "view": {"center": [0, 0], "half": [0, -1]}},
        {"type": "view", "view": {"center": [0, 0], "half": [True, 1]}},
        {"type": "view", "view": None},
        {"type": "scrub", "step": "x"},
        {"type": "scrub", "step": -5},
        {"type": "scrub", "step": 10**400},
        {"type": "rows", "points": [[0, 0]] * 3},
        {"type": "rows", "points": [[0, 0, 1e9]]},
        {"type": "rows", "points": {"0": 1}},
        {"type": "rows", "points": [[0, 0, 0]] * 5001},
    ],
)
def test_nonsense_is_a_sentence(page, message):
    page.frame()
    page.send(**{"kind": message.pop("type")}, **message)
    error = page.wait_for("error")
    assert error["sentence"]
    assert "Traceback" not in error["sentence"]
    page.send("step")
    page.wait_for("status", state="paused")


def test_bogus_acknowledgements_do_no_harm(page):
    page.frame()
    for frame in (None, "x", -1, 2**80, True, [], 1.5):
        page.send("ack", frame=frame)
    page.send("step")
    page.frame()


def test_no_more_than_ten_pages(server):
    pages = []
    try:
        for _ in range(server_module.MAX_PAGES):
            socket_ = socket_to(server).__enter__()
            pages.append(socket_)
            Page(socket_, token_of(server.url)).wait_for("opened")
        with socket_to(server) as one_more:
            Page(one_more, token_of(server.url))
            code, reason = closing(one_more)
        assert code == 1013
        assert "close one" in reason
    finally:
        for socket_ in pages:
            socket_.close()
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        with socket_to(server) as again:
            page = Page(again, token_of(server.url))
            try:
                page.wait_for("opened")
                break
            except ConnectionClosed:
                pass
    else:
        pytest.fail("closed pages count")


def restart_for_ever(page):
    while True:
        page.send("restart")


def test_flood_of_messages_closes_its_socket_alone(server):
    with open_page(server) as other, open_page(server) as page:
        other.frame()
        with pytest.raises(ConnectionClosed):
            restart_for_ever(page)
        other.send("step")
        other.wait_for("status", state="paused")


def test_page_that_acknowledges_but_does_not_read_is_cut_off(server, monkeypatch):
    monkeypatch.setattr("hullwise.play.outbox.MAX_WAITING_BYTES", 2**21)
    value = {"layers": [{"width": 64}, {"width": 64}], "rows": 20, "steps_per_frame": 1}
    with socket_to(server, max_queue=1) as socket_:
        page = Page(socket_, token_of(server.url), value)
        page.send("play")
        with pytest.raises(ConnectionClosed):
            acknowledge_for_ever(page)


def acknowledge_for_ever(page):
    while True:
        page.send("ack", frame=2**32)
        time.sleep(0.005)


def test_half_open_sockets_end(monkeypatch):
    monkeypatch.setattr(server_module, "OPENING_SECONDS", 0.3)
    with running_server() as server:
        with socket_to(server) as silent:
            assert closing(silent) == (1008, "no message came")
        raw = socket.create_connection(("127.0.0.1", server.port), timeout=WAIT)
        raw.send(b"GET / HTTP/1.1\r\nHost:")
        assert raw.recv(1000) == b""
        raw.close()
        with open_page(server) as page:
            page.frame()


def test_port_in_use_is_a_sentence(server):
    with (
        pytest.raises(DataError, match=f"port {server.port} cannot be used"),
        running_server(port=server.port),
    ):
        pass


def test_stops_with_pages_open_and_leaves_no_thread():
    before = set(threading.enumerate())
    with running_server() as server, open_page(server) as page:
        page.frame()
        page.send("play")
        page.frame()
        start = time.monotonic()
        server.stop()
        with pytest.raises(ConnectionClosed):
            read_to_the_end(page.socket)
    assert time.monotonic() - start < WAIT
    deadline = time.monotonic() + WAIT
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left
