"""mixup: what is mixed, and that mixtures lie in the hull."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw

pd = pytest.importorskip("pandas")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
LABELS = np.array(["a", "b", "c"])[np.arange(60) % 3]


@pytest.mark.parametrize("per_row", [False, True])
def test_rows_and_targets_are_mixed_by_the_same_weights(per_row):
    y = RNG.normal(size=(60, 2))
    mixed = hw.train.mixup(X, y, alpha=1.0, per_row=per_row, random_state=3)
    w = mixed.weights[:, None]
    assert np.allclose(mixed.X, w * X + (1 - w) * X[mixed.partners])
    assert np.allclose(mixed.y, w * y + (1 - w) * y[mixed.partners])
    assert sorted(mixed.partners) == list(range(60))
    assert len(np.unique(mixed.weights)) == (60 if per_row else 1)
    assert ((mixed.weights >= 0) & (mixed.weights <= 1)).all()


def test_labels_become_shares():
    mixed = hw.train.mixup(X, LABELS, alpha=1.0, per_row=True, random_state=0)
    assert list(mixed.classes) == ["a", "b", "c"]
    assert mixed.y.sum(axis=1) == pytest.approx(1.0)
    own = mixed.y[np.arange(60), mixed.targets]
    same = mixed.targets == mixed.targets[mixed.partners]
    assert own[~same] == pytest.approx(mixed.weights[~same])
    assert own[same] == pytest.approx(1.0)


def lies_in_the_hull(rows, mixed) -> bool:
    """Proved for all rows but those so near to the hull's boundary that float64 does not say."""
    located = hw.locate(rows, mixed, reference=0)
    boundary = np.array([status == hw.Status.BOUNDARY for status in located.status])
    return bool(located.verify(rows).all() and ((located.verdict == 1) | boundary).all())


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
@pytest.mark.parametrize("within_class", [False, True])
def test_mixed_rows_lie_in_the_hull(alpha, within_class):
    mixed = hw.train.mixup(
        X, LABELS, alpha=alpha, per_row=True, within_class=within_class, random_state=1
    )
    assert lies_in_the_hull(X, mixed.X)


def test_mixed_rows_lie_in_the_hull_without_exception_where_mixing_is_exact():
    rows = RNG.integers(-99, 99, size=(60, 4))
    partners = hw.train.mixup(rows, random_state=1).partners
    located = hw.locate(rows, (rows + rows[partners]) / 2, reference=0)
    assert (located.verdict == hw.Verdict.INSIDE).all()


def test_mixed_rows_of_a_class_lie_in_the_hull_of_the_class():
    mixed = hw.train.mixup(X, LABELS, alpha=1.0, per_row=True, within_class=True, random_state=1)
    assert np.array_equal(mixed.y.argmax(axis=1), mixed.targets)
    assert mixed.y.max(axis=1) == pytest.approx(1.0)
    for place in range(3):
        rows = mixed.targets == place
        assert lies_in_the_hull(X[rows], mixed.X[rows])


def test_weights_are_those_of_the_beta_distribution():
    rows = np.zeros((20_000, 1))
    weights = hw.train.mixup(rows, alpha=0.5, per_row=True, random_state=0).weights
    assert weights.mean() == pytest.approx(0.5, abs=0.01)
    assert weights.var() == pytest.approx(1 / (4 * (2 * 0.5 + 1)), abs=0.005)


def test_a_generator_mixes_every_batch_anew_and_a_number_alike():
    rng = np.random.default_rng(0)
    first, second = (hw.train.mixup(X, random_state=rng) for _ in range(2))
    assert not np.array_equal(first.partners, second.partners)
    again = [hw.train.mixup(X, random_state=5) for _ in range(2)]
    assert np.array_equal(again[0].X, again[1].X)


def test_images_keep_their_shape_and_type():
    images = RNG.normal(size=(8, 3, 5, 5)).astype(np.float32)
    mixed = hw.train.mixup(images, np.arange(8) % 2, per_row=True, random_state=0)
    assert mixed.X.shape == images.shape
    assert mixed.X.dtype == np.float32
    whole = hw.train.mixup(RNG.integers(0, 255, (8, 4, 4)), random_state=0)
    assert whole.X.dtype == np.float64


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_data_frame_stays_one(library):
    frame = pytest.importorskip(library).DataFrame({"x": X[:, 0], "y": X[:, 1]})
    mixed = hw.train.mixup(frame, LABELS, random_state=0)
    assert type(mixed.X) is type(frame)
    assert list(mixed.X.columns) == ["x", "y"]
    twice, labels, counts = mixed.weighted_rows()
    assert len(twice) == len(labels) == len(counts) == 120


def test_rows_with_weights_have_the_loss_of_the_mixed_targets():
    mixed = hw.train.mixup(X, LABELS, alpha=1.0, per_row=True, random_state=0)
    twice, labels, counts = mixed.weighted_rows()
    assert np.array_equal(twice[:60], twice[60:])
    log_share = np.log(RNG.dirichlet(np.ones(3), 60))
    soft = -(mixed.y * log_share).sum()
    code = np.searchsorted(mixed.classes, labels)
    hard = -(counts * np.tile(log_share, (2, 1))[np.arange(120), code]).sum()
    assert soft == pytest.approx(hard, rel=1e-12)


def test_numbers_with_weights_keep_their_targets():
    mixed = hw.train.mixup(X, X[:, 0], random_state=0)
    _, y, counts = mixed.weighted_rows()
    assert np.array_equal(y[:60], X[:, 0])
    assert counts.sum() == pytest.approx(60)


def test_a_table_with_words_is_sent_to_the_coordinates_of_a_domain():
    frame = pd.DataFrame({"age": np.arange(30.0), "job": ["nurse", "clerk"] * 15})
    with pytest.raises(hw.DataError, match=r"no row between two words.*coordinates of a Domain"):
        hw.train.mixup(frame, random_state=0)
    domain = hw.Domain().fit(frame)
    mixed = hw.train.mixup(domain.fitted_.values, alpha=1.0, random_state=0)
    assert mixed.X.shape == domain.fitted_.values.shape


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"alpha": 0}, hw.DataError, "alpha=0: expected"),
        ({"alpha": -1}, hw.DataError, "alpha=-1"),
        ({"alpha": float("nan")}, hw.DataError, "alpha=nan"),
        ({"y": np.ones(5)}, hw.DataError, "X has 60 rows, y has shape"),
        ({"y": np.full(60, np.nan)}, hw.DataError, "NaN"),
        ({"y": [None] * 60}, hw.DataError, "NaN"),
        ({"y": np.ones(60), "within_class": True}, hw.DataError, "needs class labels"),
        ({"within_class": True}, hw.DataError, "needs class labels"),
        ({"y": np.arange(60), "n_classes": 3}, hw.DataError, "labels from 0 to 59"),
        ({"y": LABELS, "n_classes": 3}, hw.DataError, "expected labels 0, 1"),
        ({"y": np.arange(60), "n_classes": 0}, hw.DataError, "n_classes=0"),
        ({"random_state": None}, hw.DataError, "random_state=None"),
        ({"random_state": -1}, hw.DataError, "random_state=-1"),
    ],
)
def test_what_cannot_be_mixed_is_refused(options, error, words):
    arguments = {"random_state": 0, **options}
    with pytest.raises(error, match=words):
        hw.train.mixup(X, **arguments)


def test_rows_that_are_not_finite_are_refused():
    with pytest.raises(hw.DataError, match="NaN"):
        hw.train.mixup([[1.0, np.nan]], random_state=0)


def test_a_loss_needs_targets_and_rows():
    with pytest.raises(hw.DataError, match="without targets"):
        hw.train.mixup(X, random_state=0).loss(lambda a, b: 0.0, X)
    with pytest.raises(hw.DataError, match="without targets"):
        hw.train.mixup(X, random_state=0).weighted_rows()
    mixed = hw.train.mixup(X, X[:, 0], per_row=True, random_state=0)
    with pytest.raises(hw.DataError, match="a loss for each of the 60 rows"):
        mixed.loss(lambda a, b: np.float64(0.0), X[:, 0])


def test_the_loss_of_arrays():
    mixed = hw.train.mixup(X, X[:, 0], random_state=0)
    w = mixed.weights[0]
    by_hand = w * (X[:, 0] ** 2).mean() + (1 - w) * (X[mixed.partners, 0] ** 2).mean()
    for criterion in (lambda a, b: (a - b) ** 2, lambda a, b: ((a - b) ** 2).mean()):
        assert mixed.loss(criterion, np.zeros(60)) == pytest.approx(by_hand, rel=1e-12)
