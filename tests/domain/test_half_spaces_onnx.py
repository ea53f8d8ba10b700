"""The exported ONNX model in onnxruntime says what Python says, in float64 and float32."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.errors import DataError, FileError, MissingDependencyError
from hullwise.geometry.bands import BANDS
from shared_data import shared_path

onnx = pytest.importorskip("onnx", reason="the exported model is written with onnx")
runtime = pytest.importorskip("onnxruntime", reason="the exported model runs in onnxruntime")

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")
PRECISIONS = {"double": np.float64, "single": np.float32}


def workers(n, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.normal(40, 10 * spread, n).round(1),
            "pay": np.exp(rng.normal(3, 0.5 * spread, n)),
            "job": rng.choice(["nurse", "clerk", "smith"], n, p=[0.5, 0.3, 0.2]),
            "member": (rng.random(n) < 0.3).astype(object),
            "union": (rng.random(n) < 0.3).astype(float),
            "grade": rng.choice(["low", "mid", "high"], n),
            "hour": rng.integers(0, 24, n).astype(float),
            "garage": rng.choice(["own", "shared"], n),
            "site": "north",
        }
    )
    for name in ("age", "hour", "union"):
        table.loc[rng.random(n) < 0.1, name] = np.nan
    for name in ("job", "member", "garage"):
        table.loc[rng.random(n) < 0.1, name] = None
    return table


def new_workers(n=2000):
    table, rng = workers(n, 1, spread=2.0), np.random.default_rng(2)
    for name, cells in {
        "job": ["pilot", "", "NURSE"],
        "grade": ["top", None],
        "site": ["south", None],
        "age": [1e20, -1e20, 1e-30],
        "pay": [1e20, 1e-20],
        "union": [2.0, -1.0],
        "hour": [-7.25, 0.3, 47.5],
    }.items():
        rows = rng.integers(n, size=n // 20)
        table[name] = table[name].astype(object)
        table.loc[rows, name] = rng.choice(np.array(cells, dtype=object), len(rows))
        table[name] = table[name].astype(workers(5)[name].dtype)
    return table


@pytest.fixture(scope="module")
def rules():
    domain = hw.Domain(
        log=["pay"],
        periodic={"hour": 24},
        ordered={"grade": ["low", "mid", "high"]},
        gaps_are_levels=["garage"],
    )
    return domain.fit(workers(400)).half_spaces(n_directions=150)


def run_model(path, table, dtype=np.float64):
    """The outputs of a model by their names, cells fed as the documentation says."""
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {}
    for value in session.get_inputs():
        cells = [None if cell is None or cell != cell else cell for cell in table[value.name]]
        if value.type == "tensor(string)":
            texts = [["" if cell is None else str(cell).strip()] for cell in cells]
            feeds[value.name] = np.array(texts, dtype=object)
        else:
            with np.errstate(over="ignore"):
                numbers = [[np.nan if cell is None else float(cell)] for cell in cells]
                feeds[value.name] = np.array(numbers).astype(dtype)
    names = [value.name for value in session.get_outputs()]
    return {
        name.rstrip("_"): output[:, 0]
        for name, output in zip(names, session.run(names, feeds), strict=True)
    }


def assert_agrees(python, answer):
    np.testing.assert_allclose(answer["lower"], python.lower, rtol=1e-9, atol=1e-9)
    assert answer["proved_outside"].tolist() == python.proved_outside.tolist()
    bands = np.array(BANDS, dtype=object)[answer["band"]]
    assert np.mean(bands == python.band_at_least) > 0.999
    assert np.mean(answer["rule"] == python.rule) > 0.999


def test_double(rules, tmp_path):
    path = tmp_path / "rules.onnx"
    rules.to_onnx(path)
    table = new_workers()
    python = rules.locate(table)
    assert 0.3 < python.proved_outside.mean() < 0.95
    assert_agrees(python, run_model(path, table))
    assert_agrees(rules.locate(table[:1]), run_model(path, table[:1]))
    with pytest.raises(FileError, match="exists"):
        rules.to_onnx(path)


def test_the_model_says_what_it_is(rules, tmp_path):
    path = tmp_path / "rules.onnx"
    rules.to_onnx(path)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(facts["columns"]) == [column.name for column in rules.columns]
    assert facts["n_train"] == "400"
    assert [value.name for value in model.graph.input] == list(workers(1).columns)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_no_training_row_is_proved_outside(rules, precision, tmp_path):
    path = tmp_path / "rules.onnx"
    rules.to_onnx(path, precision=precision)
    answer = run_model(path, workers(400), PRECISIONS[precision])
    assert not answer["proved_outside"].any()
    assert (answer["rule"] == -1).all()


def test_single_proves_a_little_less(rules, tmp_path):
    """Never more than Python proves of the same rounded cells, and nearly as much."""
    path = tmp_path / "rules.onnx"
    rules.to_onnx(path, precision="single")
    table = new_workers()
    for name in ("age", "pay", "hour"):
        table[name] = table[name].astype(np.float32).astype(np.float64)
    python, answer = rules.locate(table), run_model(path, table, np.float32)
    assert not (answer["proved_outside"] & ~python.proved_outside).any()
    assert (answer["lower"] <= python.lower).all()
    bands = np.array([BANDS.index(band) for band in python.band_at_least])
    assert (answer["band"] <= bands).all()
    assert np.mean(answer["proved_outside"] == python.proved_outside) > 0.99
    assert np.mean(answer["band"] == bands) > 0.99


def test_infinite_numbers_and_logarithms_of_what_has_none(rules, tmp_path):
    row = workers(400).dropna().iloc[0].to_dict()
    table = pd.DataFrame([row, {**row, "age": np.inf}, {**row, "age": -np.inf}, {**row, "pay": 0}])
    for precision, dtype in PRECISIONS.items():
        path = tmp_path / f"{precision}.onnx"
        rules.to_onnx(path, precision=precision)
        answer = run_model(path, table, dtype)
        assert answer["proved_outside"].tolist() == [False, True, True, True]
        assert answer["rule"].tolist() == [-1, 0, 0, 1]
        assert answer["band"].tolist() == [0, 3, 3, 3]


@pytest.mark.parametrize("name", ["penguins", "titanic", "german_credit", "wage", "hitters"])
def test_shared_tables(name, tmp_path):
    table = pd.read_csv(shared_path(f"tables/{name}.csv.gz"))
    table = table.sample(min(len(table), 900), random_state=0).reset_index(drop=True)
    n = int(0.7 * len(table))
    rules = hw.Domain(reference=100).fit(table[:n]).half_spaces(n_directions=100)
    mixed = table.copy()
    for column in table.columns[::2]:
        mixed[column] = table[column].sample(frac=1, random_state=1).to_numpy()
    for precision, dtype in PRECISIONS.items():
        path = tmp_path / f"{precision}.onnx"
        rules.to_onnx(path, precision=precision)
        assert not run_model(path, table[:n], dtype)["proved_outside"].any()
    assert_agrees(rules.locate(mixed), run_model(tmp_path / "double.onnx", mixed))


def test_names_of_columns_are_free(tmp_path):
    """Names of outputs, of internal values, with blanks, quotes and line breaks."""
    rng = np.random.default_rng(0)
    names = ["lower", "rule", "a b", 'qu"ote\n', "ünï"]
    table = pd.DataFrame(rng.normal(size=(200, 5)), columns=names)
    table["level 'x'"] = rng.choice(["'", '"', "a,b", "\n"], 200)
    rules = hw.Domain().fit(table).half_spaces(n_directions=50)
    rules.to_onnx(tmp_path / "rules.onnx")
    new = pd.DataFrame(2 * rng.normal(size=(200, 5)), columns=names)
    new["level 'x'"] = rng.choice(["'", '"', "a,b", "c"], 200)
    python = rules.locate(new)
    new["level 'x'"] = [cell.strip() for cell in new["level 'x'"]]
    assert_agrees(python, run_model(tmp_path / "rules.onnx", new))
    bad = hw.Domain().fit(table.rename(columns={"a b": "hullwise/1"})).half_spaces(n_directions=5)
    with pytest.raises(DataError, match="no input of ONNX"):
        bad.to_onnx(tmp_path / "bad.onnx")


def test_constants_and_levels_only(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.choice(["x", "y"], 60), "b": rng.choice(["u", "v", "w"], 60)})
    for fitted in (table, table.assign(a="x", b="u")):
        rules = hw.Domain().fit(fitted.assign(number=np.arange(60.0) ** 2)).half_spaces()
        rules.to_onnx(tmp_path / "rules.onnx", force=True)
        new = table.assign(number=np.linspace(-1, 4000, 60))
        new.loc[5, "b"] = "z"
        assert_agrees(rules.locate(new), run_model(tmp_path / "rules.onnx", new))


def test_what_cannot_be_exported_is_said(rules, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 900, 100), unit="D")
    table = pd.DataFrame({"start": days, "x": rng.normal(size=100)})
    dated = hw.Domain(dates={"start": ["month"]}).fit(table).half_spaces(n_directions=5)
    with pytest.raises(DataError, match=r"'start \(month\)' is of a date.*export to SQL"):
        dated.to_onnx(tmp_path / "dated.onnx")
    tiny = hw.Domain().fit(pd.DataFrame({"x": 1e-40 * rng.normal(size=100)}))
    with pytest.raises(DataError, match=r"beyond float32.*precision='double'"):
        tiny.half_spaces(n_directions=5).to_onnx(tmp_path / "tiny.onnx", precision="single")
    with pytest.raises(DataError, match="expected 'double' or 'single'"):
        rules.to_onnx(tmp_path / "half.onnx", precision="half")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'hullwise\[onnx\]'"):
        rules.to_onnx(tmp_path / "rules.onnx")
    assert not list(tmp_path.iterdir())
