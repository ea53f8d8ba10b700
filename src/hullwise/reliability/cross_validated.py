"""The error profile where no rows were kept aside: folds are left out in turn."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.options import check_int
from .._core.types import Floats, Objects
from ..domain.domain import Domain
from ..errors import DataError
from ..io.mixed_table import MixedTable, read_mixed
from ..table.spec import ColumnSpec
from .binned_means import group_codes
from .error_profile import ErrorProfile, profile_of
from .folds import left_out_folds
from .scored_rows import ScoredRows, predictions_of, score_rows


def cross_validated_error_profile(
    model: Any,
    table: Any,
    target: str,
    *,
    domain: Domain | None = None,
    groups: str | None = None,
    n_folds: int = 5,
    level: float = 0.95,
    n_bins: int = 10,
    random_state: int = 0,
) -> ErrorProfile:
    """`error_profile` of rows that are left out in turn, with a scikit-learn model.

    Parameters
    ----------
    model : estimator
        Cloned and fitted on the other folds, on a data frame of the domain's columns: a pipeline
        encodes categories. Its ensemble's spread, where it has one, is judged as a peer.
    table : path, data frame or list of dictionaries
    target : str
        The column that is predicted; labels where its cells are text.
    domain : Domain, optional
        Its settings; ``Domain()`` unless given.
    groups : str, optional
        A column, and no feature; folds are whole groups, and groups are judged.
    n_folds : int
    level, n_bins, random_state : float, int, int
        As for `error_profile`; the seed also draws the folds.

    Notes
    -----
    Rows of different folds share training rows; intervals treat them as independent. Costs
    `n_folds` fits of model and domain.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> from sklearn.linear_model import Ridge
    >>> rng = np.random.default_rng(0)
    >>> rows = [{"a": a, "b": b, "y": a * a + b} for a, b in rng.normal(size=(300, 2)).tolist()]
    >>> hw.cross_validated_error_profile(Ridge(), rows, "y")["hull"].verdict.word
    'yes'
    """
    from sklearn.base import clone, is_classifier

    check_int("n_folds", n_folds, 2)
    domain = _without_feature(Domain() if domain is None else domain, groups)
    mixed = read_mixed(table, gaps=domain.spec.gaps)
    labels = None if groups is None else _group_labels(mixed, groups)
    folds = left_out_folds(mixed.n, labels, n_folds, random_state)
    classes = bool(is_classifier(model))
    scored, order = [], []
    for left_out in folds:
        rest = np.setdiff1d(np.arange(mixed.n), left_out, assume_unique=True)
        training, test = mixed.take(rest), mixed.take(left_out)
        part = domain.unfitted().fit(training, target=target)
        fitted = _fit(clone(model), training, target, part, classes)
        scored.append(
            score_rows(
                part,
                test,
                target,
                predictions_of(fitted, test, part),
                groups=np.arange(len(left_out)),
                classes=classes,
                peers=ensemble_spread(fitted, test, part),
            )
        )
        if len(scored[-1]) != len(left_out):
            raise DataError(
                f"{len(left_out) - len(scored[-1])} rows have no band when their fold is left out."
            )
        order.append(left_out)
    rows = np.concatenate(order)
    group = None if labels is None else group_codes(labels[rows], len(rows))
    return profile_of(
        ScoredRows.concatenated(scored, group),
        level=level,
        n_bins=n_bins,
        random_state=random_state,
    )


def _without_feature(domain: Domain, groups: str | None) -> Domain:
    """The domain with the column of groups as such: who it is tells nothing of somebody new."""
    spec = domain.spec
    if groups is None or groups in spec.roles:
        return domain
    has_blocks = spec.columns_with("group") or spec.columns_with("time")
    role: Any = {"drop": [groups]} if has_blocks else {"group": groups}
    domain = domain.unfitted()
    domain.spec = spec.merged(ColumnSpec.declare(**role))
    return domain


def _group_labels(table: MixedTable, groups: str) -> Objects:
    column = table.column(groups)
    return np.array(column.labels(column.kind).to_pylist(), dtype=object)


@own_errors("fitting the model")
def _fit(model: Any, table: MixedTable, target: str, domain: Domain, classes: bool) -> Any:
    column = table.column(target)
    y = (
        np.array(column.labels(column.kind).to_pylist(), dtype=object).astype(str)
        if classes
        else column.numbers()
    )
    frame = table.arrow.select(list(domain.fitted_.coordinates.sources)).to_pandas()
    return model.fit(frame, y)


@own_errors("asking the members of the ensemble")
def ensemble_spread(model: Any, table: MixedTable, domain: Domain) -> dict[str, Floats]:
    """The usual peer: the standard deviation over an ensemble's members, or 1 - the top share."""
    from .scored_rows import model_input

    last = model.steps[-1][1] if hasattr(model, "steps") else model
    X = model_input(model, table, domain)
    if hasattr(model, "predict_proba"):
        return {"model's own doubt": 1.0 - np.asarray(model.predict_proba(X)).max(axis=1)}
    members = np.ravel(getattr(last, "estimators_", []))
    if len(members) < 2 or not all(hasattr(member, "predict") for member in members):
        return {}
    Z = model[:-1].transform(X) if hasattr(model, "steps") else X
    values = Z.to_numpy() if hasattr(Z, "to_numpy") else Z
    return {"ensemble's spread": np.std([m.predict(values) for m in members], axis=0)}
