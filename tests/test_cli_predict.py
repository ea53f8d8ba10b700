"""`hullwise predict` and `hullwise study`: from files to tables, text and exit codes."""

import numpy as np
import pytest
from cli_input import COLUMNS, files, process, read_rows, run, tables, write_csv  # noqa: F401

import hullwise as hw
from hullwise.cli import METHODS, STUDY_METHODS, STUDY_PARTS
from hullwise.rows._table import read_table

TARGET = ["--target", "y", "--id", "id"]


def table_of(result):
    return read_rows(result.stdout)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_predicts_as_in_python(tables, files, method):  # noqa: F811
    X, y, Q = tables
    rows = table_of(run("predict", *files, *TARGET, "--method", method, "--metric", "none", "-o-"))
    name = "".join(part.capitalize() for part in method.split("-")) + "Regressor"
    reg = getattr(hw, name)().fit(X, y)
    np.testing.assert_allclose([float(r["prediction"]) for r in rows], reg.predict(Q), rtol=1e-12)
    assert [r["id"] for r in rows] == [f"p{i}" for i in range(20)]
    assert [int(r["rows_used"]) for r in rows] == np.diff(reg.weights(Q).indptr).tolist()
    inside = hw.locate(X, Q, reference=0).verdict == hw.Verdict.INSIDE
    assert [r["verdict"] == "inside" for r in rows] == inside.tolist()


def test_rows_used_are_named_with_their_weights(tables, tmp_path):  # noqa: F811
    X, y, Q = tables
    lines = [[f"r{i}", *x, t] for i, (x, t) in enumerate(zip(X.tolist(), y.tolist()))]
    train = write_csv(tmp_path / "a.csv", ["id", *COLUMNS, "y"], lines)
    new = write_csv(tmp_path / "b.csv", COLUMNS, Q.tolist())
    rows = table_of(run("predict", train, new, *TARGET, "--metric", "none", "-o", "-"))
    why = hw.DelaunayRegressor().fit(X, y).explain(Q[0])
    assert rows[0]["row"] == "0"
    first = f"r{why.rows[0]} ({100 * why.weights[0]:.3g} %)"
    assert rows[0]["rows"].startswith(first)


def test_bound_with_given_constants(tables, files):  # noqa: F811
    X, y, Q = tables
    args = ["--bound", "--smoothness", "2", "--lipschitz", "3", "--metric", "none", "-o", "-"]
    rows = table_of(run("predict", *files, *TARGET, *args))
    b = hw.DelaunayRegressor().fit(X, y).bound(Q, smoothness=2.0, lipschitz=3.0)
    np.testing.assert_allclose([float(r["bound"]) for r in rows], b.total, rtol=1e-12)
    np.testing.assert_allclose([float(r["bound_shift"]) for r in rows], b.shift, rtol=1e-12)


def test_estimated_constants_are_said_to_be_estimates(files):  # noqa: F811
    out = " ".join(run("predict", *files, *TARGET, "--bound").stdout.split())
    assert "smoothness and lipschitz estimated from the training rows" in out
    assert "an estimate is no guarantee" in out


def test_a_target_in_the_new_rows_is_compared_and_not_used(tables, tmp_path, files):  # noqa: F811
    X, y, Q = tables
    known = (Q[:, 0] + 100).tolist()
    lines = [[*q, t] for q, t in zip(Q.tolist(), known)]
    lines[3][-1] = ""
    new = write_csv(tmp_path / "known.csv", [*COLUMNS, "y"], lines)
    done = run("predict", files[0], new, "--target", "y", "-o", "-")
    rows = table_of(done)
    plain = table_of(run("predict", *files, *TARGET, "-o", "-"))
    assert [r["prediction"] for r in rows] == [r["prediction"] for r in plain]
    assert rows[3]["known"] == ""
    have = [i for i in range(20) if i != 3]
    error = [abs(float(rows[i]["prediction"]) - known[i]) for i in have]
    assert f"{np.median(error):.4g}" in done.stderr


def test_class_labels(tables, tmp_path):  # noqa: F811
    X, _, Q = tables
    labels = np.where(X[:, 0] > 0, "high", "low")
    train = write_csv(tmp_path / "a.csv", [*COLUMNS, "y"], [[*x, t] for x, t in zip(X, labels)])
    truth = np.where(Q[:, 0] > 0, "high", "low")
    new = write_csv(tmp_path / "b.csv", [*COLUMNS, "y"], [[*q, t] for q, t in zip(Q, truth)])
    done = run("predict", train, new, "--target", "y", "--classes", "--metric", "none", "-o", "-")
    rows = table_of(done)
    model = hw.MixtureClassifier(hw.DelaunayRegressor()).fit(X, labels)
    assert [r["prediction"] for r in rows] == model.predict(Q).tolist()
    shares = [[float(r["share high"]), float(r["share low"])] for r in rows]
    np.testing.assert_allclose(shares, model.predict_proba(Q), atol=1e-12)
    right = int((model.predict(Q) == truth).sum())
    assert f"right: {right} of 20" in done.stderr
    refused = run("predict", train, new, "--target", "y", code=3).stderr
    assert "--classes" in refused
    assert "'y'" in refused


def test_bad_rows_are_kept_when_asked(tmp_path, files):  # noqa: F811
    new = write_csv(tmp_path / "gap.csv", COLUMNS, [[1, 2, 3], [1, "", 3], [0, 0, 0]])
    assert "line 3" in run("predict", files[0], new, "--target", "y", code=3).stderr
    args = ["--target", "y", "--bad-rows", "keep", "-o", "-"]
    done = run("predict", files[0], new, *args)
    rows = table_of(done)
    assert [bool(r["prediction"]) for r in rows] == [True, False, True]
    assert "not predicted" in rows[1]["verdict"]
    assert "1 row has missing" in done.stderr


def test_parquet_out_and_no_overwriting(files, tmp_path):  # noqa: F811
    out = tmp_path / "p.parquet"
    run("predict", *files, *TARGET, "-o", out, "-q")
    assert read_table(out, columns=["prediction"], id_column="id").n == 20
    before = out.read_bytes()
    assert "--force" in run("predict", *files, *TARGET, "-o", out, code=3).stderr
    assert out.read_bytes() == before


def test_verified(files):  # noqa: F811
    assert "simplices verified: 20 of 20" in run("predict", *files, *TARGET, "--verify").stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--smoothness", "1"], "--bound"),
        (["--classes", "--bound"], "--classes"),
        (["--classes", "--method", "linear-shepard"], "negative"),
        (["--verify", "--method", "voronoi"], "delaunay"),
        (["--method", "spline"], "spline"),
        (["--metric", "cosine"], "cosine"),
        (["--drop", "colour"], "colour"),
        (["-o", "a.txt"], ".csv"),
    ],
)
def test_wrong_usage_is_2(files, args, said):  # noqa: F811
    assert said in run("predict", *files, *TARGET, *args, code=2).stderr


def test_target_must_be_there(files):  # noqa: F811
    assert "price" in run("predict", *files, "--target", "price", code=2).stderr
    assert "--target" in run("predict", *files, code=2).stderr


def test_as_a_process_warnings_and_all(files):  # noqa: F811
    done = process("predict", *files, *TARGET, "--bound", "--verify")
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    assert "Predictions" in out


def test_names_of_the_study_are_those_of_the_module():
    from hullwise.study import lux2021

    assert lux2021.PARTS == STUDY_PARTS
    assert tuple(lux2021.METHODS) == STUDY_METHODS


def test_study_as_a_command(tmp_path):
    without = [m for m in STUDY_METHODS if m not in ("svr", "median")]
    args = [word for m in without for word in ("--without", m)]
    page = tmp_path / "page.html"
    done = run("study", "lux2021", "--sets", "forest_fires", *args, "-o", page)
    assert "SVR" in done.stdout
    assert page.read_text().startswith("<!")
    assert "--force" in run("study", "lux2021", "--sets", "forest_fires", "-o", page, code=3).stderr
    assert "spam" in run("study", "lux2021", "--sets", "spam", code=2).stderr
