"""
Eight regressors on few rows, and how wrong each can be
=======================================================

Thirty scattered rows of a known function, predicted by each regressor on a fine grid. The black
line is the convex hull of the rows: outside it Delaunay takes the value at the nearest point of
the hull, and the others the value of rows that end before it.

The lower half is the error bound for the true constants of the function. Delaunay's is the
smallest where it can be: inside the hull no other average of rows that reproduces linear functions
has a smaller one. Outside, the shift takes over for all of them.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial import ConvexHull

import hullwise as hw

rng = np.random.default_rng(4)
X = rng.uniform(-1, 1, (30, 2))


def function(x):
    return np.sin(2 * x[:, 0]) + np.cos(2 * x[:, 1])


axis = np.linspace(-1.3, 1.3, 61)
grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
outline = X[np.append(ConvexHull(X).vertices, ConvexHull(X).vertices[0])]

kinds = {
    "Delaunay": hw.DelaunayRegressor(),
    "Voronoi": hw.VoronoiRegressor(),
    "box splines": hw.BoxSplineRegressor(),
    "max boxes": hw.MaxBoxRegressor(),
    "Shepard": hw.ShepardRegressor(),
    "linear Shepard": hw.LinearShepardRegressor(),
    "inverse distance": hw.InverseDistanceRegressor(),
    "3 nearest": hw.NearestRegressor(n_neighbors=3),
}

figure, panels = plt.subplots(4, 4, figsize=(10, 10.4), sharex=True, sharey=True)
for number, (name, regressor) in enumerate(kinds.items()):
    regressor.fit(X, function(X))
    # |gradient| is at most 2 sqrt(2), and the gradient changes by at most 4 per unit
    bound = regressor.bound(grid, smoothness=4.0, lipschitz=2 * np.sqrt(2))
    error = np.abs(regressor.predict(grid) - function(grid))
    assert (error <= bound.total).all()
    shown = ((regressor.predict(grid), "viridis", -2, 2), (bound.total, "magma_r", 0, 6))
    for half, (values, colours, low, high) in enumerate(shown):
        panel = panels[2 * half + number // 4, number % 4]
        extent = (axis[0], axis[-1], axis[0], axis[-1])
        panel.imshow(
            values.reshape(61, 61),
            origin="lower",
            extent=extent,
            cmap=colours,
            vmin=low,
            vmax=high,
        )
        panel.plot(*outline.T, color="black", linewidth=1)
        panel.plot(*X.T, "o", color="white", markeredgecolor="black", markersize=3)
        panel.set(xticks=[], yticks=[])
        panel.set_title(name, fontsize=9)
panels[0, 0].set_ylabel("prediction")
panels[2, 0].set_ylabel("bound of the error")
figure.tight_layout()
plt.show()
