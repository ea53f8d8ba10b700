"""One thread for all pages: fair, unharmed by a page that fails, and it forgets those that left."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("websockets")

import hullwise as hw  # noqa: E402
from hullwise.play.configuration import Configuration  # noqa: E402
from hullwise.play.session import FRAMES_IN_FLIGHT, Session  # noqa: E402
from hullwise.play.worker import Worker  # noqa: E402
from play_pages import SMALL, WAIT, open_page  # noqa: E402


def test_pages_take_turns(server):
    large = {"layers": [{"width": 64}] * 3, "rows": 60}
    with open_page(server, large) as heavy, open_page(server, SMALL) as light:
        for page in (heavy, light):
            page.frame()
            page.send("play")
        frames = [page.frame()[0] for _ in range(5) for page in (heavy, light)]
    assert len(frames) == 10


def test_a_page_that_fails_takes_no_other_with_it(server, monkeypatch):
    with open_page(server) as page, open_page(server) as other:
        page.frame()
        other.frame()
        with monkeypatch.context() as patch:
            patch.setattr(Session, "step", None)
            patch.setattr("hullwise.play.session.HANDLERS", {"step": lambda *_: 1 / 0})
            page.send("step")
            error = page.wait_for("error")
        assert "please report" in error["sentence"]
        for one in (page, other):
            one.send("restart")
            one.wait_for("configuration")
            one.frame()
        other.send("step")
        other.wait_for("status", state="paused")


def test_sessions_of_pages_that_left_are_forgotten(server):
    with open_page(server) as page:
        page.frame()
        (session,) = server._pages
        left = weakref.ref(session)
        del session
    deadline = time.monotonic() + WAIT
    while left() is not None and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.05)
    assert left() is None


def test_threads_of_torch_are_given_back():
    torch.set_num_threads(2)
    try:
        worker = Worker()
        worker.start()
        worker.stop()
        worker.join(WAIT)
        assert not worker.is_alive()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def session_of(value):
    sent = []
    session = Session(Configuration.from_json(value), sent.append, lambda: None)
    return session, sent


def test_messages_between_frames_are_one():
    """A pointer that moves is answered where it is, not where it was."""
    session, _ = session_of(SMALL)
    for x in range(1000):
        assert session.receive({"type": "view", "view": {"center": [x, 0], "half": [1, 1]}})
    session.advance(0.0)
    assert session.configuration.view.center == (999.0, 0.0)


def test_frames_are_dropped_and_not_queued():
    session, sent = session_of(SMALL)
    session.receive({"type": "play"})
    for now in range(20):
        session.advance(float(now))
    frames = [one for one in sent if isinstance(one, bytes)]
    assert len(frames) == FRAMES_IN_FLIGHT
    assert session.run.training.step == FRAMES_IN_FLIGHT * session.configuration.steps_per_frame
    session.acknowledge(1)
    session.advance(30.0)
    assert len([one for one in sent if isinstance(one, bytes)]) == FRAMES_IN_FLIGHT + 1


def test_no_more_than_one_frame_each_sixteen_milliseconds():
    session, _ = session_of(SMALL)
    session.receive({"type": "play"})
    session.advance(1.0)
    assert session.seconds_until_due(1.001) == pytest.approx(0.015)
    assert session.seconds_until_due(2.0) == 0.0


def test_messages_from_other_threads_lose_nothing():
    session, _ = session_of(SMALL)
    session.advance(0.0)
    threads = [
        threading.Thread(target=lambda: [session.receive({"type": "pause"}) for _ in range(20)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(session._waiting) == 80


def test_a_page_does_not_stand_still_while_it_trains(monkeypatch):
    monkeypatch.setattr("hullwise.play.training.LONGEST_RUN_SECONDS", 0.0)
    session, sent = session_of(SMALL | {"steps_per_frame": 50})
    session.receive({"type": "play"})
    session.advance(0.0)
    session.advance(1.0)
    assert session.run.training.step == 2
    assert sum(isinstance(one, bytes) for one in sent) == 2


def play_frames(sessions, frames):
    """So many frames of each session, in turn, drawn at once."""
    for session in sessions:
        session.receive({"type": "play"})
    for now in range(frames):
        for session in sessions:
            session.advance(float(now))
            session.acknowledge(session.frame_number)


def test_a_run_is_the_same_beside_another_one():
    value = SMALL | {"dropout": 0.3, "penalties": {"mixup": 0.5}}
    alone, beside = (session_of(value)[0] for _ in range(2))
    other = session_of(SMALL | {"dropout": 0.5, "seed": 3})[0]
    play_frames([alone], 5)
    play_frames([other, beside], 5)
    assert np.array_equal(alone.run.training.weights(), beside.run.training.weights())
    assert not np.array_equal(alone.run.training.weights(), other.run.training.weights())


@pytest.mark.parametrize("unit", ["relu", "abs", "leaky", "maxout"])
@pytest.mark.parametrize(
    "extra", [{}, {"normalisation": "batch", "dropout": 0.2}, {"residual": True}]
)
def test_every_frame_is_that_of_the_network_read_afresh(unit, extra):
    value = SMALL | {"layers": [{"width": 5, "unit": unit}] * 2, "data": "three"} | extra
    session, _ = session_of(value)
    play_frames([session], 6)
    picture, view = session.snapshot.picture, session.snapshot.view
    net = hw.model.read(session.run.training.module)
    fresh = net.slice(view.center, np.eye(2), view.half)
    assert session.snapshot.step == session.run.training.step > 0
    assert np.array_equal(picture.vertices, fresh.vertices)
    assert np.array_equal(picture.outputs, fresh.outputs)
    assert np.array_equal(picture.codes, fresh.codes)
    with torch.no_grad():
        X = torch.tensor(session.run.data.X, dtype=torch.float32)
        own = session.run.training.module(X).numpy()
    assert net(session.run.data.X) == pytest.approx(own, rel=1e-4, abs=1e-4)
