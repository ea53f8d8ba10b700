"""
Where do the fires of other months stand?
=========================================

A model has seen the forest fires of spring. Now it is asked about the fires of summer. Are these
inside the data, how far out, and in which features?
"""

# %%
# The bundled table holds 504 fires in the north of Portugal with their place, four indices of the
# Canadian fire weather system, and the weather. The month is a point on the unit circle; spring is
# February to April.

import matplotlib.pyplot as plt
import numpy as np

import hullwise as hw
from hullwise.samples import load

fires = load("forest_fires")
at = {name: fires.X[:, j] for j, name in enumerate(fires.columns)}
month = np.round(6 / np.pi * np.arctan2(at["month_y"], at["month_x"])).astype(int) % 12 + 1
features = ("DMC", "DC", "ISI", "temp", "RH", "wind")
X = np.column_stack([at[name] for name in features])

spring, summer = np.isin(month, (2, 3, 4)), np.isin(month, (6, 7, 8))
training = hw.Cloud(X[spring], columns=features)
print(training)

# %%
# Units are mixed, so each feature is measured in its standard deviation over the spring fires.

loc = hw.locate(training, X[summer], metric="std")
print(loc)

# %%
# Nearly all of them are far: farther out than every spring fire that was left out in turn. Which
# features push them out? ``pushed_out_by`` lists, for each fire, what leaves the hull and by how
# much. We count the first of each list.

first = [pushed[0][0] for pushed in loc.pushed_out_by(1) if pushed]
for name in sorted(set(first), key=first.count, reverse=True):
    print(f"{name:5} leads in {first.count(name)} of {len(loc)} fires")

# %%
# The duff moisture code ``DMC`` builds up over weeks of dry weather. In spring it has not had the
# time. The same in a picture: distances of the summer fires against those of the spring fires
# themselves.

fig, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
bins = np.linspace(0, loc.upper.max(), 40)
axes.hist(loc.reference, bins, color="#0072B2", label="spring fires, each left out in turn")
axes.hist(loc.upper, bins, color="#D55E00", alpha=0.8, label="summer fires")
axes.set(xlabel="distance to the hull of the spring fires, in standard deviations", ylabel="fires")
axes.legend(frameon=False)
plt.show()

# %%
# For one fire, the smallest change that would bring it inside:

i = int(np.argsort(loc.upper)[len(loc) // 2])
for name, now, change in zip(features, loc.queries[i], loc.residual[i], strict=True):
    print(f"{name:5} {now:7.1f}  to {now + change:7.1f}")

# %%
# Every one of these answers has a proof, and the proofs hold:

print(loc.verify(training, exact=True).sum(), "of", len(loc), "verified in exact arithmetic")
