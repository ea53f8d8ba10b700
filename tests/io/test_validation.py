"""Tables in memory: what is accepted keeps its values, what is refused is named."""

from __future__ import annotations

import datetime
import decimal
import fractions
import pickle
import re
import tracemalloc
import types

import numpy as np
import pytest
import scipy.sparse

import hullwise as hw
import hullwise.errors as errors
from hullwise._core import memory
from hullwise.errors import DataError, DataTypeError, DataWarning, FileError, MemoryLimitError
from hullwise.io.validation import (
    check_block,
    check_columns,
    check_memory,
    check_rows,
    check_target,
)

NAN, INF = float("nan"), float("inf")
DAY = datetime.datetime(2020, 1, 1)


def case(slug, X, words, error=DataError):
    return pytest.param(X, words, error, id=slug)


REFUSED = [
    case("nan", [[1, 2], [3, NAN]], ["NaN", "1 missing value", "row 1, column 1", "impute"]),
    case("nan-several", [[NAN, 2], [3, NAN]], ["NaN", "2 missing values", "first in row 0"]),
    case("nan-whole-column", [[1, NAN], [3, NAN]], ["NaN", "Column 1 has no value", "drop it"]),
    case("none", [[1, None]], ["NaN", "row 0, column 1"]),
    case("plus-inf", [[1.0, INF]], ["infinity", "row 0, column 1", "finite"]),
    case("minus-inf", [[-INF, 1.0]], ["infinity", "row 0, column 0"]),
    case("nan-and-inf", [[INF, 1.0], [NAN, 1.0]], ["NaN and infinity", "row 0, column 0"]),
    case("float16-inf", np.array([[np.inf]], np.float16), ["infinity"]),
    case("int64-beyond-2-53", [[1, 2**53 + 1]], ["2**53", "row 0, column 1", "offset"]),
    case("int64-lowest", [[-(2**63)]], ["2**53", "row 0, column 0"]),
    case("uint64-beyond-2-53", np.array([[1], [2**64 - 1]], np.uint64), ["2**53", "row 1"]),
    case("python-integer-beyond-int64", [[2**70]], ["2**53", "row 0, column 0"]),
    case("object-integer-beyond-2-53", np.array([[0.5, 2**53 + 1]], object), ["2**53", "column 1"]),
    case("no-rows", np.empty((0, 3)), ["0 sample(s) (shape=(0, 3)) while a minimum of 1"]),
    case(
        "no-columns",
        np.empty((12, 0)),
        ["0 feature(s) (shape=(12, 0)) while a minimum of 1 is required."],
    ),
    case("one-dimensional", np.zeros(3), ["Expected 2D array", "Reshape your data", "(-1, 1)"]),
    case("one-dimensional-list", [1, 2], ["Expected 2D array", "Reshape your data"]),
    case("empty-list", [], ["Expected 2D array"]),
    case("three-dimensional", np.zeros((2, 3, 4)), ["3D array", "reshape(2, -1)"]),
    case("scalar", np.float32(3), ["Expected 2D array", "scalar"]),
    case("ragged-list", [[1, 2], [3]], ["unequal length", "row 0 holds 2", "row 1 holds 1"]),
    case("ragged-number", [[1, 2], 3], ["unequal length", "row 1 holds one number"]),
    case(
        "ragged-objects", np.array([[1, 2], [3]], dtype=object), ["unequal length", "row 1 holds 1"]
    ),
    case("complex", np.eye(2) + 1j, ["Complex data not supported"]),
    case("complex-entry", np.array([[1.5, 2j]], object), ["Complex data not supported"]),
    case("numeric-strings", np.array([["1", "2.5"]]), ["'1'", "text", ".astype(float)"]),
    case("numeric-string-in-list", [[1.0, "2.5"]], ["row 0, column 1", "'2.5'", ".astype(float)"]),
    case("numeric-bytes", np.array([[b"1"]]), ["'1'", ".astype(float)"]),
    case("text", [[1.0, 2], [3, "abc"]], ["row 1, column 1", "'abc'"]),
    case("datetime64", np.zeros((2, 2), "M8[s]"), ["times", "seconds since a date"]),
    case("timedelta64", np.zeros((2, 2), "m8[s]"), ["times", "seconds"]),
    case("datetime-entry", [[DAY, 1]], ["row 0, column 0", "2020-01-01", "seconds"]),
    case("masked", np.ma.array(np.eye(2), mask=[[0, 0], [1, 0]]), ["1 masked", "[1, 0]"]),
    case("longdouble", np.array([["1e4000"]], np.longdouble), ["row 0, column 0", "float64"]),
    case(
        "sparse-csr", scipy.sparse.eye_array(3).tocsr(), [".toarray()", "72 bytes"], DataTypeError
    ),
    case("sparse-coo", scipy.sparse.coo_matrix(np.eye(3)), ["Sparse", ".toarray()"], DataTypeError),
    case("dictionary", {"a": [1]}, ["dict"], DataTypeError),
    case("nothing", None, ["NoneType", "shape"], DataTypeError),
    case("number", 3.0, ["float", "shape"], DataTypeError),
    case(
        "dictionary-entry",
        np.array([[{"a": 1}, 1]], object),
        ["row 0, column 0", "argument must be no string but a real number", "'dict'"],
        DataTypeError,
    ),
    case("structured", np.zeros(3, "f8,f8"), ["structured", "'f0', 'f1'"], DataTypeError),
]


@pytest.mark.skipif(
    np.finfo(np.longdouble).max <= np.finfo(np.float64).max, reason="no long double"
)
def test_longdouble_that_fits_is_converted():
    values = check_rows(np.array([[1.5, 2]], np.longdouble)).values
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [[1.5, 2]])


@pytest.mark.parametrize("name", ["X", "Q"])
@pytest.mark.parametrize(("X", "words", "error"), REFUSED)
def test_refused(X, words, error, name):
    if name == "Q" and "longdouble" in str(getattr(X, "dtype", "")):
        pytest.skip("once is enough")
    with pytest.raises(error) as caught:
        check_rows(X, name=name)
    message = str(caught.value)
    assert [w for w in words if w not in message] == []
    assert re.search(rf"\b{name}\b", message)


@pytest.mark.parametrize(
    "X",
    [
        pytest.param(np.array([[True, False]]), id="bool"),
        pytest.param(np.array([[1, -2]], np.int8), id="int8"),
        pytest.param(np.array([[1, 2]], np.uint32), id="uint32"),
        pytest.param(np.array([[2**53, -(2**53)]]), id="int64-up-to-2-53"),
        pytest.param(np.array([[1.5, 6e4]], np.float16), id="float16"),
        pytest.param(np.array([[1.5, 3e38]], np.float32), id="float32"),
        pytest.param(np.array([[1e300, 5e-324]]), id="float64-extremes"),
        pytest.param(np.asfortranarray(np.arange(6.0).reshape(2, 3)), id="fortran"),
        pytest.param(np.arange(24.0).reshape(4, 6)[::2, ::3], id="strided"),
        pytest.param(np.arange(24.0).reshape(4, 6)[::-1, ::-1], id="negative-stride"),
        pytest.param(np.broadcast_to(1.0, (5, 4)), id="broadcast"),
    ],
)
def test_arrays_are_taken_as_they_are(X):
    X.flags.writeable = False
    checked = check_rows(X)
    assert checked.values is X
    assert checked.columns is None
    assert checked.labels is None


@pytest.mark.parametrize(
    "X",
    [
        pytest.param([[1, 2.5], [3, 4]], id="lists"),
        pytest.param(((1, 2.5), (3, 4)), id="tuples"),
        pytest.param([np.array([1, 2.5]), np.array([3, 4])], id="list-of-arrays"),
        pytest.param(np.array([[1, 2.5], [3.0, np.int8(4)]], object), id="objects"),
        pytest.param(
            [[True, decimal.Decimal("2.5")], [fractions.Fraction(3), np.float32(4)]], id="exact"
        ),
        pytest.param(np.array([[1, 2.5], [3, 4]], ">f8"), id="big-endian"),
        pytest.param(np.ma.array([[1, 2.5], [3, 4]], mask=False), id="masked-nothing"),
        pytest.param(np.asmatrix([[1, 2.5], [3, 4]]), id="matrix"),
    ],
)
def test_converted_to_native_numbers(X):
    values = check_rows(X).values
    assert type(values) is np.ndarray
    assert values.dtype == np.float64
    assert values.dtype.isnative
    np.testing.assert_array_equal(values, [[1, 2.5], [3, 4]] if X[0][0] is not True else values)
    assert values[0, 1] == 2.5


def test_objects_are_copied():
    X = np.array([[1.0, 2.0]], object)
    values = check_rows(X).values
    X[0, 0] = NAN
    assert values[0, 0] == 1


def test_empty_query_keeps_its_dtype():
    empty = check_rows(np.empty((0, 3), np.float32), allow_empty=True, n_features=3)
    assert empty.values.shape == (0, 3)
    assert empty.values.dtype == np.float32


@pytest.mark.parametrize("columns", [None, ["a", "b"]])
def test_wrong_feature_count_names_both(columns):
    names = {"columns": columns} if columns else {"n_features": 2}
    context = pytest.warns(DataWarning) if columns else pytest.MonkeyPatch.context()
    with (
        context,
        pytest.raises(
            DataError, match=r"Q has 3 features, but \w+ is expecting 2 features as input"
        ),
    ):
        check_rows(np.zeros((1, 3)), name="Q", **names)


def test_names_at_fit_and_none_now_warns():
    with pytest.warns(DataWarning, match="does not have valid feature names"):
        assert check_rows([[1, 2]], columns=["a", "b"]).columns is None


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(["b", "a"], ["another order", "'b', 'a'", "'a', 'b'"], id="reordered"),
        pytest.param(["a", "c"], ["missing 'b'", "not in the training data 'c'"], id="renamed"),
        pytest.param(["a"], ["missing 'b'", "1 where 2 belong"], id="fewer"),
        pytest.param(["a", "b", "c"], ["training data 'c'", "3 where 2 belong"], id="more"),
    ],
)
def test_other_columns_list_both(found, words):
    with pytest.raises(DataError) as caught:
        check_columns(found, ["a", "b"], name="Q")
    assert [w for w in words if w not in str(caught.value)] == []
    pd = pytest.importorskip("pandas")
    with pytest.raises(DataError, match=r"Q .*columns of the training data"):
        check_rows(
            pd.DataFrame(np.zeros((1, len(found))), columns=found), columns=["a", "b"], name="Q"
        )


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_columns_in_another_order_are_matched_by_name(kind):
    module = pytest.importorskip(kind)
    frame = {"b": [1.0, 3.0], "a": [2.0, 4.0]}
    table = module.table(frame) if kind == "pyarrow" else module.DataFrame(frame)
    checked = check_rows(table, columns=["a", "b"], by_name=True)
    assert checked.columns == ("a", "b")
    np.testing.assert_array_equal(checked.values, [[2, 1], [4, 3]])
    with pytest.raises(DataError, match="another order"):
        check_rows(table, columns=["a", "b"])
    with pytest.raises(DataError, match="missing 'c'; not in the training data 'b'"):
        check_rows(table, columns=["a", "c"], by_name=True)


@pytest.mark.parametrize("kind", ["array", "list", "objects", "pandas"])
def test_bad_rows_in_memory_are_kept_with_what_they_hold(kind):
    X = [[1.0, 2.0], [NAN, INF], [3.0, -INF]]
    table = {"array": np.array(X), "list": X, "objects": np.array(X, object)}.get(kind)
    if kind == "pandas":
        table = pytest.importorskip("pandas").DataFrame(X, columns=["a", "b"])
    checked = check_rows(table, bad_rows="keep")
    np.testing.assert_array_equal(checked.values, X)
    first, second = ("'a'", "'b'") if kind == "pandas" else (0, 1)
    assert checked.bad == {
        1: f"NaN in column {first} and 1 more",
        2: f"infinity in column {second}",
    }
    assert check_rows([[1, 2]], bad_rows="keep").bad == {}
    with pytest.raises(DataError, match=r"2\*\*53"):
        check_rows([[2**53 + 1]], bad_rows="keep")


def test_a_table_that_was_read_is_taken_with_its_names(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id;b;a\np;1,5;2\nq;;4\n")
    table = hw.read_table(path, sep=";", decimal=",", id_column="id", bad_rows="keep")
    checked = check_rows(table, columns=["a", "b"], by_name=True, bad_rows="keep")
    assert checked.columns == ("a", "b")
    assert checked.labels.tolist() == ["p", "q"]
    assert checked.bad == {1: "NaN in column 'b'"}
    with pytest.raises(DataError, match=r"row 1 \(label 'q'\), column 'b'"):
        check_rows(table)
    assert hw.Cloud(hw.read_table(path, sep=";", decimal=",", columns=["a"])).columns == ("a",)


# ---- memory -------------------------------------------------------------------------------


def test_memory_map_is_never_copied(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((4000, 1000)))
    X = np.load(tmp_path / "x.npy", mmap_mode="r")
    tracemalloc.start()
    checked = check_rows(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert checked.values is X
    assert peak < 2 << 20


@pytest.mark.parametrize("order", ["C", "F"])
def test_nan_scan_needs_no_array_of_the_same_shape(order):
    X = np.ones((4000, 500), order=order)
    X[3999, 499] = NAN
    tracemalloc.start()
    with pytest.raises(DataError, match="row 3999, column 499"):
        check_rows(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.size // 2


def test_block_names_the_row_in_the_table():
    block = np.ones((10, 2))
    check_block(block, 100, ["a", "b"])
    check_block(block[:0], 100, ["a", "b"])
    block[7, 1] = block[8, 0] = NAN
    with pytest.raises(DataError, match=r"2 missing.* row 107, column 'b' .*rows 100 to 109 only"):
        check_block(block, 100, ["a", "b"])
    with pytest.raises(DataError, match=r"row 101, column 'b'.*2\*\*53"):
        check_block(np.array([[1, 2], [3, 2**60]]), 100, ["a", "b"])


def test_finite_false_leaves_the_scan_to_the_caller():
    X = np.array([[NAN]])
    assert check_rows(X, finite=False).values is X


def test_memory_is_asked_before_allocating(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 1 << 30)
    check_memory(1 << 30, "a table")
    with pytest.raises(MemoryLimitError, match=r"^a table needs 2\.0 TiB \(2199023255552 bytes\)"):
        check_memory(2 << 40, "a table")
    huge = np.broadcast_to(np.array(1.0, object), (1 << 20, 1 << 20))
    with pytest.raises(MemoryError, match=r"X as float64 needs 8\.0 TiB.*\.npy or Parquet"):
        check_rows(huge)


def test_available_memory_is_known_here():
    free = memory.available_memory()
    assert free is None or free > 1 << 20


# ---- tensors ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "gradient", "words"),
    [("cuda", False, "device 'cuda'"), ("cpu", True, "requires gradients")],
)
def test_torch_tensor_says_detach_cpu(device, gradient, words):
    class Tensor:
        __module__ = "torch"

    tensor = Tensor()
    tensor.device = types.SimpleNamespace(type=device)
    tensor.requires_grad = gradient
    with pytest.raises(DataTypeError, match=rf"{words}: pass X\.detach\(\)\.cpu\(\)"):
        check_rows(tensor)


def test_array_protocol_is_used():
    class Tensor:
        __module__ = "torch"
        device = types.SimpleNamespace(type="cpu")
        requires_grad = False

        def __array__(self, dtype=None, copy=None):
            return np.eye(2, dtype=np.float32)

    assert check_rows(Tensor()).values.dtype == np.float32


def test_unreadable_object_is_a_type_error():
    class Odd:
        def __array__(self, dtype=None, copy=None):
            raise TypeError("no arrays here")

    with pytest.raises(DataTypeError, match=r"Odd.*no arrays here"):
        check_rows(Odd())


# ---- targets and errors -------------------------------------------------------------------


def test_targets():
    assert check_target([1, 2], 2).shape == (2,)
    assert check_target([[1, 2], [3, 4]], 2).shape == (2, 2)
    assert check_target([5.0, 5.0], 2).tolist() == [5, 5]
    assert check_target(["a", "b"], 2).tolist() == ["a", "b"]
    for y, words in [
        ([1, 2, 3], "X has 2 rows, y has 3"),
        ([1.0, NAN], "NaN.*row 1"),
        ([INF, 1.0], "Input y contains infinity or a value too large for dtype.*row 0"),
        ([1j, 2], "Complex data not supported"),
        (np.zeros((2, 2, 2)), "y should be a 1d array"),
        (None, "requires y to be passed, but the target y is None"),
    ]:
        with pytest.raises(DataError, match=words):
            check_target(y, 2)


def test_errors_are_caught_as_their_builtin_kin():
    assert set(errors.__all__) == {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and value.__module__ == errors.__name__ and name[0] != "_"
    }
    for kind, kin in [(DataError, ValueError), (DataTypeError, TypeError), (FileError, DataError)]:
        assert issubclass(kind, kin)
        assert issubclass(kind, errors.HullwiseError)
    assert issubclass(MemoryLimitError, MemoryError)
    assert all(name in errors.__doc__ for name in errors.__all__)
    error = pickle.loads(pickle.dumps(FileError("a.csv", "the file is empty")))
    assert str(error) == "a.csv: the file is empty"
    assert error.path == "a.csv"
