"""
Band against error: one case where it helps, one where it does not
==================================================================

A band says how far a row is from the data. It does not say how wrong a model is there. Do the two
go together? It depends on whether the features that a row leaves are those that the target needs.
Here is a case of each, computed on the bundled tables.
"""

# %%
# Where it helps: moisture from the weather
# -----------------------------------------
#
# The fine fuel moisture code ``FFMC`` is worked out from temperature, humidity, wind and rain. A
# random forest learns it from these four. Five folds; each row is located against the rows that its
# model was trained on.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import KFold

import hullwise as hw
from hullwise.samples import load

BANDS = ("core", "edge", "beyond", "far")


def errors_and_bands(X, y, folds):
    """Absolute error and band of every row that some fold holds out."""
    error, band = np.full(len(y), np.nan), np.full(len(y), "", dtype=object)
    for train, test in folds:
        forest = RandomForestRegressor(30, max_features=0.4, random_state=0)
        error[test] = np.abs(forest.fit(X[train], y[train]).predict(X[test]) - y[test])
        band[test] = hw.locate(X[train], X[test], metric="std").band
    return error, band


def table(error, band):
    for name in BANDS:
        here = error[band == name]
        if len(here):
            mean, median = here.mean(), np.median(here)
            print(f"{name:7} {len(here):5} rows   mean {mean:5.2f}   median {median:5.2f}")


fires = load("forest_fires")
at = {name: fires.X[:, j] for j, name in enumerate(fires.columns)}
weather = np.column_stack([at[name] for name in ("temp", "RH", "wind", "rain")])
fire_error, fire_band = errors_and_bands(
    weather, at["FFMC"], KFold(5, shuffle=True, random_state=0).split(weather)
)
table(fire_error, fire_band)

# %%
# The error grows from band to band, and most of all beyond. A person who looks twice at those few
# rows looks at the right ones. (The single far row happens to be predicted well: a band is about
# many rows.)
#
# Where it does not: new patients
# -------------------------------
#
# Parkinson's telemonitoring: voice recordings of 42 patients, the target is a clinical score. We
# hold out all recordings of eight patients, and then as many at random.

parkinsons = load("parkinsons")
rng = np.random.default_rng(0)
new = np.isin(parkinsons.groups, rng.permutation(np.unique(parkinsons.groups))[:8])
drawn = np.zeros(len(new), dtype=bool)
drawn[rng.choice(len(new), int(new.sum()), replace=False)] = True

results = {}
for title, tested in (("new patients", new), ("drawn at random", drawn)):
    folds = [(np.flatnonzero(~tested), np.flatnonzero(tested))]
    error, band = errors_and_bands(parkinsons.X, parkinsons.y, folds)
    results[title] = error[tested], band[tested]
    print(f"{title}: mean error {error[tested].mean():.2f}")
    table(*results[title])

# %%
# Two things are true at once.
#
# - **As a group** the new patients are seen to be different. Many times more of their rows are
#   beyond or far than of the rows drawn at random, and their error is more than twice as large.
# - **Row by row** the band says nothing about the error: it is no larger beyond than in core.
#   What makes a patient's score different is not in the features. The forest has learnt to
#   recognise patients (their age alone nearly names them), and for a new patient it recognises
#   the wrong one, however near the recording is.
#
# So: more rows beyond or far than usual is a warning about the batch. Whether a row that is farther
# out is also more wrong has to be looked at for each task, with held-out rows, as here.

fig, both = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
panels = {"fires: FFMC from the weather": (fire_error, fire_band)}
panels["Parkinson's: new patients"] = results["new patients"]
for axes, (title, (error, band)) in zip(both, panels.items(), strict=True):
    shown = [name for name in BANDS[:3] if (band == name).any()]
    axes.boxplot(
        [error[band == name] for name in shown],
        showfliers=False,
        medianprops={"color": "#D55E00"},
        tick_labels=shown,
    )
    axes.set(title=title, ylabel="absolute error", ylim=(0, None))
plt.show()
