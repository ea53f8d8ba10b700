"""What training aids do to a network's answers, to its latent hull, and to its partition.

TangentProp, mixup, distillation and an orthogonality penalty, each against a network without aid
that had the same rows, the same start and the same batches; weight decay and dropout as controls.
What does not help is reported like what does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from numbers import Integral
from typing import Any

from hullwise.errors import DataError, MissingDependencyError

from .._page import write_page
from .._runs import Results, existing_folder, run_tasks
from .._study import Part, Study
from .._tables import Finding
from .._types import Progress
from ..balestriero2021 import read_images
from ._aid_grid import NO_AID, AidGrid, scores_by_set
from ._aid_tables import aid_findings, aid_parts
from ._aids import AID_BATCH_ROWS, AID_LEARNING_RATE, AIDS, HIDDEN_WIDTHS
from ._draws import TRAINING_SOURCES, TrainingSize, TrainingSource, image_rows_source
from ._mixed_hull import mixed_part, mixed_tasks
from ._orthogonality_sweep import sweep_part, sweep_tasks

__all__ = ["AID_NAMES", "PARTS", "run", "write_page"]

TRAINING_EXTRAS = {
    "mixing": "what mixup does to the hull of the rows",
    "orthogonality": "the orthogonality penalty by its weight, and the number of regions",
}
PARTS = {name: source.text for name, source in TRAINING_SOURCES.items()} | TRAINING_EXTRAS
"""The sets, and the parts beside them; with `data`, the image sets of a folder are more."""
AID_NAMES = tuple(AIDS)
"""Ways to train; "none" always runs."""
SHORT_TRAINING, FULL_TRAINING = TrainingSize(300, 600, 600), TrainingSize(1000, 2000, 2000)
SHORT_TRAINING_SEEDS, FULL_TRAINING_SEEDS = 8, 16
EXTRA_SEEDS = 4  # at most, of the parts beside the sets in the short form


def run(
    data: str | os.PathLike[str] | None = None,
    *,
    sets: Sequence[str] | None = None,
    aids: Sequence[str] | None = None,
    seeds: int | None = None,
    full: bool = False,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Study:
    """Compute the study.

    Parameters
    ----------
    data : path, optional
        A folder or file of labelled images, each set one more: MNIST and others, as
        `balestriero2021.read_images` takes them.
    sets : sequence of str, optional
        Of `PARTS` and the sets of `data`. All unless told.
    aids : sequence of str, optional
        Of `AID_NAMES`. All unless told.
    seeds : int, optional
        How many draws of rows, each with its own start: 8, or 16 with `full`. The short form takes
        at most 4 for "mixing" and "orthogonality".
    full : bool
        Up to 1,000 training rows, 2,000 test rows and 2,000 steps in place of 300, 600 and 600.
    cache : path, optional
        A folder that keeps the measures of each set, aid and seed.
    progress : callable, optional
        Called with (tasks done, tasks in all, name of the next).

    Returns
    -------
    Study
        Its `results` are a list with, for each set, every measure of every network: `name`, and
        `values` by aid and measure.

    Raises
    ------
    MissingDependencyError
        If torch is not installed.
    DataError
        An unknown set or aid, or fewer than 1 seed.
    FileError
        A folder that is not there, or that holds no images.

    Notes
    -----
    The same on every run with the same versions on the same machine: networks are trained in
    float32. Cost: one to six seconds for each network, about a quarter of an hour on two cores.

    Sources: P. Simard et al., *Tangent Prop*, NeurIPS 1991; H. Zhang et al., *mixup*, ICLR 2018; G.
    Hinton et al., *Distilling the knowledge in a neural network*, 2015; R. Balestriero, R.
    Baraniuk, *Mad Max: affine spline insights into deep learning*, 2018; I. Loshchilov, F. Hutter,
    *Decoupled weight decay regularization*, ICLR 2019; N. Srivastava et al., *Dropout*, JMLR 2014.

    Examples
    --------
    >>> _ = __import__("pytest").importorskip("torch")
    >>> from hullwise_studies import training
    >>> study = training.run(sets=["diabetes"], aids=["mixup"], seeds=1)
    >>> study
    Study(training: 3 parts, 3 tables)
    >>> study.tables["answers-diabetes"].to_dict()["aid"]
    ['no aid', 'mixup, alpha 1']
    """
    if find_spec("torch") is None:
        raise MissingDependencyError(
            "the study training needs torch, which comes with: pip install 'hullwise[torch]'"
        )
    available = _available_sources(data)
    names = _checked_sets(available, sets)
    n_seeds = (FULL_TRAINING_SEEDS if full else SHORT_TRAINING_SEEDS) if seeds is None else seeds
    grid = AidGrid(
        {name: available[name] for name in names if name in available},
        {name: available[name].read() for name in names if name in available},
        _checked_aids(aids),
        _checked_count(n_seeds),
        FULL_TRAINING if full else SHORT_TRAINING,
    )
    extra_grid = _extra_grid(grid, available, full)
    tasks = grid.tasks()
    tasks += mixed_tasks(extra_grid) if "mixing" in names else []
    tasks += sweep_tasks(extra_grid) if "orthogonality" in names else []
    results = run_tasks(tasks, existing_folder(cache, "cache"), progress)
    return _study(grid, extra_grid, names, results, data is not None)


def _available_sources(data: Any) -> dict[str, TrainingSource]:
    available = dict(TRAINING_SOURCES)
    for images in () if data is None else read_images(data):
        if images.train_labels is not None:
            available[images.name] = image_rows_source(images)
    return available


def _checked_sets(
    available: Mapping[str, TrainingSource], sets: Sequence[str] | None
) -> tuple[str, ...]:
    everything = (*available, *TRAINING_EXTRAS)
    for name in sets or ():
        if name not in everything:
            raise DataError(f"no part is called {name!r}: there are {', '.join(everything)}.")
    if sets is not None and not sets:
        raise DataError("sets is empty: name at least one, or leave it out for all.")
    return tuple(name for name in everything if sets is None or name in sets)


def _checked_aids(aids: Sequence[str] | None) -> tuple[str, ...]:
    for name in aids or ():
        if name not in AIDS:
            raise DataError(f"no aid is called {name!r}: there are {', '.join(AIDS)}.")
    return tuple(name for name in AIDS if aids is None or name in aids or name == NO_AID)


def _checked_count(seeds: int) -> int:
    if isinstance(seeds, bool) or not isinstance(seeds, Integral) or seeds < 1:
        raise DataError(f"seeds={seeds!r}: expected a whole number of at least 1.")
    return int(seeds)


def _extra_grid(grid: AidGrid, available: Mapping[str, TrainingSource], full: bool) -> AidGrid:
    """Of the parts beside the sets: those of the grid, or all where none was named."""
    seeds = grid.seeds if full else min(grid.seeds, EXTRA_SEEDS)
    if grid.sources:
        return replace(grid, seeds=seeds)
    rows = {name: source.read() for name, source in available.items()}
    return replace(grid, sources=available, rows=rows, seeds=seeds)


def _study(
    grid: AidGrid, extra_grid: AidGrid, names: Sequence[str], results: Results, has_data: bool
) -> Study:
    scores = scores_by_set(grid, results)
    parts: list[Part] = aid_parts(scores) if scores else []
    findings: list[Finding] = aid_findings(scores) if scores else []
    for name, make in (("mixing", mixed_part), ("orthogonality", sweep_part)):
        if name in names:
            part, its_findings = make(extra_grid, results)
            parts.append(part)
            findings += its_findings
    size = grid.size
    about = [
        *((f"Set {name}", source.text) for name, source in extra_grid.sources.items()),
        ("Seeds", f"{grid.seeds}; of mixing and orthogonality {extra_grid.seeds}"),
        (
            "Rows",
            f"up to {size.rows:,} to train on, at most half of a table, and {size.test_rows:,} "
            "others, drawn anew for each seed; a table's columns in standard deviations",
        ),
        (
            "Networks",
            f"hidden layers of {HIDDEN_WIDTHS[0]} and {HIDDEN_WIDTHS[1]} ReLUs, {size.steps:,} "
            f"steps of AdamW at rate {AID_LEARNING_RATE:g} on batches of {AID_BATCH_ROWS}",
        ),
        *((f"Aid {name}", AIDS[name].title) for name in grid.aids),
    ]
    return Study(
        "training",
        "What training aids do to answers, hull and partition",
        "Each aid against a network without, pair by pair: the same rows, start and batches. What "
        "does not help is reported like what does.",
        tuple(parts),
        tuple(findings),
        tuple(about),
        _notes(scores, has_data),
        results=scores,
    )


def _notes(scores: Sequence[Any], has_data: bool) -> tuple[str, ...]:
    n_intervals = sum(len(one.values) - 1 for one in scores)
    notes = []
    if n_intervals:
        notes.append(
            f"Of the {n_intervals} intervals of an error one in twenty leaves out 0 by chance "
            "alone. Seeds draw from one table each, and their test rows overlap: the intervals are "
            "about networks and draws, not about other tables."
        )
    if not has_data:
        notes.append(
            "Images are scikit-learn's digits of 8 x 8 pixels; a folder of others, such as MNIST, "
            "can be named with data (--data)."
        )
    return tuple(notes)
