"""
Exclusive or: one line cannot, two units can
============================================

Of the corners of a square, two opposite ones are 1 and the others 0. An affine function
takes the same sum over either pair of opposite corners whatever its weights, so no single line gets
all four right. Two ReLU units do, by hand and exactly, and the regions say how: two parallel walls,
and an affine map on each of the three strips. A network of four units, so of four lines in the
plane, arrives at another answer when it is trained on noisy corners, if it arrives at one. Both
partitions are drawn as they are, none is sampled.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

import hullwise as hw

corners = np.array([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])
rng = np.random.default_rng(0)
X = np.tile(corners, (50, 1)) + 0.24 * rng.normal(size=(200, 2))
y = np.tile([0, 0, 1, 1], 50)

# relu(s + 2) - 2 relu(s), with s = x + y, is 0, 2, 0 at s = -2, 0, 2: above 1 it answers "1"
by_hand = hw.model.from_arrays([[[1, 1], [1, 1]], [[1, -2]]], [[2, 0], [-1]])


def fitted(start):
    options = {"solver": "lbfgs", "alpha": 0.01, "max_iter": 1000}
    return MLPClassifier((4,), **options, random_state=start).fit(X, y)


starts = [fitted(start) for start in range(12)]
solved = [m.score(X, y) > 0.99 for m in starts]
warnings.simplefilter("ignore", hw.DataWarning)  # the sigmoid at the end is left out: same regions
trained = hw.model.read(starts[np.argmax(solved)])

# %%
# A line and the networks: how many rows each gets right, how many affine pieces it has, and how
# far the corners are from where its answer changes.

print(f"{'a line':20} {LogisticRegression().fit(X, y).score(X, y):6.1%} of the rows")
print(f"{'four units, trained':20} solved from {sum(solved)} of {len(solved)} starts")
figure, panels = plt.subplots(1, 2, figsize=(9.5, 4.6), layout="constrained")
nets = {"two units, by hand": by_hand, "four units, trained": trained}
for panel, (name, net) in zip(panels, nets.items(), strict=True):
    s = net.slice([0, 0], [[1, 0], [0, 1]], half_width=2)
    right = np.mean((net(X).ravel() > 0) == y)
    distance = hw.dissect(net, corners).decision_distance
    print(f"{name:20} {right:6.1%}, {s.n_regions} regions, corners off by {distance.round(3)}")
    s.plot(ax=panel, color="class")
    for value, marker, colour in ((0, "o", "white"), (1, "^", "black")):
        rows = X[y == value]
        panel.scatter(*rows.T, s=16, marker=marker, c=colour, edgecolors="black", lw=0.6)
    panel.set_title(f"{name}: {s.n_regions} regions")
plt.show()

# %%
# The hand-made network leaves the same room at every corner, the square root of 1/2, and these
# distances are exact: they are found by walking from region to region, not by trying points. That
# two units are enough does not mean that training finds them: with twice as many, it ends with a
# corner on the wrong side from several starts.
