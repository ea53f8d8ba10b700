"""
16 useful inputs and 240 useless ones
=====================================

A target of 16 inputs out of 256, and 800 rows. Half of the new rows leave the range of the useful
inputs, which does harm; half leave that of 16 useless ones as far, which does none. Distance in
plain units cannot tell the two apart. Distance in the metric of the task can, as far as the model
that the metric is taken from has found out which inputs are useless.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score

import hullwise as hw

USEFUL, USELESS, ROWS, QUERIES = 16, 240, 800, 100
rng = np.random.default_rng(0)


def target(x):
    """Friedman's first function three times over, and one input more."""
    value = 5 * x[:, 15]
    for j in (0, 5, 10):
        value = value + 10 * np.sin(np.pi * x[:, j] * x[:, j + 1]) + 20 * (x[:, j + 2] - 0.5) ** 2
        value = value + 10 * x[:, j + 3] + 5 * x[:, j + 4]
    return value


X = rng.uniform(size=(ROWS, USEFUL + USELESS))
Q = rng.uniform(size=(2 * QUERIES, USEFUL + USELESS))
Q[:QUERIES, :USEFUL] = rng.uniform(-0.5, 1.5, (QUERIES, USEFUL))
Q[QUERIES:, USEFUL : 2 * USEFUL] = rng.uniform(-0.5, 1.5, (QUERIES, USEFUL))
harmful = np.arange(2 * QUERIES) < QUERIES

boosting = HistGradientBoostingRegressor(max_iter=60, max_bins=32, random_state=0).fit(X, target(X))
some = rng.choice(
    ROWS, 100, replace=False
)  # gradients of trees are differences: 100 rows are enough
metrics = {
    "plain (standard deviations)": "std",
    "metric of RFM": hw.RFMRegressor().fit(X, target(X)).metric_,
    "metric of boosted trees": hw.metrics.agop(boosting, X[:60]),
}

# %%
# The hull distance of the new rows in each metric, in units of its median over the harmless ones:
# how often a harmful row is farther out than a harmless one, and how much of the metric is on the
# useful inputs.

figure, panels = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True, layout="constrained")
for panel, (name, metric) in zip(panels, metrics.items(), strict=True):
    out = hw.locate(X, Q, metric=metric, reference=0).upper
    auroc = roc_auc_score(harmful, out)
    weight = np.ones(X.shape[1]) if isinstance(metric, str) else np.diag(metric) * X.var(axis=0)
    share = weight[:USEFUL].sum() / weight.sum()
    print(f"{name:28} AUROC {auroc:.2f}, {share:.0%} of the metric on useful inputs")
    out = out / np.median(out[~harmful])
    bins = np.linspace(out.min(), min(out.max(), 4), 26)
    panel.hist(out[~harmful], bins, color="#56B4E9", label="harmless: 16 useless inputs")
    panel.hist(
        out[harmful], bins, histtype="step", color="black", lw=1.6, label="harmful: useful ones"
    )
    panel.set_title(f"{name}\nAUROC {auroc:.2f}", fontsize=10)
    panel.set_xlabel("hull distance")
panels[0].set_ylabel("new rows")
panels[2].legend(frameon=False, fontsize=8)
plt.show()

# %%
# RFM's metric has most of its weight on the useful inputs, and that is not enough: what is left is
# spread over 240 inputs, in which no average of 800 rows comes near a new one, and that makes up
# nearly all of the distance. Trees choose inputs one by one and leave the others next to nothing.
# With several seeds and numbers of rows: ``hullwise study regimes --sets noise``.
