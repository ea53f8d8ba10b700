"""All errors and warnings.

::

    HullwiseError
    ├── DataError            (also ValueError)   bad values or shapes
    │   └── FileError                            a file; the message starts with its path
    ├── DataTypeError        (also TypeError)    the wrong kind of container
    ├── ModelError           (also ValueError)   a network that cannot be read or analysed
    ├── ClusterError         (also RuntimeError) workers that cannot be reached or do not answer
    └── MemoryLimitError     (also MemoryError)  would not fit; raised before allocating

    UserWarning
    └── DataWarning                              an answer was given, with a reservation
"""

from __future__ import annotations

__all__ = [
    "ClusterError",
    "DataError",
    "DataTypeError",
    "DataWarning",
    "FileError",
    "HullwiseError",
    "MemoryLimitError",
    "ModelError",
]


class HullwiseError(Exception):
    """Base of every error raised on purpose.

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


class FileError(DataError):
    """A file cannot be read or written as asked.

    Parameters
    ----------
    path : str
        The file as the user named it.
    problem : str
        What was found, what was expected and what to do.

    Examples
    --------
    >>> print(FileError("train.csv", "the file is empty"))
    train.csv: the file is empty
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class DataTypeError(HullwiseError, TypeError):
    """A container that is not a dense table in main memory (sparse, lazy, on a GPU).

    Examples
    --------
    >>> import hullwise as hw
    >>> from scipy.sparse import eye_array
    >>> try:
    ...     hw.Cloud(eye_array(3))
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


class MemoryLimitError(HullwiseError, MemoryError):
    """More memory would be needed than there is; nothing has been allocated yet.

    Examples
    --------
    >>> issubclass(MemoryLimitError, MemoryError)
    True
    """


class DataWarning(UserWarning):
    """The answer stands, but the data deserve a second look.

    Examples
    --------
    >>> import warnings, hullwise as hw
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     loc = hw.locate([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]], [[0.5, 5.0]])
    >>> [w.category.__name__ for w in said]
    ['DataWarning']
    """
