"""
From one digit to another: fading and morphing
==============================================

Halfway between two pictures there may be a picture of something halfway, or both at once, each half
as dark. `walk` takes a path from one row to another and asks which it is: is the middle closer to
the average of the ends than to any row of the data? Here for three paths: the straight line, the
straight line in the latent space of an autoencoder, and the shortest path where a step away from
the data is long.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter, rotate
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPRegressor

import hullwise as hw

warnings.simplefilter("ignore", hw.DataWarning)  # some pixels are never used
pixels, digit = load_digits(return_X_y=True)


class Autoencoder:
    """A network that gives back its input through a narrow layer in the middle."""

    def __init__(self, X, latent, epochs):
        self.network = MLPRegressor(
            hidden_layer_sizes=(64, latent, 64),
            activation="tanh",
            batch_size=50,
            learning_rate_init=0.003,
            max_iter=epochs,
            n_iter_no_change=epochs,
            tol=0,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it stops after so many epochs, converged or not
            self.network.fit(X, X)

    def _through(self, x, layers):
        for i in layers:
            x = x @ self.network.coefs_[i] + self.network.intercepts_[i]
            x = np.tanh(x) if i < 3 else x
        return x

    def transform(self, x):
        return self._through(x, (0, 1))

    def inverse_transform(self, z):
        return self._through(z, (2, 3))


def walks(X, a, b, autoencoder):
    both = {"encoder": autoencoder, "decoder": autoencoder}
    yield "straight", hw.metrics.walk(X, a, b, metric=None)
    yield "latent", hw.metrics.walk(X, a, b, "latent", **both, metric=None)
    yield "near the data", hw.metrics.walk(X, a, b, "geodesic", stay_near=10, metric=None)


def table(walks_by_name):
    print(f"{'':14} length  outside  to average  to a row")
    for name, w in walks_by_name.items():
        numbers = f"{w.length:6.2f} {w.outside_share:8.0%} {w.to_average:11.2f} {w.to_row:9.2f}"
        print(f"{name:14} {numbers}  {'fades' if w.fades else 'morphs'}")


# %%
# A seven that turns
# ------------------
#
# One picture of a 7, turned by 200 angles between -60 and 60 degrees: a curve in 144 dimensions.
# The autoencoder has one number in the middle.

seven = gaussian_filter(np.pad(pixels[digit == 7][0].reshape(8, 8) / 16, 2), 0.6)
turned = [rotate(seven, angle, reshape=False, order=1) for angle in np.linspace(-60, 60, 200)]
X = np.array(turned).reshape(200, 144)
walks_by_name = dict(walks(X, 0, 199, Autoencoder(X, 1, 400)))
table(walks_by_name)


def draw_walks(walks_by_name, side):
    figure, panels = plt.subplots(3, 9, figsize=(9, 3.2), layout="constrained")
    for row, (name, w) in zip(panels, walks_by_name.items(), strict=True):
        row[0].set_ylabel(name, fontsize=9)
        for panel, x in zip(row, w.at(np.linspace(0, 1, 9)), strict=True):
            panel.imshow(x.reshape(side, side), cmap="Greys", vmin=0, vmax=1)
            panel.set(xticks=[], yticks=[])
    plt.show()


draw_walks(walks_by_name, 12)

# %%
# The straight line fades. It is inside the hull from end to end, being averages of two rows. The
# two other paths turn the 7: one in short steps from row to row and inside the hull, one outside,
# since what a decoder draws is hardly ever an average of rows to the last digit. So whether a path
# is inside says nothing about whether it is like the data; the fade test does.
#
# A four that becomes a nine
# --------------------------
#
# Now all 1,797 digits as they are, and an autoencoder with eight numbers in the middle.

X = pixels / 16
four, nine = np.flatnonzero(digit == 4)[4], np.flatnonzero(digit == 9)[6]
walks_by_name = dict(walks(X, four, nine, Autoencoder(X, 8, 60)))
table(walks_by_name)
print(f"the decoded ends are off by {walks_by_name['latent'].end_gaps.round(2)}")
draw_walks(walks_by_name, 8)

# %%
# Here all three fade. 1,797 rows are few among pictures of 64 pixels: there is no row halfway from
# this 4 to this 9 that a path could pass by, and the autoencoder has learnt none (it does not even
# give back the ends). The path near the data comes closest: its middle is about as far from a row
# as from the average. A latent space or a metric makes a path morph where rows show the way; it
# does not make up for rows that are missing.
