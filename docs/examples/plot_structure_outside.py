"""
The right structure goes on outside the data, and only the right one
====================================================================

A parabola and a staircase, seen at 60 places between -1 and 1 with a little noise. Two models have
a structure: one may use x² and nothing else, one is a staircase whose steps are fitted. Two have
none: a tree and a network. Asked from -3 to 3, a structured model is right to the end where its
structure is that of the function, and more wrong than the others where it is not.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

import hullwise as hw


class Staircase(RegressorMixin, BaseEstimator):
    """a + h floor(x / width - shift): width and shift from a grid, the rest least squares."""

    def steps(self, X):
        return np.floor(X / self.width_ - self.shift_)

    def fit(self, X, y):
        agreement = {}
        for pair in itertools.product(np.linspace(0.1, 1, 91), np.linspace(0, 1, 40, False)):
            self.width_, self.shift_ = pair
            agreement[pair] = abs(np.corrcoef(self.steps(X)[:, 0], y)[0, 1])
        self.width_, self.shift_ = max(agreement, key=agreement.get)
        self.line_ = LinearRegression().fit(self.steps(X), y)
        return self

    def predict(self, X):
        return self.line_.predict(self.steps(X))


functions = {"y = x²": lambda x: x[:, 0] ** 2, "staircase": lambda x: np.floor(3 * x[:, 0]) / 3}
models = {
    "x² as input": make_pipeline(FunctionTransformer(np.square), LinearRegression()),
    "fitted staircase": Staircase(),
    "tree": DecisionTreeRegressor(max_leaf_nodes=8, random_state=0),
    "network": MLPRegressor(
        hidden_layer_sizes=(64, 64), solver="lbfgs", max_iter=3000, random_state=0
    ),
}
rng = np.random.default_rng(0)
X, noise = rng.uniform(-1, 1, (60, 1)), 0.02 * rng.normal(size=60)
line = np.linspace(-3, 3, 601)[:, None]
outside = hw.locate(X, line, membership_only=True).verdict == hw.Verdict.OUTSIDE

# %%
# Mean absolute error within the hull of the rows and outside it.

figure, panels = plt.subplots(2, 4, figsize=(10, 4.6), sharex=True, layout="constrained")
print(f"{'':30}within  outside")
for row, (name, function) in zip(panels, functions.items(), strict=True):
    for panel, (title, model) in zip(row, models.items(), strict=True):
        answer = model.fit(X, function(X) + noise).predict(line)
        error = np.abs(answer - function(line))
        print(f"{name:12}{title:18}{error[~outside].mean():6.3f}{error[outside].mean():9.3f}")
        panel.axvspan(X.min(), X.max(), color="0.9", lw=0)
        panel.plot(line, function(line), color="black", lw=1, ls="--")
        panel.plot(line, answer, color="#D55E00", lw=1.8)
        panel.set(ylim=(-1.5, 9) if name == "y = x²" else (-3.5, 3.2), xticks=[-3, -1, 1, 3])
        panel.set_title(f"{title}\noff by {error[outside].mean():.2g} outside", fontsize=9)
    row[0].set_ylabel(name)
plt.show()

# %%
# Grey: where the rows are. Dashed: the function. A tree makes steps too, and finds those within the
# data, but its structure does not say that they go on. Which structure is right the rows can hint
# at, by the error within; that it holds beyond them is an assumption, and it is best called one.
