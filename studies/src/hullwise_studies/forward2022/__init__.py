"""Gradients without backpropagation (Baydin et al. 2022): forward gradients beside backpropagation.

The paper descends two functions and trains networks on MNIST by derivatives in random directions,
and reports steps up to twice as fast as those of backpropagation. Here both run on one machine in
one library, with as good a rate for each as a short search finds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from numbers import Integral

from hullwise.errors import DataError, MissingDependencyError

from .._page import write_page
from .._runs import existing_folder, run_tasks
from .._study import Study
from .._types import Progress
from ..balestriero2021 import Images, digits, read_images
from ._descent_grid import DescentGrid
from ._descent_tables import cost_part, findings, problem_part
from ._problems import BATCH_ROWS, FORWARD_PROBLEMS, PAPER_NETWORKS, SMALL_NETWORKS

__all__ = ["PARTS", "run", "write_page"]

PARTS = {name: problem.text for name, problem in FORWARD_PROBLEMS.items()}
"""What can be computed, and what it is."""
# Seeds, steps of networks, and their sizes.
SHORT_FORM, FULL_FORM = (3, 300, SMALL_NETWORKS), (5, 2000, PAPER_NETWORKS)
FUNCTION_STEPS = 1000


def run(
    data: str | os.PathLike[str] | None = None,
    *,
    parts: Sequence[str] | None = None,
    seeds: int | None = None,
    steps: int | None = None,
    full: bool = False,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Study:
    """Compute the study.

    Parameters
    ----------
    data : path, optional
        Labelled images such as MNIST, as a .npz file or a folder (see
        `balestriero2021.read_images`). Unless told scikit-learn's digits, and the study says so.
    parts : sequence of str, optional
        Of `PARTS`. All unless told.
    seeds : int, optional
        How many starts, each with its own batches and tangents: 3, or 5 with `full`.
    steps : int, optional
        Of a network's descent: 300, or 2,000 with `full`. At least 20.
    full : bool
        Networks of the paper's size (three layers of 1,024; four convolutions of 64 channels) in
        place of 256 and two of 8. Hours.
    cache : path, optional
        A folder that keeps every descent; a study that was stopped goes on from there.
    progress : callable, optional
        Called with (tasks done, tasks in all, name of the next).

    Returns
    -------
    Study

    Raises
    ------
    DataError
        An unknown part, fewer than 1 seed or 20 steps, or images without labels.
    FileError
        Images that cannot be read, or a folder that is not there.
    MissingDependencyError
        PyTorch is not installed.

    Notes
    -----
    Losses are the same on every run with the same versions; times are of the machine's processor,
    on one thread. Cost: with digits about two minutes, with MNIST four.

    Sources: A. G. Baydin, B. A. Pearlmutter, D. Syme, F. Wood, P. Torr, *Gradients without
    Backpropagation*, 2022; M. Ren, S. Kornblith, R. Liao, G. Hinton, *Scaling Forward Gradient with
    Local Losses*, ICLR 2023 (activations).

    Examples
    --------
    >>> _ = __import__("pytest").importorskip("torch")
    >>> from hullwise_studies import forward2022
    >>> study = forward2022.run(parts=["beale"], seeds=2)
    >>> study
    Study(forward2022: 2 parts, 2 tables)
    """
    if find_spec("torch") is None:
        raise MissingDependencyError(
            "the study forward2022 needs torch, which comes with: pip install 'hullwise[torch]'"
        )
    names = _part_names(parts)
    usual_seeds, usual_steps, size = FULL_FORM if full else SHORT_FORM
    n_seeds = _at_least("seeds", usual_seeds if seeds is None else seeds, 1)
    n_steps = _at_least("steps", usual_steps if steps is None else steps, 20)
    images = digits() if data is None else _labelled(data)
    images = images.sample(size.train, size.test)
    grid = DescentGrid(names, images, size, n_seeds, n_steps, FUNCTION_STEPS)
    results = run_tasks(grid.tasks(), existing_folder(cache, "cache"), progress)
    notes = [] if data is not None else [NO_DATA_NOTE]
    return Study(
        "forward2022",
        "Gradients without backpropagation",
        LEAD,
        (*(problem_part(grid, results, name) for name in names), cost_part(grid, results)),
        tuple(findings(grid, results)),
        tuple(_about(grid)),
        tuple(notes),
        results=results,
    )


LEAD = (
    "A forward gradient is the derivative along one random direction, times that direction: right "
    "on average, found in one pass forward, and noisy. Baydin and others report steps up to twice "
    "as fast as backpropagation's. Here both minimise the same things from the same starts."
)
NO_DATA_NOTE = (
    "Without data the images are scikit-learn's digits of 8 x 8 pixels, not MNIST: name a file or "
    "folder of MNIST with data= (--data)."
)


def _labelled(data: str | os.PathLike[str]) -> Images:
    sets = [one for one in read_images(data) if one.train_labels is not None]
    sets = [one for one in sets if one.test_labels is not None]
    if not sets:
        raise DataError(f"{os.fspath(data)} holds no images with labels of training and test.")
    return next((one for one in sets if one.name.lower().startswith("mnist")), sets[0])


def _part_names(parts: Sequence[str] | None) -> tuple[str, ...]:
    for name in parts or ():
        if name not in PARTS:
            raise DataError(f"no part is called {name!r}: there are {', '.join(PARTS)}.")
    if parts is not None and not parts:
        raise DataError("parts is empty: name at least one, or leave it out for all.")
    return tuple(name for name in PARTS if parts is None or name in parts)


def _at_least(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise DataError(f"{name}={value!r}: expected a whole number of at least {least}.")
    return int(value)


def _about(grid: DescentGrid) -> list[tuple[str, str]]:
    h, w, _ = grid.images.shape
    return [
        (
            "Images",
            f"{grid.images.name}: {len(grid.images.train):,} for training, "
            f"{len(grid.images.test):,} for test, {h} x {w} pixels",
        ),
        ("Steps", f"{grid.steps:,} of {BATCH_ROWS} images; {grid.function_steps:,} on functions"),
        ("Seeds", f"{grid.seeds}"),
        (
            "Networks",
            f"hidden layers of {grid.size.hidden}; {grid.size.convolutions} convolutions of "
            f"{grid.size.channels} channels",
        ),
        (
            "Rates",
            "plain gradient descent, the rate falling as exp(-0.0001 i) on networks; one rate for "
            "backpropagation and one tangent as in the paper, and for each method the best of .002 "
            "to .2 in half of the steps on another seed",
        ),
        ("Forward, 1 tangent", "a Gaussian tangent, as in the paper"),
        ("Forward, 4 tangents", "the mean over four tangents of random signs"),
        (
            "Forward, activations",
            "random signs on what layers return, a derivative for each row (Ren et al. 2023)",
        ),
        ("Times", "seconds of one processor, on one thread"),
    ]
