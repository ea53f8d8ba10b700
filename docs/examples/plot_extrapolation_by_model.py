"""
What each model says beyond the data
====================================

A parabola and a staircase, each seen at 60 places between -1 and 1 with a little noise, and nine
models asked from -3 to 3. Within the data all of them are right. Beyond it each goes on in the way
its form makes it, and nothing in its answer says that the data has ended. The shading says it: the
bands of `locate`.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

import hullwise as hw

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (60, 1))
noise = 0.02 * rng.normal(size=60)
line = np.linspace(-3, 3, 1201)[:, None]
functions = {
    "parabola": lambda x: x[:, 0] ** 2,
    "staircase": lambda x: np.floor(3 * x[:, 0]) / 3,
}


def network(activation):
    return MLPRegressor(
        hidden_layer_sizes=(64, 64),
        activation=activation,
        solver="lbfgs",
        max_iter=5000,
        random_state=0,
    )


models = {
    "RFM": hw.RFMRegressor(),
    "kernel ridge": KernelRidge(kernel="rbf", gamma=5, alpha=0.01),
    "gradient boosting": HistGradientBoostingRegressor(min_samples_leaf=3, random_state=0),
    "network, ReLU": network("relu"),
    "network, tanh": network("tanh"),
    "polynomial": make_pipeline(PolynomialFeatures(2), LinearRegression()),
    "5 nearest": hw.NearestRegressor(n_neighbors=5),
    "Delaunay": hw.DelaunayRegressor(),
    "Shepard": hw.ShepardRegressor(),
}

# %%
# Mean absolute error within the hull of the rows, up to 1 beyond it, and from there to 2.

loc = hw.locate(X, line)
shades = {"core": "#0072B2", "edge": "#56B4E9", "beyond": "#E69F00", "far": "#D55E00"}
out = np.digitize(loc.upper, [1e-9, 1.0])
for name, function in functions.items():
    figure, panels = plt.subplots(
        3, 3, figsize=(9, 6), sharex=True, sharey=True, layout="constrained"
    )
    print(f"{name:20} within  to 1  to 2")
    for panel, (title, model) in zip(panels.flat, models.items(), strict=True):
        predicted = model.fit(X, function(X) + noise).predict(line)
        error = [np.abs(predicted - function(line))[out == part].mean() for part in range(3)]
        print(f"  {title:18} {error[0]:6.2f} {error[1]:5.2f} {error[2]:5.2f}")
        for band, colour in shades.items():
            panel.fill_between(line[:, 0], -5, 9, loc.band == band, color=colour, alpha=0.15, lw=0)
        panel.plot(line[:, 0], function(line), color="0.5", linestyle="--", linewidth=1)
        panel.plot(X[:, 0], function(X) + noise, ".", color="black", markersize=3)
        panel.plot(line[:, 0], predicted, color="#D55E00")
        panel.set_title(title, fontsize=9)
        panel.set(xlim=(-3, 3), ylim=(-1.5, 4) if name == "parabola" else (-2.5, 2.5))
plt.show()

# %%
# Trees and averages of rows keep the last value they saw, a kernel of its own width falls back to
# the mean, networks go on along their last slope, and each of them is at home with some functions
# and not with others. The tanh network and the polynomial have smoothed the steps away, which is
# wrong within the data and nearly right beyond. Only what is known of the function from elsewhere,
# here that it is a square, can tell which of the nine to trust; the data cannot.
#
# With one feature there is next to nothing between core and far: of 60 rows left out in turn only
# the two at the ends are outside the others, and just so. In many features most rows are, and the
# bands in between are wide.
