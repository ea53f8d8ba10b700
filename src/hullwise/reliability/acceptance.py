"""The largest region in which a model is wrong no more often than is tolerated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .._core.foreign import own_errors
from .._core.options import check_fraction, check_nonnegative
from .._core.results import RecordResult
from .._core.types import Array, Floats, Mask
from ..domain.domain import Domain
from ..errors import DataError
from .learn_then_test import (
    STARTS,
    THRESHOLDS,
    TestedThresholds,
    betting_p_value,
    binomial_p_value,
    box_plot_threshold,
    largest_threshold,
    t_p_value,
)
from .scored_rows import DISTANCE_NOTIONS, ScoredRows, Values, score_rows

LossKind = Literal["exceeds", "bounded", "mean"]


@dataclass(frozen=True, eq=False)
class AcceptanceRegion(RecordResult):
    """Rows no farther out than `threshold` are accepted.

    Attributes
    ----------
    notion : str
        Which distance is thresholded.
    threshold : float
        -inf where nothing is proved.
    at_most, confidence : float
    loss : str
        What is limited: "exceeds" (share of errors above `tolerance`, or of wrong classes),
        "bounded" (mean of losses in [0, `largest_loss`]) or "mean" (approximate).
    tolerance : float
        NaN for classes and means.
    accepted_share, accepted_loss : float
        Of the calibration rows: how many are accepted, and their mean loss.
    n_rows, n_groups : int
    rows_needed : int
        Accepted calibration rows without any loss that would be needed to prove anything.
    tested : TestedThresholds
    box_plot_threshold, box_plot_share, box_plot_loss : float
        CAST's area of applicability on the same rows, for comparison; it guarantees nothing.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(0)
    >>> X, Q = rng.normal(size=(300, 2)), rng.normal(size=(900, 2)) * 1.5
    >>> truth = np.maximum(np.abs(Q).max(axis=1) - 2.5, 0.0)
    >>> region = hw.acceptance_region(
    ...     hw.Domain().fit(X), Q, truth, np.zeros(900), tolerance=0.1, at_most=0.1
    ... )
    >>> region
    AcceptanceRegion(hull <= ..., ... % of 900 calibration rows)
    >>> region.accepts([0.0, 9.0])
    array([ True, False])
    """

    notion: str
    threshold: float
    at_most: float
    confidence: float
    loss: LossKind
    tolerance: float
    accepted_share: float
    accepted_loss: float
    n_rows: int
    n_groups: int
    rows_needed: int
    tested: TestedThresholds
    box_plot_threshold: float
    box_plot_share: float
    box_plot_loss: float

    def __repr__(self) -> str:
        if self.threshold == -np.inf:
            return f"AcceptanceRegion(nothing proved with {self.n_rows} calibration rows)"
        return (
            f"AcceptanceRegion({self.notion} <= {self.threshold:.4g}, "
            f"{100 * self.accepted_share:.0f} % of {self.n_rows} calibration rows)"
        )

    def accepts(self, distance: Array | list[float]) -> Mask:
        """Which rows are accepted, by their distances (m,) of the region's notion."""
        return np.asarray(np.asarray(distance, dtype=np.float64) <= self.threshold)

    @property
    def sentence(self) -> str:
        """What is promised, or how many rows would be needed."""
        sure = f"With confidence {100 * self.confidence:g} %"
        if self.loss == "mean":
            sure = f"Approximately, at {100 * self.confidence:g} %"
        what = {
            "exceeds": f"at most {100 * self.at_most:g} % are "
            + ("wrong" if np.isnan(self.tolerance) else f"wrong by more than {self.tolerance:g}"),
            "bounded": f"the mean loss is at most {self.at_most:g}",
            "mean": f"the mean error is at most {self.at_most:g}",
        }[self.loss]
        if self.threshold == -np.inf:
            units = "groups" if self.n_groups else "rows"
            return (
                f"No region is proved in which {what}: {self.n_rows:,} calibration rows. Even with "
                f"no loss at all, at least {self.rows_needed:,} accepted {units} are needed."
            )
        of = (
            "a random row of a new group" if self.n_groups else "new rows like the calibration rows"
        )
        return (
            f"{sure}: of {of} that are no farther out than {self.threshold:.4g} by the "
            f"{self.notion} distance, {what}, on average over such rows. That accepts "
            f"{100 * self.accepted_share:.0f} % of the calibration rows."
        )

    @property
    def comparison_sentence(self) -> str:
        """The box-plot threshold of CAST beside it, with the loss measured inside."""
        return (
            f"CAST's area of applicability, which looks at no error, would accept "
            f"{100 * self.box_plot_share:.0f} % of them with a mean loss of "
            f"{self.box_plot_loss:.3g}."
        )


@own_errors("finding the region of acceptance")
def acceptance_region(
    domain: Domain,
    table: Any,
    truth: Values,
    prediction: Values,
    *,
    at_most: float,
    tolerance: float | None = None,
    confidence: float = 0.9,
    loss: LossKind = "exceeds",
    largest_loss: float | None = None,
    notion: str = "hull",
    n_notions_tried: int = 1,
    groups: Values | None = None,
    classes: bool | None = None,
    random_state: int = 0,
) -> AcceptanceRegion:
    """The largest distance up to which a model's loss is proved to stay below a limit.

    Parameters
    ----------
    domain : Domain
        Fitted on the model's training rows.
    table, truth, prediction, groups, classes : Any
        As for `error_profile`: rows that neither the model nor the domain has seen.
    at_most : float
        The tolerated share of errors above `tolerance` (or of wrong classes), or mean loss.
    tolerance : float, optional
        In the target's unit; needed for numbers with ``loss="exceeds"``.
    confidence : float
        The probability, over calibration rows, that the promise holds.
    loss : {"exceeds", "bounded", "mean"}
        "bounded": mean of errors in [0, `largest_loss`], larger ones are refused; "mean": of errors
        without a bound, by a t-test, which is approximate: without a bound nothing is guaranteed.
    largest_loss : float, optional
        For "bounded".
    notion : {"hull", "neighbours", "ellipsoid"}
    n_notions_tried : int
        How many notions were compared on these rows before this one was chosen: the error
        probability is divided by it.
    random_state : int

    Raises
    ------
    DataError
        Options that do not go together, or a loss above `largest_loss`.

    Notes
    -----
    The promise is an average over accepted new rows like the calibration rows, not one for each
    row, and none after the rows have shifted. Thresholds are 20 quantiles of the left-out distances
    of the training rows, fixed without the calibration rows
    (`hullwise.reliability.learn_then_test`).
    Simulated: violated in at most 5 of 100 tables at confidence .9, also where no region is safe.

    References
    ----------
    A. Angelopoulos, S. Bates, E. Candes, M. Jordan, L. Lei, "Learn then test", Annals of Applied
    Statistics 19, 2025. H. Meyer, E. Pebesma, "Predicting into unknown space?", Methods in Ecology
    and Evolution 12, 2021 (CAST).

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(0)
    >>> domain, Q = hw.Domain().fit(rng.normal(size=(200, 2))), rng.normal(size=(100, 2))
    >>> hw.acceptance_region(domain, Q, np.zeros(100), np.zeros(100), tolerance=0.1, at_most=0.01)
    AcceptanceRegion(nothing proved with 100 calibration rows)
    """
    check_fraction("confidence", confidence, ends=False)
    check_nonnegative("at_most", at_most)
    scored = score_rows(domain, table, truth, prediction, groups=groups, classes=classes)
    return region_in(
        domain,
        scored,
        notion,
        at_most=at_most,
        tolerance=tolerance,
        confidence=confidence,
        loss=loss,
        largest_loss=largest_loss,
        n_notions_tried=n_notions_tried,
        random_state=random_state,
    )


def region_in(
    domain: Domain, scored: ScoredRows, notion: str = "hull", **options: Any
) -> AcceptanceRegion:
    """The region of rows that were scored in a domain; `options` as of `acceptance_region`."""
    if notion not in DISTANCE_NOTIONS:
        raise DataError(f"notion={notion!r}: expected one of {', '.join(DISTANCE_NOTIONS)}.")
    if notion not in scored.distances:
        raise DataError(f"the {notion} distance of these rows could not be computed.")
    left_out = _left_out_distances(domain, notion)
    shares = np.linspace(0, 1, THRESHOLDS + 1)[1:]
    thresholds = np.quantile(left_out, shares) if len(left_out) else None
    return region_of(scored, notion, thresholds, left_out, **options)


def region_of(
    scored: ScoredRows,
    notion: str,
    thresholds: Floats | None,
    left_out: Floats,
    *,
    at_most: float,
    tolerance: float | None = None,
    confidence: float = 0.9,
    loss: LossKind = "exceeds",
    largest_loss: float | None = None,
    n_notions_tried: int = 1,
    random_state: int = 0,
) -> AcceptanceRegion:
    """The region of acceptance of rows whose errors and distances are known."""
    distance = scored.distances[notion]
    losses, limit, scale = _losses(scored, loss, tolerance, largest_loss, at_most)
    group = scored.group
    p_value = {"exceeds": binomial_p_value, "bounded": betting_p_value, "mean": t_p_value}[loss]
    if loss == "exceeds" and group is not None:
        p_value = betting_p_value
    miss = (1 - confidence) / n_notions_tried
    tested = largest_threshold(
        distance,
        losses,
        limit,
        p_value=p_value,
        error_probability=miss,
        thresholds=thresholds,
        group=group,
        random_state=random_state,
    )
    accepted = distance <= tested.largest
    box = box_plot_threshold(left_out) if len(left_out) else float("nan")
    within = distance <= box
    needed = np.log(STARTS / miss) / -np.log1p(-limit) if 0 < limit < 1 else np.inf
    return AcceptanceRegion(
        notion,
        tested.largest,
        at_most,
        confidence,
        loss,
        float("nan") if tolerance is None or scored.is_classes else float(tolerance),
        float(accepted.mean()),
        _mean_of(losses[accepted], scale),
        len(scored),
        0 if group is None else int(group.max()) + 1,
        int(np.ceil(min(needed, 1e9))),
        tested,
        box,
        float(within.mean()),
        _mean_of(losses[within], scale),
    )


def _losses(
    scored: ScoredRows,
    loss: LossKind,
    tolerance: float | None,
    largest_loss: float | None,
    at_most: float,
) -> tuple[Floats, float, float]:
    """(m,) the losses as they are tested, the limit in their unit, and that unit."""
    if loss == "exceeds":
        if not at_most < 1:
            raise DataError(f"at_most={at_most:g}: expected a share of rows, below 1.")
        if scored.is_classes:
            return (scored.error > 0).astype(np.float64), at_most, 1.0
        if tolerance is None:
            raise DataError(
                "tolerance is missing: say from which error on a prediction counts as wrong, in "
                "the target's unit."
            )
        check_nonnegative("tolerance", tolerance)
        return (scored.error > tolerance).astype(np.float64), at_most, 1.0
    if loss == "mean":
        return scored.error, at_most, 1.0
    if loss != "bounded":
        raise DataError(f"loss={loss!r}: expected 'exceeds', 'bounded' or 'mean'.")
    if largest_loss is None or not largest_loss > 0:
        raise DataError("loss='bounded' needs largest_loss, which no error can exceed.")
    if scored.error.max(initial=0.0) > largest_loss:
        raise DataError(
            f"an error of {scored.error.max():g} exceeds largest_loss={largest_loss:g}: give a "
            "bound that holds, or use loss='exceeds'."
        )
    if not at_most < largest_loss:
        raise DataError(f"at_most={at_most:g}: expected less than largest_loss={largest_loss:g}.")
    return scored.error / largest_loss, at_most / largest_loss, float(largest_loss)


def _mean_of(losses: Floats, scale: float) -> float:
    return float(losses.mean() * scale) if len(losses) else float("nan")


def _left_out_distances(domain: Domain, notion: str) -> Floats:
    """Distances of training rows left out; none for the ellipsoid, which is not measured so."""
    pattern = domain.fitted_.pattern(domain.fitted_.every_column)
    if pattern is None or notion == "ellipsoid":
        return np.zeros(0)
    reference = pattern.reference
    distance = (
        np.where(reference.off, np.inf, reference.hull) if notion == "hull" else reference.gaps
    )
    return distance[np.isfinite(distance)]
