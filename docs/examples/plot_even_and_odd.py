"""
Even and odd: what extrapolates is how a number is written
==========================================================

Four fifths of the numbers below 256 are seen, and all numbers up to 1,023 are asked about. As a
number, "odd" is a pattern that no model here goes on with, not even between the numbers seen.
Written in binary it is the last digit, and every model has it right for numbers four times as
large, though each of these is outside the hull of those seen. Whether the *count of ones* is odd
takes all digits together, and there the same way of writing does not help.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

import hullwise as hw

warnings.simplefilter("ignore", ConvergenceWarning)
warnings.simplefilter("ignore", hw.DataWarning)  # the two leading digits are 0 in all numbers seen
number = np.arange(1024)
digits = (number[:, None] >> np.arange(9, -1, -1)) & 1
seen = np.random.default_rng(0).permutation(256)[:205]
groups = {"below 256, not seen": np.setdiff1d(number[:256], seen)}
groups |= {f"{a} to {a + 255}": number[a : a + 256] for a in (256, 512, 768)}
tasks = {
    "odd, as a number": (number[:, None] / 255.0, number % 2),
    "odd, in binary": (digits.astype(float), number % 2),
    "odd count of ones, in binary": (digits.astype(float), digits.sum(axis=1) % 2),
}


def models():
    network = {"hidden_layer_sizes": (32, 32), "max_iter": 1000, "random_state": 0}
    yield "linear", LogisticRegression(), "o", "black"
    yield "tree", DecisionTreeClassifier(random_state=0), "s", "#56B4E9"
    yield "network", MLPClassifier(**network), "^", "#D55E00"


# %%
# The share of numbers that each model has right, by how large they are.

figure, panels = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True, layout="constrained")
for panel, (task, (X, odd)) in zip(panels, tasks.items(), strict=True):
    print(f"{task:30}" + "".join(f"{name:>21}" for name in groups))
    for name, model, marker, colour in models():
        right = model.fit(X[seen], odd[seen]).predict(X) == odd
        shares = [right[rows].mean() for rows in groups.values()]
        print(f"   {name:27}" + "".join(f"{share:21.0%}" for share in shares))
        panel.plot(range(4), shares, marker=marker, color=colour, label=name)
    panel.axhline(0.5, color="0.6", ls=":", lw=1)
    panel.set_xticks(range(4), ["not seen\n< 256", "256\nto 511", "512\nto 767", "768\nto 1,023"])
    panel.set_title(task, fontsize=10)
panels[0].set(ylabel="share right", ylim=(0, 1.05))
panels[0].legend(frameon=False, fontsize=9)
plt.show()

# %%
# The tree in the third panel has learnt a table by heart: it does not see the leading digits, so
# one more 1 in front makes it as wrong as it was right, and two more make it right again.
#
# Where the larger numbers are, in binary: in plain units all are outside the hull. In the direction
# that the linear model looks along, nearly only the last digit, all are inside.

X, odd = tasks["odd, in binary"]
M = hw.metrics.agop(LogisticRegression().fit(X[seen], odd[seen]), X[seen])
task = hw.metrics.leading_metric(M, np.ones(10), 0.99)
for name, metric in {"plain": None, "task": task}.items():
    loc = hw.locate(X[seen], X[256:], metric=metric, reference=0)
    print(f"{name:6} inside {np.mean(loc.verdict == hw.Verdict.INSIDE):.0%}")
