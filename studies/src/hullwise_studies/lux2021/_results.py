"""All that the study computed, before it becomes charts and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .._runs import Results
from .._types import Floats
from ._data import StudySet
from ._models import STUDY_METHODS, Method
from ._real import HeldOutErrors


@dataclass(frozen=True, eq=False, repr=False)
class Lux2021Results:
    """Predictions and errors at every held-out row: `results` of the study.

    Attributes
    ----------
    sets : dict of str to StudySet
        The data sets that ran.
    parts : tuple of str
        Their names, and "analytic".
    methods : dict of str to Method
        What ran, with its settings.
    full : bool
        Whether at the paper's own sizes.
    held_out : dict of str to HeldOut
        Predictions and errors at every held-out row of the real-valued sets.
    by_patient : HeldOut or None
        The same of Parkinson's, with folds of whole patients.
    distances : dict of str to dict
        Kolmogorov-Smirnov distances by kind of inputs and method, for the function-valued set.
    published : dict of str to dict
        The published errors at every row, where the folder held them.
    tasks : dict
        What every task returned, by its name.
    """

    sets: Mapping[str, StudySet]
    parts: tuple[str, ...]
    methods: Mapping[str, Method]
    full: bool
    held_out: Mapping[str, HeldOutErrors]
    by_patient: HeldOutErrors | None
    distances: Mapping[str, Mapping[str, Floats]]
    published: Mapping[str, Mapping[str, Floats]]
    tasks: Results

    @property
    def left_out(self) -> list[str]:
        """Methods that did not run, by their names in tables."""
        return [method.name for slug, method in STUDY_METHODS.items() if slug not in self.methods]
