"""`hullwise dissect`: from a network and a table to rows, text, a page and exit codes."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import hullwise as hw
from cli_input import network_weights, process, read_rows, run, save_network, write_csv
from hullwise.io.table_reader import read_table
from hullwise.samples import network_paths

onnx = pytest.importorskip("onnx")


NAMES = ["age", "dose", "weight"]


@pytest.fixture
def net(tmp_path):
    return save_network(tmp_path / "net.onnx", *network_weights([3, 9, 9, 2]))


@pytest.fixture
def rows(tmp_path):
    X = np.random.default_rng(1).normal(size=(30, 3))
    lines = [[f"p{i}", *x, i % 2] for i, x in enumerate(X.tolist())]
    return X, write_csv(tmp_path / "rows.csv", ["id", *NAMES, "ill"], lines)


ASKED = ["--target", "ill", "--id", "id"]


def test_rows_are_those_of_python(net, rows):
    X, path = rows
    found = read_rows(run("dissect", net, "--data", path, *ASKED, "-o", "-").stdout)
    p = hw.dissect(hw.model.from_arrays(*network_weights([3, 9, 9, 2])), X)
    assert [r["id"] for r in found] == [f"p{i}" for i in range(30)]
    for k in range(2):
        np.testing.assert_allclose([float(r[f"output {k}"]) for r in found], p.output[:, k])
    distance = [float(r["boundary_distance"]) for r in found]
    np.testing.assert_allclose(distance, p.boundary_distance, rtol=1e-9)
    assert [int(r["boundary_unit"]) for r in found] == p.boundary_unit.tolist()
    assert [int(r["class"]) for r in found] == p.output.argmax(axis=1).tolist()
    assert [int(r["known"]) for r in found] == [i % 2 for i in range(30)]
    names = {r["boundary_layer"] for r in found}
    assert len(names) == 2
    for r in found:
        same = [q for q in found if q["region_code"] == r["region_code"]]
        assert len(same) == int(r["rows_in_region"])
        assert {q["region"] for q in same} == {r["region"]}
        assert r["status"] == "ok"
    gap = np.abs(p.output[:, 0] - p.output[:, 1])
    np.testing.assert_allclose([float(r["margin"]) for r in found], gap)
    flat = gap / np.linalg.norm(p.A[:, 0] - p.A[:, 1], axis=1)
    np.testing.assert_allclose([float(r["decision_if_flat"]) for r in found], flat)
    for r in found:
        least = min(float(r["decision_if_flat"]), float(r["boundary_distance"]))
        assert float(r["decision_at_least"]) == least
        exact = float(r["decision_if_flat"]) <= float(r["boundary_distance"])
        assert (r["decision_exact"].lower() == "true") == exact


def test_summary_counts_regions_as_the_slice_does(net, rows):
    X, path = rows
    out = run("dissect", net, "--data", path, *ASKED, "--slice", "p0,p1,p2").stdout
    whole = hw.model.from_arrays(*network_weights([3, 9, 9, 2]))
    from hullwise.model.view_planes import plane_of_rows

    plane = plane_of_rows(*X[:3], ("p0", "p1", "p2"))
    s = whole.slice(plane.origin, plane.axes, plane.half)
    shown = [line.split() for line in out.splitlines() if " relu " in line]
    assert [int(line[3].replace(",", "")) for line in shown] == s.n_regions_per_layer
    assert sum(int(line[4]) for line in shown) == 30
    assert "The plane through rows p0, p1 and p2." in " ".join(out.split())
    assert "From row" in out
    assert max(map(len, out.splitlines())) <= 100


def test_columns_give_the_order_of_inputs(net, rows, tmp_path):
    X, path = rows
    order = ["weight", "age", "dose"]
    new = write_csv(tmp_path / "new.csv", ["weight", "dose", "age"], X[:, [2, 1, 0]].tolist())
    args = ["--slice", "none", "--line", "none", "-o", "-"]
    a = run("dissect", net, "--data", path, *ASKED, "--columns", ",".join(NAMES), *args).stdout
    b = run("dissect", net, "--data", new, "--columns", ",".join(NAMES), *args).stdout
    c = run("dissect", net, "--data", new, "--columns", ",".join(order), *args).stdout
    first = [[r["output 0"] for r in read_rows(t)] for t in (a, b, c)]
    assert first[0] == first[1] != first[2]


def test_page_and_table_are_written(net, rows, tmp_path):
    _, path = rows
    for name in ("out.csv", "out.parquet"):
        args = ["-o", tmp_path / name, "--report", tmp_path / "net.html", "--force"]
        error = run("dissect", net, "--data", path, *ASKED, *args, "--line", "p3,p4").stderr
        assert f"30 rows written to {tmp_path / name}" in error
        assert f"report written to {tmp_path / 'net.html'}" in error
    text = (tmp_path / "net.html").read_text(encoding="utf-8")
    assert "from row p3 to row p4" in text
    assert len(text.encode()) <= 1_000_000
    assert read_table(tmp_path / "out.parquet", columns=["boundary_distance"]).n == 30
    again = run("dissect", net, "--data", path, *ASKED, "--report", tmp_path / "net.html", code=3)
    assert "exists already; pass --force" in again.stderr


def test_documented_command_runs_on_the_bundled_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("demo", "--write", ".")
    args = ["--target", "arm", "-o", "out.csv", "--report", "net.html"]
    out = run("dissect", "spirals.onnx", "--data", "spirals.csv", *args).stdout
    assert "450 of 450 (100 %)" in out
    whole = hw.model.read(network_paths()[0])
    X = read_table("spirals.csv", drop=["arm"]).values
    low, high = X.min(axis=0), X.max(axis=0)
    s = whole.slice((low + high) / 2, np.eye(2), (high - low) * 0.62)
    assert f"{s.n_regions:,}" in out
    assert sorted(p.name for p in tmp_path.iterdir() if "spirals" not in p.name) == [
        "net.html",
        "new.csv",
        "out.csv",
        "penguins_new.csv",
        "penguins_seen.csv",
        "seen.csv",
    ]
    assert sum(path.stat().st_size for path in network_paths()) < 100_000


def test_rows_with_missing_values(net, tmp_path):
    path = write_csv(tmp_path / "a.csv", NAMES, [[1, 2, 3], ["", 1, 1], [0.5, 0.1, 2], [3, 1, 1]])
    refused = run("dissect", net, "--data", path, code=3).stderr
    assert "age" in refused
    assert "--bad-rows keep" in refused
    kept = run("dissect", net, "--data", path, "--bad-rows", "keep", "-o", "-")
    found = read_rows(kept.stdout)
    assert [r["row"] for r in found] == ["0", "1", "2", "3"]
    assert found[1]["class"] == found[1]["boundary_distance"] == ""
    assert "not dissected" in found[1]["status"]
    assert "1 row has missing or infinite values" in kept.stderr
    error = run("dissect", net, "--data", path, "--bad-rows", "keep", "--line", "0,1", code=2)
    assert "missing or infinite" in error.stderr


def test_a_number_is_no_class(tmp_path):
    net = save_network(tmp_path / "net.onnx", *network_weights([3, 6, 1]))
    X = np.random.default_rng(0).normal(size=(25, 3))
    path = write_csv(tmp_path / "a.csv", [*NAMES, "y"], np.c_[X, X.sum(axis=1)].tolist())
    args = ["--target", "y", "--report", tmp_path / "p.html"]
    out = run("dissect", net, "--data", path, *args, "-o", tmp_path / "o.csv").stdout
    assert "class" not in out
    assert "margin" not in (tmp_path / "o.csv").read_text()
    assert "by output" in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_text_labels_are_only_colours(net, tmp_path):
    X = np.random.default_rng(0).normal(size=(25, 3)).tolist()
    lines = [[*x, "<b>" if i % 2 else "well"] for i, x in enumerate(X)]
    path = write_csv(tmp_path / "a.csv", [*NAMES, "state"], lines)
    args = ["--target", "state", "--report", tmp_path / "p.html"]
    out = run("dissect", net, "--data", path, *args).stdout
    assert "not compared" in out
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;" in page
    assert "<b>" not in page.replace("<b><bdi>", "").replace("<b>", "", page.count("</b>"))


def test_inputs_and_columns_must_agree(net, rows):
    _, path = rows
    error = run("dissect", net, "--data", path, "--id", "id", code=3).stderr
    assert "has 4 feature columns ('age', 'dose', 'weight', 'ill')" in error
    assert "net.onnx takes 3 numbers" in error
    assert "--columns" in error
    text = run("dissect", net, "--data", path, "--columns", "id,age,dose", code=3).stderr
    assert "id" in text
    assert "--drop" in text


def test_wrong_usage(net, rows, tmp_path):
    _, path = rows
    for args, said in (
        (["--slice", "p0,p1"], "expected three rows"),
        (["--slice", "p0,p1,nobody"], "nobody"),
        (["--line", "p0"], "expected two rows"),
        (["--target", "nothing"], "no column 'nothing'"),
        (["--drop", "id"], "also that of"),
        (["-o", "x.txt"], ".csv, .parquet or .jsonl"),
        (["--report", "x.pdf"], ".html"),
    ):
        extra = ["--id", "id"] if "--target" in args else ASKED
        if "--drop" in args:
            extra = ["--id", "id", "--target", "id"]
            args = []
        error = run("dissect", net, "--data", path, *extra, *args, code=2).stderr
        assert said in error, (args, error)
    same = run("dissect", net, "--data", path, *ASKED, "--line", "p1,p1", code=3).stderr
    assert "same point" in same
    assert "standard input" in run("dissect", "-", "--data", path, code=2).stderr


@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.pkl", "net.joblib"])
def test_pickles_are_refused_with_the_way_out(rows, tmp_path, name):
    _, path = rows
    trap = tmp_path / name
    trap.write_bytes(b"\x80\x04cos\nsystem\n(S'touch boom'\ntR.")
    error = run("dissect", trap, "--data", path, *ASKED, code=3).stderr
    assert "pickle" in error
    assert "torch.onnx.export" in error
    assert not (tmp_path / "boom").exists()


def test_hostile_networks(rows, tmp_path):
    _, path = rows
    cases = {"empty.onnx": b"", "text.onnx": b"no network at all", "cut.onnx": None}
    cases["cut.onnx"] = network_paths()[0].read_bytes()[:3000]
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        error = run("dissect", tmp_path / name, "--data", path, *ASKED, code=3).stderr
        assert name in error
    assert "no such file" in run("dissect", tmp_path / "no.onnx", "--data", path, code=3).stderr
    W, b = network_weights([3, 4, 2])
    W[0][1, 2] = np.nan
    error = run(
        "dissect", save_network(tmp_path / "nan.onnx", W, b), "--data", path, *ASKED, code=3
    ).stderr
    assert "NaN" in error or "not finite" in error


def test_a_slice_over_the_budget_is_partial(net, rows):
    _, path = rows
    out = run("dissect", net, "--data", path, *ASKED, "--max-regions", "50").stdout
    assert "partial" in out
    assert "not counted" in out


def test_quiet_says_nothing(net, rows):
    _, path = rows
    result = run("dissect", net, "--data", path, *ASKED, "--quiet")
    assert result.stdout == result.stderr == ""


def test_few_rows_have_no_slice(net, tmp_path):
    for m in (1, 2):
        path = write_csv(tmp_path / f"{m}.csv", NAMES, np.eye(3)[:m].tolist())
        assert "No slice" in run("dissect", net, "--data", path).stdout
    path = write_csv(tmp_path / "flat.csv", NAMES, [[k, k, k] for k in range(5)])
    assert "No slice" in run("dissect", net, "--data", path).stdout
    error = run("dissect", net, "--data", path, "--slice", "pca", code=3).stderr
    assert "span no plane" in error


def test_help_imports_nothing_numeric():
    code = (
        "import sys; from hullwise.cli import main\n"
        "try: main(['dissect', '--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'numpy', 'numba', 'onnx', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_leaves_no_half_file(rows, tmp_path):
    big = save_network(tmp_path / "big.onnx", *network_weights([3, 400, 400, 400, 5]))
    _, path = rows
    args = [
        "dissect",
        big,
        "--data",
        path,
        *ASKED,
        "-o",
        tmp_path / "o.csv",
        "--max-regions",
        "9000000",
    ]
    running = process(*args)
    time.sleep(4)
    assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, error = running.communicate(timeout=30)
    assert running.returncode == 130, error
    assert "nothing was written" in error
    assert sorted(p.name for p in tmp_path.iterdir()) == ["big.onnx", "rows.csv"]


def test_a_part_of_a_classifier_and_what_was_left_out(tmp_path, rows):
    path = tmp_path / "net.onnx"
    save_network(path, *network_weights([3, 9, 2]))
    proto = onnx.load(path)
    last = proto.graph.node[-1]
    last.output[0] = "z"
    helper = onnx.helper
    proto.graph.node.append(helper.make_node("Softmax", ["z"], ["p"], "classes"))
    proto.graph.node.append(helper.make_node("Gelu", ["p"], ["y"], "odd"))
    proto.opset_import[0].version = 20
    onnx.save(proto, path)
    table = ["--data", rows[1], *ASKED, "-o", "-"]
    refused = run("dissect", path, *table, code=3).stderr
    assert "'classes' is a Softmax (opset 20)" in " ".join(refused.split())
    result = run("dissect", path, *table, "--upto", "odd")
    assert "the Softmax (opset 20) ('classes') at the end" in " ".join(result.stderr.split())
    logits = run("dissect", path, *table, "--upto", "classes")
    assert "left out" not in logits.stderr
    assert read_rows(logits.stdout) == read_rows(result.stdout)
    assert "no layer 'nowhere'" in " ".join(
        run("dissect", path, *table, "--upto", "nowhere", code=3).stderr.split()
    )
