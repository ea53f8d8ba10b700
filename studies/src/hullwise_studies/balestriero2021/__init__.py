"""Balestriero, Pesenti, LeCun: Learning in High Dimension Always Amounts to Extrapolation.

arXiv 2110.09485, 2021, computed again: when does a new sample lie in the convex hull of the
training samples? For Gaussian samples beside the exact probability of Kabluchko and Zaporozhets
(2020); for images by pixels kept, in reduced and latent spaces; with the definitions that have been
proposed instead. The paper published no code; every verdict here carries a certificate.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from hullwise.errors import DataError

from .._discovery import discovered
from .._page import write_page
from .._study import Study
from .._types import Progress
from ._augmentation import augmentation
from ._definitions import definitions
from ._dimension import manifold, subspace
from ._exact import half, share_inside, share_outside, threshold
from ._gaussian import gaussian
from ._generator import generator
from ._hypercube import hypercube
from ._images import Images, digits, images, read_images
from ._latent import bottleneck, latent
from ._nets import torch_here
from ._pixels import components, pixels, resampled
from ._plan import StudyPart
from ._running import Data, Running, about, sets_of, settings_of, study_of
from ._spaces import reduced

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

_PARTS: dict[str, StudyPart] = {
    part.name: part
    for part in sorted(discovered(__name__, "STUDY_PARTS"), key=lambda part: part.order)
}
PARTS: dict[str, str] = {name: part.text for name, part in _PARTS.items()}
"""What can be asked for, in the order of the page, and what it is."""


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
    chosen, left_out = _chosen(parts, sets)
    if model is not None and "latent" not in chosen:
        raise DataError("a model is for the part 'latent', which is not among those asked for.")
    plans = [_PARTS[name].plan(settings, sets, model) for name in chosen]
    return study_of(plans, running, [*about(settings, sets), *left_out])


def _chosen(
    parts: Sequence[str] | None, sets: Sequence[Images]
) -> tuple[list[str], list[tuple[str, str]]]:
    """The parts of these names, or all that can run with what was left out."""
    missing = {}
    if not torch_here():
        missing["torch"] = "needs torch: pip install 'hullwise[torch]'"
    if sets[0].train_labels is None:
        missing["labels"] = f"needs labels, which {sets[0].name} has not"
    problems = {
        name: missing[need]
        for name, part in _PARTS.items()
        for need in sorted(part.needs & set(missing))
    }
    if parts is None:
        left_out = [("Left out", f"{name}: {why}") for name, why in problems.items()]
        return [name for name in _PARTS if name not in problems], left_out
    for name in parts:
        if name not in _PARTS:
            raise DataError(f"no part is called {name!r}: there are {', '.join(_PARTS)}.")
        if name in problems:
            raise DataError(f"part {name!r} {problems[name]}.")
    return [name for name in _PARTS if name in parts], []
