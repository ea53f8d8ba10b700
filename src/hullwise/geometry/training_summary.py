"""What a location keeps of the rows that it was computed against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.types import Floats, Objects
from .bands import Reference
from .cloud import Cloud
from .linear_relations import LinearRelation
from .principal_plane import PrincipalPlane, principal_plane


@dataclass(frozen=True, eq=False)
class TrainingSummary:
    """Names, ranges and reference distances of n training rows in d features.

    Attributes
    ----------
    n : int
    columns : tuple of str
        Names of the d features.
    minimum, maximum : (d,) float64
        Range of each feature.
    labels : (n,) object or None
    reference : Reference
        Rows left out in turn; none in a `membership_only` run.
    plane : PrincipalPlane or None
        What a map of the data needs; none in a `membership_only` run.
    relations : tuple of LinearRelation
        Those that the rows obey; sought where a query breaks one.
    """

    n: int
    columns: tuple[str, ...]
    minimum: Floats
    maximum: Floats
    labels: Objects | None
    reference: Reference
    plane: PrincipalPlane | None
    relations: tuple[LinearRelation, ...] = ()

    @classmethod
    def of(
        cls,
        cloud: Cloud,
        reference: Reference,
        plane: PrincipalPlane | None,
        relations: tuple[LinearRelation, ...],
    ) -> TrainingSummary:
        """Of a cloud."""
        return cls(
            n=cloud.n,
            columns=cloud.names,
            minimum=cloud.minimum,
            maximum=cloud.maximum,
            labels=cloud.labels,
            reference=reference,
            plane=plane,
            relations=relations,
        )

    @property
    def half_width(self) -> Floats:
        """(d,) half of each feature's range: the whole one may be beyond the floats."""
        return np.asarray(self.maximum / 2 - self.minimum / 2)


def plane_of(cloud: Cloud) -> PrincipalPlane:
    """The map of a cloud; one pass where it is not known yet."""
    return cloud.cached("plane", lambda: principal_plane(cloud))
