"""The one place that words the errors of other libraries as errors of this one.

Nothing of those libraries is imported: an error is known by the module of its class, or, where it
is one of Python's own, by the package of the function that raised it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from ..errors import (
    ClusterError,
    DataError,
    DataTypeError,
    FileError,
    HullwiseError,
    MemoryLimitError,
    ModelError,
)

__all__ = ["own_errors"]

PACKAGE_OWN = __name__.partition(".")[0]
PACKAGE_ERRORS: dict[str, type[HullwiseError]] = {
    "numba": HullwiseError,
    "llvmlite": HullwiseError,
    "numpy": DataError,
    "scipy": DataError,
    "sklearn": DataError,
    "pandas": DataError,
    "polars": DataError,
    "narwhals": DataError,
    "pyarrow": DataError,
    "torch": ModelError,
    "onnx": ModelError,
    "onnxruntime": ModelError,
    "google": ModelError,  # google.protobuf, in which ONNX files are written
    "distributed": ClusterError,
    "dask": ClusterError,
    "tornado": ClusterError,
    "msgpack": ClusterError,
    "cloudpickle": ClusterError,
}
# What numpy's C code raises as Python's own errors; indices out of range are a fault of ours.
NUMPY_BUILTINS = (ValueError, TypeError, OverflowError, FloatingPointError)
# Of files and their contents, like zlib.error and struct.error.
PYTHON_BUILTINS = (MemoryError, OSError, RecursionError, EOFError, UnicodeError)
MESSAGE_CHARACTERS = 300


@contextmanager
def own_errors(
    doing: str, *, path: str | None = None, including_callers: bool = False
) -> Iterator[None]:
    """Word what other libraries raise in the block as one of this library's errors.

    Use it once at each public border, as a context manager or a decorator, around the part that
    calls other libraries. Blocks may be nested: what the inner one has worded passes the outer
    one. Errors of this library pass, and so does whatever a function of the caller's raises (a
    progress callback, a predictor), and whatever only a fault of this library explains.

    Parameters
    ----------
    doing : str
        What was going on, as a present participle with its object: "reading the network".
    path : str, optional
        The file that is being read or written; what goes wrong is then a FileError that names it.
    including_callers : bool
        Word what an object of the caller's raises too: of a transformer nobody can tell the parts
        that a library wrote from those that the caller did.

    Raises
    ------
    HullwiseError
        MemoryLimitError where memory ran out, FileError where `path` is named, else the error of
        the room that the other library serves: ModelError (torch, onnx, onnxruntime, protobuf),
        ClusterError (distributed and what it stands on), DataError (numpy, scipy, scikit-learn,
        pyarrow, data frames; DataTypeError for their TypeErrors), HullwiseError (numba). The cause
        is kept. scikit-learn's NotFittedError passes: callers look for it.

    Examples
    --------
    >>> import numpy as np
    >>> with own_errors("inverting the metric"):
    ...     np.linalg.inv(np.zeros((2, 2)))
    Traceback (most recent call last):
    hullwise.errors.DataError: inverting the metric failed: numpy says 'Singular matrix'
    """
    try:
        yield
    except (HullwiseError, Warning):  # a warning is an error where the caller made it one
        raise
    except BrokenPipeError:  # the reader of what is written has gone, which is no failure
        raise
    except Exception as error:
        own = None
        if not (including_callers and _is_raised_by_caller(error)):
            own = _own_error(error, doing, path)
        if own is None and including_callers:
            words = f"{type(error).__name__}: {_message(error)}"
            own = DataError(f"{doing} failed with {words}")
        if own is None:
            raise
        raise own from error


def _own_error(error: Exception, doing: str, path: str | None) -> HullwiseError | None:
    """The error as this library words it, None where it is the caller's or a fault of ours."""
    package = _origin(error)
    if package is None or type(error).__name__ == "NotFittedError":
        return None
    words = _message(error, package)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return MemoryLimitError(f"{doing} needs more memory than there is ({words})")
    if isinstance(error, RecursionError):
        text = f"{doing} failed: what it holds is nested too deeply"
    elif isinstance(error, OSError) and error.strerror:
        text = f"{doing} failed: {error.strerror}"
    else:
        text = f"{doing} failed: {package} says {words!r}"
    if package in ("numba", "llvmlite"):
        text += ". Unset the variables NUMBA_... of the environment; without any, please report it."
    if path is not None:
        return FileError(path, text)
    own = PACKAGE_ERRORS.get(package, DataError)
    return DataTypeError(text) if own is DataError and isinstance(error, TypeError) else own(text)


def _origin(error: Exception) -> str | None:
    """The library that the error comes from, None for the caller's code and for this library."""
    package = type(error).__module__.partition(".")[0]
    if package not in PACKAGE_ERRORS and package not in sys.stdlib_module_names:
        return None
    below = _packages_below_border(error.__traceback__)
    if below is None:
        return None
    # a function of the caller's stands before any library that it may call
    caller = next((i for i, name in enumerate(below) if not _is_library(name)), len(below))
    known = [name for name in below[:caller] if name in PACKAGE_ERRORS]
    if caller < len(below) and not known:
        return None
    if package in PACKAGE_ERRORS:
        return package
    if known:
        return known[0]
    if package != "builtins" or isinstance(error, PYTHON_BUILTINS):
        return "Python"
    if below:
        return None
    # raised by compiled code that this library called
    if type(error) is RuntimeError and "torch" in sys.modules:
        return "torch"
    return "numpy" if isinstance(error, NUMPY_BUILTINS) else None


def _is_raised_by_caller(error: Exception) -> bool:
    """Whether a function of the caller's raised it, though a library called that."""
    below = _packages_below_border(error.__traceback__)
    return below is not None and len(below) > 0 and not _is_library(below[-1])


def _packages_below_border(traceback: TracebackType | None) -> list[str] | None:
    """The packages of the frames below the last one that is this library's.

    None where a decorated function was called with arguments that it does not have.
    """
    packages: list[str] = []
    while traceback is not None:
        packages.append(traceback.tb_frame.f_globals.get("__name__", "").partition(".")[0])
        traceback = traceback.tb_next
    border = packages[2:] if packages[1:2] == ["contextlib"] else packages[1:]
    if not border:
        return None
    last = max(i for i, name in enumerate(border) if i == 0 or name == PACKAGE_OWN)
    return border[last + 1 :]


def _is_library(package: str) -> bool:
    return package in PACKAGE_ERRORS or (
        package in sys.stdlib_module_names and package != "__main__"
    )


def _message(error: Exception, package: str | None = None) -> str:
    """What the error says, as one line: the first, but all of those of scikit-learn."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip() or type(error).__name__
    lines = [line.strip() for line in text.splitlines()]
    # the first line of scikit-learn's is what it wants, and the others what it found
    line = " ".join(lines) if package == "sklearn" else lines[0]
    return line if len(line) <= MESSAGE_CHARACTERS else line[: MESSAGE_CHARACTERS - 3] + "..."
