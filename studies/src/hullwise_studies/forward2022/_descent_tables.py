"""What the descents say: tables, charts and findings."""

from __future__ import annotations

import numpy as np

from hullwise.report.charts import Series, line_chart

from .._runs import Results
from .._study import Chart, Part
from .._tables import Finding, Table
from ..regimes._scores import Interval, interval
from ._descent_grid import DescentGrid, Descents, descents
from ._descents import LOSS_WINDOW, METHOD_TITLES, ONE_RATE_METHODS, methods_of
from ._problems import BATCH_ROWS, FORWARD_PROBLEMS, ForwardProblem

INTERVAL_NOTE_OF_SEEDS = "± is half of the 95 % t-interval over seeds."


def problem_part(grid: DescentGrid, results: Results, name: str) -> Part:
    """Charts and a table of one problem."""
    problem = FORWARD_PROBLEMS[name]
    kind = "best" if problem.rates else "one"
    by_method = {m: descents(grid, results, name, m, kind) for m in methods_of(problem)}
    text = (
        f"{problem.text}, {grid.steps_of(problem):,} steps"
        + (f" of {BATCH_ROWS} images" if problem.is_network else "")
        + f", {grid.seeds} seeds. "
        + (
            "Each method at the rate that did best for it in a search on another seed; every "
            "method starts from the same weights and sees the same batches."
            if problem.rates
            else f"One rate, {problem.own_rate:g}, and the same starts for both."
        )
    )
    tables = [_table(grid, problem, by_method, kind)]
    if problem.rates:
        one = {m: descents(grid, results, name, m, "one") for m in ONE_RATE_METHODS}
        tables.append(_table(grid, problem, one, "one"))
    return Part(problem.text, text, _charts(problem, by_method), tuple(tables))


def _table(
    grid: DescentGrid, problem: ForwardProblem, by_method: dict[str, Descents], kind: str
) -> Table:
    enough = shared_seconds(by_method)
    columns = [
        "method",
        "rate",
        "to infinity",
        "loss | mean",
        "loss | ±",
        "step, ms | mean",
        "step, ms | ±",
    ]
    columns += ["loss in equal time | mean", "loss in equal time | ±"]
    columns += ["right on test | mean", "right on test | ±"] if problem.is_network else []
    rows = []
    for method, runs in by_method.items():
        lost = int(np.isnan(runs.final).sum())
        cells: list[object] = [METHOD_TITLES[method], runs.rate, lost]
        values = [runs.final, 1e3 * runs.step_seconds, runs.final_at(enough)]
        values += [runs.accuracy] if problem.is_network else []
        for value in values:
            cells += _cells(interval(value))
        rows.append(tuple(cells))
    at = "each method at its own best rate" if kind == "best" else "all methods at one rate"
    return Table(
        problem.name if kind == "best" or not problem.rates else f"{problem.name}-one-rate",
        f"{problem.text}: {at}",
        tuple(columns),
        tuple(rows),
        f"Loss: the mean of the last {LOSS_WINDOW} steps, of descents that did not go to infinity. "
        f"Equal time: {enough:.3g} s, all "
        f"that the quickest descent took. {INTERVAL_NOTE_OF_SEEDS}",
    )


def _cells(one: Interval) -> list[float | None]:
    if not one.n:
        return [None, None]
    return [float(f"{one.mean:.3g}"), float(f"{one.half:.2g}") if one.n > 1 else None]


def shared_seconds(by_method: dict[str, Descents]) -> float:
    """What the quickest descent took."""
    ends = [runs.seconds[:, -1] for runs in by_method.values()]
    known = np.concatenate(ends)
    known = known[np.isfinite(known)]
    return float(known.min()) if known.size else np.nan


def _charts(problem: ForwardProblem, by_method: dict[str, Descents]) -> tuple[Chart, ...]:
    def drawn(x_of: str) -> str:
        series = []
        for method, runs in by_method.items():
            finite = np.isfinite(runs.losses).all(axis=0)
            if not finite.any():
                continue
            steps = LOSS_WINDOW * np.arange(1, 1 + runs.losses.shape[1])
            x = steps if x_of == "step" else runs.seconds.mean(axis=0)
            bands = [interval(column) for column in runs.losses.T[finite]]
            floor = float(np.nanmin(runs.losses)) if problem.is_network else 1e-12
            series.append(
                Series(
                    METHOD_TITLES[method],
                    [float(v) for v in x[finite]],
                    [max(one.mean, floor) for one in bands],
                    [max(one.low, floor) if one.n > 1 else one.mean for one in bands],
                    [one.high if one.n > 1 else one.mean for one in bands],
                )
            )
        return line_chart(
            series,
            label=f"{problem.text}: loss by {x_of}",
            x_label="steps" if x_of == "step" else "seconds",
            y_label="loss",
            log=(False, not problem.is_network),
        )

    return (
        Chart(
            drawn("step"), "Loss after so many steps; the bands are 95 % t-intervals over seeds."
        ),
        Chart(drawn("second"), "The same after so many seconds of one processor of this machine."),
    )


def cost_part(grid: DescentGrid, results: Results) -> Part:
    """How many numbers, how far off one tangent is, and what is kept of a step."""
    rows = []
    for name in grid.problems:
        problem = FORWARD_PROBLEMS[name]
        runs = descents(grid, results, name, "backpropagation", "one")
        weights, kept = int(runs.results[0]["weights"]), int(runs.results[0]["memory"])
        width = 4 if problem.is_network else 8
        rows.append((name, weights, float(f"{(weights + 1) ** 0.5:.4g}"), kept, width * weights))
    table = Table(
        "costs",
        "Size, noise and memory",
        ("problem", "weights", "noise of 1 tangent", "kept by backpropagation", "kept by forward"),
        tuple(rows),
        "Noise: the root mean square distance of the estimate from the gradient, in lengths of the "
        "gradient, which is the root of weights + 1 for a Gaussian tangent (theory). Kept by "
        "backpropagation: bytes of a step that wait for the way back, beside the weights "
        "(measured). Kept by forward: bytes of one tangent, whatever the batch, whose "
        "place the estimate takes; backpropagation has a gradient as large beside what it keeps.",
    )
    return Part(
        "What it costs",
        "A forward gradient keeps nothing of a pass, and its error grows with the root of the "
        "number of weights.",
        tables=(table,),
    )


def findings(grid: DescentGrid, results: Results) -> list[Finding]:
    """In words, from the numbers."""
    ratios, losses, rights = [], [], []
    for name in grid.problems:
        problem = FORWARD_PROBLEMS[name]
        kind = "best" if problem.rates else "one"
        by_method = {m: descents(grid, results, name, m, kind) for m in methods_of(problem)}
        back = by_method["backpropagation"]
        for method, runs in by_method.items():
            if method == "backpropagation":
                continue
            ratio = interval(runs.step_seconds / back.step_seconds)
            ratios.append(f"{name}, {METHOD_TITLES[method]}: {_with(ratio)}")
        losses.append(_verdict_on_losses(name, by_method))
        if problem.is_network:
            each = ", ".join(
                f"{METHOD_TITLES[m]} {_with(interval(100 * runs.accuracy))} %"
                for m, runs in by_method.items()
            )
            rights.append(f"{name}: {each}")
    entries = [
        Finding(
            "Time of a step",
            "Median processor seconds of a step, divided by those of backpropagation at the same "
            f"seed (above 1 is slower): {'; '.join(ratios)}.",
        ),
        Finding("Loss after the same number of steps", " ".join(losses)),
    ]
    if rights:
        text = f"Share of right answers on test images: {'; '.join(rights)}."
        entries.append(Finding("What the networks have learnt", text))
    return entries


def _verdict_on_losses(name: str, by_method: dict[str, Descents]) -> str:
    back = by_method["backpropagation"].final
    words: dict[str, list[str]] = {
        "higher": [],
        "lower": [],
        "not told apart": [],
        "to infinity from some starts": [],
    }
    for method, runs in by_method.items():
        if method == "backpropagation":
            continue
        gap = interval(runs.final - back)
        word = "not told apart"
        if np.isnan(runs.final).any():
            word = "to infinity from some starts"
        elif gap.low > 0 or gap.high < 0:
            word = "higher" if gap.low > 0 else "lower"
        words[word].append(METHOD_TITLES[method])
    parts = [f"{word}: {' and '.join(titles)}" for word, titles in words.items() if titles]
    return f"{name}, against backpropagation: {'; '.join(parts)}."


def _with(one: Interval) -> str:
    if not one.n:
        return "unknown"
    return f"{one.mean:.3g}" + (f" ± {one.half:.2g}" if one.n > 1 else "")
