"""Slices cut in pieces: the same cells, areas and edges whatever the memory, in little of it."""

import numpy as np
import pytest

import hullwise as hw
from degenerate_networks import degenerate, scaled_mixed
from hullwise.model import _region_cutter, _slicing
from hullwise.model._arguments import border
from hullwise.model._complex_gluing import (
    PartVertices,
    _border_sides,
    _insert_vertex,
    glue_parts,
)
from hullwise.model._complex_parts import group_faces, split_complex
from networks import every_layer, mlp, whole

SQUARE = np.zeros(2), np.eye(2)


@pytest.fixture
def divisions(monkeypatch):
    """How many parts each division made."""
    counts = []
    divide = _region_cutter.RegionCutter._divide

    def counted(self, *inputs):
        parts = divide(self, *inputs)
        counts.append(len(parts))
        return parts

    monkeypatch.setattr(_region_cutter.RegionCutter, "_divide", counted)
    return counts


def by_code(s):
    return {code.tobytes(): i for i, code in enumerate(s.codes)}


def check_same(s, t):
    """Two slices of the same network: cells, areas, edges, neighbours, values."""
    assert s.n_regions_per_layer == t.n_regions_per_layer
    assert len(t.vertices) - len(t.edges) + t.n_regions == 1
    assert (len(s.vertices), len(s.edges)) == (len(t.vertices), len(t.edges))
    here, there = by_code(s), by_code(t)
    assert here.keys() == there.keys()
    rows = np.array([there[code] for code in here])
    total = float(np.prod(s.high - s.low))
    np.testing.assert_allclose(s.areas[list(here.values())], t.areas[rows], atol=1e-12 * total)
    np.testing.assert_array_equal(np.sort(s.edge_units), np.sort(t.edge_units))
    assert neighbours(s) == neighbours(t)
    scale = np.abs(s.outputs).max()
    np.testing.assert_allclose(t.outputs, t.net(t.points(t.vertices)), atol=1e-10 * scale)
    cells = t.complex
    np.testing.assert_array_equal(cells.twin[cells.twin], np.arange(len(cells.twin)))
    inner = cells.face >= 0
    np.testing.assert_array_equal(cells.start[cells.twin[inner]], cells.start[cells.after[inner]])


def neighbours(s):
    codes = [code.tobytes() for code in s.codes]
    return {frozenset((codes[a], codes[b])) for a, b in s.neighbours.tolist()}


def in_pieces(monkeypatch, work, make):
    """The same slice without and with little room to work in."""
    first = make()
    monkeypatch.setattr(_slicing, "WORK_BYTES", work)
    return first, make()


@pytest.mark.parametrize("work", [20_000, 200_000])
@pytest.mark.parametrize(("seed", "bias"), [(0, 0.5), (1, 0.5), (4, 0.0)])
def test_networks_in_pieces(monkeypatch, divisions, work, seed, bias):
    net = mlp((2, 24, 24, 24, 3), seed=seed, bias=bias)
    check_same(*in_pieces(monkeypatch, work, lambda: net.slice(*SQUARE)))
    assert divisions


@pytest.mark.parametrize("seed", range(6))
def test_degenerate_networks_in_pieces(monkeypatch, seed):
    for make in (degenerate, scaled_mixed):
        net, exact = make(seed)[:2]
        s, t = in_pieces(monkeypatch, 1500, lambda net=net: net.slice(*SQUARE))
        check_same(s, t)
        assert {tuple(code) for code in t.codes.tolist()} == exact
    net = whole((2, 8, 8, 6, 2), seed)[0]
    check_same(*in_pieces(monkeypatch, 2000, lambda: net.slice(*SQUARE, 3.0)))


def test_every_kind_of_layer_in_pieces(monkeypatch, divisions):
    points = np.random.default_rng(2).normal(size=(3, 36))
    net = every_layer()
    check_same(*in_pieces(monkeypatch, 400_000, lambda: net.slice_through(*points, margin=0.2)))
    assert divisions


def test_a_wide_layer_is_divided_and_counted_as_theory_says(monkeypatch, divisions):
    n = 150
    rng = np.random.default_rng(n)
    W, b = rng.normal(size=(n, 2)), rng.normal(size=n)
    net = hw.model.from_arrays([W, np.ones((1, n))], [b, [0.0]])
    monkeypatch.setattr(_slicing, "WORK_BYTES", 10**6)
    s = net.slice(*SQUARE, 1e5)
    assert len(divisions) > 1
    assert s.n_regions == hw.model.zaslavsky(n, 2)
    assert len(s.vertices) - len(s.edges) + s.n_regions == 1
    assert s.areas.sum() == pytest.approx(4e10, rel=1e-12)


def test_units_in_another_order_and_scaled_by_powers_of_two_in_pieces(monkeypatch):
    net = mlp((2, 30, 20, 3))
    W, b = [n.op.W for n in net.nodes[1::2]], [n.op.b for n in net.nodes[1::2]]
    monkeypatch.setattr(_slicing, "WORK_BYTES", 50_000)
    base = net.slice(*SQUARE)
    order = np.random.default_rng(0).permutation(30)
    scale = 2.0 ** np.random.default_rng(1).integers(-40, 40, 30)
    first = W[0][order] * scale[:, None], b[0][order] * scale
    mixed = hw.model.from_arrays(
        [first[0], W[1][:, order] / scale, W[2]], [first[1], *b[1:]]
    ).slice(*SQUARE)
    assert mixed.n_regions_per_layer == base.n_regions_per_layer
    assert sorted(mixed.areas) == pytest.approx(sorted(base.areas), abs=1e-13)
    large = hw.model.from_arrays([W[0] / 2.0**30, *W[1:]], b).slice(*SQUARE, 2.0**30)
    np.testing.assert_array_equal(large.codes, base.codes)
    np.testing.assert_array_equal(large.areas, base.areas * 2.0**60)


def test_a_vertex_that_rounding_gave_one_side_only_is_put_into_the_other():
    net = hw.model.from_arrays([np.eye(2), np.ones((1, 2))])
    cells = net.slice(*SQUARE).complex
    labels = group_faces(cells.xy[cells.start[cells.first]], np.ones(4), 2)
    parts, _ = split_complex(cells, np.ones(4, dtype=bool), labels, 0)
    pieces = [PartVertices(part.complex, part.complex.xy.copy()) for part in parts]
    part = pieces[1].complex
    outer = int(np.flatnonzero((part.face < 0) & (part.wall >= 0))[0])
    ends = part.xy[[part.start[outer], part.start[part.twin[outer]]]]
    sides = _border_sides(pieces)
    own = sides.take((sides.part == 1) & (sides.outer == outer))
    third = ends[0] + (ends[1] - ends[0]) / 3
    _insert_vertex(pieces, own, third, third, int(np.ptp(ends, axis=0).argmax()))
    joined, values = glue_parts(pieces)
    assert joined.n_faces == 4
    assert len(joined.xy) == len(cells.xy) + 1
    assert len(joined.edges) == len(cells.edges) + 1
    np.testing.assert_array_equal(values, joined.xy)
    areas, _ = joined.moments()
    assert areas.sum() == pytest.approx(4.0)


def test_a_budget_of_regions_in_pieces_gives_the_layers_before_it(monkeypatch):
    net = mlp((2, 20, 20, 20, 1))
    monkeypatch.setattr(_slicing, "WORK_BYTES", 20_000)
    counts = net.slice(*SQUARE).n_regions_per_layer
    s = net.slice(*SQUARE, max_regions=counts[1])
    assert s.partial
    assert s.n_regions_per_layer == counts[:2]
    assert len(s.vertices) - len(s.edges) + s.n_regions == 1
    np.testing.assert_allclose(s.outputs, net(s.points(s.vertices)), atol=1e-12)


def test_less_memory_than_the_result_needs_is_said():
    net = mlp((2, 60, 60, 1))
    with pytest.raises(hw.errors.MemoryLimitError, match=r"more than 1\.0 MiB.*slice_parts"):
        net.slice(*SQUARE, max_memory="1 MiB")
    assert net.slice(*SQUARE, max_memory="1 GB").n_regions == net.slice(*SQUARE).n_regions
    for wrong in ("much", 12, True, "2 PB", 1.5):
        with pytest.raises(hw.DataError, match="max_memory="):
            net.slice(*SQUARE, max_memory=wrong)


def test_progress_of_divided_work_counts_steps_within_layers(monkeypatch):
    net, calls = mlp((2, 24, 24, 24, 3)), []
    monkeypatch.setattr(_slicing, "WORK_BYTES", 50_000)
    net.slice(*SQUARE, progress=lambda *call: calls.append(call))
    shares = [done / total for done, total, _ in calls]
    assert shares == sorted(shares)
    assert len(set(shares)) > 3 * len(net.layers)
    assert shares[-1] > 0.8


def test_ctrl_c_while_numba_makes_a_result_is_a_keyboard_interrupt():
    @border("slicing the network")
    def interrupted(cause):
        try:
            raise cause
        except BaseException as error:
            raise SystemError("returned a result with an exception set") from error

    with pytest.raises(KeyboardInterrupt):
        interrupted(KeyboardInterrupt())
    with pytest.raises(SystemError):
        interrupted(OSError())
