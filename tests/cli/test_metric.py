"""The metric of a task on the command line: both readings, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

import hullwise as hw
from cli_input import read_rows, run, write_csv
from hullwise import samples
from hullwise.metrics.directions import leading_metric
from report_input import content

NAMES = ["temp", "wind", "load", "spare1", "spare2", "spare3"]
BOTH = ("band", "verdict", "hull_percentile", "lower", "upper")


@pytest.fixture(scope="module")
def numbers():
    """Rows whose target hangs on three of six features; new ones out in those, and in the rest."""
    rng = np.random.default_rng(0)
    X, Q = rng.uniform(size=(300, 6)), rng.uniform(size=(60, 6))
    Q[:15, :3] = rng.uniform(1.3, 1.6, (15, 3))
    Q[15:30, 3:] = rng.uniform(1.3, 1.6, (15, 3))
    units = np.array([30.0, 1e3, 1.0, 1e-4, 10.0, 1.0])
    y = 4 * X[:, 0] * X[:, 1] + 3 * (X[:, 2] - 0.5) ** 2 + X[:, 0]
    return X * units, y, Q * units


@pytest.fixture
def files(numbers, tmp_path):
    X, y, Q = numbers
    train = write_csv(tmp_path / "train.csv", [*NAMES, "y"], np.c_[X, y].tolist())
    return train, write_csv(tmp_path / "new.csv", NAMES, Q.tolist())


def network(path, X, y):
    """An ONNX file of a small network that knows the target well enough."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper
    from sklearn.linear_model import LinearRegression

    s = X.std(axis=0)
    W1 = np.r_[np.eye(6)[:3], -np.eye(6)[:3]] / s
    b1 = np.r_[-(X / s).mean(axis=0)[:3], (X / s).mean(axis=0)[:3]]
    hidden = np.maximum(X @ W1.T + b1, 0)
    last = LinearRegression().fit(hidden, y)
    arrays = {"W1": W1, "b1": b1, "W2": last.coef_[None], "b2": np.array([last.intercept_])}
    held = [numpy_helper.from_array(a.astype(np.float32), name) for name, a in arrays.items()]
    nodes = [
        helper.make_node("Gemm", ["x", "W1", "b1"], ["h"], name="first", transB=1),
        helper.make_node("Relu", ["h"], ["r"], name="bend"),
        helper.make_node("Gemm", ["r", "W2", "b2"], ["out"], name="last", transB=1),
    ]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size])]
        for name, size in (("x", 6), ("out", 1))
    ]
    graph = helper.make_graph(nodes, "net", *ends, held)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return str(path)


def located(files, tmp_path, *args, code=0):
    out = tmp_path / "where.csv"
    result = run("locate", *files, "--target", "y", *args, "-o", out, "--force", code=code)
    return result, read_rows(out.read_text()) if out.exists() else []


# ---- what comes out ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metric", ["agop", "curvature", "rfm", "agop of a network", "nfm:0", "nfm:first"]
)
def test_both_readings_stand_side_by_side(metric, files, numbers, tmp_path):
    X, y, Q = numbers
    args = ["--metric", metric.split()[0]]
    if "network" in metric or "nfm" in metric:
        args += ["--model", network(tmp_path / "net.onnx", X, y)]
    kept = tmp_path / "M.npy"
    result, rows = located(files, tmp_path, *args, "--verify", "--save-metric", kept)
    assert "certificates verified in both readings: 60 of 60" in result.stderr
    assert f"metric (6 x 6, features in this order) written to {kept}" in result.stderr

    plain = hw.locate(X, Q, metric="std")
    for column, found in plain.to_dict().items():  # the plain columns say what they always said
        if column in BOTH[2:]:
            assert [float(r[column]) for r in rows] == found
        elif column in BOTH:
            assert [r[column] for r in rows] == list(found)
    task = hw.locate(X, Q, metric=np.load(kept))
    assert [r["band_task"] for r in rows] == task.band.tolist()
    assert [r["verdict_task"] for r in rows] == task.to_dict()["verdict"]
    upper = np.array([float(r["upper_task"]) for r in rows])
    assert upper == pytest.approx(task.upper, rel=1e-5, abs=1e-7)

    out = np.array([r["band_task"] in ("beyond", "far") for r in rows])
    plainly = np.array([r["band"] in ("beyond", "far") for r in rows])
    assert plainly[:30].all()
    assert out[:15].all()
    assert out[15:30].sum() <= 2  # one lies in a corner of what matters
    pushed = " ".join(r["pushed_out_by_task"] for r in rows[:15])
    assert not any(name in pushed for name in ("spare", "-"))
    assert list(rows[0])[-1] == "status"


def test_summary_says_both_in_80_columns(files):
    text = run("locate", *files, "--target", "y", "--metric", "rfm").stdout
    assert max(map(len, text.splitlines())) <= 80
    assert not any(line.endswith(" ") for line in text.splitlines())
    for said in (
        "learnt by a recursive feature machine from 'y'",
        "plainly  rows  in what matters:",
        "are beyond or far from the data; of these, ",
        "What matters: the directions of the metric",
        "Effective dimension",
        "of 6: as if that many",
        "The rows farthest out in what matters",
        "held out from it: a metric knows no more of what matters than that.",
    ):
        assert said in " ".join(text.split()) or said in text
    line = next(x for x in text.splitlines() if x.startswith("  all "))
    assert sum(map(int, line.split()[2:])) == int(line.split()[1]) == 60


def test_the_summary_counts_what_the_table_says(files, tmp_path):
    result, rows = located(files, tmp_path, "--metric", "agop")
    for band in ("core", "edge", "beyond", "far"):
        line = next(x for x in result.stdout.splitlines() if x.startswith(f"  {band} ")).split()
        across = [
            sum(r["band"] == band and r["band_task"] == other for r in rows)
            for other in ("core", "edge", "beyond", "far")
        ]
        assert list(map(int, line[-4:])) == across
    out = [r["band"] in ("beyond", "far") for r in rows]
    both = sum(r["band_task"] in ("beyond", "far") for r, o in zip(rows, out, strict=True) if o)
    said = " ".join(result.stdout.split())
    assert f"of these, {both} are beyond or far in what matters too, and {sum(out) - both} " in said


def test_fail_on_looks_at_what_was_asked_for(files, tmp_path):
    harmless = tmp_path / "harmless.csv"
    lines = Path(files[1]).read_text().splitlines()
    harmless.write_text("\n".join([lines[0], *lines[16:31]]) + "\n")
    args = ["locate", files[0], harmless, "--target", "y", "-q", "--fail-on", "far"]
    assert "--fail-on far: 15 rows are far (" in run(*args, code=1).stderr
    run(*args, "--metric", "rfm")
    args[2] = files[1]
    said = run(*args, "--metric", "rfm", code=1).stderr
    assert "rows are far in what matters (rows 0, 1, " in said


def test_units_of_the_table_do_not_count(files, numbers, tmp_path):
    X, y, Q = numbers
    units = np.array([1e-3, 1.0, 1e3, 25.4, 1e-4, 7.0])
    train = write_csv(tmp_path / "t.csv", [*NAMES, "y"], np.c_[X * units, y].tolist())
    new = write_csv(tmp_path / "n.csv", NAMES, (Q * units).tolist())
    for metric in ("agop", "rfm"):
        _, one = located(files, tmp_path, "--metric", metric)
        _, other = located((train, new), tmp_path, "--metric", metric)
        assert [r["band_task"] for r in one] == [r["band_task"] for r in other]
        a, b = ([float(r["upper_task"]) for r in rows] for rows in (one, other))
        assert a == pytest.approx(b, rel=1e-4, abs=1e-6)


def test_the_target_of_the_new_rows_is_never_looked_at(files, numbers, tmp_path):
    _, _, Q = numbers
    rows = [
        located((files[0], write_csv(tmp_path / "q.csv", [*NAMES, "y"], table)), tmp_path, *args)[1]
        for args in [("--metric", "rfm")]
        for table in (np.c_[Q, np.zeros(60)].tolist(), np.c_[Q, 1e9 * Q[:, 0]].tolist())
    ]
    assert rows[0] == rows[1] == located(files, tmp_path, "--metric", "rfm")[1]


def test_class_labels_are_learnt_from(files, numbers, tmp_path):
    X, y, _ = numbers
    names = np.where(y > np.median(y), "high", "low")
    train = write_csv(tmp_path / "t.csv", [*NAMES, "y"], np.c_[X.astype(str), names].tolist())
    coded = write_csv(tmp_path / "c.csv", [*NAMES, "y"], np.c_[X, names == "high"].tolist())
    for metric in ("agop", "rfm"):
        _, rows = located((train, files[1]), tmp_path, "--metric", metric)
        _, same = located((coded, files[1]), tmp_path, "--metric", metric, "--classes")
        assert rows == same
        out = [r["band_task"] in ("beyond", "far") for r in rows]
        assert sum(out[:15]) > 12
        assert sum(out[15:30]) < 6


def test_rows_that_cannot_be_used_are_kept_in_both(files, tmp_path):
    text = Path(files[1]).read_text().splitlines()
    text[3] = "nan" + text[3][text[3].index(",") :]
    new = tmp_path / "gap.csv"
    new.write_text("\n".join(text) + "\n")
    _, rows = located((files[0], new), tmp_path, "--metric", "rfm", "--bad-rows", "keep")
    assert (rows[2]["band"], rows[2]["band_task"]) == ("unknown", "unknown")
    assert rows[2]["upper_task"] == ""
    assert rows[1]["upper_task"] != ""


def test_report_shows_both_readings(files, tmp_path):
    page = tmp_path / "page.html"
    result, rows = located(files, tmp_path, "--metric", "rfm", "--report", page)
    said = content(page.read_text(encoding="utf-8"))
    assert said["task"]["sentence"] in said["headline"]["sentence"]
    bands = said["bands"]
    for i, one in enumerate(bands):
        for j, other in enumerate(bands):
            together = sum(r["band"] == one and r["band_task"] == other for r in rows)
            assert said["task"]["counts"][i][j] == together
    about = dict(map(tuple, said["about"]))
    assert "--metric rfm" in about["Options"]
    assert "held out from it" in about["Metric learnt"]
    assert about["In what matters"].startswith("learnt by a recursive feature machine from 'y'")
    assert f"report written to {page}" in result.stderr


def test_a_table_of_npy_has_targets_too(numbers, tmp_path):
    X, y, Q = numbers
    np.save(tmp_path / "X.npy", np.c_[X, y])
    np.save(tmp_path / "Q.npy", np.c_[Q, np.zeros(60)])
    args = ["locate", tmp_path / "X.npy", tmp_path / "Q.npy", "--target", "x6", "-q", "-o", "-"]
    rows = read_rows(run(*args, "--metric", "rfm").stdout)
    assert all(r["band_task"] in ("beyond", "far") for r in rows[:15])


def test_predictions_are_made_in_the_metric(files, numbers, tmp_path):
    X, y, Q = numbers
    kept = tmp_path / "M.npy"
    args = ["predict", *files, "--target", "y", "--method", "delaunay"]
    args += ["-o", "-", "-q", "--force"]
    rows = read_rows(run(*args, "--metric", "rfm", "--verify", "--save-metric", kept).stdout)
    again = read_rows(run(*args, "--metric", kept).stdout)
    found, same = ([float(r["prediction"]) for r in table] for table in (rows, again))
    assert found == pytest.approx(same, abs=1e-6)
    Z = Q[30:] / np.array([30.0, 1e3, 1.0, 1e-4, 10.0, 1.0])
    truth = 4 * Z[:, 0] * Z[:, 1] + 3 * (Z[:, 2] - 0.5) ** 2 + Z[:, 0]
    plain = [float(r["prediction"]) for r in read_rows(run(*args).stdout)]
    assert np.abs(found[30:] - truth).mean() < 0.7 * np.abs(plain[30:] - truth).mean()
    text = run("predict", *files, "--target", "y", "--metric", "agop").stdout
    assert "What matters: the directions of the metric" in text
    assert "held out from the metric" in " ".join(text.split())


@pytest.mark.parametrize("name", samples.NAMES)
def test_on_the_bundled_tables(name, tmp_path):
    sample = samples.load(name)
    order = np.random.default_rng(0).permutation(len(sample.X))[:400]
    table = np.c_[sample.X, sample.y][order].tolist()
    train = write_csv(tmp_path / "t.csv", [*sample.columns, "y"], table[:320])
    new = write_csv(tmp_path / "n.csv", [*sample.columns, "y"], table[320:])
    result, rows = located((train, new), tmp_path, "--metric", "rfm", "--verify")
    assert "in both readings: 80 of 80" in result.stderr
    assert {r["band_task"] for r in rows} <= {"core", "edge", "beyond", "far"}


def test_a_metric_of_many_units_keeps_its_small_directions():
    scale = np.array([1e-5, 1e4, 1.0])
    A = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 0.5]])
    metric = leading_metric(A / np.outer(scale, scale), scale, 0.999, "a metric")
    assert metric.text == "a metric"
    v = np.array([[1.0, -2.0, 3.0]])
    assert metric.norm(v * scale) == pytest.approx(np.sqrt(np.einsum("mi,ij,mj->m", v, A, v)))
    assert metric.image(metric.preimage(np.eye(3))) == pytest.approx(np.eye(3), abs=1e-12)
    cut = leading_metric(np.diag([1.0, 0.5, 1e-5]), np.ones(3), 0.999, "a metric")
    assert cut.rank == 2
    assert cut.text == "a metric; its 2 leading directions"


# ---- what is refused --------------------------------------------------------------------------

USAGE = {
    "no target": (["--metric", "agop"], "needs --target, the column to learn it from, or --model"),
    "no target, rfm": (["--metric", "rfm"], "needs --target, the column to learn it from"),
    "rfm of a network": (["--metric", "rfm", "--model", "n.onnx"], "leave out --model"),
    "no layer": (["--metric", "nfm"], "expected nfm:LAYER, such as nfm:0"),
    "empty layer": (["--metric", "nfm:"], "expected nfm:LAYER, such as nfm:0"),
    "no model": (["--metric", "nfm:0"], "needs --model"),
    "model for std": (
        ["--model", "n.onnx"],
        "belongs to --metric agop, curvature or nfm",
    ),
    "nothing to save": (["--save-metric", "M.npy"], "keeps a metric learnt"),
    "saved as text": (
        ["--metric", "rfm", "--target", "y", "--save-metric", "M.txt"],
        "expected a name that ends in .npy",
    ),
    "membership": (["--metric", "rfm", "--target", "y", "--membership-only"], "compare distances"),
    "classes of nothing": (["--classes"], "--classes belongs to --metric agop, curvature or rfm"),
    "standard input": (["--metric", "agop", "--model", "-"], "cannot come from standard input"),
    "unknown": (
        ["--metric", "euclid"],
        "a .npy file, agop, curvature, rfm or nfm",
    ),
}


@pytest.mark.parametrize("case", USAGE)
def test_usage(case, files):
    args, said = USAGE[case]
    assert said in " ".join(run("locate", *files, *args, code=2).stderr.split())


def test_layers_that_are_no_metric_of_the_rows(files, numbers, tmp_path):
    X, y, _ = numbers
    args = [*files, "--target", "y", "--model", network(tmp_path / "net.onnx", X, y), "--metric"]
    assert "reads what 'bend' gives, not the rows" in run("locate", *args, "nfm:1", code=2).stderr
    assert "no linear layer 'third'" in run("locate", *args, "nfm:third", code=2).stderr
    assert "so none number 7" in run("locate", *args, "nfm:7", code=2).stderr
    args += ["agop", "--columns", "temp,wind"]
    said = run("locate", *args, code=3).stderr
    assert "has 2 features ('temp', 'wind'), and net.onnx takes 6 numbers" in said


def test_targets_that_nothing_can_be_learnt_from(files, numbers, tmp_path):
    X, y, _ = numbers

    def refused(target, *args):
        table = [*map(list, X.tolist())]
        train = write_csv(
            tmp_path / "bad.csv", [*NAMES, "y"], [[*r, v] for r, v in zip(table, target)]
        )
        command = ["locate", train, files[1], "--target", "y", "--metric", "rfm", *args]
        return run(*command, code=3).stderr

    gap = y.copy()
    gap[4] = np.nan
    assert "target 'y' is missing or infinite in 1 row, first in row 4" in refused(gap)
    assert "--metric rfm learns from it" in refused(gap)
    labels = ["a"] * 299 + [""]
    assert "missing or infinite in 1 row, first in row 299" in refused(labels)
    assert "is the same in every row" in refused([1.0] * 300)
    assert "is the same in every row" in refused(["a"] * 300)
    words = [*map(str, y[:-1]), "oops"]
    assert "300 different labels in 300 rows, and it is no number everywhere" in refused(words)
    assert "different labels" in refused(y, "--classes")
    said = run("locate", *files, "--target", "z", "--metric", "rfm", code=2).stderr
    assert "'z'" in said


def test_nothing_is_replaced_or_left_half_written(files, tmp_path):
    kept = tmp_path / "M.npy"
    kept.write_bytes(b"mine")
    args = ["locate", *files, "--target", "y", "--metric", "rfm", "-q", "--save-metric", kept]
    assert "exists already" in run(*args, code=3).stderr
    assert kept.read_bytes() == b"mine"
    run(*args, "--force")
    assert np.load(kept).shape == (6, 6)
    assert not list(tmp_path.glob(".*part"))
    args[-1] = tmp_path / "none" / "M.npy"
    assert "there is no folder" in run(*args, code=3).stderr
