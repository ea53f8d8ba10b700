"""
Four useful inputs in a hundred: who finds them
===============================================

A target of the first four inputs out of a hundred, as a product, a sine and a line, and few rows.
What matters to it can be read from W'W of a network's first layer, from the average gradient outer
product (AGOP) of the same network or of local linear fits without any model, and from the metric of
a recursive feature machine (RFM), as a whole matrix or with one weight for each input. How much of
each lies on the four, and does it find all four?
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

import hullwise as hw

warnings.simplefilter("ignore", ConvergenceWarning)  # the network stops after 300 epochs
D, USEFUL = 100, 4
sizes = [100, 200, 800]


def drawn(count):
    X = np.random.default_rng(0).normal(size=(count, D))
    y = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + X[:, 3]
    return X, (y - y.mean()) / y.std()


def metrics(X, y):
    network = MLPRegressor(hidden_layer_sizes=(64,), alpha=1.0, max_iter=300, random_state=0)
    network.fit(X, y)
    return {
        "W'W": hw.metrics.nfm(network),
        "AGOP, network": hw.metrics.agop(network, X),
        "AGOP, local fits": hw.metrics.agop_of_rows(X, y),
        "RFM": hw.RFMRegressor().fit(X, y).metric_,
        "RFM, diagonal": hw.RFMRegressor(diagonal=True).fit(X, y).metric_,
    }


# %%
# The share of the diagonal that is on the four; and how many of the four are among its four largest
# entries.

shares = {}
print(f"{'rows':>18}" + "".join(f"{n:11}" for n in sizes))
for n in sizes:
    for name, M in metrics(*drawn(n)).items():
        weight = np.diag(M) / np.trace(M)
        top = np.isin(np.argsort(-weight)[:USEFUL], np.arange(USEFUL)).sum()
        shares.setdefault(name, []).append((weight[:USEFUL].sum(), top, weight))
for name, values in shares.items():
    print(f"{name:>18}" + "".join(f"{share:7.0%} ({top})" for share, top, _ in values))

figure, panels = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained", width_ratios=[2, 3])
place = np.arange(1, 13)
styles = zip("os^Dv", ("#56B4E9", "#0072B2", "#E69F00", "#A03000", "black"), strict=True)
for (name, values), (marker, colour) in zip(shares.items(), styles, strict=True):
    on_useful = [share for share, _, _ in values]
    panels[0].plot(sizes, on_useful, marker=marker, color=colour, label=name)
    panels[1].plot(place, values[-1][2][:12], marker=marker, color=colour, ls="none")
panels[0].axhline(USEFUL / D, color="0.5", ls=":", lw=1)
panels[0].set(xscale="log", xlabel="rows", ylabel="share on the four", ylim=(0, 1.02))
panels[0].set_xticks(sizes, sizes)
panels[0].minorticks_off()
panels[1].axvspan(0.5, 4.5, color="0.92", lw=0)
panels[1].set(xlabel="input (the first twelve of 100)", ylabel="share", xticks=place)
panels[1].plot(
    place[:4], [0.2, 0.2, 0.4, 0.2], "_", color="0.4", ms=22, label="the function itself"
)
panels[1].set_title(f"{sizes[-1]} rows", fontsize=10)
figure.legend(loc="outside right center", frameon=False, fontsize=9)
plt.show()

# %%
# The dotted line is chance. The whole matrix of RFM is not learnt here: its number of steps is
# chosen by cross-validation, and at 800 rows that says none, since each step also takes in the
# noise of ten thousand entries. With a hundred weights RFM finds all four. W'W finds them too, but
# keeps on the other 96 most of what it was drawn with. Finding an input is not weighing it: the
# slope of a product of two inputs is 0 on average, so fits over many rows see little of these two.
