"""What a model applies behind its outputs: values, derivatives, and that the largest stays."""

import numpy as np
import pytest

import hullwise as hw
from hullwise.model.output_activations import ACROSS, ELEMENTWISE, OutputActivation

rng = np.random.default_rng(0)


@pytest.mark.parametrize("kind", [*ELEMENTWISE, *ACROSS])
def test_the_pull_is_the_adjoint_of_the_derivative_and_order_is_kept(kind):
    f = OutputActivation(kind, parameter=0.7)
    Y, seeds, h = rng.normal(size=(5, 4)), rng.normal(size=(5, 3, 4)), 1e-6
    steps = h * np.eye(4)
    J = np.stack([(f(Y + s) - f(Y - s)) / (2 * h) for s in steps], axis=-1)  # (m, out, in)
    assert f.pull(Y, seeds) == pytest.approx(np.einsum("mto,moi->mti", seeds, J), abs=1e-8)
    assert (f(Y).argmax(axis=1) == Y.argmax(axis=1)).all()


@pytest.mark.parametrize("kind", ["softmax", "log_softmax"])
def test_a_softmax_may_be_along_one_axis_of_an_image(kind):
    f = OutputActivation(kind, shape=(3, 2, 2), axis=0)
    Y = rng.normal(size=(5, 12))
    p = f(Y) if kind == "softmax" else np.exp(f(Y))
    assert p.reshape(5, 3, 4).sum(axis=1) == pytest.approx(np.ones((5, 4)))
    J = f.pull(Y, np.broadcast_to(np.eye(12), (5, 12, 12)))
    h = 1e-6
    near = np.stack([(f(Y + h * e) - f(Y - h * e)) / (2 * h) for e in np.eye(12)], axis=-1)
    assert pytest.approx(near, abs=1e-8) == J


@pytest.mark.parametrize("kind", [*ELEMENTWISE, *ACROSS])
def test_large_outputs_raise_and_warn_of_nothing(kind):
    Y = np.array([[1e3, -1e3, 0.0], [-1e300, 1e300, 1e-300]])
    f = OutputActivation(kind)
    assert not np.isnan(f(Y)).any()
    assert not np.isnan(f.pull(Y, np.broadcast_to(np.eye(3), (2, 3, 3)))).any()


def test_an_unknown_kind_or_parameter_is_refused():
    with pytest.raises(ValueError, match="'gelu' is no output activation"):
        OutputActivation("gelu")
    with pytest.raises(ValueError, match="not positive"):
        OutputActivation("elu", parameter=-1.0)


def test_a_network_names_what_was_left_out_and_can_apply_it():
    sklearn = pytest.importorskip("sklearn.neural_network")
    X = rng.normal(size=(60, 3))
    y = X.argmax(axis=1)
    mlp = sklearn.MLPClassifier((8,), solver="lbfgs", max_iter=50, random_state=0).fit(X, y)
    with pytest.warns(hw.DataWarning, match="softmax"):
        net = hw.model.read(mlp)
    assert [one.kind for one in net.output_activations] == ["softmax"]
    assert "3 outputs before softmax" in repr(net)
    assert net.model_outputs(X) == pytest.approx(mlp.predict_proba(X))
    h = 1e-6
    near = [(mlp.predict_proba(X + h * e) - mlp.predict_proba(X - h * e)) / (2 * h)
            for e in np.eye(3)]  # fmt: skip
    assert net.model_jacobians(X) == pytest.approx(np.stack(near, axis=2), abs=1e-6)
    point = hw.dissect(net, X[0])
    assert point.model_output == pytest.approx(mlp.predict_proba(X[:1])[0])
    assert point.model_jacobian == pytest.approx(net.model_jacobians(X[:1])[0])
    assert pytest.approx(point.model_jacobian) != point.A
    assert not net.upto(0).output_activations
