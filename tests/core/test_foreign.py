"""Errors of other libraries at the public border."""

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise import ClusterError, DataError, DataTypeError, FileError, MemoryLimitError, ModelError
from hullwise._core.foreign import own_errors
from hullwise.errors import HullwiseError


def in_this_library(code):
    """Run code as a module of hullwise."""
    exec(compile(code, "room.py", "exec"), {"__name__": "hullwise.room"})


@pytest.mark.parametrize(
    ("module", "base", "own"),
    [
        ("numba.core.errors", Exception, HullwiseError),
        ("torch", RuntimeError, ModelError),
        ("onnx.onnx_cpp2py_export.checker", Exception, ModelError),
        ("google.protobuf.message", Exception, ModelError),
        ("distributed.comm.core", OSError, ClusterError),
        ("pyarrow.lib", ValueError, DataError),
        ("pyarrow.lib", TypeError, DataTypeError),
        ("numpy.linalg", ValueError, DataError),
        ("numpy._core._exceptions", MemoryError, MemoryLimitError),
    ],
)
def test_classes_of_other_libraries_become_own_errors(module, base, own):
    foreign = type("Foreign", (base,), {"__module__": module})
    with pytest.raises(own, match="doing it") as caught, own_errors("doing it"):
        raise foreign("first line\nsecond line")
    assert "second line" not in str(caught.value)
    assert isinstance(caught.value.__cause__, foreign)


def test_the_words_of_the_other_library_are_quoted_on_one_line():
    with pytest.raises(DataError) as caught, own_errors("inverting M"):
        np.linalg.inv(np.zeros((2, 2)))
    assert str(caught.value) == "inverting M failed: numpy says 'Singular matrix'"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import zlib; zlib.decompress(b'rows')", "reading rows failed: Python says 'Error -3"),
        ("import struct; struct.unpack('d', b'1')", "failed: Python says 'unpack requires"),
        ("b'\\xff'.decode()", "Python says \"'utf-8' codec"),
        ("import gzip; gzip.decompress(b'rows')", 'Python says "Not a gzipped file'),
        ("open('/no/such/file')", "reading rows failed: No such file"),
        ("def f(x): return [f(x)]\nf(1)", "what it holds is nested too deeply"),
        ("import numpy; numpy.zeros(3).reshape(2, 2)", "numpy says 'cannot reshape"),
    ],
)
def test_a_file_is_named(code, words):
    reading = own_errors("reading rows", path="rows.npy")
    with pytest.raises(FileError, match=f"^rows.npy: .*{words}"), reading:
        in_this_library(code)


def test_a_fault_of_this_library_stays_what_it_is():
    for code, error in (("[][1]", IndexError), ("{}['a']", KeyError), ("assert 0", AssertionError)):
        with pytest.raises(error), own_errors("locating"):
            in_this_library(code)


def test_the_inner_of_two_blocks_words_the_error():
    with pytest.raises(DataError, match=r"^inner failed"), own_errors("outer"), own_errors("inner"):
        np.linalg.cholesky(-np.eye(2))


def test_own_errors_pass():
    error = ModelError("a layer is missing")
    with pytest.raises(ModelError) as caught, own_errors("reading"):
        raise error
    assert caught.value is error
    assert caught.value.__cause__ is None


def test_it_decorates_a_function_and_a_wrong_call_stays_a_type_error():
    @own_errors("adding")
    def add(a, b):
        return a + b

    assert add(1, 2) == 3
    with pytest.raises(TypeError, match="missing 1 required"):
        add(1)


@pytest.mark.parametrize("error", [ValueError, RuntimeError, KeyError, OSError, ArithmeticError])
def test_errors_of_the_callers_functions_pass_unchanged(error):
    import hullwise as hw

    def progress(*_):
        raise error("of the caller")

    X = np.random.default_rng(0).normal(size=(20, 2))
    with own_errors("locating"), pytest.raises(error, match="of the caller"):
        hw.locate(X, X, progress=progress)
    with pytest.raises(error, match="of the caller"), own_errors("locating"):
        hw.locate(X, X, progress=progress)


def test_numpy_inside_a_function_of_the_callers_is_the_callers():
    import hullwise as hw

    def progress(*_):
        np.linalg.inv(np.zeros((2, 2)))

    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(np.linalg.LinAlgError), own_errors("locating"):
        hw.locate(X, X, progress=progress)


def test_warnings_made_errors_stay_warnings():
    with pytest.raises(RuntimeWarning), own_errors("locating"):
        raise RuntimeWarning("divide by zero")


def singular_in_this_library():
    """A function of this library in which numpy raises an error of its own."""
    names = {"__name__": "hullwise.room", "np": np}
    exec("def broken(*args, **options): np.linalg.inv(np.zeros((2, 2)))", names)
    return names["broken"]


@pytest.mark.parametrize(
    ("place", "call"),
    [
        ("hullwise.geometry.locate.locate_in_hull", lambda hw, X: hw.locate(X, X)),
        (
            "hullwise.metrics.learnt_metric.directions",
            lambda hw, X: hw.metrics.learn_metric(X, X[:, 0]),
        ),
        ("hullwise.model.readers.read._reader_of", lambda hw, X: hw.model.read("a.onnx")),
    ],
)
def test_no_error_of_numpy_reaches_a_caller_raw(place, call, monkeypatch):
    import hullwise as hw

    monkeypatch.setattr(place, singular_in_this_library())
    X = np.random.default_rng(0).normal(size=(60, 2))
    with pytest.raises(DataError, match="failed: numpy says 'Singular matrix'"):
        call(hw, X)


def test_scikit_learn_says_which_columns_it_found():
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [3.0, 1.0, 2.0]})
    reg = hw.NearestRegressor().fit(frame, [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="must be in the same order as they were in fit"):
        reg.predict(frame[["b", "a"]])
