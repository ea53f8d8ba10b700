"""The rows of a query, read in batches by SQLAlchemy, as Arrow columns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from importlib.util import find_spec
from typing import Any, Final, NoReturn
from uuid import UUID

from .._core.memory import check_memory
from ..errors import FileError, MissingDependencyError
from .arrow_table import StoredTable
from .paths import check_repeated
from .sql_query import SqlQuery

QUERY_BATCH_ROWS: Final = 1 << 13
QUERY_REASON_CHARACTERS: Final = 300
DRIVER_PACKAGES: Final = {
    "postgresql": ("psycopg", "psycopg[binary]"),
    "mysql": ("pymysql", "pymysql"),
    "mariadb": ("pymysql", "pymysql"),
    "mssql": ("pyodbc", "pyodbc"),
    "oracle": ("oracledb", "oracledb"),
    "duckdb": ("duckdb_engine", "duckdb-engine"),
}
DEFAULT_DRIVERS: Final = {"postgresql": "psycopg", "mysql": "pymysql", "oracle": "oracledb"}


def open_query(query: SqlQuery) -> StoredTable:
    """Run a query and keep its rows.

    Raises
    ------
    FileError
        It cannot be run, gives no table or no rows, or the server cannot be reached.
    MissingDependencyError
        SQLAlchemy or the driver is not installed.
    MemoryLimitError
        The rows do not fit.
    """
    sqlalchemy = _sqlalchemy()
    engine = _engine(query, sqlalchemy)
    try:
        with _connection(query, engine, sqlalchemy) as connection:
            table = _rows(query, connection, sqlalchemy)
    finally:
        engine.dispose()
    if not table.num_rows:
        raise FileError(query.name, "gives no rows")
    return StoredTable(table, query.name)


def _sqlalchemy() -> Any:
    try:
        import sqlalchemy
    except ImportError:
        raise MissingDependencyError(
            "a database is read with SQLAlchemy, which is not installed: pip install "
            "'hullwise[sql]'."
        ) from None
    return sqlalchemy


def _engine(query: SqlQuery, sqlalchemy: Any) -> Any:
    """An engine for the URL, with a driver that is installed where none is named."""
    try:
        url = sqlalchemy.engine.make_url(query.url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise FileError(
            query.name,
            "its URL (--db) is no address of a database: expected one such as "
            "postgresql+psycopg://user@host/name or sqlite:///name.db",
        ) from None
    dialect, _, driver = url.drivername.partition("+")
    if dialect == "sqlite" and not driver:
        _refuse_missing_file(query, url.database)
    default = DEFAULT_DRIVERS.get(dialect)
    if not driver and default is not None and find_spec(default) is not None:
        url = url.set(drivername=f"{dialect}+{default}")
    try:
        return sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    except sqlalchemy.exc.NoSuchModuleError:
        _refuse_driver(query, dialect, driver, f"SQLAlchemy knows no {url.drivername}://")
    except ImportError as error:
        _refuse_driver(query, dialect, driver, f"there is no module {error.name!r}")


def _refuse_driver(query: SqlQuery, dialect: str, driver: str, why: str) -> NoReturn:
    _, package = DRIVER_PACKAGES.get(dialect, ("", driver))
    advice = f"pip install '{package}'" if package else "name one as in postgresql+psycopg://"
    raise MissingDependencyError(
        f"{query.name}: the driver of this database is not installed ({why}): {advice}."
    ) from None


def _refuse_missing_file(query: SqlQuery, database: str | None) -> None:
    """SQLite would make an empty database of a name that is misspelt."""
    from .paths import readable_path

    if database and database != ":memory:" and not database.startswith("file:"):
        readable_path(database)


def _connection(query: SqlQuery, engine: Any, sqlalchemy: Any) -> Any:
    try:
        connection = engine.connect()
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise FileError(
            query.name, f"the database cannot be reached ({_reason(query, error)})"
        ) from None
    options: dict[str, Any] = {
        "stream_results": True,
        "max_row_buffer": QUERY_BATCH_ROWS,
        "no_parameters": True,  # a % of LIKE is no placeholder
    }
    if engine.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    return connection.execution_options(**options)


def _rows(query: SqlQuery, connection: Any, sqlalchemy: Any) -> Any:
    """All rows as a pyarrow.Table; a batch of them at a time are Python's."""
    sql = query.sql.strip().rstrip(";")
    try:
        result = connection.exec_driver_sql(sql)
        if not result.returns_rows:
            raise FileError(query.name, "gives no table: expected one SELECT")
        names = list(result.keys())
        check_repeated(query.name, names)
        columns = [_QueryColumn(query.name, name) for name in names]
        n_rows = 0
        while batch := result.fetchmany(QUERY_BATCH_ROWS):
            for column, cells in zip(columns, zip(*batch)):
                column.append(cells)
            n_rows += len(batch)
            size = sum(column.nbytes for column in columns)
            check_memory(size, f"{query.name}: its first {n_rows} rows, twice")  # joined below
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise FileError(query.name, f"cannot be run ({_reason(query, error)})") from None
    import pyarrow as pa

    return pa.table({column.name: column.joined() for column in columns})


class _QueryColumn:
    """One column of a result, as chunks that become one type in the end."""

    def __init__(self, source: str, name: str) -> None:
        self.source, self.name, self.nbytes = source, name, 0
        self.chunks: list[Any] = []

    def append(self, cells: Sequence[Any]) -> None:
        import pyarrow as pa

        try:
            chunk = pa.array(cells)
            if isinstance(chunk.type, pa.BaseExtensionType):  # ids of 128 bits
                chunk = self._unusual(cells)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            chunk = self._unusual(cells)
        self.chunks.append(chunk)
        self.nbytes += chunk.nbytes

    def _unusual(self, cells: Sequence[Any]) -> Any:
        """Cells of types that Arrow does not know, as what they mean."""
        import pyarrow as pa

        try:
            return pa.array([_plain(cell) for cell in cells])
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            kinds = sorted({type(cell).__name__ for cell in cells if cell is not None})
            raise FileError(
                self.source,
                f"column {self.name!r} holds cells of more than one type ({', '.join(kinds)}), or "
                "of none that a table can hold: CAST it in the query, or leave it out",
            ) from None

    def joined(self) -> Any:
        import pyarrow as pa

        if not self.chunks:
            return pa.nulls(0)
        tables = [pa.table({self.name: chunk}) for chunk in self.chunks]
        try:
            table = pa.concat_tables(tables, promote_options="permissive")
        except pa.ArrowException as error:
            raise FileError(
                self.source,
                f"column {self.name!r} changes its type from row to row "
                f"({' '.join(str(error).split())[:QUERY_REASON_CHARACTERS]}): CAST it in the query",
            ) from None
        return table.column(0)


def _plain(cell: Any) -> Any:
    """A cell that Arrow takes: decimals that are no numbers, ids, and what drivers wrap."""
    if isinstance(cell, Decimal):
        return float(cell)
    if isinstance(cell, memoryview | bytearray):
        return bytes(cell)
    if cell is None or isinstance(cell, bool | int | float | str | bytes | timedelta):
        return cell
    return str(cell) if isinstance(cell, UUID) or not hasattr(cell, "__iter__") else cell


def _reason(query: SqlQuery, error: BaseException) -> str:
    """What the driver says, in one line and without the password."""
    cause = getattr(error, "orig", None) or error
    text = " ".join(str(cause).split())[:QUERY_REASON_CHARACTERS]
    for secret in _secrets(query):
        text = text.replace(secret, "***")
    return text


def _secrets(query: SqlQuery) -> list[str]:
    import sqlalchemy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        url = sqlalchemy.engine.make_url(query.url)
    values = [url.password, *(v for k, v in url.query.items() if "pass" in k.lower())]
    return [str(value) for value in values if value]
