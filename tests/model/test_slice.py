"""Slices: counts known by theory or recorded, polygons that tile, codes that are the network's."""

import _thread
import threading
import time
import tracemalloc
from math import comb

import numpy as np
import pytest

import hullwise as hw
from hullwise.model import _region_cutter
from hullwise.model._piecewise_layers import pieces
from hullwise.model.affine_layers import Linear, Rearrange
from hullwise.model.builder import Builder
from hullwise.model.planar_complex import TooManyFaces
from networks import every_layer, mlp, same_codes, tent, whole
from shared_data import SHARED

RECORDED = SHARED / "spline"
SQUARE = np.zeros(2), np.eye(2)


def check(s):
    """Everything that must hold of any slice."""
    whole_area = float(np.prod(s.high - s.low))
    assert s.areas.min() > 0
    assert s.areas.sum() == pytest.approx(whole_area, rel=1e-12)
    assert len(s.vertices) - len(s.edges) + s.n_regions == 1
    assert len(np.unique(s.codes, axis=0)) == s.n_regions
    a, b = s.neighbours.T
    assert (s.codes[a] != s.codes[b]).any(axis=1).all()
    middle = s.points(s.centroids)
    wide = s.areas > 1e-9 * whole_area
    assert same_codes(s.net, middle[wide], s.codes[wide])
    uv = s.centroids
    found = s.maps[..., 0] + s.maps[..., 1] * uv[:, :1] + s.maps[..., 2] * uv[:, 1:]
    scale = np.abs(s.outputs).max()
    np.testing.assert_allclose(found, s.net(middle), atol=1e-11 * scale)
    assert s.n_regions_per_layer == sorted(s.n_regions_per_layer)
    for polygon in s.polygons[:200]:
        step = np.roll(polygon, -1, axis=0) - polygon
        turn = step[:, 0] * np.roll(step[:, 1], -1) - step[:, 1] * np.roll(step[:, 0], -1)
        assert turn.min() >= -1e-12 * whole_area  # convex, counter-clockwise


@pytest.mark.parametrize("name", ["2d_3x32", "2d_4x64", "784_3x128"])
def test_recorded_networks(name):
    path = RECORDED / f"{name}.npz"
    if not path.exists():
        pytest.skip("the recorded networks are not there")
    z = np.load(path)
    n = sum(key.startswith("W") for key in z.files)
    net = hw.model.from_arrays([z[f"W{i}"] for i in range(n)], [z[f"b{i}"] for i in range(n)])
    s = net.slice(z["c"], z["U"].T, float(z["h"]))
    check(s)
    assert s.n_regions_per_layer == z["per_layer"].tolist()
    assert (len(s.edges), len(s.neighbours)) == (int(z["n_edges"]), int(z["n_adjacent"]))
    packed = [bytes(code) for code in np.packbits(s.codes, axis=1)]
    where = {bytes(code): i for i, code in enumerate(z["codes"])}
    assert set(packed) == set(where)
    rows = [where[code] for code in packed]
    np.testing.assert_allclose(s.areas, z["area"][rows], atol=1e-12)
    np.testing.assert_array_equal([len(p) for p in s.polygons], z["n_vertices"][rows])
    assert s.n_distinct_maps == int(z["n_distinct_maps"])


@pytest.mark.parametrize(
    "name",
    [
        "generic8",
        "generic40",
        "central16",
        "grid5x7",
        "dup8",
        "corners",
        "central8_8",
        "tent2",
        "tent4",
        "tent8",
    ],
)
def test_known_answers(name):
    path = RECORDED / "known.npz"
    if not path.exists():
        pytest.skip("the recorded networks are not there")
    z = np.load(path)
    n = sum(key.startswith(f"{name}/W") for key in z.files)
    W, b = ([z[f"{name}/{k}{i}"] for i in range(n)] for k in "Wb")
    s = hw.model.from_arrays(W, b).slice(*SQUARE, float(z[f"{name}/h"]))
    check(s)
    assert s.n_regions == int(z[f"{name}/n_regions"])


@pytest.mark.parametrize("n", [1, 5, 12, 30])
def test_generic_lines_make_as_many_cells_as_zaslavsky_says(n):
    rng = np.random.default_rng(n)
    W, b = rng.normal(size=(n, 2)), rng.normal(size=n)
    s = hw.model.from_arrays([W, np.ones((1, n))], [b, [0.0]]).slice(*SQUARE, 1e5)
    assert s.n_regions == 1 + n + comb(n, 2)
    check(s)


@pytest.mark.parametrize("n", [3, 16])
def test_lines_through_one_point_with_copies_and_dead_units(n):
    angle = np.pi * (np.arange(n) + 0.3) / n
    W = np.c_[np.cos(angle), np.sin(angle)]
    W = np.vstack([W, 3 * W, -W / 7, np.zeros((4, 2))])
    b = np.r_[np.zeros(3 * n), [1.0, -1.0, 0.0, 0.0]]
    s = hw.model.from_arrays([W, np.ones((1, len(W)))], [b, [0.0]]).slice(*SQUARE)
    check(s)
    assert s.n_regions == 2 * n


def test_walls_along_the_sides_and_through_the_corners_of_the_square():
    W = np.array([[1.0, 1], [1, -1], [1, 0], [1, 0], [0, 1]])
    s = hw.model.from_arrays([W, np.ones((1, 5))], [[0, 0, 1, -1, 1], [0.0]]).slice(*SQUARE)
    check(s)
    assert s.n_regions == 4


def test_tent_maps():
    for depth in (1, 3, 6):
        net = tent(depth)
        flat = hw.model.from_arrays(
            [net.nodes[1].op.W @ [[1.0, 0.0]], *[n.op.W for n in net.nodes[3::2]]],
            [n.op.b for n in net.nodes[1::2]],
        )
        s = flat.slice(*SQUARE)
        check(s)
        assert s.n_regions == 2 ** (depth + 1)
        assert net.along([-1.0], [1.0]).n_pieces == s.n_regions


@pytest.mark.parametrize("seed", range(12))
def test_small_whole_numbers(seed):
    net, *_ = whole((2, 6, 6, 4, 2), seed)
    check(net.slice(*SQUARE, 3.0))


@pytest.mark.parametrize("seed", [33, 40, 47, 1])
def test_dead_layers_of_networks_without_biases(seed):
    net = mlp((2, 8, 8, 8, 1), seed=seed, bias=0.0)
    s = net.slice(*SQUARE)
    check(s)
    np.testing.assert_array_equal(net.codes(s.points(s.centroids)), s.codes)


def test_metamorphic():
    net = mlp((2, 12, 12, 3))
    base = net.slice(*SQUARE)
    W, b = [n.op.W for n in net.nodes[1::2]], [n.op.b for n in net.nodes[1::2]]
    order = np.random.default_rng(0).permutation(12)
    scale = 2.0 ** np.random.default_rng(1).integers(-40, 40, 12)
    mixed = hw.model.from_arrays(
        [W[0][order] * scale[:, None], W[1][:, order] / scale, W[2]], [b[0][order] * scale, *b[1:]]
    ).slice(*SQUARE)
    assert sorted(mixed.areas) == pytest.approx(sorted(base.areas), abs=1e-13)
    half = np.sqrt(0.5)
    turn = np.array([[half, half], [-half, half]])
    turned = hw.model.from_arrays([W[0] @ turn, *W[1:]], b).slice([0, 0], turn.T)
    assert turned.n_regions == base.n_regions
    large = hw.model.from_arrays([W[0] / 2.0**30, *W[1:]], b).slice(*SQUARE, 2.0**30)
    np.testing.assert_array_equal(large.codes, base.codes)
    np.testing.assert_array_equal(large.areas, base.areas * 2.0**60)


def test_every_kind_of_layer():
    net = every_layer()
    points = np.random.default_rng(2).normal(size=(3, 36))
    s = net.slice_through(*points, margin=0.2)
    check(s)
    assert s.n_distinct_maps < s.n_regions  # a clip above its range, a maximum of zeros
    uv, gap = s.coordinates(points)
    assert gap.max() < 1e-12
    assert (np.abs(uv) <= s.high).all()
    assert (s.find(uv) >= 0).all()
    assert (s.find([[1e3, 0]]) == -1).all()


def test_a_layer_of_one_clip_that_is_met_at_both_knots():
    b = Builder((2,))
    at = b.add("linear", Linear(np.array([[1.0, 0.5], [0.01, 0.0]]), np.zeros(2)), 0)
    at = b.add("clip", pieces("clip", 2, [-0.5, 0.5], [0.0, 1.0, 0.0]), at)
    net = b.network(b.add("out", Linear(np.ones((1, 2))), at))
    s = net.slice(*SQUARE)
    check(s)
    assert sorted(s.codes.tolist()) == [[0, 1], [1, 1], [2, 1]]


def test_an_edge_names_the_unit_behind_it():
    s = mlp((2, 8, 8, 2)).slice(*SQUARE)
    inner = s.edge_units >= 0
    assert len(s.neighbours) == inner.sum()
    for (a, b), unit in zip(s.neighbours, s.edge_units[inner], strict=True):
        assert s.codes[a, unit] != s.codes[b, unit]
    assert set(s.edge_layers[inner]) == {0, 1}
    assert (s.edge_layers[~inner] == -1).all()


def test_affine_in_the_whole_space():
    s = mlp((5, 8, 8, 2)).slice(np.zeros(5), np.eye(5)[:2])
    for i in range(0, s.n_regions, 7):
        A, b = s.affine(i)
        np.testing.assert_allclose(A @ s.axes.T, s.maps[i, :, 1:], atol=1e-13)
        np.testing.assert_allclose(A @ s.origin + b, s.maps[i, :, 0], atol=1e-13)
        rows = [s.affine(i, output) for output in range(2)]
        np.testing.assert_allclose(np.concatenate([row for row, _ in rows]), A, atol=1e-15)
        np.testing.assert_array_equal(np.concatenate([one for _, one in rows]), b)


@pytest.mark.parametrize("classes", [1, 3])
def test_decision_boundary(classes):
    s = mlp((2, 16, 16, classes), seed=3).slice(*SQUARE)
    ends = s.decision_boundary()
    assert len(ends)
    values = np.sort(s.net(s.points(ends.mean(axis=1))), axis=1)
    gap = values[:, -1] if classes == 1 else values[:, -1] - values[:, -2]
    assert np.abs(gap).max() < 1e-12 * np.abs(s.outputs).max()
    # every change of class between neighbouring points of a grid crosses a segment
    grid = np.linspace(-1, 1, 60)
    uv = np.stack(np.meshgrid(grid, grid), -1)
    out = s.net(s.points(uv.reshape(-1, 2))).reshape(60, 60, classes)
    side = out[..., 0] > 0 if classes == 1 else out.argmax(-1)
    jumps = uv[:, :-1][side[:, 1:] != side[:, :-1]]
    for u, v in jumps:
        a, b = ends[:, 0], ends[:, 1]
        crosses = (a[:, 1] - v) * (b[:, 1] - v) <= 0
        at = a[:, 0] + (v - a[:, 1]) / np.where(b[:, 1] == a[:, 1], 1, b[:, 1] - a[:, 1]) * (
            b[:, 0] - a[:, 0]
        )
        assert (crosses & (at >= u - 1e-9) & (at <= u + grid[1] - grid[0] + 1e-9)).any()


def test_flat_arrays_and_one_region():
    s = mlp([2, 9, 7, 2]).slice(*SQUARE)
    corners, ends = s.corners
    for i, polygon in enumerate(s.polygons):
        np.testing.assert_array_equal(s.polygon(i), polygon)
    assert (ends[-1], len(ends)) == (len(corners), s.n_regions)
    edges, counts = s.edges_by_layer
    assert (counts.sum(), len(counts)) == (len(s.edges), 3)
    layers = dict(zip(map(tuple, s.edges.tolist()), s.edge_layers.tolist(), strict=True))
    assert [layers[tuple(e)] for e in edges.tolist()] == np.repeat([-1, 0, 1], counts).tolist()
    np.testing.assert_array_equal(s.find(s.centroids), np.arange(s.n_regions))
    assert s.find([[1.0, 1.0], [1.1, 0.0]])[1] == -1
    assert s.find([1.0, 1.0])[0] >= 0


@pytest.mark.parametrize("classes", [1, 3])
def test_distance_of_a_decision_is_the_walks_or_at_least_the_borders(classes):
    net = mlp([2, 12, 8, classes], seed=1)
    s = net.slice(*SQUARE)
    points = np.random.default_rng(0).uniform(-0.9, 0.9, (12, 2))
    true = hw.dissect(net, points).decision_distance
    n_exact = 0
    for point, distance in zip(points, true, strict=True):
        reading = s.decision_distance(point)
        if reading.at_least:
            assert reading.distance <= distance * (1 + 1e-9)
        else:
            n_exact += 1
            assert reading.distance == pytest.approx(distance, rel=1e-9)
            assert np.hypot(*(reading.foot - point)) == pytest.approx(distance, rel=1e-9)
    assert n_exact > 3
    with pytest.raises(hw.errors.DataError, match="partial"):
        net.slice(*SQUARE, max_regions=3).decision_distance([0.0, 0.0])


def test_a_budget_gives_the_layers_before_it():
    net = mlp((2, 20, 20, 20, 1))
    first = net.slice(*SQUARE).n_regions_per_layer[0]
    s = net.slice(*SQUARE, max_regions=first)
    assert s.partial
    assert "partial" in repr(s)
    assert s.n_regions_per_layer == [first]
    np.testing.assert_allclose(s.outputs, net(s.points(s.vertices)))


def test_no_units_is_one_region():
    s = hw.model.from_arrays([[[1.0, 2.0]]]).slice(*SQUARE)
    assert s.n_regions == 1
    assert s.codes.shape == (1, 0)
    np.testing.assert_allclose(s.maps, [[[0, 1, 2]]])


def test_two_slices_at_once_are_the_same_as_one_after_another():
    net = mlp((2, 24, 24, 2))
    alone, found = net.slice(*SQUARE), []
    work = [threading.Thread(target=lambda: found.append(net.slice(*SQUARE))) for _ in range(3)]
    for one in work:
        one.start()
    for one in work:
        one.join()
    for s in found:
        np.testing.assert_array_equal(s.vertices, alone.vertices)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (([0, 0], [[1, 0], [2, 0]]), "independent"),
        (([0, 0], [[1, 0]]), "independent"),
        (([0, 0], np.eye(2), 0.0), "half_width"),
        (([0, 0], np.eye(2), [1, np.inf]), "half_width"),
        (([0, np.nan], np.eye(2)), "NaN"),
        (([0, 0, 0], np.eye(2)), "origin|3 columns"),
    ],
)
def test_bad_planes(given, says):
    with pytest.raises(hw.DataError, match=says):
        mlp((2, 4, 1)).slice(*given)


def test_three_points_on_a_line():
    with pytest.raises(hw.DataError, match="one line"):
        mlp((3, 4, 1)).slice_through([0, 0, 0], [1, 1, 1], [2, 2, 2])


@pytest.mark.parametrize("through", [False, True])
def test_memory_of_a_slice_grows_with_the_inputs_and_not_with_their_square(through):
    d = 150_528  # of an image of 224 x 224 x 3: a matrix d x d would take 169 GiB
    rng = np.random.default_rng(0)
    net = hw.model.from_arrays([rng.normal(size=(4, d)) / np.sqrt(d), np.ones((1, 4))])
    axes = rng.normal(size=(2, d))
    tracemalloc.start()
    try:
        s = net.slice_through(np.zeros(d), *axes) if through else net.slice(np.zeros(d), axes)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert s.n_regions > 4
    assert most < 60 * 8 * d


def test_degenerate_slices_are_refused():
    net = mlp([2, 4, 1])
    flat = np.eye(2)
    with pytest.raises(hw.DataError, match="origin has 0 rows"):
        net.slice(np.empty((0, 2)), flat)
    with pytest.raises(hw.DataError, match="origin has 2 rows"):
        net.slice(flat, flat)
    with pytest.raises(hw.DataError, match="half_width"):
        net.slice([0, 0], flat, 0.0)
    with pytest.raises(hw.DataError, match="independent"):
        net.slice([0, 0], [[1, 0], [0, 0]])
    with pytest.raises(hw.DataError, match="independent"):
        net.slice([0, 0], [[1e200, 1e200], [1e-200, 1e-200]])
    with pytest.raises(hw.DataError, match="max_regions=0"):
        net.slice([0, 0], flat, max_regions=0)
    with pytest.raises(hw.DataError, match="one line"):
        net.slice_through([0, 0], [1, 1], [2, 2])
    assert net.slice([0, 0], 1e200 * flat, 1e-200).n_regions == net.slice([0, 0], flat).n_regions


def test_a_network_without_outputs_or_inputs_is_refused():
    build = Builder((3,))
    build.add("none", Rearrange((0,), np.zeros(0, dtype=np.int64)), 0)
    with pytest.raises(hw.ModelError, match="the network has no output"):
        build.network()
    with pytest.raises(hw.ModelError, match="the network has no input"):
        Builder((0,)).network()


def test_a_stop_that_is_set_ends_a_slice_at_once():
    net, stop, layers = mlp([2, 9, 9, 9, 1]), hw.model.StopFlag(), []

    def progress(done, total, words):
        layers.append(done)
        if done == 1:
            stop.set()

    with pytest.raises(hw.errors.StoppedError, match="layer 2 of 3"):
        net.slice(*SQUARE, stop=stop, progress=progress)
    assert layers == [0, 1]
    with pytest.raises(hw.errors.StoppedError, match="layer 1 of 3"):
        net.slice(*SQUARE, stop=stop)
    assert net.slice(*SQUARE, stop=hw.model.StopFlag()).n_regions == net.slice(*SQUARE).n_regions


@pytest.mark.parametrize("in_main_thread", [True, False])
def test_a_stop_is_heard_within_a_layer(in_main_thread):
    """The second layer would make more than a million regions."""
    net, stop, errors = mlp([2, 150, 300, 1], bias=0.1), hw.model.StopFlag(), []
    begun = threading.Event()

    def progress(done, total, words):
        if done == 1:
            begun.set()

    def work():
        try:
            net.slice(*SQUARE, 3.0, stop=stop, progress=progress, max_regions=10**7)
        except hw.errors.StoppedError as error:
            errors.append(str(error))

    def end():
        begun.wait()
        time.sleep(0.1)
        stop.set()

    other = threading.Thread(target=end if in_main_thread else work)
    other.start()
    (work if in_main_thread else end)()
    other.join()
    assert errors == ["the slice was stopped in layer 2 of 2"]


def test_ctrl_c_is_heard_within_a_long_layer(monkeypatch):
    steps, stops = [], []

    def endless(*inputs):
        stop = inputs[-1]
        stops.append(stop)
        assert threading.current_thread() is not threading.main_thread()
        _thread.interrupt_main()
        while not stop.is_set() and len(steps) < 10_000:
            steps.append(time.sleep(0.001))
        raise TooManyFaces

    monkeypatch.setattr(_region_cutter, "cut_layer", endless)
    monkeypatch.setattr(_region_cutter, "SHORT_CUT_REGIONS", 0)
    with pytest.raises(KeyboardInterrupt):
        mlp([2, 3, 1]).slice(*SQUARE)
    assert stops[0].is_set()
    assert len(steps) < 10_000


def test_short_layers_take_no_thread(monkeypatch):
    def no_threads(*arguments):
        raise AssertionError("a thread for a layer of some regions")

    monkeypatch.setattr(_region_cutter, "run_in_threads", no_threads)
    assert mlp([2, 20, 20, 1]).slice(*SQUARE).n_regions > 100
