"""
What a network's weights learn: W'W beside the average gradient outer product
=============================================================================

`Radhakrishnan et al. (Science 2024) <https://doi.org/10.1126/science.adi5639>`_ found that the
neural feature matrix W'W of a layer becomes close to the average gradient outer product (AGOP) of
the network at that layer's input. Here is how close, layer by layer, while small networks train:
three hidden layers of 64 ReLU, with and without weight decay. Part of the agreement is there before
training, by the way the two are built, so it is shown from the start.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, make_friedman1
from sklearn.neural_network import MLPClassifier, MLPRegressor

import hullwise as hw

rng = np.random.default_rng(0)
uniform, friedman = make_friedman1(800, 10, random_state=0)
turned, normal = np.linalg.qr(rng.normal(size=(20, 2)))[0], rng.normal(size=(2000, 20))
along = normal @ turned
pixels, digit = load_digits(return_X_y=True)
tables = {
    "friedman1: 5 of 10 features": ((uniform - 0.5) * np.sqrt(12), (friedman - 14.4) / 4.9),
    "a polynomial of 2 directions of 20": (normal, along[:, 0] * along.sum(axis=1)),
    "digits": (pixels / 16, digit),
}
epochs = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]


def snapshots(X, y, decay):
    """The network after so many epochs; the first with its weights as they were drawn."""
    kind, more = MLPRegressor, {}
    if y.dtype.kind == "i":
        kind, more = MLPClassifier, {"classes": np.unique(y)}
    hidden = {"hidden_layer_sizes": (64, 64, 64), "random_state": 0}
    yield 0, kind(**hidden, learning_rate_init=1e-15).partial_fit(X, y, **more)
    network = kind(**hidden, alpha=decay, batch_size=50)
    for epoch in range(1, epochs[-1] + 1):
        network.partial_fit(X, y, **more)
        if epoch in epochs:
            yield epoch, network


# %%
# The correlation of the entries of W'W with those of the AGOP at the layer's input. The last layer
# of a network with one output is left out: there the two are the same matrix.

figure, panels = plt.subplots(
    2, 3, figsize=(10, 5.4), sharex=True, sharey=True, layout="constrained"
)
matrices = {}
for row, decay in zip(panels, (1e-4, 0.1), strict=True):
    for panel, (name, (X, y)) in zip(row, tables.items(), strict=True):
        curve = []
        for epoch, network in snapshots(X, y, decay):
            curve.append([hw.metrics.feature_agreement(network, X, i)[0] for i in range(3)])
            if epoch in (0, epochs[-1]):
                pair = hw.metrics.nfm(network), hw.metrics.agop(network, X, ridge=0)
                matrices[name, decay, epoch > 0] = pair
        print(f"{name}, decay {decay:g}: {np.round(curve[0], 2)} to {np.round(curve[-1], 2)}")
        panel.plot(np.add(epochs, 1), curve, label=["layer 1", "layer 2", "layer 3"])
        panel.set(xscale="log", ylim=(0, 1))
        panel.set_title(f"{name}\nweight decay {decay:g}", fontsize=9)
panels[0, 0].legend(fontsize=8)
panels[1, 1].set_xlabel("epochs + 1")
for row in panels:
    row[0].set_ylabel("correlation")
plt.show()

# %%
# On the first two tables the two first become less alike: the gradients turn with every layer at
# once, while each layer's weights are still mostly what was drawn. Then they come together, and
# with weight decay much further: it takes off the weights what training did not use. Without it, on
# friedman1, two layers of three end below where they began. So a high correlation alone says
# little; it is the rise that tells. As a metric the AGOP is the safer of the two: it is about what
# the network does, not about what its weights began as.
#
# The first layer of the networks with decay: rows and columns are features; for digits the diagonal
# is drawn as a picture, how much each pixel matters.


def drawn(panel, M, title, names=()):
    most = np.abs(M).max()
    panel.imshow(M, cmap="RdBu_r", vmin=-most, vmax=most)
    panel.set_title(title, fontsize=9)
    panel.set_xticks(range(len(names)), names, fontsize=7, rotation=90)
    panel.set_yticks(range(len(names)), names, fontsize=7)


figure, panels = plt.subplots(2, 4, figsize=(10, 5.2), layout="constrained")
for row, name in zip(panels, ("friedman1: 5 of 10 features", "digits"), strict=True):
    for at, trained in ((0, False), (2, True)):
        when = "trained" if trained else "untrained"
        for panel, M, what in zip(
            row[at : at + 2], matrices[name, 0.1, trained], ("W'W", "AGOP"), strict=True
        ):
            shown = np.diag(M).reshape(8, 8) if len(M) == 64 else M
            names = () if len(M) == 64 else [f"x{j + 1}" for j in range(len(M))]
            drawn(panel, shown, f"{what}, {when}", names)
plt.show()
