"""Half-spaces in other languages say what Python says: SQL, JSON, ONNX."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.errors import DataError, FileError
from shared_data import shared_path

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")
PAGE = Path(__file__).parents[2] / "docs" / "half_spaces.md"
QUOTED = [
    "it's",
    'say "so"',
    "a;--b",
    "zwölf %s {} \\ \t x",
    "line\nbreak",
    "'); DROP TABLE new;--",
]


def people(n, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n).round(),
            "pay": np.exp(rng.normal(3, 0.5, n)),
            "job": rng.choice(["nurse", "clerk", "smith"], n, p=[0.5, 0.3, 0.2]),
            "member": (rng.random(n) < 0.3).astype(object),
            "union": (rng.random(n) < 0.3).astype(float),
            "grade": rng.choice(["low", "mid", "high"], n),
            "hour": rng.integers(0, 24, n).astype(float),
            "site": "north",
        }
    )
    for name in ("age", "hour", "union"):
        table.loc[rng.random(n) < 0.1, name] = np.nan
    for name in ("job", "member"):
        table.loc[rng.random(n) < 0.1, name] = None
    return table


def new_people(n=2000):
    """Rows like the training rows, shifted ones, levels never seen, numbers of any size."""
    rng = np.random.default_rng(1)
    table = people(n, seed=2)
    table.loc[: n // 2, "age"] += rng.normal(0, 15, n // 2 + 1)
    table.loc[n // 4 :, "pay"] *= np.exp(rng.normal(0, 1, n - n // 4))
    for name, cells in {
        "job": ["pilot", "", " nurse ", "NURSE"],
        "grade": ["top", None],
        "site": ["south", None],
        "age": [1e300, -1e308, 1.7976931348623157e308, 5e-324],
        "pay": [1e300, 5e-324, 1e-200],
        "union": [2.0, -1.0],
        "hour": [1e9, -7.25, 0.3, 1e17],
    }.items():
        rows = rng.integers(n, size=n // 20)
        table[name] = table[name].astype(object)
        table.loc[rows, name] = rng.choice(np.array(cells, dtype=object), len(rows))
        table[name] = table[name].astype(people(5)[name].dtype)
    return table


@pytest.fixture(scope="module")
def rules():
    domain = hw.Domain(
        log=["pay"], periodic={"hour": 24}, ordered={"grade": ["low", "mid", "high"]}
    )
    return domain.fit(people(400)).half_spaces(n_directions=150)


@pytest.fixture(scope="module")
def judge():
    """The evaluation that the documentation shows, which uses the standard library only."""
    block = re.search(r">>> import json, math\n(.*?)>>> exported", PAGE.read_text(), re.DOTALL)
    names = {}
    exec("import json, math\n" + re.sub(r"(?m)^(>>> |\.\.\. ?)", "", block[1]), names)
    return names["judge"]


def assert_same(python, proved, lower, band, rule, tolerance=1e-9):
    """Two answers agree: to rounding in the bound, and where that does not decide, in all else."""
    expected = python.to_dict()
    lower = np.asarray(lower, dtype=float)
    np.testing.assert_allclose(lower, expected["lower"], rtol=tolerance, atol=tolerance)
    assert np.asarray(proved).tolist() == python.proved_outside.tolist()
    assert np.mean(np.asarray(band) == python.band_at_least) > 0.999
    assert np.mean(np.asarray(rule) == python.rule) > 0.999


def in_duckdb(sql, table, name="new", depth=1000):
    duckdb = pytest.importorskip("duckdb", reason="the exported SQL is run in DuckDB")
    connection = duckdb.connect()
    connection.execute(f"SET max_expression_depth TO {depth}")
    connection.register("hullwise_frame", table.assign(row_number=np.arange(len(table))))
    quoted = '"' + name.replace('"', '""') + '"'
    connection.execute(f"CREATE TABLE {quoted} AS SELECT * FROM hullwise_frame")
    answer = connection.execute(sql).df().sort_values("row_number")
    assert connection.execute("SELECT count(*) FROM " + quoted).fetchone()[0] == len(table)
    return answer


def test_sql(rules, tmp_path):
    table = new_people()
    python = rules.locate(table)
    assert 0.3 < python.proved_outside.mean() < 0.95
    sql = rules.to_sql(tmp_path / "rules.sql", keep=["row_number"])
    assert (tmp_path / "rules.sql").read_text() == sql
    answer = in_duckdb(sql, table)
    assert_same(
        python, answer["proved_outside"], answer["lower"], answer["band_at_least"], answer["rule"]
    )
    pd.testing.assert_series_equal(
        answer["age"].reset_index(drop=True), table["age"], check_dtype=False
    )
    with pytest.raises(FileError, match="exists"):
        rules.to_sql(tmp_path / "rules.sql")
    with pytest.raises(DataError, match="expected 'duckdb'"):
        rules.to_sql(dialect="cobol")


def test_json(rules, judge, tmp_path):
    table = new_people()
    python = rules.locate(table)
    rules.to_json(tmp_path / "rules.json")
    exported = json.loads((tmp_path / "rules.json").read_text())
    rows = [
        {name: None if cell is None or cell != cell else cell for name, cell in row.items()}
        for row in table.to_dict("records")
    ]
    assert_same(python, *zip(*(judge(exported, row) for row in rows)))


def test_infinite_numbers_are_out_of_the_box(rules, judge):
    row = people(400).dropna().iloc[0].to_dict()
    exported = json.loads(rules.to_json())
    table = pd.DataFrame([{**row, "age": x} for x in (np.inf, -np.inf)])
    for answer in (
        judge(exported, {**row, "age": np.inf}),
        judge(exported, {**row, "age": -np.inf}),
    ):
        assert answer == (True, np.inf, "far", 0)
    answer = in_duckdb(rules.to_sql(keep=["row_number"]), table)
    assert answer["proved_outside"].tolist() == [True, True]
    assert np.isinf(answer["lower"]).all()
    with pytest.raises(DataError, match="infinite"):
        rules.locate(table)


def test_the_logarithm_of_what_has_none(rules):
    row = people(400).dropna().iloc[0].to_dict()
    table = pd.DataFrame([{**row, "pay": x} for x in (0.0, -1.0, row["pay"])])
    answer = in_duckdb(rules.to_sql(keep=["row_number"]), table)
    assert answer["proved_outside"].tolist() == [True, True, False]
    assert answer["rule"].tolist() == [1, 1, -1]


def quoted_people(n, seed=0):
    rng = np.random.default_rng(seed)
    names = ["proved_outside", "lower", *QUOTED[:4], 'x" FROM new; --']
    table = pd.DataFrame({name: rng.normal(size=n) for name in names})
    table["new\nline"] = rng.choice(QUOTED, n)
    table["ünï"] = rng.choice(["NULL", "ß", "'", "\\"], n)
    return table


def test_names_and_levels_are_quoted(judge):
    """Quotes, comments, line breaks and statements in names, levels and the table's name."""
    rules = hw.Domain().fit(quoted_people(300)).half_spaces(n_directions=100)
    table = quoted_people(300, seed=1)
    table.loc[:20, "new\nline"] = "' OR 1=1; --"
    python = rules.locate(table)
    name = 'wei"rd; DROP TABLE x; --'
    answer = in_duckdb(rules.to_sql(table=name, keep=["row_number"]), table, name)
    assert_same(
        python, answer["proved_outside_"], answer["lower_"], answer["band_at_least"], answer["rule"]
    )
    exported = json.loads(rules.to_json())
    assert_same(python, *zip(*(judge(exported, row) for row in table.to_dict("records"))))
    nul = hw.Domain().fit(quoted_people(300).assign(**{"a\0b": lambda t: t["lower"] ** 2}))
    with pytest.raises(DataError, match="NUL"):
        nul.half_spaces(n_directions=5).to_sql()


def test_wide_tables_nest_no_deeper_than_databases_allow():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 220)))
    table = table.rename(columns=lambda j: f"x{j}")
    rules = hw.Domain(reference=5).fit(table).half_spaces(n_directions=2)
    answer = in_duckdb(rules.to_sql(keep=["row_number"]), 1.5 * table[:5], depth=180)
    assert (
        answer["proved_outside"].tolist() == rules.locate(1.5 * table[:5]).proved_outside.tolist()
    )


def test_parts_of_dates():
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.uniform(0, 1500, 500), unit="D")
    table = pd.DataFrame({"start": days.round("s"), "x": rng.normal(size=500)})
    table["y"] = table["x"] + 0.1 * rng.normal(size=500)
    parts = ["since", "year", "month", "weekday", "hour"]
    rules = hw.Domain(dates={"start": parts}).fit(table).half_spaces(n_directions=100)
    new = table.copy()
    new["start"] = table["start"].sample(frac=1, random_state=0).to_numpy() + pd.Timedelta(days=300)
    new.loc[::9, "start"] = pd.NaT
    new.loc[:100, "y"] += 2
    python = rules.locate(new)
    answer = in_duckdb(rules.to_sql(keep=["row_number"]), new)
    assert_same(
        python, answer["proved_outside"], answer["lower"], answer["band_at_least"], answer["rule"]
    )


@pytest.mark.parametrize("name", ["german_credit", "titanic", "penguins"])
def test_shared_tables_in_sql_and_json(name, judge):
    table = pd.read_csv(shared_path(f"tables/{name}.csv.gz"))
    table = table.sample(min(len(table), 900), random_state=0).reset_index(drop=True)
    rules = hw.Domain(reference=100).fit(table[:600]).half_spaces(n_directions=100)
    for column in table.columns[::2]:
        table[column] = table[column].sample(frac=1, random_state=1).to_numpy()
    python = rules.locate(table)
    answer = in_duckdb(rules.to_sql(keep=["row_number"]), table)
    assert_same(
        python, answer["proved_outside"], answer["lower"], answer["band_at_least"], answer["rule"]
    )
    exported = json.loads(rules.to_json())
    rows = [
        {name: None if cell != cell else cell for name, cell in row.items()}
        for row in table.to_dict("records")
    ]
    assert_same(python, *zip(*(judge(exported, row) for row in rows)))
