"""
Four useful inputs in a hundred: who finds them
===============================================

A target of the first four inputs out of a hundred, as a product, a sine and a line, and few rows.
Four things say what matters to it: W'W of a network's first layer, the average gradient outer
product (AGOP) of the same network, that of local linear fits without any model, and the metric of a
recursive feature machine (RFM). How much of each lies on the four, and does it find all four?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neural_network import MLPRegressor

import hullwise as hw

D, USEFUL = 100, 4
sizes = [100, 200, 400, 800]


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
        "AGOP, local fits": hw.metrics.learn_metric(X, y).matrix,
        "RFM": hw.RFMRegressor().fit(X, y).metric_,
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
