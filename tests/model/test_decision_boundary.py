"""Distances to the decision boundary: recorded, from exact slices, by sampling, in closed form."""

import numpy as np
import pytest

import hullwise as hw
from hullwise.model import _boundary_guess, _decision_boundary
from hullwise.model._decision_boundary import decision_distance
from networks import every_layer, mixed, mlp
from shared_data import load_npz, shared_path


def to_segments(x, segments):
    if not len(segments):
        return np.inf
    a, step = segments[:, 0], segments[:, 1] - segments[:, 0]
    length = np.maximum((step**2).sum(axis=1), 1e-300)
    t = np.clip(((x - a) * step).sum(axis=1) / length, 0, 1)
    return np.linalg.norm(a + t[:, None] * step - x, axis=1).min()


def ties(net, found):
    """That the outputs tie at the point, which is at the distance `upper`."""
    y = net(found.point)[0]
    a, b = found.classes
    gap = abs(y[0]) if len(y) == 1 else y[a] - y[b]
    assert gap <= 1e-9 * max(1, np.abs(y).max())


def test_recorded_distances():
    data = load_npz("spline/2d_3x32.npz")
    W = [data[f"W{i}"] for i in range(4)]
    b = [data[f"b{i}"] for i in range(4)]
    two = hw.model.from_arrays([*W[:3], W[3][:2]], [*b[:3], b[3][:2]])
    one = hw.model.from_arrays([*W[:3], W[3][:1] - W[3][1:2]], [*b[:3], b[3][:1] - b[3][1:2]])
    near = np.flatnonzero(data["pt_db_dist_in_slice"] < 0.75)
    for x, want in zip(data["pt_x"][near], data["pt_db_dist_in_slice"][near], strict=True):
        found = decision_distance(two, x, max_regions=4000)
        assert found.exact
        beyond = np.abs(found.point).max() > 1  # recorded within the square only
        assert found.upper == pytest.approx(want, rel=1e-10) or (beyond and found.upper < want)
        assert np.linalg.norm(found.point - x) == pytest.approx(found.upper)
        ties(two, found)
        if want < 0.3:
            signs = decision_distance(one, x)
            assert signs.upper == pytest.approx(found.upper, rel=1e-9)


@pytest.mark.parametrize("seed", range(24))
def test_as_the_slice_draws_it(seed):
    rng = np.random.default_rng(seed)
    net = mixed(2, seed) if seed % 2 else mlp([2, 12, 12, 1 + seed % 4], seed)
    x = rng.uniform(-1, 1, 2)
    found = decision_distance(net, x, max_regions=3000)
    assert found.exact
    half = 1.1 * found.upper if np.isfinite(found.upper) else 50.0
    segments = net.slice(x, np.eye(2), half).decision_boundary()
    assert found.upper == pytest.approx(to_segments(np.zeros(2), segments), rel=1e-8)
    if np.isfinite(found.upper):
        ties(net, found)


@pytest.mark.parametrize("d", [3, 6])
def test_no_sample_is_nearer(d):
    net = mlp([d, 10, 8, 3], d)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=d)
        found = decision_distance(net, x, max_regions=2000)
        assert found.exact
        assert found.lower <= found.upper
        ties(net, found)
        way = rng.normal(size=(20_000, d))
        way *= (found.upper * rng.uniform(0, 1 - 1e-9, (20_000, 1)) ** (1 / d)) / np.linalg.norm(
            way, axis=1, keepdims=True
        )
        assert (net(x + way).argmax(axis=1) == found.classes[0]).all()
        gap = found.point - x
        beyond = net(x + gap * (1 + 1e-6))[0]
        assert beyond.argmax() != found.classes[0] or np.ptp(np.sort(beyond)[-2:]) < 1e-5


def test_the_budget_gives_a_bracket():
    net, x = mlp([2, 32, 32, 32, 2], 1, bias=0.1), np.array([0.7, 0.3])
    exact = decision_distance(net, x, max_regions=5000)
    assert exact.exact
    last = -1.0
    for max_regions in (1, 5, 20, 100):
        part = decision_distance(net, x, max_regions=max_regions)
        assert last <= part.lower <= exact.upper * (1 + 1e-9)
        assert part.upper >= exact.upper * (1 - 1e-9)
        assert part.n_regions <= max_regions
        assert part.exact or "max_regions reached" in repr(part)
        last = part.lower


def test_the_first_guess_does_not_matter(monkeypatch):
    net, x = mlp([3, 8, 8, 3], 2), np.array([0.2, -0.4, 0.3])
    want = decision_distance(net, x)
    monkeypatch.setattr(_boundary_guess, "DEEPFOOL_STEPS", 0)
    other = decision_distance(net, x)
    assert other.upper == pytest.approx(want.upper, rel=1e-9)
    monkeypatch.setattr(
        _decision_boundary, "FACET_DIMENSIONS", 0
    )  # no facet told from another wall
    third = decision_distance(net, x)
    assert third.upper == pytest.approx(want.upper, rel=1e-9)
    assert want.exact
    assert other.exact
    assert third.exact


def test_closed_forms():
    # a linear network: the nearest of the hyperplanes
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(4, 5)), rng.normal(size=4)
    x = rng.normal(size=5)
    y = A @ x + b
    c = y.argmax()
    far = [(y[c] - y[j]) / np.linalg.norm(A[c] - A[j]) for j in range(4) if j != c]
    found = decision_distance(hw.model.from_arrays([A], [b]), x)
    assert found.upper == pytest.approx(min(far), rel=1e-12)
    assert found.n_regions == 1
    # the l1 ball of radius 1 from its centre
    W = np.vstack([np.eye(4), -np.eye(4)])
    ball = hw.model.from_arrays([W, np.ones((1, 8))], [np.zeros(8), [-1.0]])
    assert decision_distance(ball, np.zeros(4)).upper == pytest.approx(0.5, rel=1e-12)


def test_never_changes_and_ties():
    always = hw.model.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0, 0], [1.0]])
    found = decision_distance(always, [0.3])
    assert found.lower == found.upper == np.inf
    assert found.exact
    assert found.classes == (1, -1)
    assert np.isnan(found.point).all()
    assert "everywhere" in repr(found)
    tie = hw.model.from_arrays([[[1.0, 0.0], [0.0, 1.0]]])
    assert decision_distance(tie, [2.0, 2.0]).upper == 0
    # outputs that are equal on a whole region: it counts from where that begins
    flat = hw.model.from_arrays([[[1.0]], [[1.0], [0.0]]])
    assert decision_distance(flat, [1.5]).upper == pytest.approx(1.5)


@pytest.mark.parametrize("seed", range(6))
def test_from_a_point_where_all_walls_meet(seed):
    rng = np.random.default_rng(seed)
    W = [rng.normal(size=(12, 2)), rng.normal(size=(10, 12)), rng.normal(size=(1, 10))]
    net = hw.model.from_arrays(W, [np.zeros(12), np.zeros(10), [-1.0]])
    x = np.zeros(2)
    found = decision_distance(net, x)
    assert found.exact
    half = 1.1 * found.upper if np.isfinite(found.upper) else 50.0
    segments = net.slice(x, np.eye(2), half).decision_boundary()
    assert found.upper == pytest.approx(to_segments(x, segments), rel=1e-9)
    assert found.n_regions <= 60


def test_a_convolutional_network():
    net = every_layer(4)
    x = np.random.default_rng(3).normal(size=net.n_inputs)
    found = decision_distance(net, x, max_regions=60)
    assert 0 < found.lower <= found.upper < np.inf
    ties(net, found)
    way = np.random.default_rng(0).normal(size=(5000, net.n_inputs))
    way *= found.lower / np.linalg.norm(way, axis=1, keepdims=True)
    assert (net(x + way).argmax(axis=1) == found.classes[0]).all()
    assert hw.dissect(net, x).output.argmax() == found.classes[0]


@pytest.mark.parametrize("norm", [1, np.inf])
@pytest.mark.parametrize("seed", range(5))
def test_other_norms_as_the_slice_draws_it(seed, norm):
    rng = np.random.default_rng(seed)
    net = mlp([2, 10, 10, 2 + seed % 2], seed)
    x = rng.uniform(-1, 1, 2)
    found = decision_distance(net, x, norm=norm)
    assert found.exact
    assert found.norm == norm
    if not np.isfinite(found.upper):
        return
    ties(net, found)
    assert np.linalg.norm(found.point - x, ord=norm) == pytest.approx(found.upper, rel=1e-6)
    segments = net.slice(x, np.eye(2), 1.5 * found.upper).decision_boundary()
    t = np.linspace(0, 1, 4001)[:, None, None]
    points = segments[:, 0] + t * (segments[:, 1] - segments[:, 0])
    nearest = np.linalg.norm(points, ord=norm, axis=2).min()
    assert found.upper <= nearest * (1 + 1e-6)
    assert found.upper == pytest.approx(nearest, rel=2e-3)


@pytest.mark.parametrize("norm", [1, 2, np.inf])
@pytest.mark.parametrize("seed", range(4))
def test_only_valid_inputs_count(seed, norm):
    net = mlp([2, 10, 10, 2], seed)
    x = np.random.default_rng(seed).uniform(-0.5, 0.5, 2)
    box = ([-0.6, -np.inf], [0.6, np.inf]) if seed == 0 else 0.6
    if seed == 0:
        with pytest.raises(hw.DataError, match="finite ends"):
            decision_distance(net, x, norm=norm, box=box)
        box = ([-0.6, -50.0], [0.6, 50.0])
    free = decision_distance(net, x, norm=norm)
    boxed = decision_distance(net, x, norm=norm, box=box)
    assert boxed.exact
    assert boxed.lower >= free.lower * (1 - 1e-6)
    low, high = (-0.6, 0.6) if seed else (np.array([-0.6, -50.0]), np.array([0.6, 50.0]))
    if np.isfinite(boxed.upper):
        ties(net, boxed)
        assert (boxed.point >= low - 1e-9).all()
        assert (boxed.point <= high + 1e-9).all()
    X = np.random.default_rng(1).uniform(low, high, (20_000, 2))
    other = net(X).argmax(axis=1) != boxed.classes[0]
    if other.any():
        away = np.linalg.norm(X[other] - x, ord=norm, axis=1).min()
        assert boxed.upper <= away
    else:
        assert boxed.upper > 0.5 or np.isinf(boxed.upper)
    with pytest.raises(hw.DataError, match="not in the box"):
        decision_distance(net, x + 100, norm=norm, box=box)


def test_norms_in_closed_form():
    rng = np.random.default_rng(0)
    A, b, x = rng.normal(size=(4, 5)), rng.normal(size=4), rng.normal(size=5)
    y = A @ x + b
    c = int(y.argmax())
    rest = [j for j in range(4) if j != c]
    for norm, dual in ((1, np.inf), (np.inf, 1), (2, 2)):
        far = [(y[c] - y[j]) / np.linalg.norm(A[c] - A[j], ord=dual) for j in rest]
        found = decision_distance(hw.model.from_arrays([A], [b]), x, norm=norm)
        assert found.upper == pytest.approx(min(far), rel=1e-7)
    with pytest.raises(hw.DataError, match="expected 1, 2 or"):
        decision_distance(hw.model.from_arrays([A], [b]), x, norm=3)


def test_a_bracket_is_closed_from_below_by_bounds():
    net = mlp([30, 40, 40, 3], 5)
    x = np.random.default_rng(5).normal(size=30)
    for norm in (1, 2, np.inf):
        found = decision_distance(net, x, max_regions=1, norm=norm)
        assert 0 < found.lower <= found.upper < np.inf
        assert found.lower > 0.05 * found.upper
        way = np.random.default_rng(0).normal(size=(20_000, 30))
        way *= found.lower / np.linalg.norm(way, ord=norm, axis=1, keepdims=True)
        assert (net(x + way).argmax(axis=1) == found.classes[0]).all()


def test_a_walk_in_many_inputs_has_an_upper_end():
    net = hw.model.read(shared_path("networks/mnistfc_256x2.onnx"))
    x = np.random.default_rng(0).uniform(0, 1, 784)
    found = decision_distance(net, x, max_regions=1)
    assert 0 < found.lower <= found.upper < 50
    ties(net, found)


def test_errors():
    net = mlp([2, 4, 1], 0)
    with pytest.raises(hw.DataError, match="one point"):
        decision_distance(net, np.zeros((2, 2)))
    with pytest.raises(hw.DataError, match="max_regions"):
        decision_distance(net, np.zeros(2), max_regions=0)
    calls = []
    decision_distance(mlp([2, 16, 16, 2], 0), np.zeros(2), progress=lambda *a: calls.append(a))
    assert all(what == "regions" for _, _, what in calls)
