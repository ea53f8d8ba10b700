"""
A bound for a random forest
===========================

A random forest for regression predicts a weighted average of training targets too: each tree gives
equal weights to the training rows in the query's leaf, and the forest averages the trees. So
:func:`hullwise.error_bound`, which takes any weights, bounds the error of a forest, and says what
the error is made of.
"""

# %%
# The weights
# -----------
#
# A smooth function of two features, known at 400 rows, and a forest that is trained on all of them
# (``bootstrap=False``: then the rows in a leaf weigh alike). The weights are built from the leaves,
# and they give the forest's own predictions.

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csr_array
from sklearn.ensemble import RandomForestRegressor

import hullwise as hw


def f(X):
    """Its Lipschitz constant is sqrt(9 + 1/4), that of its gradient is 9."""
    return np.sin(3 * X[:, 0]) + 0.5 * X[:, 1]


def leaf_weights(forest, X, Q):
    """The weights (m, n) that a forest trained on X gives the rows of X at queries Q."""
    leaves, query_leaves = forest.apply(X), forest.apply(Q)
    W = csr_array((len(Q), len(X)))
    for tree in range(leaves.shape[1]):
        same = csr_array(query_leaves[:, tree, None] == leaves[None, :, tree], dtype=float)
        W = W + same.multiply(1 / same.sum(axis=1)[:, None])
    return csr_array(W / leaves.shape[1])


rng = np.random.default_rng(0)
X = rng.random((400, 2))
forest = RandomForestRegressor(
    50, bootstrap=False, max_features=1, min_samples_leaf=2, random_state=0
).fit(X, f(X))

Q = np.column_stack([np.linspace(-0.5, 1.5, 201), np.full(201, 0.5)])
W = leaf_weights(forest, X, Q)
print("largest difference to forest.predict:", np.abs(W @ f(X) - forest.predict(Q)).max().round(12))

# %%
# The bound
# ---------
#
# The slope of the function is at most ``sqrt(9 + 1/4)``, and its gradient changes by at most 9 for
# each unit of length. The bound has two parts: the *shift*, for weighted rows that do not average
# to the query, and the *spread*, for rows that are not at the query.

bound = hw.error_bound(W, X, Q, smoothness=9.0, lipschitz=np.sqrt(9.25), metric=None)
error = np.abs(forest.predict(Q) - f(Q))
inside = (Q[:, 0] >= 0) & (Q[:, 0] <= 1)
print(bound)
print("every error is within its bound:", bool((error <= bound.total).all()))
for name, where in (("between the rows", inside), ("off the rows", ~inside)):
    print(
        f"{name}: error {error[where].mean():.3f}, bound {bound.total[where].mean():.3f}, "
        f"of which shift {bound.shift[where].mean():.3f}"
    )

# %%
# Between the rows the bound is several times the error, because it holds for every function with
# these two constants, the worst one too. Off the rows a forest goes on as a constant: the weighted
# rows stay where they are while the query moves away, so the shift grows with the distance, and the
# spread with its square. Nothing in the forest says so; the weights do.
#
# The constants are known here because the function is. Elsewhere they are assumed, or estimated
# from the data (:func:`hullwise.estimate_smoothness`), and an estimate is no guarantee.

fig, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
axes.fill_between(Q[:, 0], bound.shift, bound.total, color="#56B4E9", alpha=0.6, label="spread")
axes.fill_between(Q[:, 0], 0, bound.shift, color="#0072B2", alpha=0.6, label="shift")
axes.plot(Q[:, 0], error, color="#D55E00", label="error of the forest")
axes.axvline(0, color="0.5", lw=0.8)
axes.axvline(1, color="0.5", lw=0.8)
axes.set(xlabel="first feature (the rows lie between the lines)", ylabel="error, and its bound")
axes.set_ylim(0, 3.2)
axes.legend(loc="upper center")
plt.show()
