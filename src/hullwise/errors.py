"""All errors and warnings.

::

    HullwiseError
    ├── DataError            (also ValueError)   bad values or shapes
    │   ├── FileError                            a file; the message starts with its path
    │   └── OutOfDomainError                     rows that a guarded model refuses
    ├── DataTypeError        (also TypeError)    the wrong kind of container
    ├── ModelError           (also ValueError)   a network that cannot be read or analysed
    ├── ClusterError         (also RuntimeError) workers that cannot be reached or do not answer
    ├── MissingDependencyError (also ImportError) an extra that is not installed
    ├── MemoryLimitError     (also MemoryError)  would not fit; raised before allocating
    └── StoppedError         (also RuntimeError) the caller's `stop` was set

    UserWarning
    └── DataWarning                              an answer was given, with a reservation

A `Hint` is what helps against an error, for each face of the library to word; a `Note` is a remark
that carries one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, unique
from typing import Self

__all__ = [
    "ClusterError",
    "DataError",
    "DataTypeError",
    "DataWarning",
    "FileError",
    "Hint",
    "HullwiseError",
    "MemoryLimitError",
    "MissingDependencyError",
    "ModelError",
    "Note",
    "OutOfDomainError",
    "StoppedError",
]


@unique
class Hint(Enum):
    """What helps against an error, whoever shows it.

    A member stands for the advice; its value is the wording for Python. The command line words the
    same members in its own options. ``{}`` is a value that belongs to the advice, such as a name.

    Examples
    --------
    >>> import hullwise as hw
    >>> "REPLACE_FILE" in hw.errors.Hint.__members__
    True
    """

    SEPARATOR = "pass sep={} to hullwise.read_table"
    DECIMAL = "pass decimal={} to hullwise.read_table"
    GROUPED_OR_DECIMAL = (
        "remove the thousands separators, or pass decimal={} to hullwise.read_table if it is the "
        "decimal mark"
    )
    NO_HEADER = (
        "pass header=False to hullwise.read_table, or give the columns names that are no numbers"
    )
    UNNAMED_COLUMN = (
        "name it, take it as the row id with id_column='', or select the features with columns= "
        "(of hullwise.read_table)"
    )
    LEAVE_OUT = "leave the column out with drop= of hullwise.read_table"
    ENCODE_OR_LEAVE_OUT = (
        "encode text as numbers, or leave the column out with drop= of hullwise.read_table"
    )
    REWRITE_OR_LEAVE_OUT = (
        "write plain decimal numbers there, or take the column as the row id with id_column= or "
        "leave it out with drop= (of hullwise.read_table)"
    )
    ROW_NUMBERS = (
        "if it holds row numbers, drop it: it says nothing of other rows (drop=[{}] or id_column= "
        "of hullwise.read_table)"
    )
    NUMERIC_COLUMNS = "select the numeric ones with columns=[{}]"
    OFFSET_OR_ROW_ID = (
        "subtract an offset from that column first, or take it as the row id with id_column= of "
        "hullwise.read_table"
    )
    KEEP_BAD_ROWS = "or pass bad_rows='keep' to have the other rows {}"
    CLASS_LABELS = "if the target {} holds class labels, use a classifier"
    METRIC_OF_SPREAD = "use metric='std', or learn from a model instead of y"
    CHOOSE_OUTPUT = "say which one is read: output={}"
    HOLD_INPUT = "hold those that stay what they are: constants={{{}: value}}"
    ROW_SHAPE = "give the shape of one row: input_shape=(channels, height, width)"
    ROW_SHAPES = (
        "give the shapes of those that are read, side by side: input_shape={{{}: shape, ...}}"
    )
    WHOLE_INPUT = (
        "if the whole input is one row, give its shape with as many axes as the file declares: "
        "input_shape=(2, 3, 4)"
    )
    STRAIGHT_PIECES = (
        'read(model, smooth="pieces", error=1e-3) puts straight pieces in its place that are off '
        "by so much at most"
    )
    READ_PART = "the part before it can be read: hullwise.model.read(model, upto={})"
    REPLACE_FILE = "pass force=True to replace it"
    ANY_TABLE = "without {} a Domain takes any table as it is"
    NAME_AS_GAP = "if that stands for a gap, say so with gaps=[{}]"
    DECLARE_CATEGORY = "if it is a category, say so with categories=[{}]"
    DECLARE_GROUPS = "if new rows come with new ones, say so with groups={}"
    GAPS_ARE_LEVELS = "if absence means something, say so with gaps_are_levels=[{}]"
    NAME_TARGET = "name it with fit(table, target=...)"
    DECLARE_ID = "if it is an id, say so with id={}"
    DECLARE_PERIOD = "if so, declare its period in periodic, as in {}"
    DECLARE_DATES = "to use parts of them, declare these in dates, as in {}"


class Note(str):
    """A remark, with what helps worded by whoever shows it.

    As text it is the remark in words for Python.

    Attributes
    ----------
    text : str
        Without what helps.
    hint : Hint or None
    value : str
        What the hint is filled in with.

    Examples
    --------
    >>> note = Note("'hr' looks periodic", Hint.DECLARE_PERIOD, "hr=24")
    >>> print(note)
    'hr' looks periodic; if so, declare its period in periodic, as in hr=24
    >>> print(note.worded({Hint.DECLARE_PERIOD: "pass --periodic {}"}))
    'hr' looks periodic; pass --periodic hr=24
    """

    text: str
    hint: Hint | None
    value: str

    def __new__(cls, text: str, hint: Hint | None = None, value: str = "") -> Self:
        note = super().__new__(cls, _hinted(text, hint, value, {}))
        note.text, note.hint, note.value = text, hint, value
        return note

    def worded(self, words: Mapping[Hint, str]) -> str:
        """The remark, its hint in these words, or in those for Python where there are none."""
        return _hinted(self.text, self.hint, self.value, words)


def _hinted(text: str, hint: Hint | None, value: str, words: Mapping[Hint, str]) -> str:
    return text if hint is None else f"{text}; {words.get(hint, hint.value).format(value)}"


class _Worded(BaseException):
    """A message with hints, which whoever shows it words in their own way."""

    def __init__(self, *args: object, hint: Hint | None = None, value: str = "") -> None:
        super().__init__(*args)
        self.hints: tuple[tuple[Hint, str], ...] = () if hint is None else ((hint, value),)

    def with_hint(self, hint: Hint, value: str = "") -> Self:
        """The same with one more hint."""
        self.hints = (*self.hints, (hint, value))
        return self

    def problem_text(self) -> str:
        """The message without its hints."""
        return super().__str__()

    def worded(self, words: Mapping[Hint, str]) -> str:
        """The message, its hints in these words, or in those for Python where there are none."""
        hints = [words.get(hint, hint.value).format(value) for hint, value in self.hints]
        problem = self.problem_text()
        return "; ".join([problem.removesuffix("."), *hints]) if hints else problem

    def __str__(self) -> str:
        return self.worded({})


class HullwiseError(_Worded, Exception):
    """Base of every error raised on purpose.

    Parameters
    ----------
    *args
        What was found, where, what was expected.
    hint : Hint, optional
        What to do about it, where that is an option of whoever shows the error.
    value : str
        What the hint is filled in with.

    Attributes
    ----------
    hints : tuple of (Hint, str)
        All hints with their values; `with_hint` adds one.

    Examples
    --------
    >>> import hullwise as hw
    >>> try:
    ...     hw.locate([[0.0], [1.0]], [[0.5, 0.5]])
    ... except hw.HullwiseError as error:
    ...     print(type(error).__name__)
    DataError
    """


class DataError(HullwiseError, ValueError):
    """Values or shapes that have no right answer, such as NaN or a missing column.

    Examples
    --------
    >>> import hullwise as hw
    >>> try:
    ...     hw.Cloud([[0.0, 1.0], [2.0, float("nan")]])
    ... except ValueError as error:
    ...     print(error)  # doctest: +ELLIPSIS
    X ... row 1...
    """

    def in_file(self, path: str) -> FileError:
        """The same problem, of the file that the data came from."""
        error = FileError(path, self.problem_text())
        error.hints = self.hints
        return error


class FileError(DataError):
    """A file cannot be read or written as asked.

    Parameters
    ----------
    path : str
        The file as the user named it.
    problem : str
        What was found, what was expected and what to do.
    hint : Hint, optional
        What to do, where that is an option of whoever shows the error.
    value : str
        What the hint is filled in with.

    Examples
    --------
    >>> print(FileError("train.csv", "the file is empty"))
    train.csv: the file is empty
    >>> error = FileError("out.csv", "exists already", hint=Hint.REPLACE_FILE)
    >>> print(error)
    out.csv: exists already; pass force=True to replace it
    >>> print(error.worded({Hint.REPLACE_FILE: "pass --force to replace it"}))
    out.csv: exists already; pass --force to replace it
    """

    def __init__(
        self, path: str, problem: str, *, hint: Hint | None = None, value: str = ""
    ) -> None:
        super().__init__(path, problem, hint=hint, value=value)
        self.path = path
        self.problem = problem

    def problem_text(self) -> str:
        return f"{self.path}: {self.problem}"


class OutOfDomainError(DataError):
    """Rows are out of the domain of a model that is told to raise then.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.random.default_rng(0).uniform(size=(100, 2))
    >>> guarded = hw.Guarded(LinearRegression(), on_out="raise").fit(X, X[:, 0])
    >>> guarded.predict([[9.0, 0.5]])
    Traceback (most recent call last):
    ...
    hullwise.errors.OutOfDomainError: 1 of 1 rows are out of the domain (row 0); row 0: far. ...
    """


class DataTypeError(HullwiseError, TypeError):
    """A container that is no dense table in main memory (lazy, on a GPU, sparse in an estimator).

    Examples
    --------
    >>> import hullwise as hw
    >>> from scipy.sparse import eye_array
    >>> try:
    ...     hw.HullLocator().fit(eye_array(3))
    ... except TypeError as error:
    ...     print("toarray" in str(error))
    True
    """


class ModelError(HullwiseError, ValueError):
    """A network that cannot be read, or that is not piecewise affine where it must be.

    Examples
    --------
    >>> import hullwise as hw
    >>> try:
    ...     hw.model.from_arrays([[[1.0, float("nan")]]])
    ... except hw.ModelError as error:
    ...     print(error)  # doctest: +ELLIPSIS
    layer 'linear0' has 1 NaN or infinite numbers in W...
    """


class ClusterError(HullwiseError, RuntimeError):
    """Workers that cannot be reached, do not answer in time, or stop again and again.

    Examples
    --------
    >>> issubclass(ClusterError, RuntimeError)
    True
    """


class MissingDependencyError(HullwiseError, ImportError):
    """A package is needed that comes with an extra of hullwise and is not installed.

    Examples
    --------
    >>> import hullwise as hw
    >>> issubclass(hw.MissingDependencyError, ImportError)
    True
    """


class MemoryLimitError(HullwiseError, MemoryError):
    """More memory would be needed than there is; nothing has been allocated yet.

    Examples
    --------
    >>> issubclass(MemoryLimitError, MemoryError)
    True
    """


class StoppedError(HullwiseError, RuntimeError):
    """The caller's `stop` was set before the answer was there.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> stop = hw.model.StopFlag()
    >>> stop.set()
    >>> hw.model.from_arrays([np.eye(2)] * 2).slice([0, 0], np.eye(2), stop=stop)
    Traceback (most recent call last):
    hullwise.errors.StoppedError: the slice was stopped in layer 1 of 1
    """


class DataWarning(_Worded, UserWarning):
    """The answer stands, but the data deserve a second look. Hints as in `HullwiseError`.

    Examples
    --------
    >>> import warnings, hullwise as hw
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     loc = hw.locate([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]], [[0.5, 5.0]])
    >>> [w.category.__name__ for w in said]
    ['DataWarning']
    """
