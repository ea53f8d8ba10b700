"""The tables of the study: every ranking beside plain cosine, and cosine beside Euclidean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._tables import Finding, Row, Table
from .._types import Floats
from ._rankings import CURVED, LABELLED_SPACES, SIMILARITY_MEASURES, SPACES
from ._scores import resampled_interval

RANKING_TEXTS: dict[str, tuple[str, str]] = {
    **{
        f"{space}.{measure}": (SPACES[space], measure)
        for space in SPACES
        for measure in SIMILARITY_MEASURES
    },
    **{name: (text, "") for name, text in CURVED.items()},
}
"""Every ranking: what it is and how it measures, by the name of its scores."""
COSINE = "raw.cosine"
LABELLED = tuple(
    name
    for name in RANKING_TEXTS
    if name.partition(".")[0] in LABELLED_SPACES
    or name in ("pullback", "local agop", "rfm path", "output path", "outputs")
)
CURVED_TWINS = (
    ("path", "raw.Euclidean"),
    ("angle path", "raw.cosine"),
    ("rfm path", "rfm.Euclidean"),
    ("output path", "outputs"),
    ("pullback", "agop.Euclidean"),
    ("local agop", "agop.Euclidean"),
)
"""What is curved, and its straight or static twin."""
DIGITS = 3


@dataclass(frozen=True, eq=False)
class RetrievalResult:
    """Scores of a set: for each ranking (splits, 2), average precision and precision.

    `query_share` is the number of queries over that of training rows.
    """

    name: str
    text: str
    k: int
    query_share: float
    scores: dict[str, Floats]

    def interval(self, ranking: str, score: int = 0, minus: str = "") -> tuple[float, float]:
        """Mean and half of the interval of a score, or of what it is more than another's."""
        values = self.scores[ranking][:, score]
        if minus:
            values = values - self.scores[minus][:, score]
        return resampled_interval(values, self.query_share)


def rounded(pair: tuple[float, float]) -> list[float | None]:
    """Both numbers of an interval as a table has them."""
    return [round(value, DIGITS) + 0.0 if np.isfinite(value) else None for value in pair]


def ranking_table(result: RetrievalResult) -> Table:
    """One row for each way of ranking."""
    rows: list[Row] = []
    for name in result.scores:
        text, measure = RANKING_TEXTS[name]
        difference = [None, None] if name == COSINE else rounded(result.interval(name, 0, COSINE))
        rows.append(
            (
                text,
                measure,
                "yes" if name in LABELLED else "no",
                *rounded(result.interval(name)),
                *rounded(result.interval(name, 1)),
                *difference,
            )
        )
    return Table(
        result.name,
        result.text[0].upper() + result.text[1:],
        (
            "rows",
            "measure",
            "labels",
            "average precision | mean",
            "average precision | ±",
            f"first {result.k} | precision",
            f"first {result.k} | ±",
            "more than cosine | mean",
            "more than cosine | ±",
        ),
        tuple(rows),
        "Labels: whether training labels were used. More than cosine: average precision on the "
        "same splits less that of cosine of the rows as they are. ±: half of the 95 % t-interval "
        "over splits, corrected for the rows that splits share; each is for itself.",
        keys=2,
    )


def twin_table(results: Sequence[RetrievalResult]) -> Table:
    """Average precision of cosine less that of Euclidean distance, in each space and set."""
    rows = []
    for space, text in SPACES.items():
        row: list[object] = [text]
        for result in results:
            pair = f"{space}.cosine", f"{space}.Euclidean"
            known = pair[0] in result.scores
            row += rounded(result.interval(pair[0], 0, pair[1])) if known else [None, None]
        rows.append(tuple(row))
    columns = [f"{result.name} | {part}" for result in results for part in ("mean", "±")]
    return Table(
        "cosine_euclidean",
        "Cosine less Euclidean distance, in the same space: average precision",
        ("rows", *columns),
        tuple(rows),
        "Above 0: cosine is the better one. In all spaces but the first cosine is taken about the "
        "mean of the training rows.",
    )


def curved_table(results: Sequence[RetrievalResult]) -> Table:
    """Average precision of each curved ranking less that of its straight twin."""
    rows = []
    for curved, straight in CURVED_TWINS:
        text, measure = RANKING_TEXTS[straight]
        row: list[object] = [RANKING_TEXTS[curved][0], f"{text}, {measure}" if measure else text]
        for result in results:
            known = curved in result.scores and straight in result.scores
            row += rounded(result.interval(curved, 0, straight)) if known else [None, None]
        rows.append(tuple(row))
    columns = [f"{result.name} | {part}" for result in results for part in ("mean", "±")]
    return Table(
        "curved_straight",
        "What a path or a local metric adds to its straight or static twin: average precision",
        ("ranking", "less", *columns),
        tuple(rows),
        "Above 0: what is curved is the better one.",
        keys=2,
    )


def score_table(results: Sequence[RetrievalResult]) -> Table:
    """Every score, and every difference that a table shows, a line each.

    `less` names the ranking whose score on the same split is taken off, "" for none.
    """
    lines: list[Row] = []
    for result in results:
        pairs = [(name, COSINE) for name in result.scores if name != COSINE]
        pairs += [(f"{s}.cosine", f"{s}.Euclidean") for s in SPACES] + list(CURVED_TWINS)
        for name in result.scores:
            for score, text in enumerate(("average precision", f"first {result.k}")):
                lines.append((result.name, name, "", text, *rounded(result.interval(name, score))))
        for name, minus in dict.fromkeys(pairs):
            if name in result.scores and minus in result.scores:
                half = rounded(result.interval(name, 0, minus))
                lines.append((result.name, name, minus, "average precision", *half))
    columns = ("set", "ranking", "less", "score", "mean", "±")
    return Table("scores", "Every score and difference", columns, tuple(lines))


def result_finding(result: RetrievalResult) -> Finding:
    """Which rankings are better than plain cosine, and which are worse, beyond the interval."""
    groups: dict[str, list[str]] = {"better": [], "worse": [], "no different": []}
    for name in result.scores:
        if name == COSINE:
            continue
        mean, half = result.interval(name, 0, COSINE)
        key = "no different" if not abs(mean) > half else "better" if mean > 0 else "worse"
        text, measure = RANKING_TEXTS[name]
        groups[key].append(f"{text}, {measure}" if measure else text)
    mean, half = result.interval(COSINE)
    sentences = [f"Cosine of the rows as they are: average precision {mean:.3f} ± {half:.3f}."]
    for key, names in groups.items():
        sentences.append(f"{key.capitalize()} beyond the interval: {'; '.join(names) or 'none'}.")
    return Finding(f"{result.name} against cosine", " ".join(sentences))
