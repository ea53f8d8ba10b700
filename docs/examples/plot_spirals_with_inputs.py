"""
Two spirals, with and without richer inputs
===========================================

Two arms, one and a half turns each, and a network of two layers of eight units. On x and y alone it
is affine on polygons, which are drawn as they are. With squares or sines as further inputs the same
network is affine in those inputs, not in the plane: its regions are polytopes in more dimensions,
and what the plane shows of them has curved sides. hullwise cuts no curved cells
(`hw.model.CurvedInputs` cuts chords instead), so these are drawn from values on a grid, and nothing
about them is called exact.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neural_network import MLPClassifier

import hullwise as hw

warnings.simplefilter("ignore", hw.DataWarning)  # the sigmoid at the end is left out: same regions
TURN = 3 * np.pi


def drawn(count, random_state):
    rng = np.random.default_rng(random_state)
    angle, arm = TURN * np.sqrt(rng.uniform(1 / 16, 1, count)), np.arange(count) % 2
    turned = np.column_stack([np.cos(angle + np.pi * arm), np.sin(angle + np.pi * arm)])
    return 3 * angle[:, None] / TURN * turned + 0.08 * rng.normal(size=(count, 2)), arm


inputs = {
    "x, y": lambda x: x,
    "x, y, x², y²": lambda x: np.column_stack([x, x**2]),
    "x, y, sin 2x, sin 2y": lambda x: np.column_stack([x, np.sin(2 * x)]),
}
X, arm = drawn(400, 0)
Q, arm_of_q = drawn(2000, 1)
axis = np.linspace(-3.5, 3.5, 281)
grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def preactivations(network, Z):
    """What enters each unit of the two hidden layers."""
    first = Z @ network.coefs_[0] + network.intercepts_[0]
    return np.hstack([first, np.maximum(first, 0) @ network.coefs_[1] + network.intercepts_[1]])


# %%
# The share of new rows that six starts get right, and the first of the six as a picture.

figure, panels = plt.subplots(1, 3, figsize=(11, 3.9), layout="constrained")
for panel, (name, form) in zip(panels, inputs.items(), strict=True):
    options = {"solver": "lbfgs", "alpha": 0.01, "max_iter": 600}
    six = [MLPClassifier((8, 8), **options, random_state=i).fit(form(X), arm) for i in range(6)]
    right = np.array([network.score(form(Q), arm_of_q) for network in six])
    print(f"{name:22} mean {right.mean():.1%}, lowest {right.min():.1%}")
    if form(X).shape[1] == 2:
        s = hw.model.read(six[0]).slice([0, 0], [[1, 0], [0, 1]], half_width=3.5)
        s.plot(ax=panel, color="class")
        title = f"{name}: {s.n_regions} regions, exact"
    else:
        for values in preactivations(six[0], form(grid)).T:
            panel.contour(axis, axis, values.reshape(281, 281), [0], colors="0.6", linewidths=0.7)
        chance = six[0].predict_proba(form(grid))[:, 1].reshape(281, 281)
        panel.contourf(axis, axis, chance, [0, 0.5, 1], colors=["#c5d5e4", "#f0dcbb"], zorder=0)
        panel.contour(axis, axis, chance, [0.5], colors="black", linewidths=1.4)
        title = f"{name}: sampled on a grid"
    for value, marker, colour in ((0, "o", "white"), (1, "^", "black")):
        panel.scatter(*X[arm == value].T, s=9, marker=marker, c=colour, edgecolors="black", lw=0.4)
    panel.set_title(title, fontsize=10)
    panel.set(xticks=[], yticks=[], aspect="equal")
plt.show()

# %%
# Squares bend the first walls into conics and the arms become easy; sines do as well. What is
# gained is an input that suits the task. What is given up is the exact picture: where a bent wall
# runs between the points of the grid, it does not know.
