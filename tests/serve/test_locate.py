"""Rows over HTTP stand where the library says, one by one and in batches."""

import io
import json

import numpy as np
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

import hullwise as hw
from hullwise.io.mixed_table import read_mixed
from service_processes import training_rows

STREAM, FILE = "application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.file"
NEW = [
    {"size": 70.5, "rooms": 3, "city": "Bonn", "built": 1980},
    {"size": 900, "rooms": 3, "city": "Ulm", "built": None},
    {"size": "61.5", "rooms": 2, "city": "Rom", "built": 2000},
    {"size": 50, "rooms": 40, "city": "Köln", "built": 1950},
]


@pytest.fixture(scope="module")
def expected(domain_path):
    return hw.load(domain_path).locate(NEW)


def check(rows, expected):
    assert [row["band"] for row in rows] == expected.band.tolist()
    assert [row["nearest_rows"] for row in rows] == expected.nearest_rows
    assert [row["status"] for row in rows] == expected.status
    np.testing.assert_allclose([row["lower"] for row in rows], expected.lower, rtol=1e-9)
    pushes = [[(p["column"], p["amount"]) for p in row["pushed_out_by"]] for row in rows]
    assert [[name for name, _ in row] for row in pushes] == [
        [name for name, _ in row] for row in expected.pushed_out_by()
    ]


def test_records(client, expected):
    answer = client.post("/locate", json=NEW)
    assert answer.status_code == 200
    check(answer.json()["rows"], expected)
    assert [row["error"] for row in answer.json()["rows"]] == [None] * 4
    assert answer.json()["bands"] == {"core": 1, "far": 3}


def test_one_row_each_is_the_same(client, expected):
    rows = [client.post("/locate", json=row).json()["rows"][0] for row in NEW]
    check(rows, expected)


def test_columns(client, expected):
    columns = {name: [row[name] for row in NEW] for name in NEW[0]}
    check(client.post("/locate", json=columns).json()["rows"], expected)


@pytest.mark.parametrize("kind", [STREAM, FILE])
def test_arrow(client, expected, kind):
    rows = [{**row, "size": float(row["size"])} for row in NEW]
    table = pa.Table.from_pylist(rows)
    table = table.set_column(2, "city", table["city"].dictionary_encode())
    sink = io.BytesIO()
    opened = pa.ipc.new_stream if kind == STREAM else pa.ipc.new_file
    with opened(sink, table.schema) as writer:
        writer.write_table(table)
    answer = client.post("/locate", content=sink.getvalue(), headers={"Content-Type": kind})
    assert answer.headers["content-type"] == STREAM
    rows = pa.ipc.open_stream(answer.content).read_all().to_pylist()
    check(rows, expected)
    as_json = client.post(
        "/locate",
        content=sink.getvalue(),
        headers={"Content-Type": kind, "Accept": "application/json"},
    )
    check(as_json.json()["rows"], expected)


def test_one_bad_row_loses_no_other(client, expected):
    bad = [{"size": "7x"}, [1], {"size": {"a": 1}}, {"city": "\ud800"}, {"size": 1e307}, None]
    body = json.dumps([NEW[0], *bad[:2], NEW[1], *bad[2:], NEW[2], NEW[3], {"size": -1e308}])
    body = body.replace("1e+307", "1e400")
    headers = {"Content-Type": "application/json"}
    rows = client.post("/locate", content=body, headers=headers).json()["rows"]
    alone = client.post("/locate", json={"size": "7x", "city": "Ulm"}).json()
    assert not any("is empty" in note for note in alone["notes"])
    errors = [row["error"] for row in rows]
    assert [error is None for error in errors] == [1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0]
    assert errors[1] == "not located: column 'size' holds '7x', which is no number."
    assert "the row is a list" in errors[2]
    assert "column 'size' holds an object" in errors[4]
    assert "half a letter" in errors[5]
    assert "infinite" in errors[6]
    assert "the row is null" in errors[7]
    assert "beyond 2.25e+307" in errors[10]
    check([row for row in rows if row["error"] is None], expected)


def test_training_rows_are_core_or_edge(client):
    rows = training_rows()[:200]
    answer = client.post("/locate", json=rows).json()
    assert set(answer["bands"]) == {"core"}
    assert answer["notes"] == []


def test_unknown_columns_are_named_or_refused(client):
    row = NEW[0] | {"colour": "red"}
    answer = client.post("/locate", json=row).json()
    assert answer["notes"] == ["columns that are not known are ignored: 'colour'"]
    strict = client.post("/locate?strict=true", json=row)
    assert strict.status_code == 422
    assert "'colour'" in strict.json()["error"]


def test_domain_says_what_rows_need(client):
    about = client.get("/domain").json()
    assert [column["name"] for column in about["columns"]] == ["size", "rooms", "city", "built"]
    assert about["rows"] == 300
    assert about["columns"][2]["levels"] == ["Bonn", "Köln", "Ulm"]
    assert about["columns"][3]["has_gaps"]
    assert about["limits"]["max_rows"] == 100_000
    typical = {column["name"]: column["typical"] for column in about["columns"]}
    assert client.post("/locate", json=typical).json()["rows"][0]["band"] == "core"


def test_all_bad_cells_of_a_row_are_told(client):
    row = client.post("/locate", json=[{"size": "7x", "city": {}}]).json()["rows"][0]
    assert "column 'size' holds '7x', which is no number" in row["error"]
    assert "column 'city' holds an object" in row["error"]


def test_decimal_commas_are_read_where_the_training_file_has_them(tmp_path):
    path = tmp_path / "flats.csv"
    lines = (f"{30 + i % 50},5;{('Bonn', 'Ulm')[i % 2]}" for i in range(80))
    path.write_text("size;city\n" + "\n".join(lines))
    domain = hw.Domain().fit(read_mixed(path, sep=";", decimal=","))
    app = TestClient(hw.serve.create_app(domain), base_url="http://localhost")
    sent = [{"size": size, "city": "Ulm"} for size in ("45,5", "45.5", 45.5, "4,5,5")]
    rows = app.post("/locate", json=sent).json()["rows"]
    assert [row["band"] for row in rows] == [rows[2]["band"]] * 3 + ["unknown"]
    assert (
        app.post("/locate", json={"size": ["45,5"], "city": ["Ulm"]}).json()["rows"][0] == rows[0]
    )
