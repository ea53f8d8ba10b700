"""Memory, pickles, threads, interruption: what surrounds an answer must not change it."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import hullwise as hw

RNG = np.random.default_rng(21)
X, Q = RNG.normal(size=(300, 4)), RNG.normal(size=(40, 4)) * 1.2
LOCATORS = [
    hw.HullLocator(metric=None, reference=20),
    hw.EllipsoidLocator(),
    hw.BoxLocator(),
    hw.NeighbourLocator(metric=None, reference=20),
]
every = pytest.mark.parametrize("locator", LOCATORS, ids=lambda e: type(e).__name__)
needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts in /proc")


def child(script, *arguments, **environment):
    """Run a script in a fresh interpreter; its standard output as lines."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# ---- what is held -------------------------------------------------------------------------


@every
@pytest.mark.parametrize(
    "form",
    [
        pytest.param(np.asfortranarray, id="73-fortran"),
        pytest.param(lambda A: np.repeat(A, 2, axis=0)[::2], id="73-strided"),
        pytest.param(lambda A: A[::-1].copy()[::-1], id="73-negative-stride"),
        pytest.param(lambda A: np.frombuffer(A.tobytes()).reshape(A.shape), id="72-read-only"),
        pytest.param(lambda A: A.astype(">f8"), id="foreign-byte-order"),
    ],
)
def test_any_memory_layout(locator, form):
    expected = clone(locator).fit(X).transform(Q)
    found = clone(locator).fit(form(X)).transform(form(Q))
    # the mean is summed in another order, and moves the origin of all coordinates by an ulp
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@every
def test_74_pickles_of_a_memory_map_hold_no_data(tmp_path, locator):
    rows = np.tile(X, (200, 1))
    np.save(tmp_path / "rows.npy", rows)
    fitted = clone(locator).fit(np.load(tmp_path / "rows.npy", mmap_mode="r"))
    try:
        text = pickle.dumps(fitted)
    except hw.HullwiseError as error:
        assert "memory" in str(error)  # noqa: PT017  (refusing is as good as storing the path)
        return
    assert len(text) < rows.nbytes / 4
    np.testing.assert_array_equal(pickle.loads(text).transform(Q), fitted.transform(Q))


def test_74_pickles_of_a_file_hold_its_path(tmp_path):
    np.save(tmp_path / "rows.npy", np.tile(X, (200, 1)))
    cloud = hw.Cloud(tmp_path / "rows.npy")
    hw.locate(cloud, Q, metric=None, reference=5)
    text = pickle.dumps(cloud)
    assert len(text) < 100_000
    again = pickle.loads(text)
    np.testing.assert_array_equal(again.support(Q, k=2).rows, cloud.support(Q, k=2).rows)


@every
def test_75_changing_the_input_after_fit_changes_nothing(locator):
    rows = X.copy()
    fitted = clone(locator).fit(rows)
    expected = fitted.transform(Q)
    rows[:] = 0.0
    np.testing.assert_array_equal(fitted.transform(Q), expected)


def test_inputs_are_left_as_they_were():
    rows, queries = X.copy(), Q.copy()
    hw.locate(rows, queries, metric="std")
    np.testing.assert_array_equal(rows, X)
    np.testing.assert_array_equal(queries, Q)


# ---- life of an estimator -----------------------------------------------------------------


@every
def test_76_nothing_of_the_first_fit_remains(locator):
    twice = clone(locator).fit(X * 3 + 1).fit(X[:50, :2])
    once = clone(locator).fit(X[:50, :2])
    assert set(vars(twice)) == set(vars(once))
    assert twice.n_features_in_ == 2
    np.testing.assert_array_equal(twice.transform(Q[:, :2]), once.transform(Q[:, :2]))


@every
def test_76_a_failed_fit_leaves_the_estimator_as_it_was(locator):
    fitted = clone(locator).fit(X)
    expected = fitted.transform(Q)
    bad = X[:, :3].copy()
    bad[5, 1] = np.nan
    with pytest.raises(hw.DataError, match="row 5, column 1"):
        fitted.fit(bad)
    np.testing.assert_array_equal(fitted.transform(Q), expected)


@every
def test_77_not_fitted(locator):
    for method in ("transform", "score_samples", "get_feature_names_out"):
        arguments = () if method == "get_feature_names_out" else (Q,)
        with pytest.raises(NotFittedError):
            getattr(clone(locator), method)(*arguments)


@every
def test_78_clones_and_parameters_hold_no_data(locator):
    fitted = clone(locator).fit(X)
    bare = clone(fitted)
    assert not [name for name in vars(bare) if name.endswith("_")]
    assert bare.get_params() == fitted.get_params() == locator.get_params()
    assert not any(isinstance(v, np.ndarray) for v in fitted.get_params().values())


@every
def test_79_pickle_and_joblib_give_identical_answers(locator):
    fitted = clone(locator).fit(X)
    expected = fitted.transform(Q)
    stream = io.BytesIO()
    joblib.dump(fitted, stream)
    stream.seek(0)
    for again in (pickle.loads(pickle.dumps(fitted)), joblib.load(stream)):
        np.testing.assert_array_equal(again.transform(Q), expected)
        assert again.get_params() == fitted.get_params()


@every
def test_79_another_version_is_named(locator, monkeypatch):
    fitted = clone(locator).fit(X)
    state = fitted.__getstate__()
    state["_hullwise_version"] = "0.0.7"
    again = clone(locator)
    with pytest.warns(hw.DataWarning, match=rf"0\.0\.7.*{hw.__version__}"):
        again.__setstate__(state)
    np.testing.assert_array_equal(again.transform(Q), fitted.transform(Q))


def test_79_answers_can_be_pickled():
    location = hw.locate(X, Q, metric=None)
    again = pickle.loads(pickle.dumps(location))
    assert again.verify(X, exact=True).all()
    np.testing.assert_array_equal(again.band, location.band)
    assert repr(again) == repr(location)


# ---- threads and processes ----------------------------------------------------------------


@every
def test_80_threads_share_one_estimator(locator):
    fitted = clone(locator).fit(X)
    parts = [Q[i::4] for i in range(4)] * 6
    expected = [fitted.transform(part) for part in parts[:4]]
    fresh = clone(locator).fit(X)
    with ThreadPoolExecutor(8) as pool:
        for i, found in enumerate(pool.map(fresh.transform, parts)):
            np.testing.assert_array_equal(found, expected[i % 4])


def test_80_threads_share_one_cloud():
    cloud = hw.Cloud(X)
    expected = hw.locate(X, Q, metric=None, reference=20)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: hw.locate(cloud, Q, metric=None, reference=20), range(8)):
            np.testing.assert_array_equal(found.verdict, expected.verdict)
            np.testing.assert_array_equal(found.upper, expected.upper)
            np.testing.assert_array_equal(found.reference, expected.reference)


PROCESSES = """
    import multiprocessing, sys
    import numpy as np
    import hullwise as hw

    X = np.random.default_rng(0).normal(size=(3000, 3))
    Q = X[:64] * 1.5

    def ask(_):
        return hw.locate(X, Q, reference=4).verdict.tolist()

    if __name__ == "__main__":
        here = ask(0)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            for there in pool.imap(ask, range(4)):
                assert there == here
        print("same")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_81_fork_after_use():
    assert child(PROCESSES) == ["same"]


@needs_proc
def test_import_loads_nothing_and_starts_no_thread():
    script = """
        import os, sys
        import hullwise
        print(len(os.listdir("/proc/self/task")))
        print([m for m in ("numpy", "numba", "sklearn", "pyarrow") if m in sys.modules])
    """
    assert child(script) == ["1", "[]"]


@needs_proc
def test_no_thread_is_left_behind():
    script = """
        import os, threading, time
        import numpy as np
        import hullwise as hw
        X = np.random.default_rng(0).normal(size=(5000, 3))
        hw.locate(X, X[:9] * 2, reference=4)
        before = len(os.listdir("/proc/self/task"))
        for _ in range(10):
            hw.locate(X, X[:9] * 2, reference=4)
        for _ in range(200):  # the system needs a moment to bury a thread that has ended
            if len(os.listdir("/proc/self/task")) <= before:
                break
            time.sleep(0.02)
        print(len(os.listdir("/proc/self/task")) <= before, threading.active_count())
    """
    assert child(script) == ["True 1"]


INTERRUPT = """
    import os, signal, threading, time
    import numpy as np
    import hullwise as hw

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60_000, 40)).astype(np.float32)
    few = X[:200].copy()
    locator = hw.HullLocator(reference=2).fit(few)
    before = locator.transform(few[:3] * 2)
    locator.set_params(reference=20_000)
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    for work in (
        lambda: hw.locate(X, X[:20_000] * 0.5, reference=0),
        lambda: locator.fit(X),
    ):
        timer = threading.Timer(1.0, interrupt)
        timer.start()
        try:
            work()
            print("finished")
        except KeyboardInterrupt:
            prompt = time.monotonic() - sent[-1] < 5.0
            timer.join()  # it is still ending when its signal arrives
            print(prompt, threading.active_count())
    print((locator.transform(few[:3] * 2) == before).all())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_82_ctrl_c_stops_the_work_and_leaves_the_estimator():
    """The work would take minutes; the bound of five seconds is for a busy machine."""
    assert child(INTERRUPT) == ["True 1", "True 1", "True"]


def test_83_budget_ends_with_valid_bounds():
    rng = np.random.default_rng(0)
    rows, queries = rng.normal(size=(400, 12)), rng.normal(size=(30, 12)) * 0.6
    location = hw.locate(rows, queries, metric=None, reference=0, max_seconds=0.0)
    ended = location.status == hw.Status.BUDGET
    assert ended.any()
    assert "budget" in hw.Status.BUDGET.value
    assert location.verify(rows, exact=True).all()
    closed = hw.locate(rows, queries, metric=None, reference=0)
    assert (location.lower <= closed.upper).all()
    assert (closed.lower <= location.upper).all()
    decided = location.verdict != 0
    np.testing.assert_array_equal(location.verdict[decided], closed.verdict[decided])
    assert (closed.status != hw.Status.BUDGET).all()


def test_progress_is_told_and_may_stop_the_work():
    told = []
    hw.locate(
        X,
        Q,
        metric=None,
        reference=5,
        progress=lambda done, total, what: told.append((done, total)),
    )
    assert told
    assert all(0 <= done <= total for done, total in told)
    assert max(done for done, total in told if total == len(Q)) == len(Q)

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hw.locate(X, Q, metric=None, reference=5, progress=stop)


def test_86_other_numbers_of_threads(tmp_path):
    """Same verdicts and bands whatever the BLAS and the processors; brackets overlap."""
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "data.npz", X=rng.normal(size=(3000, 8)), Q=rng.normal(size=(60, 8)))
    script = """
        import os, sys
        if len(sys.argv) > 2 and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import numpy as np
        import hullwise as hw
        data = np.load(sys.argv[1])
        location = hw.locate(data["X"], data["Q"], reference=40)
        for b in range(60):
            print(location.verdict[b], location.band[b], *location.weights[[b]].indices.tolist())
            print(location.lower[b], location.upper[b])
    """
    runs = [
        child(script, tmp_path / "data.npz"),
        child(script, tmp_path / "data.npz", "one", OPENBLAS_NUM_THREADS="1"),
        child(script, tmp_path / "data.npz", OPENBLAS_CORETYPE="Haswell", OMP_NUM_THREADS="3"),
    ]
    first = runs[0]
    for other in runs[1:]:
        assert [r.split()[:2] for r in other[::2]] == [r.split()[:2] for r in first[::2]]
        for mine, theirs in zip(first[1::2], other[1::2]):
            (low, high), (low2, high2) = map(float, mine.split()), map(float, theirs.split())
            assert max(low, low2) <= min(high, high2)
