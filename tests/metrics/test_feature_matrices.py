"""Metrics of a task: against formulas, against differences, and that they tell what matters."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hullwise as hw
from networks import every_layer, mlp

rng = np.random.default_rng(0)


def by_hand(net, X):
    A = hw.dissect(net, X).A
    return np.einsum("mki,mkj->ij", A, A) / len(X)


@pytest.mark.parametrize("net", [mlp((4, 9, 9, 3)), mlp((20, 5, 6, 2)), every_layer()], ids=repr)
def test_agop_of_a_network_is_the_mean_of_its_affine_pieces(net):
    X = rng.normal(size=(60, net.n_inputs))
    want = by_hand(net, X)
    found = hw.metrics.agop(net, X, ridge=0)
    np.testing.assert_allclose(found, want, atol=1e-12 * np.abs(want).max())
    assert np.linalg.eigvalsh(found)[0] >= -1e-12 * np.abs(want).max()
    np.testing.assert_array_equal(found, found.T)


def test_blocks_do_not_change_it(monkeypatch):
    net = mlp((4, 9, 9, 3))
    X = rng.normal(size=(60, 4))
    want = hw.metrics.agop(net, X)
    monkeypatch.setattr("hullwise.model.network.PUSH_BLOCK_NUMBERS", 30)
    monkeypatch.setattr("hullwise.metrics._jacobians.JACOBIAN_BLOCK_ENTRIES", 30)
    np.testing.assert_allclose(hw.metrics.agop(net, X), want, rtol=1e-12)
    function = hw.metrics.agop(lambda x: net(x), X)
    np.testing.assert_allclose(function, want, rtol=0.05, atol=0.02 * np.abs(want).max())


def test_differences_are_those_of_the_formula():
    X = rng.normal(size=(40, 3))
    M = hw.metrics.agop(lambda x: np.c_[np.sin(x[:, 0]) * x[:, 1], x[:, 2] ** 2], X, ridge=0)
    g = np.c_[np.cos(X[:, 0]) * X[:, 1], np.sin(X[:, 0]), 0 * X[:, 0]]
    want = g.T @ g / 40
    want[2, 2] += (4 * X[:, 2] ** 2).mean()
    np.testing.assert_allclose(M, want, atol=1e-6)


def test_ridge_is_of_the_mean_eigenvalue():
    X = rng.normal(size=(10, 2))
    M = hw.metrics.agop(lambda x: 2 * x[:, 0], X, ridge=0.5)
    s = X.std(axis=0)
    np.testing.assert_allclose(M * np.outer(s, s), [[5 * s[0] ** 2, 0], [0, s[0] ** 2]], atol=1e-8)


def target(X):
    return 3 * X[:, 0] + np.sin(3 * X[:, 1])


MODELS = {
    "linear": LinearRegression(),
    "mlp": MLPRegressor(hidden_layer_sizes=(32,), solver="lbfgs", max_iter=2000, random_state=0),
    "kernel ridge": KernelRidge(kernel="rbf", alpha=0.01, gamma=0.2),
    "forest": RandomForestRegressor(50, min_samples_leaf=3, random_state=0),
    "pipeline": make_pipeline(StandardScaler(), KernelRidge(kernel="rbf", alpha=0.01, gamma=0.2)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore:lbfgs failed")
def test_estimators_say_which_features_matter(name):
    X = np.random.default_rng(1).uniform(-1, 1, (400, 5))
    model = MODELS[name].fit(X, target(X))
    weight = np.diag(hw.metrics.agop(model, X))
    assert weight[:2].min() > (3 if name != "linear" else 0) * weight[2:].max() or name == "linear"
    if name == "linear":
        np.testing.assert_allclose(
            hw.metrics.agop(model, X, ridge=0), np.outer(model.coef_, model.coef_), atol=1e-12
        )


def test_classifiers():
    X = rng.normal(size=(200, 3))
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    linear = LogisticRegression().fit(X, y)
    found = hw.metrics.agop(linear, X, ridge=0)
    np.testing.assert_allclose(found, linear.coef_.T @ linear.coef_)
    forest = np.diag(hw.metrics.agop(_forest().fit(X, y), X))
    assert forest[:2].min() > 3 * forest[2]


def _forest():
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(40, random_state=0)


def test_torch_modules_exactly_and_by_torch():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    relu = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)).eval()
    tanh = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)).eval()
    X = rng.normal(size=(30, 3))
    for module in (relu, tanh):
        found = hw.metrics.agop(module, X, ridge=0)
        J = torch.func.vmap(torch.func.jacrev(module.double()))(torch.tensor(X)).detach().numpy()
        np.testing.assert_allclose(found, np.einsum("mki,mkj->ij", J, J) / 30, rtol=1e-10)


def test_local_metrics():
    net = mlp((4, 9, 9, 3))
    X = rng.normal(size=(50, 4))
    A = hw.dissect(net, X).A
    many = hw.metrics.local_metric(net, X, ridge=0)
    np.testing.assert_allclose(many, np.einsum("mki,mkj->mij", A, A), atol=1e-12)
    np.testing.assert_allclose(hw.metrics.local_metric(net, X[3], ridge=0), many[3], atol=1e-12)
    one = hw.metrics.local_agop(net, X[3], X, n_neighbors=1, ridge=0)
    np.testing.assert_allclose(one, many[3], atol=1e-12)
    whole = hw.metrics.local_agop(net, X[3], X, n_neighbors=10**6, ridge=0)
    np.testing.assert_allclose(whole, hw.metrics.agop(net, X, ridge=0), atol=1e-12)


def test_feature_matrices():
    net = mlp((4, 9, 7, 3))
    W = [node.op.W for node in net.nodes[1::2]]
    np.testing.assert_allclose(hw.metrics.nfm(net), W[0].T @ W[0])
    np.testing.assert_allclose(hw.metrics.nfm(net, "linear1"), W[1].T @ W[1])
    X = rng.normal(size=(300, 4))
    trained, initial = hw.metrics.feature_agreement(net, X, 0, initial=mlp((4, 9, 7, 3), seed=8))
    want = np.corrcoef(by_hand(net, X).ravel(), (W[0].T @ W[0]).ravel())[0, 1]
    assert trained == pytest.approx(want)
    assert -1 <= initial <= 1
    assert np.isnan(hw.metrics.feature_agreement(net, X)[1])


def friedman(X):
    bent = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    return bent + 10 * X[:, 3] + 5 * X[:, 4]


def test_distance_in_what_matters_tells_harmful_from_harmless():
    """friedman1 with five features of noise: half the queries leave the data in those alone."""
    rng = np.random.default_rng(3)
    X, Q = rng.uniform(size=(500, 10)), rng.uniform(size=(160, 10))
    Q[:80, :5] = rng.uniform(-0.5, 1.5, (80, 5))
    Q[80:, 5:] = rng.uniform(-0.5, 1.5, (80, 5))
    harmful = np.arange(160) < 80
    y = friedman(X)
    model = MLPRegressor(hidden_layer_sizes=(64, 64), max_iter=100, batch_size=32, random_state=0)
    with pytest.warns():
        model.fit(X, (y - y.mean()) / y.std())
    plain = hw.locate(X, Q, metric=None, reference=0).upper
    task = hw.locate(X, Q, metric=hw.metrics.agop(model, X), reference=0).upper
    assert 0.4 < roc_auc_score(harmful, plain) < 0.6
    assert roc_auc_score(harmful, task) > 0.88


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda X: hw.metrics.agop(lambda x: 0 * x[:, 0], X), "does not change"),
        (lambda X: hw.metrics.agop(lambda x: x[0], X), "one finite row"),
        (lambda X: hw.metrics.agop(lambda x: np.log(x[:, 0] - 9), X), "one finite row"),
        (lambda X: hw.metrics.agop(object(), X), "cannot be differentiated"),
        (lambda X: hw.metrics.agop(lambda x: x[:, 0], X, ridge=-1), "ridge"),
        (lambda X: hw.metrics.agop(lambda x: x[:, 0], X, step=0), "step"),
        (lambda X: hw.metrics.agop(lambda x: x[:, 0], [[np.nan]]), "NaN"),
        (lambda X: hw.metrics.agop(mlp((4, 3, 1)), X), "3 columns|takes 4"),
        (lambda X: hw.metrics.nfm(mlp((3, 4, 1)), 5), "2 linear layers"),
        (lambda X: hw.metrics.nfm(mlp((3, 4, 1)), "x"), "no linear layer 'x'"),
        (
            lambda X: hw.metrics.local_agop(mlp((3, 4, 1)), X[0], X, n_neighbors=0),
            "n_neighbors is 0",
        ),
        (lambda X: hw.metrics.local_agop(mlp((3, 4, 1)), [1.0], X), "1 entries"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_bad_input(call, says):
    with pytest.raises(hw.HullwiseError, match=says):
        call(rng.normal(size=(20, 3)))


def test_what_a_model_applies_behind_its_last_layer_counts_in():
    pytest.importorskip("sklearn", minversion="1.7")  # the first with this loss
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    X = np.random.default_rng(0).normal(size=(120, 3))
    counts = MLPRegressor(loss="poisson", hidden_layer_sizes=8, solver="lbfgs", random_state=0)
    counts.fit(X, np.exp(X[:, 0]))
    h = 1e-6
    steps = h * np.eye(3)
    G = np.stack([(counts.predict(X + s) - counts.predict(X - s)) / (2 * h) for s in steps], axis=1)
    np.testing.assert_allclose(hw.metrics.agop(counts, X, ridge=0), G.T @ G / len(X), rtol=1e-5)
    classes = MLPClassifier(8, solver="lbfgs", random_state=0).fit(X, X[:, 0] > 0)
    with pytest.warns(hw.DataWarning, match="sigmoid"):
        of_decisions = hw.metrics.agop(classes, X, ridge=0)
    net = hw.model.from_arrays([W.T for W in classes.coefs_], classes.intercepts_)
    np.testing.assert_allclose(of_decisions, hw.metrics.agop(net, X, ridge=0), rtol=1e-10)
