"""A query of a database, which stands wherever the path of a table can; nothing is imported yet."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import PurePath
from urllib.parse import urlsplit

from ..errors import DataError


class SqlQuery(PathLike[str]):
    """The rows of a query, as a table: pass it wherever the path of a table can be passed.

    Parameters
    ----------
    sql : str
        One SELECT, in the database's own words. Nothing that it changes is kept.
    url : str
        The database as SQLAlchemy names it, such as ``postgresql+psycopg://user@host/shop`` or
        ``sqlite:///shop.db``. Its password is in no message, report or proof; drivers also find one
        where they always do (PGPASSWORD, ~/.pgpass).

    Notes
    -----
    The rows are read once, in batches (of a server: by its own cursor), and kept as Arrow columns.
    Their order is that of the query: without ORDER BY a database gives them as it likes. NUMERIC
    is exact until it becomes float64, NULL is a gap. Needs ``hullwise[sql]`` and the driver.

    Examples
    --------
    >>> import sqlite3, tempfile, hullwise as hw
    >>> path = tempfile.mkdtemp() + "/shop.db"
    >>> with sqlite3.connect(path) as shop:
    ...     _ = shop.execute("CREATE TABLE orders (id TEXT, price REAL, weight REAL)")
    ...     rows = [(f"o{i}", i % 17, i % 5) for i in range(60)]
    ...     _ = shop.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
    >>> query = hw.SqlQuery("SELECT * FROM orders ORDER BY id", f"sqlite:///{path}")
    >>> query
    SqlQuery('query on shop.db')
    >>> hw.Domain().fit(query, id="id")
    Domain(60 rows, 2 columns in 2 coordinates)
    """

    def __init__(self, sql: str, url: str) -> None:
        for name, text in (("sql", sql), ("url", url)):
            if not isinstance(text, str) or not text.strip():
                raise DataError(f"{name}: expected a text, got {type(text).__name__} that is none.")
        self.sql, self.url = sql, url

    @property
    def name(self) -> str:
        """What messages and reports call it: the database, and nothing else of its URL."""
        try:
            parts = urlsplit(self.url)
            database = PurePath(parts.path).name or parts.hostname or parts.scheme
        except ValueError:
            database = "a database"
        return f"query on {database}"

    def __fspath__(self) -> str:
        return self.name

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"SqlQuery({self.name!r})"


TablePath = str | SqlQuery  # what stands for a table on the command line


def query_text(text: str) -> str:
    """The query itself, or what the file of that name holds where it ends in .sql.

    Raises
    ------
    FileError
        The file cannot be read.
    """
    if not text.strip().lower().endswith(".sql"):
        return text
    from .paths import readable_path

    try:
        return readable_path(text.strip()).read_text("utf-8")
    except UnicodeDecodeError:
        from ..errors import FileError

        raise FileError(os.fsdecode(text.strip()), "is not UTF-8 text") from None
