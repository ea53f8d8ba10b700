"""Rows of databases: SQLite, and a PostgreSQL that the tests start."""

import datetime
import decimal
import sqlite3

import numpy as np
import pytest
from click.testing import CliRunner

import hullwise as hw
from hullwise.cli import main
from hullwise.errors import FileError, MissingDependencyError
from hullwise.io.mixed_table import read_mixed
from postgres_server import postgres_server

pytest.importorskip("sqlalchemy")


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id TEXT, price NUMERIC, weight REAL, ok BOOLEAN)")
        rows = [(f"o{i:02}", i % 17, (i * i) % 11 + 0.5, i % 2) for i in range(80)]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    connection.close()
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def postgres():
    with postgres_server() as url:
        yield url


def run(*arguments, code=0, env=None):
    result = CliRunner().invoke(main, [str(a) for a in arguments], env=env)
    assert result.exit_code == code, result.output
    return result.output


def test_a_query_stands_wherever_a_table_can(shop, tmp_path):
    query = hw.SqlQuery("SELECT * FROM orders ORDER BY id;", shop)
    domain = hw.Domain().fit(query, id="id")
    where = domain.locate(query)
    assert where.labels[:2].tolist() == ["o00", "o01"]
    numbers = hw.SqlQuery("SELECT price, weight FROM orders", shop)
    assert len(hw.locate(numbers, numbers)) == 80
    assert hw.read_table(numbers).columns == ("price", "weight")


def test_the_command_line_fits_locates_and_watches_a_query(shop, tmp_path):
    seen, sql = tmp_path / "seen.hull", tmp_path / "nightly.sql"
    sql.write_text("SELECT *\nFROM orders -- all\nORDER BY id\n")
    run("fit", "--query", sql, "--db", shop, "--id", "id", "-o", seen)
    output = run("locate", seen, "--query", sql, "-o", "-", env={"HULLWISE_DB": shop})
    assert "o00,inside,core" in output
    output = run("watch", seen, "--query", sql, "--db", shop)
    assert "query on shop.db: 80 rows counted as batch 1" in output
    page = tmp_path / "where.html"
    run("locate", seen, "--query", sql, "--db", shop, "--report", page)
    assert "query on shop.db" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x.hull"], "Missing argument 'QUERY', or --query with --db"),
        (["x.hull", "--query", "SELECT 1"], "--query needs --db"),
        (["x.hull", "--db", "sqlite://"], "--db needs --query"),
        (["x.hull", "new.csv", "--query", "SELECT 1", "--db", "sqlite://"], "one of them"),
    ],
)
def test_options_that_do_not_go_together(arguments, words):
    assert words in run("locate", *arguments, code=2, env={"HULLWISE_DB": ""})


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM nope", "cannot be run .no such table: nope"),
        ("SELEC 1", "cannot be run .*syntax error"),
        ("SELECT * FROM orders WHERE 0", "gives no rows"),
        ("DELETE FROM orders", "gives no table: expected one SELECT"),
        ("SELECT 1 AS a, 2 AS a", "duplicate column names: 'a'"),
        ("SELECT 'x' AS a UNION ALL SELECT 2", "column 'a' holds cells of more than one type"),
    ],
)
def test_queries_that_give_no_table(shop, sql, words):
    with pytest.raises(FileError, match=f"^query on shop.db:? .*{words}"):
        hw.read_table(hw.SqlQuery(sql, shop))
    assert hw.read_table(hw.SqlQuery("SELECT price FROM orders", shop)).n == 80


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("sqlite:///no_such.db", FileError, "no such file"),
        ("nonsense", FileError, "is no address of a database: expected one such as"),
        ("postgresql://me:geheim@127.0.0.1:1/x", FileError, "cannot be reached .*refused"),
        ("foo://me:geheim@host/x", MissingDependencyError, "driver .* is not installed"),
        ("mssql://me:geheim@host/x", MissingDependencyError, "pip install 'pyodbc'"),
    ],
)
def test_databases_that_cannot_be_read(url, kind, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=words) as caught:
        hw.read_table(hw.SqlQuery("SELECT 1", url))
    assert "geheim" not in str(caught.value)
    assert "geheim" not in run("fit", "--query", "SELECT 1", "--db", url, code=3)


def test_types_of_sqlite_that_change_from_batch_to_batch(tmp_path, monkeypatch):
    monkeypatch.setattr("hullwise.io._query_table.QUERY_BATCH_ROWS", 4)
    url = f"sqlite:///{tmp_path}/x.db"
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE t (a, b, c)")
        cells = [(i, None if i < 6 else "text", 1.5) for i in range(10)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", [*cells, (0.5, "x", None)])
    connection.close()
    table = read_mixed(hw.SqlQuery("SELECT * FROM t", url)).arrow
    assert table["a"].to_pylist() == [*map(float, range(10)), 0.5]
    assert table["b"].null_count == 6


TYPES = """
    SELECT i AS whole, i::numeric / 8 AS exact, sqrt(i) AS root, i % 2 = 0 AS even,
           DATE '2024-02-28' + i AS day, TIMESTAMPTZ '2024-01-01 12:00+02' AS at,
           CASE WHEN i % 5 = 0 THEN NULL ELSE 'level ' || i % 3 END AS level,
           'ab' LIKE '%b' AS alike,
           '\\x00ff'::bytea AS bytes, gen_random_uuid() AS uid, ARRAY[i, 2] AS pair,
           'NaN'::numeric AS none
    FROM generate_series(1, 30) AS i ORDER BY i
"""


def test_types_of_postgresql(postgres):
    table = read_mixed(hw.SqlQuery(TYPES, postgres)).arrow
    row = {name: table[name][4].as_py() for name in table.column_names}
    assert row["whole"] == 5
    assert row["exact"] == decimal.Decimal("0.625")
    assert row["even"] is False
    assert row["day"] == datetime.date(2024, 3, 4)
    assert row["at"].timestamp() == 1704103200
    assert row["level"] is None
    assert row["bytes"] == b"\x00\xff"
    assert len(row["uid"]) == 36
    assert np.isnan(row["none"])
    domain = hw.Domain(drop=["bytes", "pair", "uid", "none"]).fit(hw.SqlQuery(TYPES, postgres))
    roles = {c.name: c.role for c in domain.fitted_.coordinates.columns}
    assert roles["exact"] == "number"
    assert roles["level"] == roles["even"] == "category"


def test_a_column_of_bytes_says_what_to_do(postgres):
    with pytest.raises(hw.DataTypeError, match="'bytes' holds cells of the type binary"):
        hw.Domain().fit(hw.SqlQuery(TYPES, postgres))


def test_the_driver_of_postgresql_need_not_be_named(postgres):
    url = postgres.replace("+psycopg", "")
    assert hw.read_table(hw.SqlQuery("SELECT 1.5 AS a, 2 AS b", url)).values.tolist() == [[1.5, 2]]


def test_rows_of_a_server_come_by_its_own_cursor(postgres):
    """A query of more rows than are ever fetched ends at once where it is refused."""
    sql = "SELECT 1 / (1000000 - i) AS a, 'x' AS b FROM generate_series(1, 1000000) AS i"
    with pytest.raises(FileError, match="division by zero"):
        hw.read_table(hw.SqlQuery(sql, postgres))


def test_nothing_is_changed_in_a_database(postgres):
    with pytest.raises(FileError, match=r"read-only transaction|cannot be run"):
        hw.read_table(hw.SqlQuery("CREATE TABLE t (a int)", postgres))


def test_a_password_is_in_no_message(postgres):
    url = postgres.replace("watcher@", "nobody_here:geheim@")
    with pytest.raises(FileError, match="cannot be reached") as caught:
        hw.read_table(hw.SqlQuery("SELECT 1", url))
    assert "geheim" not in str(caught.value)
    assert "geheim" not in repr(hw.SqlQuery("SELECT 1", url))
