"""
A ball in a cube: where the volume is, and where new rows are
=============================================================

The ball that touches all sides of a cube fills 79 % of it in two dimensions, 0.25 % in ten: the
volume of a cube is in its corners. And a hull of a thousand rows soon holds hardly any new one,
though these come from the very same cube. The range of each feature goes on holding nearly all of
them, so it is no stand-in for the hull.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import gammaln

import hullwise as hw

ROWS, QUERIES, DRAWS = 1000, 200, 3
dimensions = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20]


def ball(d):
    """Share of the cube that its inscribed ball fills: pi^(d/2) / (2^d Gamma(d/2 + 1))."""
    return np.exp(d / 2 * np.log(np.pi) - d * np.log(2) - gammaln(d / 2 + 1))


def shares(d, random_state):
    """Of new rows from the cube: inside the hull of 1,000 others, in range, and in the ball."""
    rng = np.random.default_rng([random_state, d])
    X, Q = rng.uniform(-1, 1, (ROWS, d)), rng.uniform(-1, 1, (QUERIES, d))
    verdict = hw.locate(X, Q, membership_only=True).verdict
    in_range = np.all((X.min(axis=0) <= Q) & (X.max(axis=0) >= Q), axis=1)
    return (verdict == hw.Verdict.INSIDE).mean(), in_range.mean(), (np.square(Q).sum(1) <= 1).mean()


# %%
# Each share from three draws of 1,000 rows and 200 new ones; the ball's volume by its formula.

print(" d  in the ball  (by formula)  in the hull  in range")
means = []
for d in dimensions:
    hull, box, counted = np.mean([shares(d, draw) for draw in range(DRAWS)], axis=0)
    means.append((hull, box, counted))
    print(f"{d:2} {counted:12.4f} {ball(d):13.2g} {hull:12.3f} {box:9.3f}")
hull, box, counted = np.transpose(means)

figure, panel = plt.subplots(figsize=(7, 4.2), layout="constrained")
line = np.linspace(1, 20, 96)
panel.plot(dimensions, box, "^-", color="#56B4E9", label="new rows in the range of every feature")
panel.plot(dimensions, hull, "o-", color="#D55E00", label="new rows in the hull")
panel.plot(line, ball(line), "--", color="black", label="the cube's volume in the ball")
panel.plot(dimensions, counted, "s", color="black", ms=4, label="new rows in the ball")
panel.set(xlabel="dimensions", ylabel="share", xticks=range(0, 21, 2), ylim=(-0.02, 1.02))
panel.legend(frameon=False, fontsize=9)
plt.show()

# %%
# In 20 dimensions every new row is outside, and each is certified: it comes with a direction in
# which it lies beyond all 1,000. "Outside the hull" is then no news by itself; how far out, in the
# directions that count, is the question that is left.
