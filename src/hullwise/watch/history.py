"""The history of a watch in a database: counts of batches, in the order in which they came.

No row is kept, and no evidence that cannot be computed again from the counts: it is kept so that a
watch of a thousand batches need not be computed anew each night. A batch is one
transaction: it is in, or it is not. Writers wait for one another, so that batches have an order;
the same rows twice are refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..errors import DataError, FileError, MissingDependencyError
from ..io.paths import readable_path
from .batch_counts import BatchCounts

WATCHES_TABLE = "hullwise_watches"
BATCHES_TABLE = "hullwise_batches"
SECONDS_TO_WAIT = 30  # for another writer of the same SQLite file


@dataclass(frozen=True)
class StoredBatch:
    """The counts of a batch, and log E of each score after it where that was kept."""

    counts: BatchCounts
    log_e: tuple[float, ...] | None


@dataclass(frozen=True)
class WatchHistory:
    """The batches of one watch in a database.

    Parameters
    ----------
    url : str
        As SQLAlchemy has it: ``sqlite:///watch.db``, ``postgresql+psycopg://user@host/name``.
    digest : str
        Of the watch. A database may hold several.

    Raises
    ------
    MissingDependencyError
        SQLAlchemy, or the driver that the address names, is not installed.
    FileError
        The database cannot be opened, read or written.
    """

    url: str
    digest: str

    def append(
        self,
        batch: BatchCounts,
        earlier: Sequence[BatchCounts] = (),
        evidence: Mapping[int, Sequence[float]] | None = None,
    ) -> int:
        """Add a batch, in one transaction; its number, from 1.

        Parameters
        ----------
        batch : BatchCounts
        earlier : sequence of BatchCounts
            The first batches as far as they are known: only those after them are read.
        evidence : mapping of int to sequence of float, optional
            log E of each score after batches that have a number here, to be kept with them.

        Raises
        ------
        DataError
            Its rows, or a group of them, are in the history already.
        """
        sql = _sqlalchemy()
        with self._transaction() as (connection, tables):
            watch = self._watch(connection, tables, lock=True)
            later = self._batches(connection, tables, watch, after=len(earlier))
            batch.refuse_repeated([*earlier, *(one.counts for one in later)])
            number = len(earlier) + len(later) + 1
            columns = tables.batches.c
            for known, log_e in (evidence or {}).items():
                connection.execute(
                    sql.update(tables.batches)
                    .where(columns.watch == watch, columns.number == known)
                    .values(evidence=json.dumps([*log_e]))
                )
            connection.execute(
                sql.insert(tables.batches),
                {
                    "watch": watch,
                    "number": number,
                    "digest": batch.digest,
                    "name": batch.name,
                    "added": datetime.now(UTC).isoformat(timespec="seconds"),
                    "counts": json.dumps(batch.to_json()),
                },
            )
            return number

    def batches(self, after: int = 0) -> list[StoredBatch]:
        """The batches with numbers above `after`, in their order."""
        with self._transaction() as (connection, tables):
            watch = self._watch(connection, tables, lock=False)
            return self._batches(connection, tables, watch, after)

    def _watch(self, connection: Any, tables: _Tables, *, lock: bool) -> int:
        """The number of this watch, which is entered at its first use."""
        sql = _sqlalchemy()
        query = sql.select(tables.watches.c.id).where(tables.watches.c.digest == self.digest)
        number = connection.execute(query.with_for_update() if lock else query).scalar()
        if number is None:
            # another writer may have been quicker: the digest is unique
            try:
                with connection.begin_nested():
                    connection.execute(sql.insert(tables.watches), {"digest": self.digest})
            except sql.exc.IntegrityError:
                pass
            number = connection.execute(query.with_for_update() if lock else query).scalar()
        return int(number)

    def _batches(
        self, connection: Any, tables: _Tables, watch: int, after: int
    ) -> list[StoredBatch]:
        sql = _sqlalchemy()
        columns = tables.batches.c
        query = (
            sql.select(
                columns.number, columns.digest, columns.name, columns.counts, columns.evidence
            )
            .where(columns.watch == watch, columns.number > after)
            .order_by(columns.number)
        )
        batches = []
        for place, row in enumerate(connection.execute(query).all(), start=after + 1):
            if row.number != place:
                raise FileError(
                    self.shown_url,
                    f"lacks batch {place} of this watch: batches were taken out of the table "
                    f"{BATCHES_TABLE}",
                )
            try:
                counts = BatchCounts.from_json(row.digest, row.name, json.loads(row.counts))
                log_e = (
                    None if row.evidence is None else tuple(map(float, json.loads(row.evidence)))
                )
                batches.append(StoredBatch(counts, log_e))
            except (ValueError, KeyError, TypeError) as error:
                raise FileError(
                    self.shown_url, f"holds counts of batch {place} that cannot be read ({error})"
                ) from None
        return batches

    @property
    def shown_url(self) -> str:
        """The address without its password."""
        return str(_sqlalchemy().engine.make_url(self.url).render_as_string(hide_password=True))

    @contextmanager
    def _transaction(self) -> Iterator[tuple[Any, _Tables]]:
        sql = _sqlalchemy()
        try:
            engine = _engine(self.url)
        except sql.exc.ArgumentError:
            raise DataError(
                f"history={self.url!r} is no address of a database: expected one such as "
                "sqlite:///watch.db or postgresql+psycopg://user@host/name."
            ) from None
        except (sql.exc.NoSuchModuleError, ImportError) as error:
            raise MissingDependencyError(
                f"the driver of this database is not installed ({error}): install it, for "
                "PostgreSQL with `pip install 'psycopg[binary]'`."
            ) from None
        try:
            tables = _Tables.of(sql)
            try:
                tables.metadata.create_all(engine)
            except sql.exc.DBAPIError:  # another writer made them at the same moment
                tables.metadata.create_all(engine)
            with engine.begin() as connection:
                yield connection, tables
        except sql.exc.IntegrityError:
            raise DataError("another writer added this batch at the same moment.") from None
        except sql.exc.SQLAlchemyError as error:
            first = str(error).strip().splitlines()[0]
            raise FileError(
                self.shown_url, f"cannot be used as a history ({first[:200]})"
            ) from None
        finally:
            engine.dispose()


@dataclass(frozen=True)
class _Tables:
    metadata: Any
    watches: Any
    batches: Any

    @classmethod
    def of(cls, sql: Any) -> _Tables:
        metadata = sql.MetaData()
        watches = sql.Table(
            WATCHES_TABLE,
            metadata,
            sql.Column("id", sql.Integer, primary_key=True),
            sql.Column("digest", sql.String(64), nullable=False, unique=True),
        )
        batches = sql.Table(
            BATCHES_TABLE,
            metadata,
            sql.Column("watch", sql.ForeignKey(watches.c.id), primary_key=True),
            sql.Column("number", sql.Integer, primary_key=True, autoincrement=False),
            sql.Column("digest", sql.String(64), nullable=False),
            sql.Column("name", sql.Text, nullable=False),
            sql.Column("added", sql.String(32), nullable=False),
            sql.Column("counts", sql.Text, nullable=False),
            sql.Column("evidence", sql.Text, nullable=True),
            sql.UniqueConstraint("watch", "digest"),
        )
        return cls(metadata, watches, batches)


def require_history_file(url: str) -> None:
    """Refuse a history to look at that is not there: SQLite would make an empty database.

    Raises
    ------
    FileError
        The URL names a file of SQLite that is missing or cannot be read.
    """
    sql = _sqlalchemy()
    try:
        address = sql.engine.make_url(url)
    except sql.exc.ArgumentError:
        return  # refused where it is opened
    database = address.database
    if address.get_backend_name() != "sqlite" or not database or database == ":memory:":
        return
    if not database.startswith("file:"):
        readable_path(database)


def _engine(url: str) -> Any:
    """An engine whose SQLite transactions take the file from their first statement on."""
    sql = _sqlalchemy()
    engine = sql.create_engine(url, poolclass=sql.pool.NullPool)
    if engine.dialect.name != "sqlite":
        return engine

    def take_over_transactions(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver would begin transactions of its own, late
        connection.execute(f"PRAGMA busy_timeout = {1000 * SECONDS_TO_WAIT}")

    def lock_the_file(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    sql.event.listen(engine, "connect", take_over_transactions)
    sql.event.listen(engine, "begin", lock_the_file)
    return engine


def _sqlalchemy() -> Any:
    try:
        import sqlalchemy
    except ImportError:
        raise MissingDependencyError(
            "a history is kept with SQLAlchemy, which is not installed: pip install "
            "'hullwise[sql]'."
        ) from None
    return sqlalchemy
