"""`hullwise complex`: counts, tables, meshes and pictures of a network in a file."""

import json

import numpy as np
import pytest

import hullwise as hw
from cli_input import network_weights, read_rows, run, save_network

onnx = pytest.importorskip("onnx")


@pytest.fixture
def net(tmp_path):
    return save_network(tmp_path / "net.onnx", *network_weights([3, 9, 7, 2]))


def test_counts_are_those_of_python(net):
    whole = hw.model.cell_complex(hw.model.read(net), (-1.0, 2.0))
    counts = json.loads(run("complex", net, "--box", "-1:2", "--json", "--verify").stdout)
    assert counts["n_faces"] == list(whole.n_faces)
    assert counts["verified"]
    assert counts["volume"] == pytest.approx(27)
    assert counts["boundary"]["betti_numbers"] == list(whole.boundary().betti_numbers)
    np.testing.assert_allclose(counts["maximum"], whole.maximum.max(axis=0))
    text = run("complex", net, "--box", "-1:2").stdout
    assert f"{whole.n_regions:,}" in text
    assert "Where the decision changes" in text


def test_files(net, tmp_path):
    names = {k: str(tmp_path / n) for k, n in (("mesh", "b.ply"), ("picture", "b.svg"))}
    kept, table = tmp_path / "kept", tmp_path / "regions.csv"
    options = ("--mesh", names["mesh"], "--picture", names["picture"], "--keep", str(kept))
    result = run("complex", net, *options, "--of", "0", "--level", "0.1", "-o", str(table))
    assert "polygons written to" in result.stderr
    whole = hw.model.CellComplex.load(kept, hw.model.read(net))
    surface = whole.boundary(0, 0.1)
    assert (tmp_path / "b.svg").read_text().count("<path") == surface.n_faces[2]
    rows = read_rows(table.read_text())
    np.testing.assert_allclose([float(r["volume"]) for r in rows], whole.volumes)
    np.testing.assert_allclose([float(r["minimum 1"]) for r in rows], whole.minimum[:, 1])


def test_some_inputs_of_many(tmp_path):
    net = save_network(tmp_path / "wide.onnx", *network_weights([12, 9, 7, 2]))
    at = ",".join(["0.25"] * 12)
    counts = json.loads(
        run("complex", net, "--inputs", "0,5,7", "--at", at, "--box", "0.5", "--json").stdout
    )
    read = hw.model.read(net)
    whole = hw.model.cell_complex(read, 0.5, origin=[0.25] * 12, axes=np.eye(12)[[0, 5, 7]])
    assert counts["n_faces"] == list(whole.n_faces)


def test_a_partial_complex_says_so(net, tmp_path):
    mesh = tmp_path / "b.ply"
    result = run("complex", net, "--max-regions", "5", "--mesh", str(mesh))
    assert "partial" in result.stdout
    assert "no mesh" in result.stderr
    assert not mesh.exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--box", "a:b"], 2, "half width such as 1"),
        (["--box", "1:0"], 3, "below"),
        (["--inputs", "0,9"], 2, "no input 9"),
        (["--inputs", "0,x"], 2, "counted from 0"),
        (["--at", "0,0,0"], 2, "--inputs leaves out"),
        (["--of", "0,1,2"], 2, "one output or two"),
        (["--of", "7"], 3, "outputs 0 to 1"),
        (["--mesh", "b.stl"], 2, ".ply"),
        (["--picture", "b"], 2, ".svg"),
        (["--inputs", "0,1", "--mesh", "b.ply"], 2, "2 inputs vary"),
        (["--inputs", "0,1", "--picture", "b.svg"], 2, "3 dimensions"),
    ],
)
def test_what_cannot_be_done_is_refused(net, options, code, message):
    result = run("complex", net, *options, code=code)
    assert message in " ".join(result.stderr.replace("│", " ").split())
