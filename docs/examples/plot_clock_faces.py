"""
A clock face in pixels, in coordinates and as an angle
======================================================

Is a time between two times seen an interpolation? That depends on how the clock is written down.
Here is one clock with one hand, seen at 60 random times and asked at 200 others, as a picture of
24 x 24 pixels, as the coordinates of the hand's tip, and as the hand's angle. The quantity to be
predicted goes up and down three times in an hour.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hullwise as hw

SIDE = 24
warnings.simplefilter("ignore", hw.DataWarning)  # fewer rows than pixels: every picture is outside


def tips(minutes):
    angle = 2 * np.pi * minutes / 60
    return np.column_stack([np.sin(angle), np.cos(angle)])


def pictures(minutes):
    """A blurred line from the centre to 0.85 of the way, in the direction of the hand."""
    axis = np.linspace(-1, 1, SIDE)
    x, y = np.meshgrid(axis, -axis)
    at, tip = np.stack([x, y], axis=-1).reshape(-1, 2), 0.85 * tips(minutes)
    along = np.clip(at @ tip.T / (tip**2).sum(axis=1), 0, 1)
    off = np.linalg.norm(at[:, None] - along[:, :, None] * tip, axis=2)
    return np.exp(-((off / 0.09) ** 2)).T


rng = np.random.default_rng(0)
train, test = rng.uniform(0, 60, 60), rng.uniform(0, 60, 200)
target, truth = (np.sin(2 * np.pi * t / 20) for t in (train, test))
forms = {"pixels": pictures, "coordinates": tips, "angle": lambda t: 6 * t[:, None]}

# %%
# For each form: the share of the new times inside the hull of those seen, the distance to the hull
# as a share of that to the nearest row seen (mean), and the mean error of three regressors.
# (Guessing the mean has an error of 0.64.)

regressors = {
    "2 nearest": hw.NearestRegressor(n_neighbors=2, metric=None),
    "Delaunay": hw.DelaunayRegressor(metric=None),
    "network": make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(64, 64), max_iter=3000, random_state=0)
    ),
}
locations = {}
print(f"{'':12} inside   out by   {'   '.join(regressors)}")
for name, form in forms.items():
    X, Q = form(train), form(test)
    loc = locations[name] = hw.locate(X, Q, metric=None, n_neighbors=1)
    out = np.mean(loc.upper / loc.neighbour_distance)
    errors = [np.abs(r.fit(X, target).predict(Q) - truth).mean() for r in regressors.values()]
    shown = "".join(f"{e:11.3f}" for e in errors)
    print(f"{name:12} {np.mean(loc.verdict == hw.Verdict.INSIDE):6.3f} {out:8.3f} {shown}")

# %%
# - As **pixels** no new picture is an average of pictures seen. The average that comes nearest
#   fades one hand out and another in, where a clock would turn one hand; it is most of the way to
#   the nearest picture.
# - As **coordinates** every new time is outside too, since a circle is curved everywhere: no point
#   of it is an average of others. But it is outside by a sliver only.
# - As an **angle** every new time is inside. The price is at the end of the hour: minutes 0 and
#   59.9, nearly the same time, are as far apart as two times can be.
#
# The verdict is about the rows *in the coordinates given*. How much it matters depends on the
# method. Averages of the rows at hand choose much the same rows in all three forms and do equally
# well. The network pays for pixels: among 576 of them it does not see that a hand turns.

worst = int(np.argmax(locations["pixels"].upper))
loc = locations["pixels"]
seen = pictures(train)
start, stop = loc.weights.indptr[worst : worst + 2]
most = loc.weights.indices[start:stop][np.argsort(-loc.weights.data[start:stop])[:2]]
faces = {
    f"new: {test[worst]:.1f} min": pictures(test[worst : worst + 1])[0],
    "nearest average": loc.nearest[worst],
    **{f"seen: {train[i]:.1f} min": seen[i] for i in most},
}
fig, panels = plt.subplots(1, 5, figsize=(10, 2.4), layout="constrained")
for panel, (title, face) in zip(panels, faces.items(), strict=False):
    panel.imshow(face.reshape(SIDE, SIDE), cmap="Greys", vmin=0, vmax=1)
    panel.set_title(title, fontsize=9)
    panel.set(xticks=[], yticks=[])
ring = tips(np.sort(train))
panels[4].fill(*ring.T, facecolor="#0072B233", edgecolor="#0072B2", linewidth=1)
panels[4].plot(*ring.T, ".", color="#444444", markersize=4)
panels[4].plot(*tips(test).T, ".", color="#D55E00", markersize=2)
panels[4].set_title("coordinates: hull, new times", fontsize=9)
panels[4].set(xticks=[], yticks=[], aspect="equal", xlim=(-1.03, -0.73), ylim=(-0.2, 0.1))
plt.show()
