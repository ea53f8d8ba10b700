"""Boundaries of decisions: known surfaces, Betti numbers, meshes, and what the checker notices."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest

import hullwise as hw
from hullwise.model._piecewise_layers import pieces
from hullwise.model.affine_layers import Linear
from hullwise.model.builder import Builder
from hullwise.model.complexes._face_lattice import FaceLattice
from hullwise.model.complexes._homology import betti_numbers
from networks import mixed, mlp

ABS = ([0.0], [-1.0, 1.0])


def of_norms(kind):
    """|| |x|_1 - .5 | - .2 (a shell), or a square ring about the third axis (a torus)."""
    build = Builder((3,))
    at = build.add("size", pieces("abs", 3, *ABS), 0)
    if kind == "octahedron":
        return build.network(build.add("out", Linear(np.ones((1, 3)), np.array([-0.5])), at))
    first = np.array([[1.0, 1, 1]] if kind == "shell" else [[1.0, 1, 0], [0, 0, 1]])
    b = np.array([-0.5] if kind == "shell" else [-0.5, 0.0])
    at = build.add("sum", Linear(first, b), at)
    at = build.add("again", pieces("abs", len(b), *ABS), at)
    return build.network(build.add("out", Linear(np.ones((1, len(b))), np.array([-0.2])), at))


def dense_betti(lattice: FaceLattice):
    """By the ranks mod 2 of whole boundary matrices."""
    ranks = [0]
    for k, lists in enumerate(lattice.facets, 1):
        matrix = np.zeros((lattice.n_faces[k - 1], lattice.n_faces[k]), bool)
        matrix[lists.ids, lists.owners] = True
        rank = 0
        for column in range(matrix.shape[1]):
            rows = np.flatnonzero(matrix[rank:, column]) + rank
            if len(rows):
                matrix[[rank, rows[0]]] = matrix[[rows[0], rank]]
                others = np.flatnonzero(matrix[rank + 1 :, column]) + rank + 1
                matrix[others] ^= matrix[rank]
                rank += 1
        ranks.append(rank)
    ranks.append(0)
    return tuple(n - a - b for n, a, b in zip(lattice.n_faces, ranks, ranks[1:]))


@pytest.mark.parametrize(
    ("kind", "surface", "below"),
    [
        ("octahedron", (1, 0, 1), (1, 0, 0, 0)),
        ("shell", (2, 0, 2), (1, 0, 1, 0)),
        ("torus", (1, 2, 1), (1, 1, 0, 0)),
    ],
)
def test_known_surfaces(kind, surface, below):
    boundary = hw.model.cell_complex(of_norms(kind)).boundary()
    assert boundary.betti_numbers == surface
    assert boundary.decision_betti_numbers(0) == below
    assert boundary.is_closed
    assert boundary.euler_characteristic == sum((-1) ** k * n for k, n in enumerate(surface))
    assert len(np.unique(boundary.components)) == surface[0]


def test_an_octahedron_measured():
    boundary = hw.model.cell_complex(of_norms("octahedron")).boundary()
    assert boundary.n_faces == (6, 12, 8)
    assert boundary.measures.sum() == pytest.approx(8 * np.sqrt(3) / 8, rel=1e-14)
    inside = boundary.cells.part(np.flatnonzero(boundary.decisions == 0))
    assert inside.n_faces[3] == 8


@pytest.mark.parametrize("seed", range(6))
def test_betti_numbers_are_those_of_whole_matrices(seed):
    net = mlp((3, 6, 5, 3), seed, bias=0.2) if seed % 2 else mixed(3, seed, integers=True)
    c = hw.model.cell_complex(net)
    assert c.betti_numbers == (1, 0, 0, 0)
    b = c.boundary((0, 1), 0.1)
    assert b.betti_numbers == dense_betti(b.surface)
    for decision in np.unique(b.decisions):
        part = b.cells.part(np.flatnonzero(b.decisions == decision))
        assert betti_numbers(part) == dense_betti(part)


@pytest.mark.parametrize("d", [2, 3, 4])
def test_decisions_are_those_of_the_network(d):
    net = mlp((d, 8, 6, 3), seed=d)
    c = hw.model.cell_complex(net)
    b = c.boundary()
    X = np.random.default_rng(0).uniform(-1, 1, (300, d))
    inside = np.array([b.cells.vertices[v].mean(axis=0) for v in b.cells.corners[-1].as_list()])
    np.testing.assert_array_equal(net(inside).argmax(axis=1), b.decisions)
    on = net(b.vertices)
    top = np.sort(on, axis=1)
    np.testing.assert_allclose(top[:, -1], top[:, -2], atol=1e-12)
    assert (np.diff(b.decisions[b.sides], axis=1) > 0).all()
    assert set(np.unique(net(X).argmax(axis=1))) <= set(b.decisions)
    if d == 2:
        segments = net.slice([0, 0], np.eye(2)).decision_boundary()
        lengths = np.linalg.norm(segments[:, 0] - segments[:, 1], axis=1)
        assert b.measures.sum() == pytest.approx(lengths.sum(), rel=1e-12)


def test_levels_of_one_output_and_of_differences():
    net = mlp((3, 6, 2), seed=4)
    c = hw.model.cell_complex(net)
    np.testing.assert_allclose(net(c.boundary(1, 0.2).vertices)[:, 1], 0.2, atol=1e-12)
    gap = net(c.boundary((0, 1), -0.1).vertices)
    np.testing.assert_allclose(gap[:, 0] - gap[:, 1], -0.1, atol=1e-12)
    nowhere = c.boundary(0, 100.0)
    assert nowhere.n_faces == (0, 0, 0)
    assert nowhere.betti_numbers == (0, 0, 0)
    assert nowhere.decision_betti_numbers(0) == (1, 0, 0, 0)
    assert len(nowhere.mesh().ends) == 0
    everywhere = c.boundary(0, -100.0)
    assert everywhere.decisions.all()


def test_what_is_asked_of_a_boundary_is_checked():
    c = hw.model.cell_complex(mlp((3, 6, 2)))
    for arguments in ((5,), ((0, 0),), (None, 0.5), (0, np.nan)):
        with pytest.raises(hw.errors.DataError):
            c.boundary(*arguments)
    with pytest.raises(hw.errors.DataError, match="decided 7"):
        c.boundary().decision_betti_numbers(7)
    with pytest.raises(hw.errors.DataError, match="3 dimensions"):
        hw.model.cell_complex(mlp((2, 6, 1))).boundary().mesh()
    with pytest.raises(hw.errors.DataError, match="partial"):
        hw.model.cell_complex(mlp((3, 6, 1)), max_regions=1).boundary()


def directed_edges(mesh):
    return [
        (a, b)
        for corners in mesh.polygons.as_list()
        for a, b in zip(corners.tolist(), np.roll(corners, -1).tolist())
    ]


@pytest.mark.parametrize("kind", ["octahedron", "shell", "torus"])
def test_meshes_are_watertight_and_face_the_higher_decision(kind):
    net = of_norms(kind)
    mesh = hw.model.cell_complex(net).boundary().mesh()
    edges = directed_edges(mesh)
    assert len(set(edges)) == len(edges)
    assert {(b, a) for a, b in edges} == set(edges)
    X = mesh.vertices[mesh.triangles]
    normals = np.cross(X[:, 1] - X[:, 0], X[:, 2] - X[:, 0])
    middle = X.mean(axis=1)
    assert (net(middle + 1e-3 * normals)[:, 0] > net(middle - 1e-3 * normals)[:, 0]).all()
    area = 0.5 * np.linalg.norm(normals, axis=1).sum()
    assert area == pytest.approx(hw.model.cell_complex(net).boundary().measures.sum(), rel=1e-12)


def test_meshes_in_files(tmp_path):
    mesh = hw.model.cell_complex(of_norms("torus")).boundary().mesh()
    for kind in ("ply", "glb", "gltf", "obj"):
        mesh.save(tmp_path / f"torus.{kind}")
    head, _, body = (tmp_path / "torus.ply").read_bytes().partition(b"end_header\n")
    assert f"element vertex {len(mesh.vertices)}\n".encode() in head
    points = np.frombuffer(body, "<f8", 3 * len(mesh.vertices)).reshape(-1, 3)
    np.testing.assert_array_equal(points, mesh.vertices)
    words = np.frombuffer(body[points.nbytes :], "<i4").tolist()
    for corners in mesh.polygons.as_list():
        n = words.pop(0)
        assert [words.pop(0) for _ in range(n)] == corners.tolist()
    assert not words
    data = (tmp_path / "torus.glb").read_bytes()
    assert struct.unpack("<4sII", data[:12]) == (b"glTF", 2, len(data))
    length = struct.unpack("<I", data[12:16])[0]
    header = json.loads(data[20 : 20 + length])
    numbers = data[28 + length :]
    assert header["buffers"][0]["byteLength"] == len(numbers)
    at = header["bufferViews"][1]["byteOffset"]
    np.testing.assert_array_equal(np.frombuffer(numbers[at:], "<u4"), mesh.triangles.ravel())
    np.testing.assert_array_equal(
        np.frombuffer(numbers[:at], "<f4").reshape(-1, 3), mesh.vertices.astype(np.float32)
    )
    text = json.loads((tmp_path / "torus.gltf").read_text())
    assert text["accessors"] == header["accessors"]
    lines = (tmp_path / "torus.obj").read_text().splitlines()
    assert sum(line.startswith("f ") for line in lines) == len(mesh.ends)
    with pytest.raises(hw.errors.DataError, match=r"\.ply, \.glb"):
        mesh.save(tmp_path / "torus.stl")
    with pytest.raises(hw.errors.FileError, match="exists already"):
        mesh.save(tmp_path / "torus.ply")


def test_pictures(tmp_path):
    mesh = hw.model.cell_complex(of_norms("torus")).boundary().mesh()
    for name in ("torus.svg", "torus.png"):
        hw.report.write_surface_picture(mesh, tmp_path / name)
    svg = (tmp_path / "torus.svg").read_text()
    assert svg.count("<path") == len(mesh.ends)
    assert svg.startswith("<svg xmlns=")
    assert (tmp_path / "torus.png").read_bytes().startswith(b"\x89PNG")
    for name in ("torus", "torus.xyz"):
        with pytest.raises(hw.errors.DataError):
            hw.report.write_surface_picture(mesh, tmp_path / name)
    empty = hw.model.cell_complex(of_norms("torus")).boundary(level=9.0).mesh()
    assert "no boundary" in hw.report.surface_svg(empty)


@pytest.mark.parametrize("d", [2, 3, 4])
def test_the_checker_accepts_what_is_right(d):
    assert hw.model.cell_complex(mlp((d, 7, 6, 2), seed=1)).verify().ok
    assert hw.model.cell_complex(mixed(d, 3, integers=True)).verify().ok
    assert hw.model.cell_complex(mlp((d, 7, 6, 2), seed=1), max_regions=40).verify().ok


def test_the_checker_notices_what_is_wrong():
    c = hw.model.cell_complex(mlp((3, 7, 6, 2), seed=1), method="lattice")
    vertices = c.vertices.copy()
    vertices[-1] += 1e-3
    moved = replace(c, structure=replace(c.structure, vertices=vertices)).verify()
    assert not moved.ok
    assert moved.n_wrong_walls
    assert moved.output_gap > 1e-6
    cells = c.lattice.facets[-1]
    ids = cells.ids.copy()
    ids[0], ids[-1] = ids[-1], ids[0]
    facets = (*c.lattice.facets[:-1], replace(cells, ids=ids))
    torn = replace(c, structure=replace(c.structure, facets=facets)).verify()
    assert torn.n_open_boundaries
    assert torn.jump > 1e-6
    level = c.layer_codes[-1]
    codes = level.codes.copy()
    codes[0] = 1 - codes[0]
    other = replace(c, layer_codes=(*c.layer_codes[:-1], replace(level, codes=codes))).verify()
    assert other.n_wrong_codes == 1
    assert "wrong codes" in repr(other)


@pytest.mark.parametrize("method", ["cells", "lattice"])
def test_a_complex_in_a_file(tmp_path, method):
    net = mlp((3, 7, 6, 2), seed=1)
    c = hw.model.cell_complex(net, method=method)
    c.save(tmp_path / "c.complex")
    back = hw.model.CellComplex.load(tmp_path / "c.complex", net)
    assert repr(back) == repr(c)
    np.testing.assert_array_equal(back.codes, c.codes)
    np.testing.assert_array_equal(back.volumes, c.volumes)
    assert back.boundary().betti_numbers == c.boundary().betti_numbers
    with pytest.raises(hw.errors.FileError, match="others"):
        hw.model.CellComplex.load(tmp_path / "c.complex", mlp((3, 7, 6, 2), seed=2))
    with pytest.raises(hw.errors.FileError, match="whole complex"):
        hw.model.CellComplex.load(tmp_path / "c.complex", mlp((3, 8, 6, 2), seed=1))
    (tmp_path / "bad").write_bytes((tmp_path / "c.complex").read_bytes()[:-300])
    with pytest.raises(hw.errors.FileError):
        hw.model.CellComplex.load(tmp_path / "bad", net)


def test_the_dual_graph():
    networkx = pytest.importorskip("networkx")
    c = hw.model.cell_complex(mlp((3, 7, 6, 2), seed=1))
    graph = c.dual_graph()
    assert graph.number_of_nodes() == c.n_regions
    assert graph.number_of_edges() == len(c.neighbours)
    assert networkx.is_connected(graph)
    for a, b, unit in graph.edges(data="unit"):
        assert (c.codes[a] != c.codes[b])[unit]
