"""`hullwise play` as a process: its one line, Ctrl-C at any moment, what is missing."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from cli_input import SOURCE, process, run

pytest.importorskip("torch")
pytest.importorskip("websockets")

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

WAIT = 60
STOPPING = 5  # seconds on a machine that is busy with other things; about half of one else
SMALL = {"rows": 60, "layers": [{"width": 6, "unit": "relu"}]}
LARGE = {"layers": [{"width": 64}] * 3}


@contextlib.contextmanager
def playing(*args, **options):
    """The process and the address it prints."""
    running = process("play", "--no-browser", *args, **options)
    try:
        line = running.stdout.readline()
        match = re.fullmatch(r"hullwise \S+: (http://127.0.0.1:\d+/\?token=\S+) .*\n", line)
        assert match, (line, running.stderr.read())
        yield running, match[1]
    finally:
        running.kill()
        running.communicate()


@contextlib.contextmanager
def page_of(url, configuration=SMALL):
    address, token = re.fullmatch(r"http://([^/]+)/\?token=(.+)", url).groups()
    with connect(f"ws://{address}/socket", origin=f"http://{address}", max_size=None) as page:
        page.send(json.dumps({"type": "open", "token": token, "configuration": configuration}))
        yield page


def read_until(page, kind):
    while True:
        data = page.recv(timeout=WAIT)
        if kind == "frame" and isinstance(data, bytes):
            return data
        if isinstance(data, str) and (message := json.loads(data))["type"] == kind:
            return message


def stop(running, number=signal.SIGINT):
    """Seconds until the process has ended, and what it said."""
    start = time.monotonic()
    running.send_signal(number)
    code = running.wait(WAIT)
    seconds = time.monotonic() - start
    assert code == 0
    error = running.stderr.read()
    assert error.endswith("stopped\n")
    assert "Traceback" not in error
    return seconds


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stops_without_a_page(number):
    with playing() as (running, _):
        assert stop(running, number) < STOPPING


def test_stops_with_pages_open_in_the_middle_of_a_frame():
    with playing() as (running, url), page_of(url) as first, page_of(url, LARGE) as second:
        for page in (first, second):
            page.send(json.dumps({"type": "play"}))
            read_until(page, "frame")
        assert stop(running) < STOPPING
        with pytest.raises(ConnectionClosed):
            read_until(first, "nothing")


def test_stops_while_kernels_are_compiled_and_says_what_it_waits_for(tmp_path):
    with playing(env={"NUMBA_CACHE_DIR": str(tmp_path)}) as (running, url), page_of(url) as page:
        status = read_until(page, "status")
        assert status["state"] == "compiling"
        assert "once on this machine" in status["sentence"]
        time.sleep(0.5)
        assert stop(running) < STOPPING


def test_a_second_server_on_its_port_is_refused_and_a_later_one_is_not():
    with playing() as (first, url):
        port = re.search(r":(\d+)/", url)[1]
        refused = run("play", "--no-browser", "--port", port, code=3)
        assert f"port {port} cannot be used" in refused.stderr
        stop(first)
    with playing("--port", port) as (again, other):
        assert f":{port}/" in other
        assert other != url
        with page_of(other) as page:
            read_until(page, "frame")
        with page_of(url) as page, pytest.raises(ConnectionClosed, match="token"):
            read_until(page, "frame")
        stop(again)


def test_listens_on_the_loopback_device_alone():
    with playing() as (_, url):
        port = int(re.search(r":(\d+)/", url)[1])
        names = {one[4][0] for one in socket.getaddrinfo(socket.gethostname(), port)}
        for name in names - {"127.0.0.1", "127.0.1.1"}:
            with pytest.raises(OSError), socket.create_connection((name, port), timeout=2):
                pass


@pytest.mark.parametrize("package", ["torch", "websockets"])
def test_missing_extra_is_one_sentence(package):
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from hullwise.cli import main; main(['play', '--no-browser'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": SOURCE}
    )
    assert done.returncode == 3
    assert done.stderr.count("\n") == 2
    assert f"needs {package}" in done.stderr
    assert "hullwise[play]" in done.stderr


def test_browser_gets_a_ticket_and_not_the_token(tmp_path):
    """Other users see the arguments of processes."""
    script = tmp_path / "browser"
    script.write_text(f"#!/bin/sh\necho $1 > {tmp_path}/url\n")
    script.chmod(0o755)
    running = process("play", env={"BROWSER": str(script)})
    try:
        printed = running.stdout.readline()
        deadline = time.monotonic() + WAIT
        while not (tmp_path / "url").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.1)
        url = (tmp_path / "url").read_text().strip()
        token = re.search(r"token=(\S+)", printed)[1]
        assert token not in url
        with page_of(url) as page:
            assert read_until(page, "opened")["token"] == token
    finally:
        running.kill()
        running.communicate()
