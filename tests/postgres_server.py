"""A PostgreSQL server of the tests' own, on a socket of the loopback, for as long as they run."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _program(name: str) -> str | None:
    places = [shutil.which(name), *sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))[::-1]]
    return next((place for place in places if place), None)


def _as_server_user() -> dict[str, object]:
    """PostgreSQL refuses to run as root: then as a user of less power, where there is one."""
    if os.geteuid():
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL cannot run as root, and there is no other user")


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a running server with an empty database, as SQLAlchemy has it."""
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    initdb, postgres = _program("initdb"), _program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("PostgreSQL (initdb, postgres) is not installed")
    user = _as_server_user()
    folder = Path(tempfile.mkdtemp(prefix="hullwise-postgres-"))
    if user:
        os.chown(folder, user["user"], user["group"])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **user}
    data = folder / "data"
    command = [initdb, "-D", data, "-U", "watcher", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(command, check=True, **quiet)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F"]
    server = subprocess.Popen([postgres, "-D", data, *options], **quiet)
    try:
        _wait(server, port)
        yield f"postgresql+psycopg://watcher@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    import time

    import psycopg

    for _ in range(300):
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=watcher dbname=postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None:
                pytest.skip(f"PostgreSQL did not start (exit code {server.returncode})")
            time.sleep(0.1)
        else:
            return
    pytest.fail("PostgreSQL did not answer within half a minute")
