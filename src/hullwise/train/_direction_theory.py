"""How far a forward gradient is from the gradient on average, for each kind of direction."""

from __future__ import annotations

from typing import Any

from .._core.options import check_int
from ..errors import DataError

DIRECTION_KINDS = ("rademacher", "gaussian", "orthonormal")
PERTURBED = ("weights", "activations")


def relative_variance(directions: str, n: int, n_tangents: int) -> float:
    """E|estimate - grad|^2 / |grad|^2 for n perturbed numbers and K tangents.

    With one tangent v the estimate is (grad'v) v, where E vv' = I. Rademacher: |v|^2 = n always and
    E(grad'v)^2 = |grad|^2, so that E|estimate|^2 = n |grad|^2 and the variance is n - 1. Gaussian:
    grad'v / |grad| and the n - 1 components across grad are independent standard normals, so that
    E|estimate|^2 / |grad|^2 = E z^4 + (n - 1) E z^2 = n + 2 and the variance is n + 1. K
    independent tangents divide by K. Orthonormal: K orthonormal columns U of uniform orientation,
    each times the root of n, give (n / K) P grad with the projector P = UU'; E P = (K / n) I, so
    that E|estimate|^2 = (n / K)^2 grad' E[P] grad = (n / K) |grad|^2 and the variance is n / K - 1.

    Examples
    --------
    >>> [relative_variance(kind, 100, 10) for kind in DIRECTION_KINDS]
    [9.9, 10.1, 9.0]
    """
    if directions == "orthonormal":
        return n / n_tangents - 1
    return (n - 1 if directions == "rademacher" else n + 1) / n_tangents


def check_directions(directions: Any, n_tangents: Any, n: float) -> int:
    """The number of tangents, if they can be drawn among n numbers.

    Raises
    ------
    DataError
        An unknown kind, no tangent, or more orthonormal ones than numbers.
    """
    if directions not in DIRECTION_KINDS:
        raise DataError(f"directions={directions!r}: expected one of {', '.join(DIRECTION_KINDS)}.")
    number = check_int("n_tangents", n_tangents, 1)
    if directions == "orthonormal" and number > n:
        raise DataError(
            f"n_tangents={number}: only {n:,} directions are orthogonal among {n:,} perturbed "
            f"numbers; with n_tangents={n} the gradient is exact."
        )
    return number


def check_perturb(perturb: Any) -> None:
    """DataError for what cannot be perturbed."""
    if perturb not in PERTURBED:
        raise DataError(f"perturb={perturb!r}: expected 'weights' or 'activations'.")
