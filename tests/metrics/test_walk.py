"""Walks: against geodesics known in closed form, certificates of the hull, and hostile input."""

import numpy as np
import pytest
from scipy.spatial import Delaunay
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

import hullwise as hw
from hullwise.metrics import walk
from hullwise.metrics._geodesics import graph_path, straight_path
from hullwise.metrics._path_lengths import piece_lengths
from hullwise.metrics._path_metrics import (
    ConstantMetric,
    DataWeightedMetric,
    MetricField,
    read_path_metric,
)
from hullwise.report import draw_strip, draw_walk
from networks import mlp

plane = np.random.default_rng(0).uniform([-1.2, 0.4], [1.2, 2.0], (300, 2))


def half_plane(x):
    return np.eye(2) / x[:, 1, None, None] ** 2


def between(a, b):
    """Length of the hyperbolic geodesic."""
    return np.arccosh(1 + np.square(np.subtract(a, b)).sum() / (2 * a[1] * b[1]))


def sphere(x):
    """Latitude and longitude to the unit sphere: a map whose pullback is the sphere's metric."""
    u, v = x.T
    return np.c_[np.cos(u) * np.cos(v), np.cos(u) * np.sin(v), np.sin(u)]


def sphere_metric(x):
    out = np.zeros((len(x), 2, 2))
    out[:, 0, 0], out[:, 1, 1] = 1, np.cos(x[:, 0]) ** 2
    return out


@pytest.mark.parametrize(
    ("a", "b"), [((-1.0, 0.5), (1.0, 0.5)), ((0.3, 0.5), (0.3, 1.9)), ((-1.1, 1.8), (1.0, 0.6))]
)
def test_geodesics_of_the_hyperbolic_plane(a, b):
    found = walk(plane, a, b, "geodesic", half_plane)
    np.testing.assert_allclose(found.length, between(a, b), rtol=1e-3)
    assert found.length <= min(found.straight_length, found.graph_length) * (1 + 1e-12)
    np.testing.assert_array_equal(found.points[[0, -1]], [a, b])
    finer = walk(plane, a, b, "geodesic", half_plane, steps=128)
    np.testing.assert_allclose(finer.length, between(a, b), rtol=1e-4)
    if a[0] != b[0]:  # the geodesic is a circle about a point of the line y = 0
        c = (np.dot(b, b) - np.dot(a, a)) / (2 * (b[0] - a[0]))
        radius = np.hypot(found.points[:, 0] - c, found.points[:, 1])
        np.testing.assert_allclose(radius, np.hypot(a[0] - c, a[1]), rtol=5e-3)


@pytest.mark.parametrize("metric", [sphere, sphere_metric], ids=["map", "matrices"])
def test_geodesics_of_the_sphere_are_great_circles(metric):
    X = np.random.default_rng(1).uniform([0.2, -1.4], [1.3, 1.4], (400, 2))
    a, b = np.array([0.6, -1.3]), np.array([0.6, 1.3])
    found = walk(X, a, b, "geodesic", metric)
    p, q = sphere(np.array([a, b]))
    np.testing.assert_allclose(found.length, np.arccos(p @ q), rtol=1e-3)
    off = sphere(found.points) @ np.cross(p, q)  # all in one plane with the centre
    np.testing.assert_allclose(off, 0, atol=5e-3)


def test_a_rolled_up_plane_is_still_a_plane():
    X = np.random.default_rng(2).uniform([4.0, 0.0], [9.0, 3.0], (400, 2))

    def roll(x):  # arc length of the spiral is the integral of sqrt(1 + t²)
        return np.c_[x[:, 0] * np.cos(x[:, 0]), x[:, 1], x[:, 0] * np.sin(x[:, 0])]

    a, b = np.array([4.5, 0.3]), np.array([8.5, 2.7])
    arc = [(t * np.sqrt(1 + t * t) + np.arcsinh(t)) / 2 for t in (a[0], b[0])]
    want = np.hypot(arc[1] - arc[0], b[1] - a[1])
    np.testing.assert_allclose(walk(X, a, b, "geodesic", roll).length, want, rtol=1e-3)


def test_four_times_the_metric_is_twice_as_long_and_back_is_as_long_as_there():
    a, b = (-1.0, 0.5), (0.9, 0.8)
    once = walk(plane, a, b, "geodesic", half_plane)
    four = walk(plane, a, b, "geodesic", lambda x: 4 * half_plane(x))
    back = walk(plane, b, a, "geodesic", half_plane)
    np.testing.assert_allclose(four.length, 2 * once.length, rtol=1e-5)
    np.testing.assert_allclose(back.length, once.length, rtol=1e-5)
    np.testing.assert_allclose(back.points[::-1], once.points, atol=5e-3)


def test_turned_data_in_a_turned_metric_give_the_turned_path():
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    a, b = np.array([-1.0, 0.5]), np.array([0.9, 0.8])

    def turned(x):
        return turn @ half_plane(x @ turn) @ turn.T

    once = walk(plane, a, b, "geodesic", half_plane)
    other = walk(plane @ turn.T, turn @ a, turn @ b, "geodesic", turned)
    np.testing.assert_allclose(other.length, once.length, rtol=1e-5)
    np.testing.assert_allclose(other.points @ turn, once.points, atol=5e-3)


@pytest.mark.parametrize("metric", [None, "std", "range", [4.0, 1.0], [[2.0, 1.0], [1.0, 3.0]]])
def test_the_same_metric_everywhere_makes_a_straight_line(metric):
    found = walk(plane, 3, 7, "geodesic", metric)
    step = plane[7] - plane[3]
    M = ConstantMetric(hw.Cloud(plane).metric(metric)).mean(plane)
    np.testing.assert_allclose(found.length, np.sqrt(step @ M @ step))
    np.testing.assert_allclose(found.points, straight_path(plane[3], plane[7], 32))
    assert "straight line" in found.notes[0]
    assert found.outside_share == 0
    assert np.isnan(found.graph_length)


def test_a_constant_field_agrees_with_the_constant_metric():
    M = np.array([[2.0, 1.0], [1.0, 3.0]])
    field = walk(plane, 3, 7, "geodesic", lambda x: np.broadcast_to(M, (len(x), 2, 2)))
    constant = walk(plane, 3, 7, "geodesic", M)
    np.testing.assert_allclose(field.length, constant.length, rtol=1e-6)
    np.testing.assert_allclose(field.points, constant.points, atol=1e-3)


@pytest.mark.parametrize(
    "metric",
    [half_plane, sphere, mlp((2, 9, 3)), [[2.0, 1.0], [1.0, 3.0]]],
    ids=["field", "map", "network", "matrix"],
)
@pytest.mark.parametrize("stay_near", [0.0, 3.0])
def test_slopes_of_lengths_are_those_of_differences(metric, stay_near):
    cloud = hw.Cloud(plane)
    path_metric = read_path_metric(metric, cloud, plane[:2])
    if stay_near:
        path_metric = DataWeightedMetric(path_metric, plane, cloud.metric(None), stay_near)
    rng = np.random.default_rng(3)
    P = plane[:8] + 0.2 * rng.normal(size=(8, 2)) * [1, 0.3]
    Q = P + 0.1 * rng.normal(size=(8, 2))
    squared, at_p, at_q = path_metric.slopes(P, Q)
    np.testing.assert_allclose(squared, path_metric.squared(P, Q), rtol=1e-10)
    for j in range(2):
        h = np.zeros(2)
        h[j] = 1e-6
        for found, (low, high) in (
            (at_p, ((P - h, Q), (P + h, Q))),
            (at_q, ((P, Q - h), (P, Q + h))),
        ):
            want = (path_metric.squared(*high) - path_metric.squared(*low)) / 2e-6
            np.testing.assert_allclose(found[:, j], want, atol=2e-4 * np.abs(found).max())


def test_positions_are_shares_of_the_length():
    found = walk(plane, 0, 1, "geodesic", half_plane)
    sizes = piece_lengths(MetricField(half_plane, np.ones(2)), found.points)
    np.testing.assert_allclose(sizes, found.length / 32, rtol=1e-3)
    np.testing.assert_allclose(np.diff(found.position), 1 / 32, rtol=1e-3)
    assert found.position[0] == 0
    assert found.position[-1] == 1
    assert found.length_euclidean == pytest.approx(
        np.linalg.norm(np.diff(found.points, axis=0), axis=1).sum()
    )
    np.testing.assert_allclose(found.at(0.5)[0], found.midpoint)


# --- networks as metrics


def test_the_pullback_of_a_network_beats_the_line_and_the_graph():
    net = mlp((3, 16, 16, 2))
    X = np.random.default_rng(4).normal(size=(300, 3))
    for a, b in ((2, 3), (4, 5)):
        found = walk(X, a, b, "geodesic", net, steps=16)
        chord = np.linalg.norm(np.diff(net(X[[a, b]]), axis=0))
        assert chord * (1 - 1e-9) <= found.length
        assert found.length < found.straight_length
        assert found.length <= found.graph_length * (1 + 1e-12)


def test_the_pullback_of_a_network_has_the_metric_of_the_module():
    net = mlp((3, 16, 2))
    X = np.random.default_rng(4).normal(size=(100, 3))
    model = walk(X, 0, 1, "straight", net)
    matrices = walk(X, 0, 1, "straight", lambda x: hw.metrics.local_metric(net, x), steps=200)
    np.testing.assert_allclose(model.length, matrices.length, rtol=1e-2)


def test_of_a_linear_model_only_its_direction_has_length():
    X = np.random.default_rng(5).normal(size=(60, 3))
    model = LinearRegression().fit(X, X @ [3.0, 0.0, 0.0])
    found = walk(X, 0, 1, "geodesic", model)
    np.testing.assert_allclose(found.length, 3 * abs(X[1, 0] - X[0, 0]), rtol=1e-3)


def test_steps_of_a_tree_have_a_length():
    X = np.random.default_rng(5).normal(size=(200, 2))
    tree = DecisionTreeRegressor(max_leaf_nodes=2).fit(X, np.sign(X[:, 0]))
    found = walk(X, [-1.0, 0.0], [1.0, 0.5], "geodesic", tree)
    np.testing.assert_allclose(found.length, 2, rtol=1e-3)


def test_of_a_torch_module():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    X = np.random.default_rng(6).normal(size=(60, 3))
    relu = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    smooth = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    for module in (relu, smooth):
        found = walk(X, 0, 1, "geodesic", module)
        assert found.length <= found.straight_length
    coder = torch.nn.Linear(3, 3)
    with torch.no_grad():
        coder.weight.copy_(torch.eye(3))
        coder.bias.zero_()
    found = walk(X, 0, 1, "latent", encoder=coder, decoder=coder)
    np.testing.assert_allclose(found.points, straight_path(X[0], X[1], 32), atol=1e-12)


# --- staying near the rows


def ring(n=120, noise=0.03, seed=0):
    rng = np.random.default_rng(seed)
    turn = rng.uniform(0, 2 * np.pi, n)
    return (1 + noise * rng.normal(size=(n, 1))) * np.c_[np.cos(turn), np.sin(turn)]


def test_staying_near_goes_round_the_ring():
    X = ring()
    a, b = int(X[:, 0].argmax()), int(X[:, 0].argmin())
    across = walk(X, a, b, "geodesic")
    round_it = walk(X, a, b, "geodesic", stay_near=1.0)
    assert across.fades
    assert not round_it.fades
    assert np.linalg.norm(round_it.points, axis=1).min() > 0.85
    assert 0.9 * np.pi < round_it.length_euclidean < 1.1 * np.pi
    assert round_it.length < round_it.straight_length
    assert "stay_near" in round_it.metric_text


# --- the graph


def test_groups_far_apart_are_bridged_and_it_is_said():
    rng = np.random.default_rng(7)
    X = np.concatenate([rng.normal(size=(30, 2)) + np.array([40.0 * k, 50.0]) for k in range(3)])
    found = walk(X, 0, 89, "geodesic", half_plane, n_neighbors=3)
    assert any("bridged" in note for note in found.notes)
    assert found.length <= min(found.straight_length, found.graph_length) * (1 + 1e-12)
    assert np.isfinite(found.graph_length)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_rows(n):
    X = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 1.0]])[:n]
    found = walk(X, [-0.5, 1.0], [0.5, 0.7], "geodesic", half_plane, stay_near=0.5)
    assert found.length <= found.straight_length * (1 + 1e-12)


def test_duplicate_rows_change_nothing():
    X = plane[:60]
    once = walk(X, 3, 7, "geodesic", half_plane, n_neighbors=4)
    often = walk(np.repeat(X, 6, axis=0), 18, 42, "geodesic", half_plane, n_neighbors=4)
    assert often.length == pytest.approx(once.length, rel=1e-12)
    assert often.graph_length == pytest.approx(once.graph_length, rel=1e-12)


def test_the_graph_finds_the_way_over_rows():
    X = np.c_[np.cos(t := np.linspace(0, np.pi, 50)), np.sin(t)]
    cloud = hw.Cloud(X)
    path_metric = read_path_metric(None, cloud, X[[0, -1]])
    path, notes = graph_path(path_metric, X[[0, -1]], X, cloud.metric(None), 2, None)
    turn = np.arctan2(path[:, 1], path[:, 0])
    assert (np.diff(turn) > 0).all()
    assert (turn[0], turn[-1]) == (0, np.pi)
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).sum() > 0.999 * np.pi
    assert notes == ()


# --- outside


def inside_share(X, found, count=20000):
    """By brute force: how much of the path is in a triangulation."""
    fine = found.at((np.arange(count) + 0.5) / count)
    return (Delaunay(X).find_simplex(fine) >= 0).mean()


@pytest.mark.parametrize("seed", range(4))
def test_the_part_outside_is_that_of_a_triangulation(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(25, 2))
    points = rng.normal(size=(12, 2)) * 2
    found = walk(
        X,
        points[0],
        points[-1],
        "latent",
        steps=11,
        encoder=lambda x: np.array([[0.0], [11.0]]),
        decoder=lambda z: points[np.round(z[:, 0]).astype(int)],
        metric=None,
    )
    assert found.outside_share == pytest.approx(1 - inside_share(X, found), abs=2e-3)
    assert 0.1 < found.outside_share < 1
    middle = found.at(found.outside.mean(axis=1))
    assert (hw.locate(X, middle, metric=None, reference=0).verdict == -1).all()
    inside = (found.outside[1:, 0] + found.outside[:-1, 1]) / 2
    assert (hw.locate(X, found.at(inside), metric=None, reference=0).verdict == 1).all()
    loc = hw.locate(X, points, metric=None, reference=0)
    np.testing.assert_allclose(found.lower, loc.lower)
    np.testing.assert_allclose(found.upper, loc.upper)


def test_a_short_dip_between_two_steps_is_found():
    square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = walk(square, [-5.0, 4.99], [4.99, -5.0], steps=1)  # cuts a corner
    np.testing.assert_allclose(found.outside, [[0, 1]])
    found = walk(square, [-5.0, 5.5], [5.5, -5.0], steps=1)
    np.testing.assert_allclose(found.outside, [[0, 5 / 10.5], [5.5 / 10.5, 1]], atol=1e-4)
    np.testing.assert_allclose(found.outside_share, 1 - 0.5 / 10.5, atol=2e-4)


def test_lines_between_rows_are_inside_and_lines_out_are_exact():
    X = plane[:40]
    assert walk(X, 0, 1, metric=None).outside_share == 0
    assert walk(X, 0, 1, metric=None).largest_out == 0
    square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = walk(square, [0.5, 0.5], [2.5, 0.5], steps=7, metric=None)
    np.testing.assert_allclose(found.outside, [[0.25, 1.0]], atol=1e-4)
    assert found.largest_out == pytest.approx(1.5)
    scaled = walk(square, [0.5, 0.5], [2.5, 0.5], metric=[4.0, 1.0], steps=7)
    np.testing.assert_allclose(scaled.outside, [[0.25, 1.0]], atol=1e-4)
    assert scaled.largest_out == pytest.approx(3)
    assert scaled.length == pytest.approx(4)


@pytest.mark.parametrize("metric", [None, [1.0, 9.0, 0.1, 1.0], "matrix"])
def test_the_part_outside_is_that_of_locate(metric):
    rng = np.random.default_rng(11)
    X, points = rng.normal(size=(60, 4)), rng.normal(size=(7, 4)) * 1.3
    if isinstance(metric, str):
        metric = np.cov(X.T)
    found = walk(
        X,
        points[0],
        points[-1],
        "latent",
        metric,
        steps=6,
        encoder=lambda x: np.array([[0.0], [6.0]]),
        decoder=lambda z: points[np.round(z[:, 0]).astype(int)],
    )
    at = rng.uniform(size=400)
    edge = np.abs(at[:, None] - found.outside.ravel()).min(axis=1) < 1e-3
    claimed = ((found.outside[:, 0] < at[:, None]) & (at[:, None] < found.outside[:, 1])).any(
        axis=1
    )
    outside = hw.locate(X, found.at(at), membership_only=True).verdict == -1
    np.testing.assert_array_equal(claimed[~edge], outside[~edge])
    assert 0.05 < outside.mean() < 0.95


def test_along_an_edge_of_the_hull():
    square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = walk(square, [-1.0, 0.0], [2.0, 0.0], steps=2)
    np.testing.assert_allclose(found.outside, [[0, 1 / 3], [2 / 3, 1]], atol=1e-4)


def test_rows_in_a_file(tmp_path):
    np.save(tmp_path / "rows.npy", plane)
    for kind in ("straight", "geodesic"):
        there = walk(tmp_path / "rows.npy", 0, 1, kind, half_plane)
        np.testing.assert_array_equal(there.points, walk(plane, 0, 1, kind, half_plane).points)


def test_flat_data():
    X = np.c_[np.linspace(0, 1, 9), np.linspace(0, 2, 9)]
    assert walk(X, 0, 8).outside_share == 0
    found = walk(X, X[0], X[8] + [0.5, -0.5])
    assert found.outside_share == pytest.approx(1, abs=1e-3)


# --- through a latent space


def test_a_latent_path_is_decoded_and_its_ends_are_judged():
    X = np.random.default_rng(8).normal(size=(80, 5)) * [5, 3, 1, 0.5, 0.1]
    pca = PCA(2).fit(X)
    found = walk(X, 0, 1, "latent", encoder=pca, metric=None)
    back = pca.inverse_transform(pca.transform(X[:2]))
    np.testing.assert_allclose(found.points[[0, -1]], back)
    np.testing.assert_allclose(found.end_gaps, np.linalg.norm(back - X[:2], axis=1))
    np.testing.assert_allclose(found.latent[[0, -1]], pca.transform(X[:2]))
    same = walk(
        X, 0, 1, "latent", encoder=pca.transform, decoder=pca.inverse_transform, metric=None
    )
    np.testing.assert_array_equal(same.points, found.points)
    assert found.fades  # a linear decoder mixes, as the straight line does
    assert (walk(X, 0, 1, metric=None).end_gaps == 0).all()


def test_a_decoded_segment_is_not_taken_for_one_between_rows():
    away = np.array([50.0, 0.0])
    found = walk(
        plane, 0, 1, "latent", encoder=lambda x: x, decoder=lambda z: z + away, metric=None
    )
    assert found.outside_share == 1
    assert found.largest_out > 40
    np.testing.assert_allclose(found.end_gaps, 50)


# --- regions


def test_crossings_of_a_straight_walk_are_those_of_the_line():
    net = mlp((3, 9, 9, 2))
    X = np.random.default_rng(9).normal(size=(30, 3))
    line = net.along(X[0], X[1])
    found = walk(X, 0, 1, model=net)
    assert found.n_regions == line.n_pieces
    np.testing.assert_allclose(found.crossings, line.breaks, atol=1e-9)
    np.testing.assert_array_equal(found.changed, [len(u) for u in line.units])
    np.testing.assert_allclose(found.values, net(found.points))


def test_crossings_of_a_bent_walk_change_the_code_and_nothing_else_does():
    net = mlp((2, 12, 12, 1))
    found = walk(plane, 0, 5, "geodesic", half_plane, model=net)
    middles = np.r_[0, found.crossings, 1]
    middles = (middles[1:] + middles[:-1]) / 2
    codes = net.codes(found.at(middles))
    turned = (codes[1:] != codes[:-1]).sum(axis=1)
    np.testing.assert_array_equal(turned, found.changed)


# --- fade or morph


def test_fading_is_by_its_definition():
    X = np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 1.0]])
    found = walk(X, 0, 1, metric=None)
    assert (found.to_average, found.to_row, found.nearest_row) == (0, 1, 2)
    assert found.fades
    assert not walk([[0.0], [1.0], [2.0]], 0, 2, metric=None).fades  # a row is right there
    heavy = walk(X, 0, 1, metric=[1.0, 9.0])
    assert heavy.to_row == 2


# --- frames, tables, pictures


def test_frames_keep_their_names_and_tables_have_a_row_for_each_point():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(plane, columns=["position", "height"])
    found = walk(frame, 0, frame.iloc[[3]], model=mlp((2, 3, 2)))
    table = found.to_frame()
    assert list(table.columns) == [
        *("position", "lower", "upper", "output_0", "output_1", "feature position", "height")
    ]
    assert len(table) == len(found) == 33
    np.testing.assert_array_equal(walk(frame, 0, frame.iloc[3]).points, found.points)
    np.testing.assert_array_equal(walk(hw.Cloud(plane), 0, 3).points, found.points)


def test_pictures_can_be_drawn():
    X = np.random.default_rng(0).normal(size=(30, 12))
    found = walk(X, 0, X[1] * 3, model=mlp((12, 5, 3)))
    ax = draw_walk(found, names=["a", "b", "c"])
    assert len(ax.figure.axes) == 2
    assert draw_walk(walk(X, 0, 1, metric=None)).get_ylabel() == "distance\noutside"
    assert len(draw_strip(found, (3, 4), 5, nearest=X).axes) == 10
    assert len(draw_strip(found, (2, 2, 3), 3).axes) == 3
    with pytest.raises(hw.DataError, match="a row has 12"):
        draw_strip(found, (5, 5))
    with pytest.raises(hw.DataError, match="count"):
        draw_strip(found, (3, 4), 1)
    with pytest.raises(hw.DataError, match="outputs"):
        draw_walk(found, outputs=[7])


def test_progress_is_told():
    said = []
    walk(plane, 0, 1, "geodesic", half_plane, progress=lambda *now: said.append(now))
    assert {what for _, _, what in said} >= {"edges", "path"}
    assert all(0 <= done <= total for done, total, _ in said)


# --- hostile input


@pytest.mark.parametrize("kind", ["straight", "geodesic", "latent"])
def test_nowhere_to_go(kind):
    maps = {"encoder": PCA(2).fit(plane)} if kind == "latent" else {}
    found = walk(plane, 4, 4, kind, half_plane, model=mlp((2, 4, 1)), **maps)
    assert found.length < 1e-12
    assert found.n_regions == 1
    assert found.outside_share == 0
    assert "1 region," in repr(found)
    if kind != "latent":  # decoded to rounding
        assert found.length == 0
        assert not found.fades
    np.testing.assert_allclose(found.points, np.repeat(plane[4:5], 33, axis=0))


BAD = {
    "row too large": ({"b": 300}, "b=300: X has 300 rows"),
    "negative row": ({"a": -1}, "a=-1: X has 300 rows"),
    "a bool": ({"a": True}, "a has shape"),
    "a float": ({"a": 1.0}, "a has shape"),
    "text": ({"a": "0"}, "a has shape"),
    "point of another size": ({"b": [1.0, 2.0, 3.0]}, "b has shape"),
    "two points": ({"b": plane[:2]}, "b has shape"),
    "NaN": ({"b": [1.0, np.nan]}, "NaN"),
    "infinity": ({"b": [1.0, np.inf]}, "infin"),
    "kind": ({"kind": "curved"}, "kind='curved'"),
    "steps": ({"steps": 0}, "steps=0"),
    "n_neighbors": ({"n_neighbors": 0}, "n_neighbors=0"),
    "stay_near": ({"kind": "geodesic", "stay_near": -1.0}, "stay_near"),
    "model of another size": ({"model": mlp((3, 4, 1))}, "takes 3 inputs"),
    "metric shape": ({"metric": np.ones(3)}, "metric has shape"),
    "metric word": ({"metric": "agop"}, "metric='agop'"),
    "metric object": ({"metric": PCA(2)}, "metric is a PCA"),
    "needless encoder": ({"encoder": PCA(2)}, "is for kind='latent'"),
    "indefinite": ({"metric": np.diag([1.0, -1.0])}, "semidefinite"),
    "indefinite field": ({"metric": lambda x: half_plane(x) * [1, -1]}, "eigenvalue"),
    "asymmetric field": ({"metric": lambda x: half_plane(x) + np.eye(2)[[1, 1]]}, "symmetric"),
    "NaN field": ({"metric": lambda x: half_plane(x) * np.nan}, "not finite"),
    "field of another size": ({"metric": lambda x: np.ones((len(x), 3, 3))}, "gives shape"),
    "one output for all": ({"metric": lambda x: 3.0}, "gives shape"),
    "no encoder": ({"kind": "latent"}, "needs an encoder"),
    "no decoder": ({"kind": "latent", "encoder": lambda x: x, "decoder": 3}, "decoder is an int"),
    "NaN decoder": (
        {"kind": "latent", "encoder": lambda x: x, "decoder": lambda z: z / 0 * 0},
        "decoder gives NaN or infinity at 33 of 33",
    ),
    "decoder shape": (
        {"kind": "latent", "encoder": lambda x: x, "decoder": lambda z: z[:, :1]},
        r"decoder gives shape \(33, 1\); expected \(33, 2\)",
    ),
    "encoder shape": ({"kind": "latent", "encoder": lambda x: x[0], "decoder": abs}, "encoder"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
def test_bad_input_is_refused(name):
    change, message = BAD[name]
    given = {"a": 0, "b": 1, **change}
    with pytest.raises(hw.DataError, match=message):
        walk(plane, **given)


def test_what_is_no_metric_somewhere_is_refused():
    with pytest.raises(hw.DataError, match="eigenvalue"):
        walk(
            plane,
            [-1.0, 1.0],
            [1.0, 1.0],
            metric=lambda x: np.eye(2) * np.sign(np.abs(x[:, :1]) - 0.5)[:, :, None],
        )
    with pytest.raises(hw.DataError, match="not finite"):
        walk(
            plane,
            [-1.0, 1.0],
            [1.0, 1.0],
            metric=lambda x: np.eye(2) * np.where(np.abs(x[:, :1]) < 0.5, np.nan, 1)[:, :, None],
        )
    with pytest.raises(hw.ModelError, match="does not change"):
        walk(plane, 0, 1, metric=lambda x: 0 * x)


def test_what_the_metric_does_not_see_has_no_length():
    found = walk(plane, [0.0, 1.0], [0.0, 1.5], metric=[1.0, 0.0])
    assert found.length == 0
    np.testing.assert_allclose(found.position, np.linspace(0, 1, 33))


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1.0, 1e30, 1e200])
def test_scales(scale):
    found = walk(plane * scale, 0, 1, metric=None)
    np.testing.assert_allclose(found.length, scale * walk(plane, 0, 1, metric=None).length)
    np.testing.assert_allclose(found.points, scale * walk(plane, 0, 1, metric=None).points)
