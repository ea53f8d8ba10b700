"""Each part of the study as a function that returns a `Study` of that part alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from hullwise.errors import DataError

from .._runs import existing_folder, run_tasks
from .._study import Study
from .._types import Progress
from ._augmentation import augmentation_plan
from ._definitions import definitions_plan
from ._dimension import manifold_plan, subspace_plan
from ._gaussian import gaussian_plan
from ._generator import generator_plan
from ._hypercube import hypercube_plan
from ._images import Images, digits, read_images
from ._latent import bottleneck_plan, latent_plan
from ._pixels import components_plan, pixels_plan, resampled_plan
from ._plan import Plan, Settings
from ._spaces import reduced_plan

NAME = "balestriero2021"
TITLE = "Learning in high dimension always amounts to extrapolation, computed again"
LEAD = (
    "Balestriero, Pesenti and LeCun (2021) call it interpolation when a sample lies in the convex "
    "hull of the training samples. Every verdict here carries a certificate."
)
Data = str | os.PathLike[str] | Images | Sequence[Images] | None


class Running(TypedDict, total=False):
    """How a part runs.

    full: the study's full sizes (minutes to an hour), otherwise about a minute. random_state.
    verify: how many certificates of each question are checked again by other code, None for all.
    cache: a folder that keeps finished work. progress: called with (tasks done, tasks in all,
    next).
    """

    full: bool
    random_state: int
    verify: int | None
    cache: str | os.PathLike[str] | None
    progress: Progress | None


def settings_of(running: Running) -> Settings:
    unknown = set(running) - set(Running.__annotations__)
    if unknown:
        raise TypeError(f"unexpected option {sorted(unknown)[0]!r}")
    settings = Settings(
        running.get("full", False), running.get("random_state", 0), running.get("verify", 500)
    )
    if settings.random_state < 0:
        raise DataError(f"random_state is {settings.random_state}: expected 0 or more.")
    if settings.verify is not None and settings.verify < 0:
        raise DataError(f"verify is {settings.verify}: expected 0 or more, or None for all.")
    return settings


def sets_of(data: Data) -> list[Images]:
    """All sets that `data` names; scikit-learn's digits without."""
    if data is None:
        return [digits()]
    if isinstance(data, Images):
        return [data]
    if isinstance(data, str | os.PathLike):
        return read_images(data)
    found = list(data)
    if not found or not all(isinstance(one, Images) for one in found):
        raise DataError("data must be a path, or Images made by balestriero2021.images(...).")
    return found


def study_of(plans: Sequence[Plan], running: Running, about: Sequence[tuple[str, str]]) -> Study:
    """Run the tasks of all plans and put their parts together."""
    cache: Path | None = existing_folder(running.get("cache"), "cache")
    tasks = [task for plan in plans for task in plan.tasks]
    results = run_tasks(tasks, cache, running.get("progress"))
    shown = [plan.show(results) for plan in plans]
    findings = [finding for _, found in shown for finding in found]
    return Study(NAME, TITLE, LEAD, tuple(part for part, _ in shown), tuple(findings), tuple(about))


def about(settings: Settings, sets: Sequence[Images] = ()) -> list[tuple[str, str]]:
    checked = "all" if settings.verify is None else f"up to {settings.verify:,} of each question"
    said = [
        ("Form", "full" if settings.full else "short"),
        ("Random state", str(settings.random_state)),
        ("Certificates checked again, by other code", checked),
    ]
    return said + [("Images", repr(one)) for one in sets]


def gaussian(
    dimensions: Sequence[int] | None = None,
    samples: Sequence[int] | None = None,
    *,
    target: float | None = None,
    **running: Unpack[Running],
) -> Study:
    """A new Gaussian sample in the hull of N others: Monte Carlo against the exact probability.

    Parameters
    ----------
    dimensions, samples : sequence of int, optional
        Values of d and N; to 12 and 10,000, or to 20 and 1,000,000 in the full form.
    target : float, optional
        Standard error to stay below; .01, or .005 in the full form.
    **running
        full, random_state, verify, cache and progress, as `run` takes them.

    Returns
    -------
    Study
        Tables "gaussian" and "half", and the figure.

    Notes
    -----
    Several independent clouds with several queries each; the standard error is between clouds.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> study = balestriero2021.gaussian([2], [30], target=0.05)
    >>> table = study.tables["gaussian"].to_dict()
    >>> round(table["exact"][0], 3), table["Monte Carlo | undecided"][0]
    (0.765, 0)
    """
    settings = settings_of(running)
    plan = gaussian_plan(settings, dimensions, samples, target)
    return study_of([plan], running, about(settings))


def subspace(
    ambient: Sequence[int] | None = None,
    samples: Sequence[int] | None = None,
    *,
    target: float | None = None,
    **running: Unpack[Running],
) -> Study:
    """A Gaussian on a subspace of dimension 4, in growing ambient dimension.

    Parameters as of `gaussian`, with ambient dimensions of at least 4.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> study = balestriero2021.subspace([6], [30], target=0.05)
    >>> round(study.tables["subspace"].rows[0][2], 3)  # exact, as for N(0, I) in 4 dimensions
    0.308
    """
    settings = settings_of(running)
    return study_of([subspace_plan(settings, ambient, samples, target)], running, about(settings))


def manifold(
    dimensions: Sequence[int] | None = None,
    samples: Sequence[int] | None = None,
    *,
    target: float | None = None,
    **running: Unpack[Running],
) -> Study:
    """Samples on a one-dimensional curve whose hull has d dimensions.

    Parameters as of `gaussian`.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> study = balestriero2021.manifold([2, 12], [100], target=0.1)
    >>> low, high = study.tables["manifold"].to_dict()["Monte Carlo | share inside"]
    >>> low > 0.8, high < 0.1
    (True, True)
    """
    settings = settings_of(running)
    plan = manifold_plan(settings, dimensions, samples, target)
    return study_of([plan], running, about(settings))


def pixels(
    data: Data = None, sizes: Sequence[int] | None = None, **running: Unpack[Running]
) -> Study:
    """Share of test images in the hull of the training images, by pixels kept.

    Parameters
    ----------
    data : path, Images or sequence of Images, optional
        As `read_images` takes it; scikit-learn's digits unless told. All sets in a folder run.
    sizes : sequence of int, optional
        Sides of the patches; up to the whole image unless told.
    **running
        full, random_state, verify, cache and progress, as `run` takes them.

    Returns
    -------
    Study
        Table "pixels", and the figure.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> study = balestriero2021.pixels(sizes=[1, 8])
    >>> study.tables["pixels"].to_dict()["share inside"]
    [1.0, 0.0, 1.0, 0.0]
    """
    settings, sets = settings_of(running), sets_of(data)
    return study_of([pixels_plan(settings, sets, sizes)], running, about(settings, sets))


def components(
    data: Data = None, sizes: Sequence[int] | None = None, **running: Unpack[Running]
) -> Study:
    """Principal components that explain 99 % of the variance of the pixels kept.

    Parameters as of `pixels`.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> balestriero2021.components(sizes=[8]).tables["components"].to_dict()["for 99 %"]
    [41, 41]
    """
    settings, sets = settings_of(running), sets_of(data)
    return study_of([components_plan(settings, sets, sizes)], running, about(settings, sets))


def resampled(data: Data = None, **running: Unpack[Running]) -> Study:
    """Centre patches of images that were enlarged or reduced first: table "resampled".

    Parameters as of `pixels`.
    """
    settings, sets = settings_of(running), sets_of(data)
    return study_of([resampled_plan(settings, sets)], running, about(settings, sets))


def reduced(
    data: Data = None, dimensions: Sequence[int] | None = None, **running: Unpack[Running]
) -> Study:
    """Test images in the hull after PCA, MDS, LLE, Isomap and t-SNE, of the first set of `data`.

    Parameters as of `pixels`, with numbers of dimensions for sizes.

    Notes
    -----
    PCA is fitted to the training images. The other methods have no map for new rows, or only an
    approximate one: training and test images are embedded together, then parted.
    """
    settings, sets = settings_of(running), sets_of(data)[:1]
    return study_of([reduced_plan(settings, sets[0], dimensions)], running, about(settings, sets))


def latent(data: Data = None, model: Any = None, **running: Unpack[Running]) -> Study:
    """Test images in the hull in latent spaces of networks, by latent dimensions kept.

    Parameters
    ----------
    data : path, Images or sequence of Images, optional
        The first set is used.
    model : torch.nn.Module, path of an ONNX file, or network, optional
        Another network, whose outputs are taken as the latents. A torch module gets images
        (n, c, h, w) in float32, all else rows in that order; 8-bit pixels are divided by 255.
    **running
        full, random_state, verify, cache and progress, as `run` takes them.

    Raises
    ------
    DataError
        torch is not installed.
    ModelError
        The model does not take such images, or its outputs are not finite.
    """
    settings, sets = settings_of(running), sets_of(data)[:1]
    return study_of([latent_plan(settings, sets[0], model)], running, about(settings, sets))


def hypercube(sides: Sequence[int] | None = None, **running: Unpack[Running]) -> Study:
    """The vertices of a cube in the hull of the others: in the cube, and in eight maps to 2-D.

    Parameters
    ----------
    sides : sequence of int, optional
        Dimensions of the cube; 8, and 12 too in the full form.
    **running
        full, random_state, verify, cache and progress, as `run` takes them.
    """
    settings = settings_of(running)
    return study_of([hypercube_plan(settings, sides)], running, about(settings))


def definitions(data: Data = None, **running: Unpack[Running]) -> Study:
    """Ellipsoid, ball, box, quantised hulls and others, against a classifier's errors.

    Parameters as of `pixels`; the first set is used, and must have labels.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> study = balestriero2021.definitions()
    >>> table = study.tables["definitions"].to_dict()
    >>> table["definition"][0], table["inside"][0]
    ('convex hull', 0.0)
    """
    settings, sets = settings_of(running), sets_of(data)[:1]
    return study_of([definitions_plan(settings, sets[0])], running, about(settings, sets))


def augmentation(
    data: Data = None, dimensions: Sequence[int] | None = None, **running: Unpack[Running]
) -> Study:
    """How much mixup, shifts and rotations grow the hull, against as many real rows.

    Parameters as of `pixels`, with numbers of principal components for sizes.
    """
    settings, sets = settings_of(running), sets_of(data)[:1]
    dims = () if dimensions is None else (tuple(dimensions),)
    return study_of([augmentation_plan(settings, sets[0], *dims)], running, about(settings, sets))


def generator(dimensions: Sequence[int] | None = None, **running: Unpack[Running]) -> Study:
    """Gaussian latents of a generator, and what it makes of them, in the hull of N others.

    Parameters
    ----------
    dimensions : sequence of int, optional
        Of the latents; to 20, or 30 in the full form.
    **running
        full, random_state, verify, cache and progress, as `run` takes them.
    """
    settings = settings_of(running)
    return study_of([generator_plan(settings, dimensions)], running, about(settings))


def bottleneck(data: Data = None, **running: Unpack[Running]) -> Study:
    """A bottleneck and dropout against the effective dimension of 64 latent units.

    Parameters as of `pixels`; the first set is used, and must have labels. Needs torch.
    """
    settings, sets = settings_of(running), sets_of(data)[:1]
    return study_of([bottleneck_plan(settings, sets[0])], running, about(settings, sets))
