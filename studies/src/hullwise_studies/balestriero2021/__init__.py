"""Balestriero, Pesenti, LeCun: Learning in High Dimension Always Amounts to Extrapolation.

arXiv 2110.09485, 2021, computed again: when does a new sample lie in the convex hull of the
training samples? For Gaussian samples beside the exact probability of Kabluchko and Zaporozhets
(2020); for images by pixels kept, in reduced and latent spaces; with the definitions that have been
proposed instead. The paper published no code; every verdict here carries a certificate.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from hullwise.errors import DataError

from .._page import write_page
from .._study import Study
from .._types import Progress
from ._augmentation import augmentation_plan
from ._definitions import definitions_plan
from ._dimension import manifold_plan, subspace_plan
from ._exact import half, share_inside, share_outside, threshold
from ._gaussian import gaussian_plan
from ._generator import generator_plan
from ._hypercube import hypercube_plan
from ._images import Images, digits, images, read_images
from ._latent import bottleneck_plan, latent_plan
from ._nets import torch_here
from ._parts import (
    Data,
    Running,
    about,
    augmentation,
    bottleneck,
    components,
    definitions,
    gaussian,
    generator,
    hypercube,
    latent,
    manifold,
    pixels,
    reduced,
    resampled,
    sets_of,
    settings_of,
    study_of,
    subspace,
)
from ._pixels import components_plan, pixels_plan, resampled_plan
from ._plan import Plan, Settings
from ._spaces import reduced_plan

__all__ = [
    "PARTS",
    "Images",
    "Study",
    "augmentation",
    "bottleneck",
    "components",
    "definitions",
    "digits",
    "gaussian",
    "generator",
    "half",
    "hypercube",
    "images",
    "latent",
    "manifold",
    "pixels",
    "read_images",
    "reduced",
    "resampled",
    "run",
    "share_inside",
    "share_outside",
    "subspace",
    "threshold",
    "write_page",
]

Make = Callable[[Settings, list[Images], Any], Plan]
MAKERS: dict[str, Make] = {
    "gaussian": lambda settings, sets, model: gaussian_plan(settings),
    "subspace": lambda settings, sets, model: subspace_plan(settings),
    "manifold": lambda settings, sets, model: manifold_plan(settings),
    "pixels": lambda settings, sets, model: pixels_plan(settings, sets),
    "components": lambda settings, sets, model: components_plan(settings, sets),
    "resampled": lambda settings, sets, model: resampled_plan(settings, sets),
    "reduced": lambda settings, sets, model: reduced_plan(settings, sets[0]),
    "latent": lambda settings, sets, model: latent_plan(settings, sets[0], model),
    "hypercube": lambda settings, sets, model: hypercube_plan(settings),
    "definitions": lambda settings, sets, model: definitions_plan(settings, sets[0]),
    "augmentation": lambda settings, sets, model: augmentation_plan(settings, sets[0]),
    "generator": lambda settings, sets, model: generator_plan(settings),
    "bottleneck": lambda settings, sets, model: bottleneck_plan(settings, sets[0]),
}
PARTS = tuple(MAKERS)
"""What can be asked for, in the order of the page."""

NETWORKS = ("latent", "bottleneck")
LABELS = ("definitions", "bottleneck")


def run(
    data: Data = None,
    *,
    parts: Sequence[str] | None = None,
    model: Any = None,
    full: bool = False,
    random_state: int = 0,
    verify: int | None = 500,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Study:
    """Compute the study.

    Parameters
    ----------
    data : path, Images or sequence of Images, optional
        A folder of images as `read_images` takes it (MNIST, Fashion-MNIST, CIFAR-10, .npz), or
        `images(...)`. scikit-learn's digits unless told. The parts on pixels take every set of a
        folder, the others the first (that called mnist, else the first by name).
    parts : sequence of str, optional
        Of `PARTS`; all that can run unless told.
    model : torch.nn.Module, path of an ONNX file, or network, optional
        One more network for the part "latent"; its outputs are the latents.
    full : bool
        All images and many more samples: the Gaussian figure to 20 dimensions and 1,000,000
        samples, and the pixels of MNIST, take some minutes each. Otherwise samples of at most
        10,000 and 500 images.
    random_state : int
        Of everything drawn at random.
    verify : int or None
        How many certificates of each question are checked again by other code; None for all.
    cache : path, optional
        A folder that keeps finished work; a study that was stopped goes on from there.
    progress : callable, optional
        Called with (tasks done, tasks in all, name of the next).

    Returns
    -------
    Study
        `tables`, `findings` and `parts`; `write_page` writes it as one HTML page.

    Raises
    ------
    DataError
        An unknown part, or one that needs torch or labels which are not there.
    FileError
        A folder or file that is not there or cannot be read.

    Notes
    -----
    A sample interpolates when it lies in the convex hull of the training samples (Definition 1 of
    the paper). An undecided verdict is counted as such, never put on a side.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> study = balestriero2021.run(parts=["components", "hypercube"])
    >>> study
    Study(balestriero2021: 2 parts, 2 tables)
    """
    running: Running = {
        "full": full,
        "random_state": random_state,
        "verify": verify,
        "cache": cache,
        "progress": progress,
    }
    settings, sets = settings_of(running), sets_of(data)
    wanted, left = _parts(parts, sets)
    if model is not None and "latent" not in wanted:
        raise DataError("a model is for the part 'latent', which is not among those asked for.")
    plans = [MAKERS[name](settings, sets, model) for name in wanted]
    return study_of(plans, running, [*about(settings, sets), *left])


def _parts(
    parts: Sequence[str] | None, sets: Sequence[Images]
) -> tuple[list[str], list[tuple[str, str]]]:
    """Those asked for, or all that can run with what was left out."""
    missing: dict[str, str] = {}
    if not torch_here():
        missing = dict.fromkeys(NETWORKS, "needs torch: pip install 'hullwise[torch]'")
    if sets[0].train_labels is None:
        missing |= dict.fromkeys(LABELS, f"needs labels, which {sets[0].name} has not")
    if parts is None:
        told = [("Left out", f"{name}: {why}") for name, why in missing.items()]
        return [name for name in PARTS if name not in missing], told
    for name in parts:
        if name not in PARTS:
            raise DataError(f"no part is called {name!r}: there are {', '.join(PARTS)}.")
        if name in missing:
            raise DataError(f"part {name!r} {missing[name]}.")
    return [name for name in PARTS if name in parts], []
