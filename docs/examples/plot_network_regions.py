"""
The regions of a network, layer by layer
========================================

A small network was trained to tell three spiral arms apart. It is one affine map on each of the
regions drawn here, exactly: every layer cuts the regions of the layers before it, along lines that
are straight within each of them.

The last picture is the walk between two rows of different arms: outputs are straight between the
breaks, and the dotted line is where the class changes.
"""

import matplotlib.pyplot as plt
import numpy as np

import hullwise as hw
from hullwise.samples import network_paths

onnx_file, table = network_paths()
net = hw.model.read(onnx_file)
rows = np.loadtxt(table, delimiter=",", skiprows=1)
X, arm = rows[:, :2], rows[:, 2].astype(int)

s = net.slice(origin=[0, 0], axes=[[1, 0], [0, 1]])
figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
s.plot(ax=axes[0], color="layer")
s.plot(ax=axes[1], color="region")
print(s, s.n_regions_per_layer)

# %%
# By class, with the decision boundary; and where walls are dense.

figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
s.plot(ax=axes[0], color="class", data=X, labels=arm)
s.plot(ax=axes[1], color="complexity")

# %%
# From a row of one arm to a row of another.

a, b = X[arm == 0][0], X[arm == 1][0]
line = net.along(a, b)
figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
line.plot(ax=axis)
print(line)

# %%
# How far the class of each row is from changing, exactly.

p = hw.dissect(net, X[:40])
print(np.sort(p.decision_distance)[:5].round(3))
plt.show()
