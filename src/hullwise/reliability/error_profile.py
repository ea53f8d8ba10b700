"""Does the error of a model go with the distance of its rows? The table that tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._core.foreign import own_errors
from .._core.options import check_fraction, check_int
from .._core.results import Column, TableResult
from .._core.types import Floats
from ..domain.domain import Domain
from ..domain.domain_location import DomainLocation
from ..errors import DataError
from ..geometry.bands import BANDS
from .binned_means import BinnedMeans, binned_means
from .error_curve import ErrorCurve, error_curve
from .error_verdict import ErrorVerdict, judge_errors
from .risk_coverage import area_under_roc, share_saved, share_saved_limits
from .scored_rows import ScoredRows, Values, bands_of, score_rows

FEWEST_JUDGED_ROWS = 20


@dataclass(frozen=True, eq=False)
class NotionProfile:
    """How the error goes with one notion of distance, or with a peer such as an ensemble's spread.

    Attributes
    ----------
    name : str
    is_peer : bool
    verdict : ErrorVerdict
    curve : ErrorCurve
    saved : float
        Share of the mean error that refusing far rows saves, averaged over coverages; 0 expected in
        random order.
    saved_limits : (float, float)
    auroc : float
        For classes: probability that a wrong row is farther out than a right one; else NaN.
    """

    name: str
    is_peer: bool
    verdict: ErrorVerdict
    curve: ErrorCurve
    saved: float
    saved_limits: tuple[float, float]
    auroc: float


@dataclass(frozen=True, eq=False, repr=False)
class ErrorProfile(TableResult):
    """Error against distance: one row for each notion of distance, and for each peer.

    Attributes
    ----------
    notions : tuple of NotionProfile
        Distances first, then peers.
    by_band : BinnedMeans
        Mean error of core, edge, beyond and far rows.
    n_rows, n_groups : int
        `n_groups` is 0 where rows count as independent.
    mean_error : float
    is_classes : bool
    notes : tuple of str
    location : DomainLocation or None
        Where the rows stand; None where they are of several folds.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(0)
    >>> X, Q = rng.normal(size=(400, 3)), rng.normal(size=(600, 3)) * 1.3
    >>> y = np.abs(Q).sum(axis=1)
    >>> domain = hw.Domain().fit(X)
    >>> profile = hw.error_profile(domain, Q, y, np.full(600, 2.4))
    >>> profile
    ErrorProfile(600 rows: hull yes, neighbours yes, ellipsoid yes)
    >>> print(profile.sentence)
    The error grows with the distance: rank correlation 0...
    """

    notions: tuple[NotionProfile, ...]
    by_band: BinnedMeans
    n_rows: int
    n_groups: int
    mean_error: float
    is_classes: bool
    notes: tuple[str, ...] = ()
    location: DomainLocation | None = None

    def plot(self, ax: Any = None) -> Any:
        """Draw the error by distance and by band; returns matplotlib axes."""
        from ..report.error_pictures import draw_error_profile

        return draw_error_profile(self, ax)

    def __repr__(self) -> str:
        words = ", ".join(f"{notion.name} {notion.verdict.word}" for notion in self.notions)
        return f"ErrorProfile({self.n_rows} rows: {words})"

    def __len__(self) -> int:
        return len(self.notions)

    @property
    def sentence(self) -> str:
        """The answer by the first notion, and whether a peer says more."""
        first = self.notions[0]
        return " ".join([first.verdict.sentence, *self._peer_sentences(first)])

    def _peer_sentences(self, first: NotionProfile) -> list[str]:
        better = [n for n in self.notions if n.is_peer and n.saved > max(first.saved, 0.0)]
        if not better:
            return []
        best = max(better, key=lambda notion: notion.saved)
        return [
            f"The {best.name} says more about it in these rows: refusing rows by it saves "
            f"{best.saved:.2f} of the mean error, by distance {round(first.saved, 2) + 0.0:.2f}."
        ]

    @property
    def band_sentence(self) -> str:
        """Mean error by band, with the number of rows."""
        parts = [
            f"{mean:.3g} {band} ({rows:,} row{'s' * (rows != 1)})"
            for band, mean, rows in zip(BANDS, self.by_band.mean, self.by_band.rows.tolist())
            if rows
        ]
        what = "share of wrong classes" if self.is_classes else "mean error"
        return f"{what} by band: {', '.join(parts)}"

    def __getitem__(self, name: str) -> NotionProfile:
        for notion in self.notions:
            if notion.name == name:
                return notion
        raise DataError(f"no notion {name!r}: there are {', '.join(n.name for n in self.notions)}.")

    def _columns(self) -> Mapping[str, Column]:
        verdicts = [notion.verdict for notion in self.notions]
        return {
            "notion": [notion.name for notion in self.notions],
            "is_peer": [notion.is_peer for notion in self.notions],
            "verdict": [verdict.word for verdict in verdicts],
            "correlation": [verdict.correlation for verdict in verdicts],
            "correlation_lower": [verdict.correlation_limits[0] for verdict in verdicts],
            "correlation_upper": [verdict.correlation_limits[1] for verdict in verdicts],
            "ratio": [verdict.ratio for verdict in verdicts],
            "ratio_lower": [verdict.ratio_limits[0] for verdict in verdicts],
            "ratio_upper": [verdict.ratio_limits[1] for verdict in verdicts],
            "saved": [notion.saved for notion in self.notions],
            "saved_lower": [notion.saved_limits[0] for notion in self.notions],
            "saved_upper": [notion.saved_limits[1] for notion in self.notions],
            "auroc": [notion.auroc for notion in self.notions],
            "sentence": [verdict.sentence for verdict in verdicts],
        }


@own_errors("comparing errors with distances")
def error_profile(
    domain: Domain,
    table: Any,
    truth: Values,
    prediction: Values,
    *,
    groups: Values | None = None,
    classes: bool | None = None,
    task: Domain | None = None,
    peers: Mapping[str, Any] | None = None,
    level: float = 0.95,
    n_bins: int = 10,
    random_state: int = 0,
) -> ErrorProfile:
    """Whether a model's error goes with the distance of its rows from the training data.

    Parameters
    ----------
    domain : Domain
        Fitted on the model's training rows.
    table : path, data frame, array or list of dictionaries
        Rows that the model has not seen, with what really happened.
    truth, prediction : str, sequence of str, or array (m,) or (m, k)
        Columns of the table, or values. A prediction may also be a fitted model with `predict`.
    groups : str or array (m,), optional
        Rows that were drawn together (of one patient, say): groups are judged, not rows. The
        domain's own groups unless given.
    classes : bool, optional
        Whether truth and prediction are labels; text is, numbers are not unless told.
    task : Domain, optional
        The same training rows in a metric of the task: its distances are judged too.
    peers : dict of str to array (m,), optional
        Other measures of doubt, judged in the same table; an ensemble's spread inside the data
        mostly says more than distance.
    level : float
        Of the verdicts; the limits of bands and curves are at .9.
    n_bins : int
    random_state : int

    Raises
    ------
    DataError
        Fewer than 20 rows, empty cells, or lengths that differ.

    Notes
    -----
    The four words of a verdict have stated error rates (`hullwise.reliability.error_verdict`);
    "yes" is corrected for the number of distances that are judged (Bonferroni). With gaps,
    distances are in the columns that a row has. O(m log m) beside locating the rows.

    See Also
    --------
    cross_validated_error_profile : where no rows were kept aside.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(0)
    >>> domain, Q = hw.Domain().fit(rng.normal(size=(200, 2))), rng.normal(size=(2000, 2))
    >>> truth = rng.normal(size=2000)  # nothing to do with where the rows lie
    >>> hw.error_profile(domain, Q, truth, np.zeros(2000))
    ErrorProfile(2000 rows: hull nothing, neighbours nothing, ellipsoid nothing)
    """
    check_fraction("level", level, ends=False)
    check_int("n_bins", n_bins, 1)
    scored = score_rows(
        domain,
        table,
        truth,
        prediction,
        groups=groups,
        classes=classes,
        task=task,
        peers=peers,
    )
    return profile_of(scored, level=level, n_bins=n_bins, random_state=random_state)


def profile_of(
    scored: ScoredRows, *, level: float = 0.95, n_bins: int = 10, random_state: int = 0
) -> ErrorProfile:
    """The profile of rows whose errors and distances are known."""
    if len(scored) < FEWEST_JUDGED_ROWS:
        raise DataError(
            f"{len(scored)} rows with a band: at least {FEWEST_JUDGED_ROWS} are needed to compare "
            "errors with distances."
        )
    group = scored.groups_or_rows
    notions = []
    for is_peer, measures in ((False, scored.distances), (True, scored.peers)):
        notions += [
            _notion_profile(name, is_peer, values, scored, level, n_bins, random_state)
            for name, values in measures.items()
        ]
    by_band = binned_means(
        bands_of(scored), len(BANDS), scored.error, group, random_state=random_state
    )
    return ErrorProfile(
        tuple(notions),
        by_band,
        len(scored),
        0 if scored.group is None else int(group.max()) + 1,
        float(scored.error.mean()),
        scored.is_classes,
        scored.notes,
        scored.location,
    )


def _notion_profile(
    name: str,
    is_peer: bool,
    distance: Floats,
    scored: ScoredRows,
    level: float,
    n_bins: int,
    random_state: int,
) -> NotionProfile:
    error, group = scored.error, scored.group
    n_tested = 1 if is_peer else len(scored.distances)
    verdict = judge_errors(
        distance, error, group, level=level, n_tested=n_tested, random_state=random_state
    )
    return NotionProfile(
        name,
        is_peer,
        verdict,
        error_curve(distance, error, group, n_bins=n_bins, random_state=random_state),
        share_saved(distance, error),
        share_saved_limits(distance, error, scored.groups_or_rows, random_state=random_state),
        area_under_roc(distance, error) if scored.is_classes else float("nan"),
    )
