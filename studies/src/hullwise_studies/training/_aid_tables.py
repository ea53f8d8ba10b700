"""What each aid did: tables with paired differences, charts, and findings in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hullwise.report.charts import box_chart, box_statistics

from .._study import Chart, Part
from .._tables import Finding, Row, Table
from ..regimes._scores import Interval
from ._aid_grid import NO_AID, AidScores
from ._aids import AIDS
from ._measures import NETWORK_MEASURES

MEASURE_GROUPS = {
    "answers": (
        "What helps the answers",
        "Each network is judged by rows that it has not seen. A difference is from the network "
        "without aid that had the same rows, the same start and the same batches.",
    ),
    "hull": (
        "What it does to the hull",
        "In the last hidden layer, of 16 units: where test rows stand against the convex hull of "
        "the training rows.",
    ),
    "partition": (
        "What it does to the partition",
        "The network cuts its input into regions on each of which it is affine: how many hold "
        "training rows, how many of the test rows share one with them, how dense the walls are.",
    ),
}
PLACES = {"complexity": 1, "pieces": 0}  # digits behind the point; 3 unless said


def aid_parts(scores: Sequence[AidScores]) -> list[Part]:
    """One part for each group of measures."""
    return [
        Part(
            title,
            text,
            tuple(_error_chart(one) for one in scores) if group == "answers" else (),
            tuple(_aid_table(one, group) for one in scores),
            (("paper", "control"), ("here", "aid")) if group == "answers" else (),
        )
        for group, (title, text) in MEASURE_GROUPS.items()
    ]


def _aid_table(scores: AidScores, group: str) -> Table:
    known = [
        name
        for name, measure in NETWORK_MEASURES.items()
        if measure.group == group and np.isfinite(scores.values[NO_AID][name]).any()
    ]
    columns = ["aid"]
    for name in known:
        title = NETWORK_MEASURES[name].title
        columns += [f"{title} | mean", f"{title} | change", f"{title} | ±"]
    rows: list[Row] = []
    for aid in scores.values:
        cells: list[object] = [AIDS[aid].title]
        for name in known:
            places = PLACES.get(name, 3)
            cells.append(_rounded(scores.mean(aid, name).mean, places))
            change = scores.change(aid, name)
            is_other = aid != NO_AID
            cells += [_rounded(v, places) if is_other else None for v in (change.mean, change.half)]
        rows.append(tuple(cells))
    texts = "; ".join(
        f"{NETWORK_MEASURES[name].title}: {NETWORK_MEASURES[name].text}" for name in known
    )
    return Table(
        f"{group}-{scores.name}",
        f"{scores.name}: {MEASURE_GROUPS[group][0].lower()}",
        tuple(columns),
        tuple(rows),
        f"{texts}. change: mean of the paired differences from no aid; ±: half of their 95 % "
        "t-interval over seeds.",
    )


def _rounded(value: float, places: int) -> float | None:
    if not np.isfinite(value):
        return None
    return round(value) if places == 0 else round(value, places) + 0.0


def _error_chart(scores: AidScores) -> Chart:
    aids = [aid for aid in scores.values if aid != NO_AID]
    groups = []
    for aid in aids:
        changes = scores.values[aid]["error"] - scores.values[NO_AID]["error"]
        kind = "paper" if AIDS[aid].kind == "control" else "here"
        groups.append((_short_title(aid), [(kind, box_statistics(changes))]))
    svg = box_chart(
        groups,
        label=f"{scores.name}: change of the error by each aid, over seeds",
        log=False,
        width=max(760.0, 92.0 * len(aids)),
    )
    return Chart(
        svg,
        f"{scores.name}: change of the error against no aid, a box over seeds for each aid; below "
        "0 is better.",
    )


def _short_title(aid: str) -> str:
    return aid.replace("-", " ")


# ---- findings -------------------------------------------------------------------------------


def aid_findings(scores: Sequence[AidScores]) -> list[Finding]:
    """What helps, what hurts, and what cannot be told from no aid, in each set."""
    findings = [_answer_finding(one) for one in scores]
    return [*findings, _partition_finding(scores), _hull_finding(scores)]


def _is_sure(change: Interval) -> bool:
    """Whether the interval leaves out 0; of a single seed nothing is sure."""
    return bool(abs(change.mean) > change.half)


def _with_interval(aid: str, change: Interval, places: int = 3) -> str:
    half = f" ± {change.half:.{places}f}" if np.isfinite(change.half) else ""
    return f"{AIDS[aid].title} ({change.mean:+.{places}f}{half})".replace("-", "−")


def _answer_finding(scores: AidScores) -> Finding:
    changes = {aid: scores.change(aid, "error") for aid in scores.values if aid != NO_AID}
    better = [a for a, c in changes.items() if _is_sure(c) and c.mean < 0]
    worse = [a for a, c in changes.items() if _is_sure(c) and c.mean > 0]
    unclear = [a for a in changes if a not in better and a not in worse]
    base = scores.mean(NO_AID, "error").mean

    def listed(aids: list[str]) -> str:
        ordered = sorted(aids, key=lambda aid: changes[aid].mean)
        return "; ".join(_with_interval(aid, changes[aid]) for aid in ordered) or "none"

    text = (
        f"The error without aid is {base:.3f}. It falls with: {listed(better)}. It rises with: "
        f"{listed(worse)}. Not to be told from no aid: {listed(unclear)}."
    )
    return Finding(f"{scores.name}: what helps, what does not", text)


def _partition_finding(scores: Sequence[AidScores]) -> Finding:
    sentences = []
    for one in scores:
        changes = {aid: one.change(aid, "pieces") for aid in one.values if aid != NO_AID}
        sure = {aid: change for aid, change in changes.items() if _is_sure(change)}
        ordered = sorted(sure, key=lambda aid: sure[aid].mean)
        listed = "; ".join(_with_interval(aid, sure[aid], 0) for aid in ordered)
        base = one.mean(NO_AID, "pieces").mean
        sentences.append(
            f"{one.name} ({base:.0f} regions of a plane without aid): {listed or 'no sure change'}."
        )
    return Finding("The number of regions", " ".join(sentences))


def _hull_finding(scores: Sequence[AidScores]) -> Finding:
    sentences = []
    for one in scores:
        outside = one.mean(NO_AID, "outside").mean
        changes = {aid: one.change(aid, "beyond") for aid in one.values if aid != NO_AID}
        sure = [_with_interval(aid, c) for aid, c in changes.items() if _is_sure(c)]
        sentences.append(
            f"{one.name}: without aid {100 * outside:.0f} % of the test rows are outside the "
            f"latent hull, {one.mean(NO_AID, 'beyond').mean:.3f} of them farther than 95 % of the "
            f"training rows that were left out; a sure change of the latter: "
            f"{'; '.join(sure) or 'none'}."
        )
    return Finding("The latent hull", " ".join(sentences))
