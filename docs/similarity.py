"""Write the tables and the picture of the page about similarity.

Run from the root of the repository. ``python docs/similarity.py`` takes the last result, which is
kept in studies/results/similarity.csv; ``python docs/similarity.py --data FOLDER [--cache FOLDER]``
computes the study anew and keeps its result there (half an hour).
"""

from __future__ import annotations

import argparse
import csv
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "similarity.md"
PICTURE = ROOT / "docs" / "images" / "similarity.png"
RESULT = ROOT / "studies" / "results" / "similarity.csv"
SETS = {
    "digits": "digits, pixels",
    "mnist": "MNIST, pixels",
    "hidden": "digits, hidden layer",
    "unseen": "the same, other classes",
    "topics": "sentences, topic",
    "meanings": "sentences, meaning",
}
Lines = dict[tuple[str, str, str, str], tuple[float, float]]


def compute(data: str | None, cache: str | None) -> None:
    """Compute the study and keep every score and difference."""
    from hullwise_studies import similarity

    table = similarity.run(data, cache=cache).results
    with RESULT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(table.rows)


def read_result() -> Lines:
    """Mean and half of the interval by set, ranking, what is taken off, and score."""
    with RESULT.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {
        (row["set"], row["ranking"], row["less"], row["score"]): (
            float(row["mean"]),
            float(row["±"]),
        )
        for row in rows
    }


def rankings() -> dict[str, str]:
    """Every ranking's name in the result, and what the page calls it."""
    from hullwise_studies.similarity import RANKING_TEXTS

    return {
        name: f"{text}, {measure}" if measure else text
        for name, (text, measure) in RANKING_TEXTS.items()
    }


def number(value: float) -> str:
    """As the other pages print shares: without the 0 before the point, with a true minus."""
    text = f"{abs(value):.3f}"
    text = text.removeprefix("0") if text.startswith("0.") else text
    return ("−" if value < 0 and float(f"{value:.3f}") else "") + text


def cells(pairs: list[tuple[float, float] | None]) -> list[str]:
    return ["" if pair is None else f"{number(pair[0])} ± {number(pair[1])}" for pair in pairs]


def markdown(lines: Lines, rows: list[tuple[str, str, str, str]]) -> str:
    """A table: each row its text, ranking, what is taken off, and score ("k" for the first few)."""
    head = ["", *SETS.values()]
    out = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for text, ranking, less, score in rows:
        found = []
        for name in SETS:
            kept = "first 2" if name == "meanings" else "first 10"
            key = (name, ranking, less, kept if score == "k" else "average precision")
            found.append(lines.get(key))
        out.append(f"| {text} | {' | '.join(cells(found))} |")
    return "\n".join(out)


def tables(lines: Lines) -> dict[str, str]:
    """The page's tables by the names of their places."""
    from hullwise_studies.similarity import CURVED_TWINS

    names = rankings()
    spaces = [name.removesuffix(".cosine") for name in names if name.endswith(".cosine")]
    texts = {space: names[f"{space}.cosine"].removesuffix(", cosine") for space in spaces}
    return {
        "scores": markdown(lines, [(text, name, "", "") for name, text in names.items()]),
        "first": markdown(lines, [(text, name, "", "k") for name, text in names.items()]),
        "against_cosine": markdown(
            lines,
            [
                (text, name, "raw.cosine", "")
                for name, text in names.items()
                if name != "raw.cosine"
            ],
        ),
        "cosine_euclidean": markdown(
            lines, [(texts[s], f"{s}.cosine", f"{s}.Euclidean", "") for s in spaces]
        ),
        "curved_straight": markdown(
            lines,
            [(f"{names[a]}, less {names[b]}", a, b, "") for a, b in CURVED_TWINS],
        ),
    }


def page_with(text: str, parts: dict[str, str]) -> str:
    """The page with each table in its place."""
    for name, table in parts.items():
        place = rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"
        text, count = re.subn(place, lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, flags=re.DOTALL)
        assert count == 1, f"{PAGE.name} has no place for {name}"
    return text


def draw(lines: Lines, target: Path) -> None:
    """What each ranking has more than cosine of the rows as they are, set by set."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from hullwise_studies.similarity import LABELLED

    names = {name: text for name, text in rankings().items() if name != "raw.cosine"}
    figure = Figure(figsize=(11, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(1, len(SETS), sharey=True)
    places = {name: -i for i, name in enumerate(names)}
    for panel, (key, title) in zip(panels, SETS.items(), strict=True):
        panel.axvline(0, color="0.5", lw=1)
        for name, place in places.items():
            pair = lines.get((key, name, "raw.cosine", "average precision"))
            if pair is None:
                continue
            colour, face = ("#B04A00", "#B04A00") if name in LABELLED else ("#0072B2", "white")
            panel.errorbar(
                pair[0], place, xerr=pair[1], fmt="o", ms=4.5, color=colour, mfc=face, lw=1.2
            )
        panel.set_title(title.replace(", ", ",\n"), fontsize=9)
        panel.tick_params(labelsize=8)
        panel.grid(axis="y", color="0.93")
    panels[0].set_yticks(list(places.values()), list(names.values()), fontsize=8)
    figure.supxlabel(
        "average precision more than that of cosine of the rows as they are "
        "(open: no labels used, filled: labels of the training rows)",
        fontsize=9,
    )
    figure.savefig(target, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="a folder or file with MNIST: computes the study anew")
    parser.add_argument("--cache", help="a folder that keeps the scores of each set and split")
    options = parser.parse_args()
    if options.data is not None:
        compute(options.data, options.cache)
    lines = read_result()
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), tables(lines)), encoding="utf-8")
    draw(lines, PICTURE)


if __name__ == "__main__":
    main()
