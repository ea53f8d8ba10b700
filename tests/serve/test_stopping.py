"""Ended, restarted and starved: what was begun is answered, or the client hears of it."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from service_processes import WAIT, ServiceProcess, running_service, training_rows


def test_sigterm_ends_with_zero(domain_path):
    with running_service(domain_path) as service, service.client() as client:
        assert client.post("/locate", json={"size": 3}).status_code == 200
        code, _, err = service.stop()  # while the client's connection stays open
    assert code == 0, err
    assert "all requests were answered" in err


def test_sigterm_finishes_what_runs(domain_path):
    rows = training_rows() * 60
    answers = []
    with running_service(domain_path) as service:

        def ask():
            with service.client() as client:
                answers.append(client.post("/locate", json=rows))

        asking = threading.Thread(target=ask)
        asking.start()
        with service.client() as client:
            for _ in range(2000):
                text = client.get("/metrics").text
                if re.search(r"hullwise_searches 1", text):
                    break
                time.sleep(0.005)
        code, _, err = service.stop()
        asking.join(WAIT)
    assert code == 0, err
    assert answers[0].status_code == 200
    assert len(answers[0].json()["rows"]) == len(rows)


def test_restart_under_load_loses_nothing_silently(domain_path):
    """Every request has a whole answer, or its client an error; then all are answered again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stop, broken, answered = threading.Event(), [], []

    def ask():
        while not stop.is_set():
            try:
                answer = httpx.post(
                    f"http://127.0.0.1:{port}/locate", json={"size": 70}, timeout=WAIT,
                    trust_env=False,
                )  # fmt: skip
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            is_whole = answer.status_code == 200 and len(answer.json()["rows"]) == 1
            (answered if is_whole else broken).append(answer)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for one in clients:
        one.start()
    counts = []
    try:
        for _ in range(2):
            with contextlib.closing(ServiceProcess(domain_path, "--port", str(port))) as service:
                time.sleep(1.0)
                code, _, err = service.stop()
                assert code == 0, err
            counts.append(len(answered))
    finally:
        stop.set()
        for one in clients:
            one.join(WAIT)
    assert not broken, [answer.text for answer in broken]
    assert 0 < counts[0] < counts[1]


def test_port_in_use_is_said(domain_path, service):
    command = [sys.executable, "-m", "hullwise", "serve", str(domain_path)]
    command += ["--port", str(service.port)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)
    assert run.returncode == 3
    assert "cannot be listened on" in run.stderr


def test_half_spaces_are_refused(tmp_path):
    import hullwise as hw

    path = tmp_path / "rules.hull"
    hw.Domain().fit(training_rows()[:80], target="rent").save(path, keep="half-spaces")
    command = [sys.executable, "-m", "hullwise", "serve", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)
    assert run.returncode == 3
    assert "half-spaces" in run.stderr


def test_too_many_waiting_are_sent_away(domain_path):
    rows = training_rows() * 30
    with running_service(domain_path, "--threads", "1", "--max-waiting", "1") as service:
        codes = []

        def ask():
            with service.client() as client:
                codes.append(client.post("/locate", json=rows).status_code)

        asking = [threading.Thread(target=ask) for _ in range(8)]
        for one in asking:
            one.start()
        for one in asking:
            one.join(WAIT)
    assert set(codes) == {200, 503}


def test_no_time_is_said(domain_path):
    rows = [{**row, "size": row["size"] * 3} for row in training_rows()] * 60
    with (
        running_service(domain_path, "--max-seconds", "0.05") as service,
        service.client() as client,
    ):
        answer = client.post("/locate", json=rows)
        assert answer.status_code == 504
        assert "0.05 seconds" in answer.json()["error"]
        assert client.get("/healthz").status_code == 200


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_without_home_and_where_nothing_can_be_written(domain_path, tmp_path):
    """As in a container that is read-only and runs as nobody."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    kept = ("PATH", "PYTHONPATH", "NUMBA_CACHE_DIR", "LANG", "VIRTUAL_ENV")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    with (
        running_service(domain_path, env=environment, cwd=folder) as service,
        service.client() as client,
    ):
        answer = client.post("/locate", content=json.dumps({"size": 3}), headers={
            "Content-Type": "application/json"})  # fmt: skip
        assert answer.status_code == 200
    assert not list(folder.iterdir())
