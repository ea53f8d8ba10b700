"""Design spaces: boxes in every form, constraints as text and as functions, tiny allowed parts."""

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.design._candidates import candidate_points
from hullwise.design.constraint_text import parse_constraint
from hullwise.design.parameters import IntegerParameter, LogParameter, Parameter

MIXED = {
    "a": (0, 1),
    "k": {"low": 1e-3, "high": 10, "role": "log"},
    "n": {"low": 1, "high": 9, "role": "integer"},
    "hour": {"low": 0, "high": 24, "role": "periodic"},
    "size": {"levels": ["s", "m", "l"], "role": "ordered"},
    "kind": ["x", "y", "z"],
}


def cube(d, *constraints):
    return hw.DesignSpace({f"x{j}": (0, 1) for j in range(d)}, list(constraints))


def test_every_parameter_spans_one():
    space = hw.DesignSpace(MIXED)
    values = np.array([[0, 1e-3, 1, 0, 0, 0], [1, 10, 9, 12, 2, 1], [1, 10, 9, 24, 2, 2]], float)
    Z = space.coordinates(values)
    for j in range(6):
        assert np.linalg.norm((Z[0] - Z[1])[space.owner == j]) == pytest.approx(1)
    assert np.linalg.norm((Z[0] - Z[2])[space.owner == 3]) == pytest.approx(0, abs=1e-12)
    assert np.linalg.norm((Z[1] - Z[2])[space.owner == 5]) == pytest.approx(1)


def test_a_scale_says_how_far_a_parameter_counts():
    space = hw.DesignSpace(
        {"a": {"low": 2, "high": 4, "scale": 0.5}, "kind": {"levels": "xy", "scale": 2}}
    )
    Z = space.coordinates(np.array([[2.0, 0], [4.0, 1]]))
    assert np.abs(Z[0] - Z[1])[0] == pytest.approx(0.5)
    assert np.linalg.norm((Z[0] - Z[1])[1:]) == pytest.approx(2)


def test_a_box_as_file_frame_array_and_domain(tmp_path):
    path = tmp_path / "bounds.csv"
    path.write_text(
        "name,low,high,role,levels,period\na,0,1,,,\nk,0.001,10,log,,\nkind,,,,x|y|z,\n"
    )
    space = hw.DesignSpace(path)
    assert [p.role for p in space.parameters] == ["number", "log", "category"]
    frame = pd.read_csv(path)
    assert hw.DesignSpace(frame).parameters == space.parameters
    assert hw.DesignSpace([(0, 1), (2, 3)]).names == ("x0", "x1")
    rows = [{"k": 10.0**i, "n": i * i % 7, "kind": "ab"[i % 2]} for i in range(7)]
    domain = hw.Domain(log=["k"]).fit(rows)
    k, n, kind = hw.DesignSpace(domain).parameters
    assert k == LogParameter("k", 1, 1e6)
    assert n == IntegerParameter("n", 0, 4)
    assert kind.levels == ("a", "b")


@pytest.mark.parametrize(
    ("box", "text"),
    [
        ({"a": (1, 0)}, "goes from 1 to 0"),
        ({"a": (0, np.inf)}, "finite ends"),
        ({"a": (0, 1, 2)}, "expected \\(low, high\\)"),
        ({"a": {"low": 0, "high": 1, "role": "log"}}, "above 0"),
        ({"a": {"low": 0.5, "high": 2, "role": "integer"}}, "whole ends"),
        ({"a": {"low": 0, "high": 1, "role": "nubmer"}}, "expected one of number, integer"),
        ({"a": {"low": 0, "hihg": 1}}, "'hihg'"),
        ({"a": ["x", "x"]}, "each once"),
        ({}, "no parameters"),
        ([[0, 1, 2]], "expected \\(d, 2\\) ends"),
        (hw.Domain(), "not fitted"),
        ("nothing.csv", "nothing.csv"),
    ],
)  # fmt: skip
def test_a_box_that_makes_no_sense_is_refused_in_words(box, text):
    with pytest.raises(hw.DataError, match=text):
        hw.DesignSpace(box)


def test_a_bad_line_of_a_box_is_named(tmp_path):
    path = tmp_path / "bounds.csv"
    path.write_text("name,low,high\na,0,1\nb,2,1\n")
    with pytest.raises(hw.DataError, match=r"line 3.*'b' goes from 2 to 1"):
        hw.DesignSpace(path)
    path.write_text("name,lower,upper\na,0,1\n")
    with pytest.raises(hw.FileError, match="expected name, low and high"):
        hw.DesignSpace(path)


# ---- constraints ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "weights", "low", "high"),
    [
        ("a + b <= 1", {"a": 1, "b": 1}, -np.inf, 1),
        ("2*a - b/4 >= -0.5 + a", {"a": 1, "b": -0.25}, -0.5, np.inf),
        ("3 == -(a - 2*(b + 1))", {"a": 1, "b": -2}, -1, -1),
        ('"flow rate" ≤ a', {"flow rate": 1, "a": -1}, -np.inf, 0),
        ("`flow rate` * 2 < 1e3", {"flow rate": 2}, -np.inf, 1000),
        ("µ >= 1", {"µ": 1}, 1, np.inf),
    ],
)
def test_linear_texts(text, weights, low, high):
    (bound,) = parse_constraint(text, ["a", "b", "flow rate", "µ"])
    sign = np.sign(weights[next(iter(bound.weights))]) * np.sign(next(iter(bound.weights.values())))
    assert {k: sign * v for k, v in bound.weights.items()} == weights
    ends = sorted((sign * bound.low, sign * bound.high))
    assert ends == [low, high]


def test_a_chain_is_several_bounds():
    assert len(parse_constraint("0.2 <= a + b <= 1", ["a", "b"])) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a * b <= 1", "multiplies or divides by a parameter"),
        ("a / 0 <= 1", "by 0"),
        ("a ** 2 <= 1", "multiplies or divides|not linear"),
        ("a = 1", "write == for equality"),
        ("a + c <= 1", "'c' is no parameter that is a number; these are 'a', 'b'"),
        ("a <= 1 and b <= 1", "each as its own constraint"),
        ("a + b", "compares nothing"),
        ("a != 1", "something else than"),
        ("1 <= 2", "no parameter is left"),
        ("a - a <= 1", "no parameter is left"),
        ("__import__('os').system('true') <= 1", "not linear"),
        ("a <= 1e999", "beyond float64"),
        ("a <= " + "9" * 400, "beyond float64"),
        ("(" * 300 + "a" + ")" * 300 + " <= 1", "cannot be read|nested"),
        ("a <= True", "not linear"),
        ("", "cannot be read"),
        ("a <= \0", "cannot be read|no text"),
        ("a+" * 5000 + "a <= 1", "characters"),
    ],
)
def test_other_texts_are_refused_and_never_run(text, why):
    with pytest.raises(hw.DataError, match=why):
        parse_constraint(text, ["a", "b"])


def test_rounding_does_not_break_a_constraint():
    space = cube(2, "x0 + x1 <= 0.3")
    assert space.allowed(np.array([[0.1, 0.2]]))[0]
    assert not cube(2, "x0 + x1 < 0.3").allowed(np.array([[0.1, 0.2]]))[0]


def test_strict_bounds_of_whole_numbers():
    space = hw.DesignSpace({"n": {"low": 1, "high": 9, "role": "integer"}}, "n < 5")
    assert candidate_points(space, 100, [0]).values.max() == 4


def test_a_function_sees_cells_and_its_answer_is_checked():
    space = hw.DesignSpace(MIXED, lambda t: (t["kind"] == "x") | (t["n"] > 3))
    values = candidate_points(space, 300, [0]).values
    assert ((values[:, 5] == 0) | (values[:, 2] > 3)).all()
    with pytest.raises(hw.DataError, match="booleans, such as lambda"):
        hw.suggest(n=1, box={"a": (0, 1)}, constraints=lambda t: t["a"] * 2)


def test_errors_of_a_function_are_the_callers_own():
    with pytest.raises(KeyError):
        hw.suggest(n=1, box={"a": (0, 1)}, constraints=lambda t: t["b"] < 1)


# ---- candidates -------------------------------------------------------------------------------


def test_candidates_are_allowed_distinct_and_repeatable():
    space = hw.DesignSpace(MIXED, "a + k <= 2")
    one, two = candidate_points(space, 500, [3]), candidate_points(space, 500, [3])
    np.testing.assert_array_equal(one.values, two.values)
    assert space.allowed(one.values).all()
    assert len(np.unique(one.values, axis=0)) == len(one) == 500
    assert set(one.values[:, 2]) == set(range(1, 10))


def test_every_combination_of_discrete_parameters_is_a_candidate():
    space = hw.DesignSpace(
        {"n": {"low": 1, "high": 9, "role": "integer"}, "kind": ["x", "y"]}, "n <= 4"
    )
    assert len(candidate_points(space, 1000, [0])) == 8
    assert candidate_points(space, 1000, [0]).complete


def test_a_simplex_is_filled_evenly():
    space = cube(5, "x0 + x1 + x2 + x3 + x4 == 1")
    values = candidate_points(space, 1000, [0]).values
    np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(values.mean(axis=0), 0.2, atol=0.03)
    np.testing.assert_allclose(values.std(axis=0), np.sqrt(4 / 150), atol=0.03)


@pytest.mark.parametrize(
    ("constraint", "mean", "deviation"),
    [
        ("x0 + x1 + x2 + x3 + x4 + x5 <= 0.01", 0.01 / 7, 0.01 * np.sqrt(6 / 7**2 / 8)),
        (lambda t: sum((t[f"x{j}"] - 0.5) ** 2 for j in range(6)) <= 0.01, 0.5, 0.1 / np.sqrt(8)),
    ],
)
def test_a_tiny_allowed_part_is_filled_evenly_and_noted(constraint, mean, deviation):
    """Moments of the uniform distribution on a corner simplex (2e-15 of the cube) and a ball."""
    space = cube(6, constraint)
    candidates = candidate_points(space, 1000, [1])
    assert space.allowed(candidates.values).all()
    assert "1,048,576 points of the box" in candidates.note
    np.testing.assert_allclose(candidates.values.mean(axis=0), mean, atol=0.2 * deviation)
    np.testing.assert_allclose(candidates.values.std(axis=0), deviation, rtol=0.2)


def test_an_equality_with_logarithms_integers_and_categories():
    space = hw.DesignSpace(MIXED, ["k + a == 0.5", "n + a <= 3"])
    values = candidate_points(space, 500, [0]).values
    assert space.allowed(values).all()
    assert set(values[:, 2]) == {1, 2}
    assert set(values[:, 5]) == {0, 1, 2}
    # uniform in the logarithm of k from .001 to .5: its median is sqrt(.001 * .5)
    assert 0.5 < np.median(values[:, 1]) / np.sqrt(0.0005) < 2


def test_where_nothing_is_allowed_the_constraints_are_named():
    with pytest.raises(hw.DataError, match=r"none of 1,048,576 points .*x0 \+ x1 >= 3.*give cand"):
        candidate_points(cube(2, "x0 + x1 >= 3"), 100, [0])


def test_numbers_have_few_digits():
    space = hw.DesignSpace({"a": (-200, 1e6), "b": Parameter("b", 1e-9, 3e-9)})
    values = candidate_points(space, 50, [0]).values
    assert all(len(f"{v:g}") <= 13 and float(f"{v:.7g}") == v for v in values[:, 0])
    assert all(float(f"{v:.7g}") == v for v in values[:, 1])
