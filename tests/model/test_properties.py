"""Properties of networks over boxes: decided rightly, certified, and checked by other code."""

from __future__ import annotations

import dataclasses
import gzip
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError, FileError
from hullwise.io.archive import read_archive, write_archive
from hullwise.model._piecewise_layers import pieces
from hullwise.model.affine_layers import Linear
from hullwise.model.builder import Builder
from hullwise.model.linear_bounds import InputBoxes, LinearBounds, input_ball, output_rows
from hullwise.model.properties._box_examiner import BoxExaminer
from networks import every_layer, mlp
from shared_data import shared_path


def greatest_output(net: hw.model.Network, half: float) -> float:
    """The maximum of the first output over a square: an affine piece has it at a vertex."""
    slice_ = net.slice(np.zeros(2), np.eye(2), half)
    corners = np.concatenate([np.asarray(p) for p in slice_.polygons])
    return float(net(corners)[:, 0].max())


@pytest.mark.parametrize("seed", range(12))
def test_the_maximum_of_a_network_is_where_its_pieces_have_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = mlp([2, int(rng.integers(2, 9)), int(rng.integers(2, 9)), 2], seed)
    top = greatest_output(net, 1.5)
    width = max(abs(top), 1.0)
    above = hw.verify_property(net, 1.5, f"y0 <= {top + 1e-3 * width!r}")
    assert above.holds
    assert above.verify().ok
    below = hw.verify_property(net, 1.5, f"y0 <= {top - 1e-3 * width!r}")
    assert below.violated
    assert below.verify().ok
    assert below.outputs[0] > top - 1e-3 * width


@pytest.mark.parametrize("seed", range(6))
def test_bounds_hold_over_boxes_and_balls_of_all_norms(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = mlp([4, 12, 12, 3], seed)
    C = rng.normal(size=(5, 3))
    centre, radius = rng.normal(size=4), float(rng.uniform(0.05, 1))
    V = rng.normal(size=(4000, 4))
    for norm in (1, 2, np.inf):
        ball = centre + radius * V / np.linalg.norm(V, ord=norm, axis=1, keepdims=True)
        bounds = LinearBounds(net, input_ball(centre, radius, norm))
        least = bounds.least(output_rows(net, C, 1))[0]
        assert (net(ball) @ C.T >= least).all()
    low = rng.normal(size=(7, 4))
    high = low + rng.uniform(0, 1, size=(7, 4))
    bounds = LinearBounds(net, InputBoxes(low, high))
    least = bounds.least(output_rows(net, C, 7))
    X = low[:, None] + rng.random((7, 500, 4)) * (high - low)[:, None]
    values = net(X.reshape(-1, 4)).reshape(7, 500, 3) @ C.T
    assert (values.min(axis=1) >= least).all()


def test_bounds_of_a_box_do_not_depend_on_those_beside_it() -> None:
    rng = np.random.default_rng(0)
    net = mlp([3, 10, 10, 2])
    low = rng.normal(size=(9, 3))
    high = low + rng.uniform(0, 1, size=(9, 3))
    C = np.eye(2)
    together = LinearBounds(net, InputBoxes(low, high)).least(output_rows(net, C, 9))
    for i in range(9):
        alone = LinearBounds(net, InputBoxes(low[i : i + 1], high[i : i + 1]))
        np.testing.assert_allclose(alone.least(output_rows(net, C, 1))[0], together[i], rtol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_every_kind_of_layer_is_bounded(seed: int) -> None:
    net = every_layer(seed=seed)
    d, k = net.n_inputs, net.n_outputs
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=d)
    low, high = centre - 0.1, centre + 0.1
    bounds = LinearBounds(net, InputBoxes(low[None], high[None]))
    least = bounds.least(output_rows(net, np.vstack([np.eye(k), -np.eye(k)]), 1))[0]
    Y = net(rng.uniform(low, high, size=(3000, d)))
    assert (least[:k] <= Y).all()
    assert (-least[k:] >= Y).all()
    top = float(-least[k])
    proved = hw.verify_property(net, (low, high), f"y0 < {top + 1e-6 * max(1, abs(top))!r}")
    assert proved.holds
    assert proved.verify().ok


def chain(kind: str, seed: int) -> hw.model.Network:
    rng = np.random.default_rng(seed)
    W = [rng.normal(size=(12, 3)), rng.normal(size=(10, 12)) / 3, rng.normal(size=(2, 10)) / 3]
    b = [rng.normal(size=n) * 0.5 for n in (12, 10, 2)]
    if kind != "clip":
        return hw.model.from_arrays(W, b, activation=kind)
    build, last = Builder((3,)), 0
    for k in range(3):
        last = build.add(f"linear{k}", Linear(W[k], b[k]), last)
        if k < 2:
            units = pieces("clip", len(b[k]), [-1.0, 0.7], [0.1, 1.0, 0.0])
            last = build.add(f"clip{k}", units, last)
    return build.network()


@pytest.mark.parametrize("kind", ["relu", "leaky_relu", "abs", "clip"])
@pytest.mark.parametrize("seed", range(4))
def test_compiled_and_general_bounds_close_the_same_boxes_and_no_more(kind: str, seed: int) -> None:
    net = chain(kind, seed)
    rng = np.random.default_rng(seed)
    low = rng.uniform(-1, 1, size=(60, 3))
    high = low + rng.uniform(0, 0.7, size=(60, 3))
    level = float(np.median(net(low)[:, 0])) + 0.3
    claim = hw.model.output_property(f"y0 + 0.3 * x1 <= {level!r}", 2.0, 3, net.n_outputs)
    examiner = BoxExaminer(net)
    assert examiner.chain is not None
    look = examiner.look(claim.cases, low, high)
    general = BoxExaminer(net)
    general.chain = None
    slower = general.look(claim.cases, low, high)
    assert 0 < look.done.sum() < 60
    assert look.done[slower.done].all()
    assert (look.has_slopes[:, 0] >= look.done & ~slower.done).all()
    inside = rng.uniform(size=(500, 1, 3)) * (high - low) + low
    values = net(inside.reshape(-1, 3))[:, 0].reshape(500, 60) + 0.3 * inside[..., 1]
    assert (values[:, look.done] <= level).all()


def test_what_needed_other_lines_is_checked_with_them() -> None:
    net = hw.model.read(shared_path("networks/acasxu_1_1.onnx"))
    claim = hw.model.read_vnnlib(shared_path("networks/acasxu_properties/prop_4.vnnlib"))
    result = hw.verify_property(net, None, claim)
    (cuts,) = result.cuts
    with_slopes = np.flatnonzero(cuts.slope_rows[:, 0] >= 0)
    assert len(with_slopes) > 0
    assert result.verify().ok
    cases = (cuts.slope_rows * 0 - 1, np.where(cuts.slope_rows < 0, -1, len(cuts.slopes)))
    for rows in cases:
        changed = dataclasses.replace(cuts, slope_rows=rows)
        assert not dataclasses.replace(result, cuts=(changed,)).verify().ok
    for slopes in (cuts.slopes[:, :-1], cuts.slopes + 3):
        changed = dataclasses.replace(cuts, slopes=slopes)
        assert not dataclasses.replace(result, cuts=(changed,)).verify().ok


def test_an_input_in_millions_is_found() -> None:
    net = hw.model.read(shared_path("networks/acasxu_2_9.onnx"))
    claim = hw.model.read_vnnlib(shared_path("networks/acasxu_properties/prop_7.vnnlib"))
    result = hw.verify_property(net, None, claim)
    assert result.violated
    assert result.verify().ok


def test_a_changed_certificate_is_refused() -> None:
    net = mlp([2, 8, 8, 1], 3)
    top = greatest_output(net, 1.0)
    result = hw.verify_property(net, 1.0, f"y0 <= {top + 0.01 * max(1, abs(top))!r}")
    assert result.holds
    assert result.n_boxes > 3
    (cuts,) = result.cuts
    cut = int(np.flatnonzero(cuts.axis >= 0)[0])
    leaf = int(np.flatnonzero(cuts.axis < 0)[0])

    def verdict(**changed: np.ndarray) -> bool:
        part = dataclasses.replace(cuts, **changed)
        return dataclasses.replace(result, cuts=(part,)).verify().ok

    def with_entry(array: np.ndarray, i: int, value: float) -> np.ndarray:
        array = array.copy()
        array[i] = value
        return array

    assert verdict()
    assert not verdict(value=with_entry(cuts.value, cut, 5.0))
    assert not verdict(closed=with_entry(cuts.closed, leaf, -1))
    assert not verdict(axis=with_entry(cuts.axis, 0, -1), closed=np.zeros_like(cuts.closed))
    assert not dataclasses.replace(result, cuts=()).verify().ok
    assert not dataclasses.replace(result, cuts=(cuts, cuts)).verify().ok
    lower = dataclasses.replace(cuts.cases[0], c=cuts.cases[0].c + 0.2 * max(1, abs(top)))
    harder = dataclasses.replace(result.claim, cases=(lower,))
    about_it = dataclasses.replace(cuts, cases=(lower,))
    assert not dataclasses.replace(result, cuts=(about_it,)).verify().ok
    assert not dataclasses.replace(result, claim=harder, cuts=(about_it,)).verify().ok


def test_a_counter_example_is_one_in_rational_arithmetic() -> None:
    net = hw.model.from_arrays([[[0.1], [-0.3]], [[0.7, 0.2]]], [[0.1, 0.2], [0.05]])
    result = hw.verify_property(net, 2.0, "y0 < 0.2")
    x = Fraction(float(result.counter_example[0]))
    first = max(Fraction(0.1) * x + Fraction(0.1), Fraction(0))
    second = max(Fraction(-0.3) * x + Fraction(0.2), Fraction(0))
    assert Fraction(0.7) * first + Fraction(0.2) * second + Fraction(0.05) >= Fraction(0.2)
    assert result.verify().ok
    moved = dataclasses.replace(result, counter_example=np.array([0.0]))
    assert not moved.verify().ok


def test_what_runs_out_is_open_and_says_how_much() -> None:
    net = mlp([4, 16, 16, 1], 0)
    X = np.random.default_rng(1).uniform(-2, 2, size=(20_000, 4))
    top = float(net(X).max())
    result = hw.verify_property(net, 2.0, f"y0 <= {1.5 * top!r}", max_boxes=3)
    assert result.status == "open"
    assert 0 < result.open_share <= 1
    assert not result.verify().ok
    assert "open on" in repr(result)


def test_words_become_the_cases_that_break_them() -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(500, 2)), rng.normal(size=(500, 3))
    claims = {
        "y0 <= 1 and y1 < y0 + 2 * y2": (Y[:, 0] <= 1) & (Y[:, 1] < Y[:, 0] + 2 * Y[:, 2]),
        "not (x0 < 0 or y1 / 2 > -x1 + 0.5)": ~((X[:, 0] < 0) | (Y[:, 1] / 2 > 0.5 - X[:, 1])),
        "-1 < y0 <= y1": (Y[:, 0] > -1) & (Y[:, 0] <= Y[:, 1]),
        "argmax == 2": Y.argmax(axis=1) == 2,
        "argmin == 0 or y_0 > 0": (Y.argmin(axis=1) == 0) | (Y[:, 0] > 0),
    }
    for text, truth in claims.items():
        claim = hw.model.output_property(text, 10.0, 2, 3)
        broken = np.zeros(500, dtype=bool)
        for case in claim.cases:
            inside = ((case.low <= X) & (case.high >= X)).all(axis=1)
            values = X @ case.A.T + Y @ case.C.T + case.c
            broken |= inside & np.where(case.strict, values > 0, values >= 0).all(axis=1)
        np.testing.assert_array_equal(broken, ~truth, err_msg=text)


@pytest.mark.parametrize(
    "text",
    ["y0", "y7 < 1", "y0 == 1", "y0 * y1 < 1", "__import__('os')", "y0 < 1e999", "argmax == 9",
     "y0 < ", "y0 < x0 < z", "y0 / 0 < 1", "(" * 500, ""],
)  # fmt: skip
def test_words_that_are_no_property_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="expected comparisons"):
        hw.model.output_property(text, 1.0, 1, 2)


def test_too_many_cases_are_refused() -> None:
    text = " or ".join(f"(y0 < {i} and y1 < {i})" for i in range(20))
    with pytest.raises(DataError, match="10,000 cases"):
        hw.model.output_property(text, 1.0, 1, 2)


def test_properties_that_do_not_fit_are_refused() -> None:
    net = hw.model.from_arrays([[[1.0, 2.0]]])
    claim = hw.model.output_property("y0 < 1", 1.0, 3, 1)
    with pytest.raises(DataError, match="3 inputs and 1 outputs"):
        hw.verify_property(net, None, claim)
    with pytest.raises(DataError, match="give the box"):
        hw.verify_property(net, None, "y0 < 1")
    with pytest.raises(DataError, match="box=None"):
        hw.verify_property(net, 1.0, hw.model.output_property("y0 < 1", 1.0, 2, 1))
    with pytest.raises(DataError, match="finite ends"):
        hw.verify_property(net, (1.0, -1.0), "y0 < 1")


def test_inputs_may_be_fixed() -> None:
    net = hw.model.from_arrays([[[1.0, 2.0]]])
    result = hw.verify_property(net, ([0.5, -1.0], [0.5, 1.0]), "y0 < 2.6")
    assert result.holds
    assert result.verify().ok


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_vnnlib_files_are_read(tmp_path: Path) -> None:
    text = """; a comment
    (declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)
    (declare-const Y_1 Real)
    (assert (or (and (<= X_0 1) (>= X_0 0)) (and (<= X_0 -1) (>= X_0 -2))))
    (assert (<= X_1 1.5e0)) (assert (>= X_1 (- 1)))
    (assert (or (>= Y_0 (+ Y_1 0.5)) (>= (* 2 Y_1) 3)))"""
    claim = hw.model.read_vnnlib(write(tmp_path / "p.vnnlib", text))
    assert len(claim.cases) == 4
    boxes = {(tuple(case.low), tuple(case.high)) for case in claim.cases}
    assert boxes == {((0, -1), (1, 1.5)), ((-2, -1), (-1, 1.5))}
    packed = tmp_path / "p.vnnlib.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    assert len(hw.model.read_vnnlib(packed).cases) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(declare-const X_0 Real) (assert (<= X_0 1))", "no outputs"),
        ("(declare-const X_0 Real) (declare-const Y_0 Real) (assert (>= Y_0 1))", "no bounds"),
        ("(declare-const X_0 Real) (declare-const Y_0 Real) (assert (* Y_0 Y_0))", "expected and"),
        ("(declare-const Z Real)", "expected an input"),
        ("(declare-const X_0 Real", "ends inside a bracket"),
        ("X_0", "outside brackets in line 1"),
        ("(declare-const X_0 Real) (declare-const Y_0 Real) (assert (<= (* Y_0 X_0) 1))", "linear"),
    ],
)
def test_files_that_are_no_property_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        hw.model.read_vnnlib(write(tmp_path / "bad.vnnlib", text))


@pytest.mark.parametrize(
    ("network", "number", "status"),
    [("1_1", 1, "holds"), ("1_1", 4, "holds"), ("2_9", 8, "violated"), ("3_3", 3, "holds")],
)
def test_acas_properties_are_decided(network: str, number: int, status: str) -> None:
    net = hw.model.read(shared_path(f"networks/acasxu_{network}.onnx"))
    claim = hw.model.read_vnnlib(shared_path(f"networks/acasxu_properties/prop_{number}.vnnlib"))
    result = hw.verify_property(net, None, claim)
    assert result.status == status
    assert result.verify().ok


@pytest.fixture(scope="module")
def proved() -> tuple[hw.model.Network, str, hw.model.PropertyResult]:
    net = mlp([2, 8, 8, 1], 3)
    top = greatest_output(net, 1.0)
    words = f"y0 <= {top + 0.003 * max(1, abs(top))!r}"
    return net, words, hw.verify_property(net, 1.0, words)


def test_files_are_about_what_is_asked(proved, tmp_path: Path) -> None:
    net, words, result = proved
    path = tmp_path / "proof.npz"
    result.save(path)
    assert hw.model.check_certificate(path, net, 1.0, words).n_boxes > 4
    assert hw.model.check_certificate(path, net, 1.0, words).ok
    bound = float(words.split()[-1])
    for other, box, text in (
        (mlp([2, 8, 8, 1], 4), 1.0, words),
        (net, 1.2, words),
        (net, 1.0, f"y0 <= {bound - 1}"),
    ):
        assert not hw.model.check_certificate(path, other, box, text).ok
    with pytest.raises(DataError, match="unsafe cases"):
        hw.model.check_certificate(path, net, 1.0, f"{words} and y0 > -1e9")
    with pytest.raises(FileError, match="exists"):
        result.save(path)


def test_files_of_counter_examples(proved, tmp_path: Path) -> None:
    net, words, _ = proved
    path = tmp_path / "proof.npz"
    text = f"y0 <= {float(words.split()[-1]) - 1}"
    hw.verify_property(net, 1.0, text).save(path)
    check = hw.model.check_certificate(path, net, 1.0, text)
    assert check.ok
    assert check.refutes
    assert not hw.model.check_certificate(path, net, 1.0, words).ok
    assert not hw.model.check_certificate(path, net, 1e-6, text).ok
    left = hw.verify_property(net, 1.0, f"y0 <= {float(words.split()[-1])!r}", max_boxes=1)
    with pytest.raises(DataError, match="no proof"):
        left.save(path, force=True)


@pytest.mark.parametrize("seed", range(30))
def test_no_change_of_a_file_proves_more_than_is_true(proved, tmp_path: Path, seed: int) -> None:
    """Any bytes at all: a changed file is refused, or what it says is true of a lower bound too."""
    net, words, result = proved
    rng = np.random.default_rng(seed)
    path = tmp_path / "proof.npz"
    result.save(path)
    header, arrays = read_archive(path)
    changed = {name: np.array(array) for name, array in arrays.items()}
    for _ in range(int(rng.integers(1, 4))):
        name = str(rng.choice([key for key in changed if changed[key].size]))
        flat = changed[name].reshape(-1)
        place = int(rng.integers(len(flat)))
        kind = flat.dtype.kind
        flat[place] = rng.integers(-3, len(flat) + 3) if kind == "i" else rng.normal() * 3
        if rng.random() < 0.2:
            changed[name] = changed[name][:-1]
    write_archive(
        path, {key: header[key] for key in header if key != "sha256"}, changed, force=True
    )
    false = f"y0 <= {float(words.split()[-1]) - 0.01 * (1 + abs(float(words.split()[-1])))!r}"
    for text in (false, f"y0 <= {float(net(np.zeros((1, 2)))[0, 0]) - 1e-9!r}"):
        with suppress(FileError):
            assert not hw.model.check_certificate(path, net, 1.0, text).ok


def test_files_that_would_take_for_ever_are_refused(proved, tmp_path: Path) -> None:
    """Cuts whose parts are shared would be looked at twice as often from cut to cut."""
    net, words, result = proved
    (cuts,) = result.cuts
    n = 201
    axis = np.full(n, -1)
    axis[:-2] = 0
    low = float(cuts.cases[0].low[0])
    shared = dataclasses.replace(
        cuts, axis=axis, value=np.full(n, low), child=np.arange(1, n + 1),
        closed=np.zeros((n, 1), dtype=np.int64), slope_rows=np.full((n, 1), -1),
    )  # fmt: skip
    fault = dataclasses.replace(result, cuts=(shared,)).verify().fault
    assert "not its own" in fault or "open" in fault
