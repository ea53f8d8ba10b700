"""A real server of the page in a thread, and pages that talk to it as a browser's do."""

import asyncio
import contextlib
import json
import struct
import threading
from types import SimpleNamespace

import numpy as np
import pytest

websockets = pytest.importorskip("websockets")
torch = pytest.importorskip("torch")

from websockets.sync.client import connect  # noqa: E402

import hullwise as hw  # noqa: E402
from hullwise.play.server import PlayServer  # noqa: E402

# Torch parses code of its own before its first forward derivative, and two threads that parse at
# once are too much for some Pythons: here pytest does.
hw.train.forward_gradient(lambda net: net(torch.ones(1, 1)).sum(), torch.nn.Linear(1, 1))

SMALL = {"rows": 60, "layers": [{"width": 6, "unit": "relu"}]}
WAIT = 30  # seconds for an answer, on a machine that is busy with other things


@contextlib.contextmanager
def running_server(**options):
    """A server on a free port, stopped at the end."""
    server, ready, errors = PlayServer(**options), threading.Event(), []

    def work():
        try:
            asyncio.run(server.serve(lambda _: ready.set()))
        except BaseException as error:
            errors.append(error)
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(WAIT)
    if errors:
        thread.join()
        raise errors[0]
    try:
        yield server
    finally:
        server.stop()
        thread.join(WAIT)
        assert not thread.is_alive()


def token_of(url):
    return url.partition("token=")[2]


def socket_to(server, origin=None, **options):
    """An open socket, without a message yet."""
    address = f"127.0.0.1:{server.port}"
    return connect(
        f"ws://{address}/socket", origin=origin or f"http://{address}", max_size=None,
        compression=None, **options,
    )  # fmt: skip


class Page:
    """What a browser's page does, step by step."""

    def __init__(self, socket, token, configuration=None):
        self.socket, self.seen = socket, []
        self.send(
            "open", token=token, configuration=SMALL if configuration is None else configuration
        )

    def send(self, kind, **keys):
        self.socket.send(json.dumps({"type": kind, **keys}))

    def receive(self):
        """The next message; a frame as one of type "frame"."""
        data = self.socket.recv(timeout=WAIT)
        message = json.loads(data) if isinstance(data, str) else {"type": "frame", "bytes": data}
        self.seen.append(message)
        return message

    def wait_for(self, kind, **keys):
        """The next message of a type with these values; frames before it are acknowledged."""
        while True:
            message = self.receive()
            if message["type"] == "frame":
                message["read"] = frame = read_frame(message["bytes"])
                self.send("ack", frame=frame.frame)
            if message["type"] == "error" and kind != "error":
                raise AssertionError(message)
            if message["type"] == kind and keys.items() <= message.items():
                return message

    def frame(self):
        """The next frame and its numbers."""
        numbers = self.wait_for("numbers")
        frame = self.wait_for("frame")["read"]
        assert frame.frame == numbers["frame"]
        return frame, numbers

    def silence(self, seconds):
        """That nothing comes for a while."""
        with pytest.raises(TimeoutError):
            self.socket.recv(timeout=seconds)


@contextlib.contextmanager
def open_page(server, configuration=None):
    with socket_to(server) as socket:
        yield Page(socket, token_of(server.url), configuration)


def read_frame(data):
    """The arrays of a binary frame, read as `hullwise.play.frame` describes it."""
    (n,) = struct.unpack_from("<I", data)
    words = struct.unpack_from(f"<{n}I", data, 4)
    version, frame, configuration, step, V, C, F, E, k, size, n_layers = words[:11]
    assert version == 1
    at = 4 + 4 * n

    def take(kind, count):
        nonlocal at
        assert at % 4 == 0
        array = np.frombuffer(data, kind, count, at)
        at += array.nbytes + -array.nbytes % 4
        return array

    index = {2: "<u2", 4: "<u4"}[size]
    out = SimpleNamespace(frame=frame, configuration=configuration, step=step, flags=words[-1])
    out.edges_per_layer = words[11 : 11 + n_layers]
    out.loss, out.view = float(take("<f4", 1)[0]), take("<f4", 4)
    out.vertices = take("<f4", 2 * V).reshape(-1, 2)
    out.outputs = take("<f4", k * V).reshape(-1, k)
    out.ends, out.corners = take("<u4", F), take(index, C)
    out.edges = take(index, 2 * E).reshape(-1, 2)
    assert at == len(data)
    return out
