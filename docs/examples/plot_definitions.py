"""
The hull, the box, the ellipsoid and the neighbours
===================================================

"Within the data" has several meanings in use. Here are four of them, on the same rows.
"""

# %%
# Two features, so that all can be drawn: temperature and humidity at the fires of spring.

import matplotlib.pyplot as plt
import numpy as np

import hullwise as hw
from hullwise.samples import load

fires = load("forest_fires")
at = {name: fires.X[:, j] for j, name in enumerate(fires.columns)}
month = np.round(6 / np.pi * np.arctan2(at["month_y"], at["month_x"])).astype(int) % 12 + 1
X = np.column_stack([at["temp"], at["RH"]])[np.isin(month, (2, 3, 4))]

x, y = np.meshgrid(np.linspace(-5, 35, 160), np.linspace(0, 120, 120))
grid = np.column_stack([x.ravel(), y.ravel()])

# %%
# Each locator is a scikit-learn transformer whose ``score_samples`` is larger where a row is more
# usual. Its limit is drawn: the hull, the box and the ellipsoid where they end, the neighbours
# where 95 % of the training rows are as near to their 5 nearest others. (The hull is drawn a
# twentieth of a standard deviation too large: on a grid that is smoother than its very edge.)

locators = {
    "convex hull": (hw.HullLocator(metric="std"), 0.05),
    "box": (hw.BoxLocator(), 1e-9),
    "smallest ellipsoid": (hw.EllipsoidLocator(), 1.0),
    "5 nearest neighbours": (hw.NeighbourLocator(metric="std"), None),
}
fig, panels = plt.subplots(2, 2, figsize=(8, 6), sharex=True, sharey=True, layout="constrained")
for axes, (title, (locator, limit)) in zip(panels.flat, locators.items(), strict=True):
    locator.fit(X)
    if limit is None:
        limit = np.quantile(locator.reference_gaps_, 0.95)
    distance = -locator.score_samples(grid).reshape(x.shape)
    axes.contourf(x, y, distance, levels=[-1, limit], colors=["#0072B2"], alpha=0.2)
    axes.contour(x, y, distance, levels=[limit], colors=["#0072B2"], linewidths=1.5)
    axes.scatter(*X.T, s=6, color="#444444")
    axes.set_title(title)
for axes in panels[1]:
    axes.set_xlabel("temperature, °C")
for axes in panels[:, 0]:
    axes.set_ylabel("relative humidity, %")
plt.show()

# %%
# The box holds corners where no fire ever was: hot and damp. The ellipsoid must bulge where the
# data do not, since it holds every row. The hull fits tighter, but it too covers gaps between rows;
# only the neighbours see those. And in two features only does the hull look this roomy. In all
# twelve, with a random fifth held out:

rng = np.random.default_rng(0)
left_out = np.zeros(len(fires.X), dtype=bool)
left_out[rng.choice(len(left_out), len(left_out) // 5, replace=False)] = True
loc = hw.locate(fires.X[~left_out], fires.X[left_out], metric="std")
counts = {
    "every feature within its range": (loc.in_range_share == 1).sum(),
    "inside the smallest ellipsoid": loc.in_ellipsoid.sum(),
    "as near to 5 training rows as 95 % of those": (loc.neighbour_percentile <= 95).sum(),
    "core or edge": np.isin(loc.band, ("core", "edge")).sum(),
    "inside the convex hull": (loc.verdict == hw.Verdict.INSIDE).sum(),
}
for title, count in counts.items():
    print(f"{title:45} {count:4} of {len(loc)}")

# %%
# Two held-out rows in a hundred are inside the hull, though all were drawn like the training rows.
# That is why people act on the band and not on the verdict.
