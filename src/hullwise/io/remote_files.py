"""Files of an object store, such as s3://bucket/new.parquet, through pyarrow.fs.

What a URL says of keys and servers (s3://KEY:SECRET@bucket/name?region=...) stays out of every
message.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ..errors import FileError, MissingDependencyError

STORE_SCHEMES: Final = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs", "file")
REASON_CHARACTERS: Final = 300


def is_store_url(path: str | PathLike[str]) -> bool:
    """Whether a path is that of an object store."""
    return url_scheme(os.fsdecode(path)) in STORE_SCHEMES


def url_scheme(name: str) -> str:
    """What stands before ``://``, in small letters; empty for a path."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", name)
    return match[1].lower() if match else ""


def public_url(name: str) -> str:
    """A URL without user, password and what follows a question mark; a path as it is."""
    if not url_scheme(name):
        return name
    scheme, _, rest = name.partition("://")
    rest = rest.partition("?")[0]
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def open_store(path: str | PathLike[str]) -> tuple[Any, str]:
    """The pyarrow.fs.FileSystem of a URL, and the path in it.

    Raises
    ------
    FileError
        There is no such store, or pyarrow was built without it.
    """
    import pyarrow.fs as fs

    url = os.fsdecode(path)
    with store_errors(url, "cannot be opened"):
        store, place = fs.FileSystem.from_uri(_without_pattern(url))
        return store, place + _pattern(url)


@contextmanager
def store_errors(url: str, problem: str) -> Iterator[None]:
    """Whatever a store says, as one sentence that holds no secret of the URL."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowNotImplementedError, ImportError) as error:
        raise MissingDependencyError(
            f"{public_url(url)}: this pyarrow has no {url_scheme(url)}:// ({_reason(error, url)})"
        ) from None
    except FileNotFoundError:
        raise FileError(public_url(url), "no such file or folder") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(public_url(url), f"{problem} ({_reason(error, url)})") from None


def read_store_file(path: str | PathLike[str]) -> bytes:
    """All bytes of one file.

    Raises
    ------
    FileError, MemoryLimitError
    """
    from .._core.memory import check_memory

    url = os.fsdecode(path)
    store, place = open_store(url)
    with store_errors(url, "cannot be read"):
        info = store.get_file_info(place)
        if info.type.name == "NotFound":
            raise FileNotFoundError
        if info.size is not None:
            check_memory(2 * info.size, f"{public_url(url)} in memory")
        with store.open_input_stream(place) as stream:
            return bytes(stream.read())


def _reason(error: BaseException, url: str) -> str:
    """What went wrong, without the secrets of the URL and the words of C++."""
    text = " ".join(str(error).split())
    for secret in _secrets(url):
        text = text.replace(secret, "***")
    return text.replace(url, public_url(url))[:REASON_CHARACTERS]


def _secrets(url: str) -> list[str]:
    """What a URL says of its user and in its query, longest first, as it is and decoded."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    user = parts.netloc.rpartition("@")[0]
    texts = {*user.split(":", 1), *(v for _, v in _query(parts.query))}
    texts |= {unquote(text) for text in texts}
    return sorted((text for text in texts if len(text) > 2), key=len, reverse=True)


def _query(query: str) -> Iterator[tuple[str, str]]:
    for item in query.split("&"):
        name, _, value = item.partition("=")
        if re.search("key|secret|token|password|user", name, re.IGNORECASE):
            yield name, value


def _pattern(url: str) -> str:
    """The end of a URL from the folder on that holds ``*``, ``?`` cannot be one; or nothing."""
    path = url.partition("?")[0]
    star = min((path.index(mark) for mark in "*[" if mark in path), default=-1)
    return "" if star < 0 else path[path.rindex("/", 0, star) :]


def _without_pattern(url: str) -> str:
    pattern = _pattern(url)
    return url.replace(pattern, "", 1) if pattern else url
