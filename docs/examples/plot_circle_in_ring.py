"""
A disc in a ring, with and without squared inputs
=================================================

Two classes, a disc and a ring around it. In the plane the hull of the ring holds the whole disc,
and the empty gap between the two as well: whatever is asked there is "inside the data". With one
more input, the square of the radius, the hulls of the classes come apart, a linear classifier is
enough, and the gap is outside.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hullwise as hw

BANDS = ("core", "edge", "beyond", "far")
rng = np.random.default_rng(0)


def drawn(inner, outer, count):
    radius = np.sqrt(rng.uniform(inner**2, outer**2, count))
    angle = rng.uniform(0, 2 * np.pi, count)
    return radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])


def squared(x):
    return np.column_stack([x, (x**2).sum(axis=1)])


def plain(x):
    return x


train = np.vstack([drawn(0, 1, 200), drawn(2, 3, 200)])
label = np.repeat([0, 1], 200)
tests = {"disc": drawn(0, 1, 200), "gap": drawn(1.2, 1.8, 200), "ring": drawn(2, 3, 200)}
tests["around"] = drawn(3.2, 4, 200)
forms = {"x, y": plain, "x, y, x² + y²": squared}

# %%
# Which rows of the disc are in the hull of the ring, and how well a linear classifier and a small
# network do on new rows of both. Then where new rows are: the share inside the hull of all rows
# seen, and the share in the bands *beyond* and *far*, that is farther out than 95 % of the rows
# seen are when they are left out.

X = np.vstack([tests["disc"], tests["ring"]])
for name, form in forms.items():
    ring_in_disc = hw.locate(form(train[label == 1]), form(train[label == 0]), membership_only=True)
    share = np.mean(ring_in_disc.verdict == hw.Verdict.INSIDE)
    print(f"{name}: {share:.0%} of the disc in the hull of the ring")
    network = MLPClassifier((8,), solver="lbfgs", max_iter=2000, random_state=0)
    for title, model in (("linear", LogisticRegression()), ("network", network)):
        score = make_pipeline(StandardScaler(), model).fit(form(train), label)
        print(f"   {title:8} right: {score.score(form(X), label):.1%}")
    for where, Q in tests.items():
        loc = hw.locate(form(train), form(Q), metric="std")
        inside, out = np.mean(loc.verdict == hw.Verdict.INSIDE), np.isin(loc.band, BANDS[2:]).mean()
        print(f"   {where:8} inside {inside:6.1%}   beyond or far {out:6.1%}")

# %%
# In the plane the gap counts as core of the data. With squares it is out.
#
# Why, then, is no new row *inside* with squares, not even of the disc? The rows lie on a bowl, and
# a bowl is curved everywhere: no point of it is an average of others. The verdict is of no use
# here, but the distance is: how deep a point of the bowl is below the hull says how large a hole in
# the data it sits in. (This is the lifting that Delaunay triangulations are computed with.) So the
# bands see the gap.

axis = np.linspace(-4, 4, 81)
grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
colours = ListedColormap(["#0072B2", "#7FB8D8", "#F0B070", "#C04000"])
fig, panels = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
for panel, (name, form) in zip(panels, forms.items(), strict=True):
    band = hw.locate(form(train), form(grid), metric="std").band
    code = np.array([BANDS.index(b) for b in band]).reshape(81, 81)
    extent = (-4, 4, -4, 4)
    shown = panel.imshow(code, origin="lower", extent=extent, cmap=colours, vmin=-0.5, vmax=3.5)
    panel.scatter(*train.T, s=3, c=np.where(label, "black", "white"))
    panel.set(title=name, xticks=[], yticks=[])
bar = fig.colorbar(shown, ax=panels, ticks=range(4), shrink=0.7)
bar.ax.set_yticklabels(BANDS)
plt.show()
