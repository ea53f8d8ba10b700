"""`hullwise predict`: from files to tables, text and exit codes."""

import os
import subprocess
import sys

import numpy as np
import pytest

import hullwise as hw
import hullwise.cli._predict
from cli_input import COLUMNS, SOURCE, files, process, read_rows, run, tables, write_csv  # noqa: F401
from hullwise.io.table_reader import read_table
from hullwise.predict import INTERPOLANT_METHODS, interpolant_class

DELAUNAY = ["--method", "delaunay"]
TARGET = ["--target", "y", "--id", "id", *DELAUNAY]  # a later --method is the one that counts
LEARNT_FROM_TARGETS = ("kernel", "rbf-network", "minimax")


def table_of(result):
    return read_rows(result.stdout)


@pytest.mark.parametrize("method", INTERPOLANT_METHODS)
def test_every_method_predicts_as_in_python(tables, files, method):  # noqa: F811
    X, y, Q = tables
    rows = table_of(run("predict", *files, *TARGET, "--method", method, "-o-"))
    reg = interpolant_class(method)().fit(X, y)
    np.testing.assert_allclose([float(r["prediction"]) for r in rows], reg.predict(Q), rtol=1e-12)
    assert [r["id"] for r in rows] == [f"p{i}" for i in range(20)]
    assert [int(r["rows_used"]) for r in rows] == np.diff(reg.weights(Q).indptr).tolist()
    inside = hw.locate(X, Q, metric=None, reference=0).verdict == hw.Verdict.INSIDE
    assert [r["verdict"] == "inside" for r in rows] == inside.tolist()


def test_rows_used_are_named_with_their_weights(tables, tmp_path):  # noqa: F811
    X, y, Q = tables
    lines = [[f"r{i}", *x, t] for i, (x, t) in enumerate(zip(X.tolist(), y.tolist()))]
    train = write_csv(tmp_path / "a.csv", ["id", *COLUMNS, "y"], lines)
    new = write_csv(tmp_path / "b.csv", COLUMNS, Q.tolist())
    rows = table_of(run("predict", train, new, *TARGET, "-o", "-"))
    why = hw.DelaunayRegressor().fit(X, y).explain(Q[0])
    assert rows[0]["row"] == "0"
    first = f"r{why.rows[0]} ({100 * why.weights[0]:.3g} %)"
    assert rows[0]["rows"].startswith(first)


def test_bound_with_given_constants(tables, files):  # noqa: F811
    X, y, Q = tables
    args = ["--bound", "--smoothness", "2", "--lipschitz", "3", "-o", "-"]
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
    done = run("predict", files[0], new, "--target", "y", *DELAUNAY, "-o", "-")
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
    done = run("predict", train, new, "--target", "y", "--classes", *DELAUNAY, "-o", "-")
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
    assert rows[1]["verdict"] == "undecided"
    assert rows[1]["status"] == "not predicted: NaN in column 'dose'"
    assert "1 row is not predicted; row 1: NaN in column 'dose'" in done.stderr


def test_parquet_out_and_no_overwriting(files, tmp_path):  # noqa: F811
    out = tmp_path / "p.parquet"
    run("predict", *files, *TARGET, "-o", out, "-q")
    assert read_table(out, columns=["prediction"], id_column="id").n == 20
    before = out.read_bytes()
    assert "--force" in run("predict", *files, *TARGET, "-o", out, code=3).stderr
    assert out.read_bytes() == before


def test_verified(files):  # noqa: F811
    assert "simplices verified: 20 of 20" in run("predict", *files, *TARGET, "--verify").stderr


def with_target(path, X, target, name="y"):
    return write_csv(path, [*COLUMNS, name], [[*x, t] for x, t in zip(X.tolist(), target)])


@pytest.mark.parametrize("method", ["delaunay", "inverse-distance", "nearest"])
def test_the_same_for_any_number_of_rows_at_once(files, method, monkeypatch):  # noqa: F811
    args = ["predict", *files, *TARGET, "--method", method, "--bound", "-q", "-o", "-"]
    whole = run(*args).stdout
    monkeypatch.setattr("hullwise.predict.predictions.PREDICTION_BATCH", 3)
    for name in ("PREDICTION_BATCH", "LEAST_BATCH", "BATCH_WEIGHTS"):
        monkeypatch.setattr(f"hullwise.predict.interpolant.{name}", 3)
    assert run(*args).stdout == whole


def test_a_kernel_and_a_network_say_what_they_chose_and_where_they_end(tables, files, tmp_path):  # noqa: F811
    X, y, Q = tables
    far = write_csv(tmp_path / "far.csv", COLUMNS, [*Q.tolist(), (X[0] + 1e6).tolist()])
    reg = hw.KernelRegressor().fit(X, y)
    out = " ".join(run("predict", files[0], far, *TARGET[:2], "--method", "kernel").stdout.split())
    n_out = int((~reg.support([*Q, X[0] + 1e6]).in_reach).sum())
    assert f"The gaussian kernel has the bandwidth {reg.bandwidth_:.4g}, chosen by" in out
    assert f"{n_out} row" in out
    assert "out of its reach: there the nearest training rows answer." in out
    args = ["predict", files[0], far, *TARGET[:2], "--method", "rbf-network"]
    out = " ".join(run(*args).stdout.split())
    assert "centres; weights of rows are signed." in out
    network = hw.RBFNetworkRegressor().fit(X, y)
    n_out = int((network.activations([*Q, X[0] + 1e6]).max(axis=1) < 0.01).sum())
    assert f"{n_out} row" in out
    assert "beyond all centres: there a constant answers." in out


@pytest.mark.parametrize("method", ["delaunay", "voronoi"])
def test_rows_that_repeat_share_their_weight(tables, files, tmp_path, method):  # noqa: F811
    X, y, Q = tables
    X, y = np.concatenate([X, X[:30]]), np.concatenate([y, y[:30] + 1])
    train = with_target(tmp_path / "twice.csv", X, y.tolist())
    args = ["--method", method, "--bound", "--smoothness", "2"]
    done = run("predict", train, files[1], *TARGET, *args, "--lipschitz", "3", "-o", "-")
    rows = table_of(done)
    reg = getattr(hw, f"{method.capitalize()}Regressor")()
    with pytest.warns(hw.errors.DataWarning, match="repeat"):
        reg.fit(X, y)
    np.testing.assert_allclose([float(r["prediction"]) for r in rows], reg.predict(Q), rtol=1e-12)
    assert [int(r["rows_used"]) for r in rows] == np.diff(reg.weights(Q).indptr).tolist()
    b = reg.bound(Q, smoothness=2.0, lipschitz=3.0)
    np.testing.assert_allclose([float(r["bound"]) for r in rows], b.total, rtol=1e-9)
    np.testing.assert_allclose([float(r["bound_reach"]) for r in rows], b.reach, atol=1e-12)
    assert done.stderr.count("their targets are averaged") == 1


def test_an_early_end_of_the_search_leaves_the_verdict_to_the_hull(files, monkeypatch):  # noqa: F811
    from dataclasses import replace

    real = hw.DelaunayRegressor.simplices

    def loose(self, Q, **options):
        found = real(self, Q, **options)
        status = np.full(len(Q), hw.SimplexStatus.LOOSE, dtype=object)
        return replace(found, status=status)

    want = table_of(run("predict", *files, *TARGET, "-o", "-"))
    monkeypatch.setattr(hw.DelaunayRegressor, "simplices", loose)
    done = run("predict", *files, *TARGET, "--verify", "-o", "-")
    rows = table_of(done)
    assert [r["verdict"] for r in rows] == [r["verdict"] for r in want]
    assert {r["verdict"] for r in rows} == {"inside", "outside"}
    assert all("before its sphere was empty" in r["status"] for r in rows)
    assert "simplices verified: 0 of 20, 20 claim none" in done.stderr
    assert "20 rows: the search ended" in " ".join(done.stderr.split())


def test_a_simplex_that_does_not_hold_stops_everything(files, tmp_path, monkeypatch):  # noqa: F811
    def wrong(self, X, **_):
        good = np.ones(len(self.status), dtype=bool)
        good[4] = False
        return good

    monkeypatch.setattr("hullwise.predict.simplices.Simplices.verify", wrong)
    out = tmp_path / "never.csv"
    error = run("predict", *files, *TARGET, "--verify", "-o", out, code=3).stderr
    assert "do not hold: 1, the first in row p4" in error
    assert not out.exists()


def test_labels_that_are_missing(tables, tmp_path):  # noqa: F811
    X, _, Q = tables
    labels = ["high" if x > 0 else "low" for x in X[:, 0]]
    train = with_target(tmp_path / "a.csv", X, labels)
    truth = ["", "other", *(["high"] * 18)]
    new = with_target(tmp_path / "b.csv", Q, truth)
    done = run("predict", train, new, "--target", "y", "--classes", *DELAUNAY, "-o", "-")
    rows = table_of(done)
    right = sum(r["prediction"] == t for r, t in zip(rows, truth))
    assert f"right: {right} of 19" in done.stderr
    assert "1 of the labels is not among those of the training rows" in done.stderr
    labels[4] = " "
    bad = with_target(tmp_path / "c.csv", X, labels)
    error = run("predict", bad, new, "--target", "y", "--classes", code=3).stderr
    assert "'y' is missing in 1 row, first in row 4" in error


def test_a_whole_number_is_one_label_in_any_file(tables, files, tmp_path):  # noqa: F811
    import pyarrow as pa
    import pyarrow.parquet as pq

    X, _, Q = tables
    sides = (X[:, 0] > 0).astype(float)
    columns = dict(zip(COLUMNS, X.T, strict=True)) | {"y": sides}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    new = with_target(tmp_path / "b.csv", Q, (Q[:, 0] > 0).astype(int).tolist())
    done = run(
        "predict", tmp_path / "a.parquet", new, "--target", "y", "--classes", *DELAUNAY, "-o", "-"
    )
    rows = table_of(done)
    assert {r["prediction"] for r in rows} == {"0", "1"}
    right = sum(r["prediction"] == r["known"] for r in rows)
    assert right > 10
    assert f"right: {right} of 20" in done.stderr


def test_no_bound_is_made_up(tables, files, tmp_path):  # noqa: F811
    X, y, _ = tables
    few = with_target(tmp_path / "few.csv", X[:3], y[:3].tolist())
    args = ["predict", few, files[1], *TARGET, "--bound", "-o", "-"]
    error = run(*args, code=3).stderr
    assert "too few" in error
    assert "give --smoothness, or leave out --bound" in error
    assert len(table_of(run(*args, "--smoothness", "1"))) == 20
    one = with_target(tmp_path / "one.csv", X[:1], y[:1].tolist())
    assert "--lipschitz" in run("predict", one, *args[2:], code=3).stderr


def test_a_bound_that_is_met_exactly_counts_as_met(tables, files, tmp_path):  # noqa: F811
    X, _, Q = tables
    train = with_target(tmp_path / "a.csv", X, [0.1] * len(X))
    new = with_target(tmp_path / "b.csv", Q, [0.1] * len(Q))
    out = run("predict", train, new, "--target", "y", *DELAUNAY, "--bound").stdout
    assert "within their bound     20 of 20" in out


def test_nothing_to_predict(files, tmp_path):  # noqa: F811
    new = write_csv(tmp_path / "gap.csv", COLUMNS, [[1, "", 3]])
    args = ["predict", files[0], new, "--target", "y", "--bad-rows", "keep", "--bound"]
    done = run(*args, "-o", "-")
    assert table_of(done)[0]["status"].startswith("not predicted")
    assert "No row could be predicted" in done.stderr
    assert "1 row is not predicted; row 0: NaN in column 'dose'" in done.stderr


def test_a_target_of_new_rows_that_cannot_be_read_is_no_obstacle(tables, files, tmp_path):  # noqa: F811
    new = with_target(tmp_path / "b.csv", tables[2], ["open", *(["1"] * 19)])
    done = run("predict", files[0], new, "--target", "y", *DELAUNAY, "-o", "-")
    plain = table_of(run("predict", *files, *TARGET, "-o", "-"))
    assert [r["prediction"] for r in table_of(done)] == [r["prediction"] for r in plain]
    assert "Not compared with the target" in done.stderr


def test_the_largest_bounds_are_shown_where_no_row_is_outside(tables, tmp_path):  # noqa: F811
    X, y, _ = tables
    train = with_target(tmp_path / "a.csv", X, y.tolist())
    new = write_csv(tmp_path / "b.csv", COLUMNS, (0.2 * X[:20]).tolist())
    args = ["predict", train, new, "--target", "y", *DELAUNAY, "--bound", "--smoothness", "1"]
    done = run(*args, "--lipschitz", "1", "-o", "-")
    rows = table_of(done)
    assert {r["verdict"] for r in rows} == {"inside"}
    table = done.stderr.split("The largest bounds")[1].splitlines()
    largest = max(rows, key=lambda r: float(r["bound"]))
    assert table[2].split()[0] == largest["row"]
    assert table[2].split()[2] == f"{float(largest['bound']):.4g}"


def test_first_run_compiles_what_it_needs_and_no_more(monkeypatch):
    """What `locate` alone runs is not run to warm up `predict`, nor the other way round."""
    from hullwise.geometry.warm_up import compile_locate
    from hullwise.predict.warm_up import compile_regressor

    def never(*_, **__):
        raise AssertionError

    with monkeypatch.context() as patched:
        patched.setattr("hullwise.predict.warm_up.locate_in_hull", never)
        patched.setattr("hullwise.predict.error_bound.error_bound", never)
        patched.setattr("hullwise.predict.warm_up.estimate_smoothness", never)
        compile_regressor(hw.DelaunayRegressor())
        with pytest.raises(AssertionError):
            compile_regressor(hw.VoronoiRegressor())
    with monkeypatch.context() as patched:
        patched.setattr("hullwise.predict._delaunay_search.find_simplices", never)
        compile_locate()


@pytest.mark.parametrize("method", INTERPOLANT_METHODS)
def test_a_command_compiles_nothing_that_was_not_announced(files, method, monkeypatch):  # noqa: F811
    from numba.core import event

    from hullwise._core.compilation import CompileListener

    late = []
    real = hw.cli._predict._predict

    def listened(*args):
        with event.install_listener("numba:compile", CompileListener(lambda: late.append(method))):
            return real(*args)

    monkeypatch.setattr("hullwise.cli._predict._predict", listened)
    run("predict", *files, *TARGET, "--method", method, "--bound", "-q")
    assert late == []


def test_help_imports_nothing_numeric():
    code = (
        "import sys; from hullwise.cli import main\n"
        "for args in (['--help'], ['predict', '--help']):\n"
        "    main(args, standalone_mode=False)\n"
        "assert not {'numpy', 'numba', 'scipy', 'sklearn', 'pyarrow'} & set(sys.modules)\n"
    )
    env = os.environ | {"PYTHONPATH": SOURCE}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--smoothness", "1"], "--bound"),
        (["--bound", "--smoothness", "-1"], "a finite number, at least 0"),
        (["--classes", "--bound"], "--classes"),
        (["--classes", "--method", "linear-shepard"], "negative"),
        (["--verify", "--method", "voronoi"], "delaunay"),
        (["--method", "spline"], "spline"),
        (["--metric", "cosine"], "cosine"),
        (["--drop", "colour"], "for --drop: in"),
        (["--drop", "y"], "--target is also"),
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


@pytest.mark.parametrize("lines", ["1,2,3\n4,5\n", "1,2,3\n4,5,6,7\n", ""])
def test_a_broken_file_is_not_taken_for_class_labels(lines, tmp_path):
    train, new = tmp_path / "train.csv", write_csv(tmp_path / "new.csv", ["a", "b"], [[1, 2]])
    train.write_text("a,b,y\n" + lines)
    assert "--classes" not in run("predict", train, new, "--target", "y", code=3).stderr


def test_notes_name_the_columns_of_the_file(tmp_path):
    rows = [[1e12 + i % 7, 1.0, i] for i in range(30)]
    train = write_csv(tmp_path / "train.csv", ["age", "flat", "y"], rows)
    new = write_csv(tmp_path / "new.csv", ["age", "flat"], [[1e12 + 0.5, 1.0]])
    for method in ("delaunay", "nearest"):
        done = process("predict", train, new, "--target", "y", "--method", method)
        err = done.communicate(timeout=120)[1]
        assert done.returncode == 0, err
        assert err.count("has values near") == err.count("'age' has values near") == 1
        assert "span a flat of dimension 1 in 2 features (constant: flat)" in err


def test_one_bound_without_end_leaves_the_others_their_quartiles(tmp_path):
    rows = [[i, i * i % 7, i] for i in range(12)]
    train = write_csv(tmp_path / "train.csv", ["a", "b", "y"], rows)
    new = write_csv(tmp_path / "new.csv", ["a", "b"], [[1, 2], [2, 2], [1e300, 0]])
    done = run("predict", train, new, "--target", "y", *DELAUNAY, "--bound", "--smoothness", "1")
    line = next(x for x in done.stdout.splitlines() if x.strip().startswith("bound"))
    assert "nan" not in line
    assert line.split()[-2:] == ["inf", "inf"]
    assert "invalid value" not in done.stderr


def two_targets(tables, tmp_path):  # noqa: F811
    X, y, Q = tables
    Y = np.column_stack([y, np.exp(y)])
    names = [*COLUMNS, "y1", "y2"]
    train = write_csv(tmp_path / "train.csv", names, np.c_[X, Y].tolist())
    known = np.c_[Q, Q[:, 0], Q[:, 1]]
    return Y, train, write_csv(tmp_path / "new.csv", names, known.tolist())


@pytest.mark.parametrize("method", INTERPOLANT_METHODS)
def test_every_target_is_predicted_and_none_is_a_feature(tables, tmp_path, method):  # noqa: F811
    X, _, Q = tables
    Y, train, new = two_targets(tables, tmp_path)
    args = ["--method", method, "--bound", "--smoothness", "2", "--lipschitz", "3", "-o", "-"]
    done = run("predict", train, new, "--target", "y1", "--target", "y2", *args)
    rows = table_of(done)
    reg = interpolant_class(method)().fit(X, Y)
    b = reg.bound(Q, smoothness=[2.0, 2.0], lipschitz=3.0)
    for k, name in enumerate(["y1", "y2"]):
        if method in LEARNT_FROM_TARGETS:  # the weights of two targets are others than of one
            predicted = [float(row[f"prediction {name}"]) for row in rows]
            np.testing.assert_allclose(predicted, reg.predict(Q)[:, k], rtol=1e-12)
            continue
        alone = run("predict", train, new, "--target", name, "--drop", f"y{2 - k}", *args)
        for row, one, q in zip(rows, table_of(alone), range(20), strict=True):
            for column in ("prediction", "bound", "bound_shift", "bound_spread", "known"):
                assert row[f"{column} {name}"] == one[column]
            for column in ("verdict", "distance", "rows_used", "rows", "bound_reach", "status"):
                assert row[column] == one[column]
            assert float(row[f"prediction {name}"]) == pytest.approx(reg.predict(Q)[q, k])
            assert float(row[f"bound {name}"]) == pytest.approx(b.total[q, k], rel=1e-12)
    text = " ".join(done.stderr.split())
    assert "features 3: age, dose, weight" in text
    assert "prediction y2" in text
    assert "Against the target y2 in the file of new rows" in text


def test_constants_of_several_targets(tables, tmp_path):  # noqa: F811
    _, train, new = two_targets(tables, tmp_path)
    both = ["predict", train, new, "--target", "y1", "--target", "y2", "--bound"]
    given = ["--smoothness", "2", "--smoothness", "5", "--lipschitz", "1", "-o", "-"]
    first, *_ = table_of(run(*both, *given))
    ratio = float(first["bound_spread y2"]) / float(first["bound_spread y1"])
    assert ratio == pytest.approx(2.5)
    assert float(first["bound_shift y2"]) == pytest.approx(float(first["bound_shift y1"]))
    assert "y2: smoothness" in " ".join(run(*both).stdout.split())
    wrong = run(*both, *["--lipschitz", "1"] * 3, code=2).stderr
    assert "once, or once for each --target" in wrong
    assert "one --target at a time" in run(*both[:-1], "--classes", code=2).stderr


def test_a_target_that_new_rows_lack_is_predicted_and_not_compared(tables, tmp_path):  # noqa: F811
    X, _, Q = tables
    _, train, _ = two_targets(tables, tmp_path)
    new = write_csv(tmp_path / "one.csv", [*COLUMNS, "y2"], np.c_[Q, Q[:, 1]].tolist())
    rows = table_of(run("predict", train, new, "--target", "y1", "--target", "y2", "-o", "-"))
    assert "known y2" in rows[0]
    assert "known y1" not in rows[0]
    text = write_csv(tmp_path / "text.csv", [*COLUMNS, "y1", "y2"], [[*x, 1, "a"] for x in X])
    refused = run("predict", text, new, "--target", "y1", "--target", "y2", code=3).stderr
    assert "'y2'" in refused
    assert "--classes" in refused


def test_a_metric_is_learnt_from_all_targets(tables, tmp_path):  # noqa: F811
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    names = ["a", "b", "c", "d", "y1", "y2"]
    train = write_csv(tmp_path / "t.csv", names, np.c_[X, X[:, 0] ** 2, 3 * X[:, 1]].tolist())
    new = write_csv(tmp_path / "n.csv", names[:4], X[:5].tolist())
    args = ["--target", "y1", "--target", "y2", "--metric", "agop", "--save-metric"]
    run("predict", train, new, *args, tmp_path / "M.npy")
    matrix = np.load(tmp_path / "M.npy")
    assert matrix.shape == (4, 4)
    assert min(matrix[0, 0], matrix[1, 1]) > 10 * max(matrix[2, 2], matrix[3, 3])


def noisy_tables(tmp_path, n=120):
    """Two tables of noisy rows of sites; those of one site are alike."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    y = np.sin(2 * X[:, 0]) + 0.4 * rng.normal(size=n)
    rows = [[*x, f"s{i // 4}", t] for i, (x, t) in enumerate(zip(X.tolist(), y.tolist()))]
    train = write_csv(tmp_path / "noisy.csv", ["a", "b", "site", "y"], rows)
    return X, y, train, write_csv(tmp_path / "asked.csv", ["a", "b"], X[:5].tolist())


def test_the_best_method_by_left_out_rows_is_taken(tmp_path):
    X, y, train, new = noisy_tables(tmp_path)
    args = ["predict", train, new, "--target", "y", "--drop", "site"]
    done = run(*args, "-o", "-")
    comparison = hw.compare(X, y)
    assert comparison.best != "delaunay"
    reg = comparison.best_estimator().fit(X, y)
    found = [float(r["prediction"]) for r in table_of(done)]
    np.testing.assert_allclose(found, reg.predict(X[:5]), rtol=1e-12)
    text = " ".join(done.stderr.split())
    assert f"method {comparison.best}: the least error of left-out rows (--method)" in text
    assert f"{comparison.best} has the least error over 5 folds of 120 rows and is taken" in text
    assert " median 0." in text  # the constant stands beside the methods


def test_groups_are_left_out_together_and_are_no_feature(tmp_path):
    X, y, train, new = noisy_tables(tmp_path)
    args = ["predict", train, new, "--target", "y"]
    text = " ".join(run(*args, "--group", "site").stdout.split())
    assert "5 folds of 120 rows in 30 groups" in text
    assert "features 2: a, b" in text
    error = run(*args, "--group", "y", code=2).stderr
    assert "'y' of --group is also that of --target" in error
    assert "--group" in run(*args, "--group", "place", code=2).stderr


def test_what_cannot_be_compared_is_predicted_all_the_same(tmp_path):
    rows = [[i, i * i % 5, i] for i in range(7)]
    few = write_csv(tmp_path / "few.csv", ["a", "b", "y"], rows)
    new = write_csv(tmp_path / "new.csv", ["a", "b"], [[1, 2]])
    text = " ".join(run("predict", few, new, "--target", "y").stdout.split())
    assert "7 rows only, too few to compare methods by: delaunay answers" in text
    text = " ".join(run("predict", few, new, "--target", "y", "--verify").stdout.split())
    assert "--verify checks Delaunay simplices: the method is delaunay" in text


def test_a_target_that_no_feature_tells_of_is_said_to_be_one(tmp_path):
    rng = np.random.default_rng(3)
    rows = np.c_[rng.normal(size=(60, 3)), rng.standard_t(3, size=60)].tolist()
    train = write_csv(tmp_path / "noise.csv", ["a", "b", "c", "y"], rows)
    new = write_csv(tmp_path / "new.csv", ["a", "b", "c"], [row[:3] for row in rows[:3]])
    done = run("predict", train, new, "--target", "y", "--metric", "none")
    comparison = hw.compare(np.array(rows)[:, :3], np.array(rows)[:, 3], metric=None)
    said = "No method beats the median, which looks at no feature" in " ".join(done.stdout.split())
    assert said == (not comparison.beats_constant)


def test_metrics_are_learnt_from_the_other_folds(tmp_path):
    X, y, train, new = noisy_tables(tmp_path)
    args = ["predict", train, new, "--target", "y", "--drop", "site", "--metric"]
    text = " ".join(run(*args, "agop").stdout.split())
    comparison = hw.compare(X, y, metric="agop")
    i = comparison.methods.index(comparison.best)
    assert f"{comparison.best} {comparison.error[i, 0]:.4g} +- " in text
    assert "has seen the rows" not in text
    assert "has seen the rows" in " ".join(run(*args, "rfm").stdout.split())


def test_methods_for_classes_are_compared_by_their_shares(tmp_path):
    X, _, _, new = noisy_tables(tmp_path)
    labels = np.where(X[:, 0] > 0, "high", "low")
    rows = [[*x, label] for x, label in zip(X.tolist(), labels)]
    train = write_csv(tmp_path / "labels.csv", ["a", "b", "y"], rows)
    text = run("predict", train, new, "--target", "y", "--classes").stdout
    assert "error of shares" in text
    comparison = hw.compare(X, labels, classes=True)
    assert f"method         {comparison.best}: the least error" in text
