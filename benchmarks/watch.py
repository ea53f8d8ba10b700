"""False alarms, delays and time of a watch, beside the tests that others offer.

    pip install crepes mapie
    python benchmarks/watch.py --streams 200

Scores are standard normal, 500 of them the reference; alarm .01; batches of 100, looked at after
each. Compared are the urn of `hullwise.Monitor` for one score; Kolmogorov-Smirnov of each batch
against the reference with Bonferroni over 100 batches, which must know their number; `SimpleJumper`
and `SleeperStayer` of crepes on p-values against all earlier scores; and the `OnlineMartingaleTest`
of MAPIE, fed with the same scores. The first table are honest streams of 10,000 scores; the others
change after 3,000 and go on to 9,000: given are the share that alarms after the change and the
median number of scores from the change to the alarm. Then a whole watch of 10,000 rows, and a
history of 1,000 batches that is opened again.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from _measure import clocked, parser, show, warm
from scipy.stats import ks_2samp

import hullwise as hw
from hullwise.watch.change_evidence import ChangeEvidence
from hullwise.watch.urn import Urn

Scores = np.ndarray[Any, np.dtype[np.float64]]
ALARM, N_REFERENCE, BATCH, HONEST, CHANGE, LONGEST = 0.01, 500, 100, 10_000, 3_000, 9_000
NEVER = -1


def urn(reference: Scores, scores: Scores, rng: np.random.Generator) -> int:
    """How many scores were counted when it alarmed, or NEVER."""
    cells = Urn.of(reference, rng)
    evidence = ChangeEvidence(cells.gaps)
    for start in range(0, len(scores), BATCH):
        counts = cells.count(scores[start : start + BATCH], rng).astype(float)
        if evidence.update(counts) >= -np.log(ALARM):
            return start + BATCH
    return NEVER


def kolmogorov_smirnov(reference: Scores, scores: Scores, rng: np.random.Generator) -> int:
    n_looks = len(scores) // BATCH
    for start in range(0, len(scores), BATCH):
        if ks_2samp(reference, scores[start : start + BATCH]).pvalue <= ALARM / n_looks:
            return start + BATCH
    return NEVER


def online_p_values(reference: Scores, scores: Scores, rng: np.random.Generator) -> Scores:
    """Smoothed p-values against the reference and all earlier scores."""
    seen, p_values = sorted(reference.tolist()), np.empty(len(scores))
    for i, (score, u) in enumerate(zip(scores.tolist(), rng.random(len(scores)).tolist())):
        first, last = bisect_left(seen, score), bisect_right(seen, score)
        p_values[i] = (len(seen) - last + u * (last - first + 1)) / (len(seen) + 1)
        insort(seen, score)
    return p_values


def crepes_martingale(name: str) -> Callable[..., int]:
    def alarm(reference: Scores, scores: Scores, rng: np.random.Generator) -> int:
        from crepes import martingales

        p_values = online_p_values(reference, scores, rng)
        at = getattr(martingales, name)().apply(p_values, c=1 / ALARM)
        return NEVER if at >= len(scores) else int(np.ceil((at + 1) / BATCH) * BATCH)

    return alarm


def mapie_test(method: str) -> Callable[..., int]:
    def alarm(reference: Scores, scores: Scores, rng: np.random.Generator) -> int:
        from mapie.exchangeability_testing import OnlineMartingaleTest

        test = OnlineMartingaleTest(
            task="regression", test_method=method, test_level=ALARM, warn=False, random_state=0
        )
        test._compute_non_conformity_scores = lambda X, y: X[:, 0]  # the scores as they are
        stream = np.concatenate([reference, scores])
        for start in range(0, len(stream), BATCH):
            rows = stream[start : start + BATCH, None]
            test.update(rows, rows[:, 0])
            if test.is_exchangeable is False:
                return max(BATCH, start + BATCH - len(reference))
        return NEVER

    return alarm


METHODS: Mapping[str, Callable[..., int]] = {
    "urn (hullwise.Monitor)": urn,
    "Kolmogorov-Smirnov, Bonferroni": kolmogorov_smirnov,
    "crepes SimpleJumper": crepes_martingale("SimpleJumper"),
    "crepes SleeperStayer": crepes_martingale("SleeperStayer"),
    "MAPIE jumper": mapie_test("jumper_martingale"),
}
SLOW = ("MAPIE jumper",)
CHANGES: Mapping[str, Callable[[Scores, np.random.Generator], Scores]] = {
    "moved by .25 sd": lambda s, rng: s + 0.25,
    "moved by .5 sd": lambda s, rng: s + 0.5,
    "variance x 1.44": lambda s, rng: 1.2 * s,
    "1 % far": lambda s, rng: np.where(rng.random(len(s)) < 0.01, 6.0, s),
    "5 % far": lambda s, rng: np.where(rng.random(len(s)) < 0.05, 6.0, s),
}


def honest(streams: int) -> None:
    rows = []
    for name, alarm in METHODS.items():
        n = max(1, streams // 10) if name in SLOW else streams
        at, seconds = [], 0.0
        for k in range(n):
            rng = np.random.default_rng([61, k])
            reference, scores = rng.normal(size=N_REFERENCE), rng.normal(size=HONEST)
            run = clocked(partial(alarm, reference, scores, rng))
            at.append(run.result)
            seconds += run.cpu
        early = sum(0 < x <= 1000 for x in at)
        ever = sum(x != NEVER for x in at)
        rows.append([name, n, f"{early / n:.3f}", f"{ever / n:.3f}", f"{seconds / n:.2f}"])
    head = ["honest streams", "streams", "alarm in 1,000", "in 10,000", "CPU s a stream"]
    show(head, rows)


def changed(streams: int) -> None:
    rows = []
    for name, alarm in METHODS.items():
        n = max(1, streams // 10) if name in SLOW else max(1, streams // 4)
        cells = [name, n]
        for number, change in enumerate(CHANGES.values()):
            delays = []
            for k in range(n):
                rng = np.random.default_rng([67, number, k])
                reference, scores = rng.normal(size=N_REFERENCE), rng.normal(size=LONGEST)
                scores[CHANGE:] = change(scores[CHANGE:], rng)
                at = alarm(reference, scores, rng)
                if at > CHANGE:
                    delays.append(at - CHANGE)
            share = len(delays) / n
            cells.append(f"{share:.0%}, {median(delays):,.0f}" if share >= 0.5 else f"{share:.0%}")
        rows.append(cells)
    show(["changed after 3,000", "streams", *CHANGES], rows)


def whole_watch() -> None:
    """A watch of hull, neighbours and 20 columns."""
    rng = np.random.default_rng(71)
    fit = clocked(lambda: hw.Domain().fit(rng.normal(size=(5000, 20))))
    start = clocked(lambda: hw.Monitor(fit.result))
    rows = [["fit 5,000 rows of 20 columns", f"{fit.wall:.2f}", f"{fit.cpu:.2f}"]]
    rows += [["begin a watch", f"{start.wall:.2f}", f"{start.cpu:.2f}"]]
    batch = rng.normal(size=(HONEST, 20))
    run = clocked(lambda: start.result.update(batch))
    rows += [["watch 10,000 rows at once", f"{run.wall:.2f}", f"{run.cpu:.2f}"]]
    parts = [rng.normal(size=(BATCH, 20)) for _ in range(HONEST // BATCH)]
    monitor = hw.Monitor(fit.result)
    run = clocked(lambda: [monitor.update(part) for part in parts])
    rows += [["watch 10,000 rows in 100 batches", f"{run.wall:.2f}", f"{run.cpu:.2f}"]]
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/watch.db"
        kept = hw.Monitor(fit.result, history=url)
        one = kept.count(parts[0])
        append = clocked(
            lambda: [_add(kept, replace(one, digest=f"{k:064x}")) for k in range(1000)]
        )
        rows += [["add 1,000 batches to a history", f"{append.wall:.2f}", f"{append.cpu:.2f}"]]
        run = clocked(lambda: hw.Monitor(fit.result, history=url))
        rows += [["open a history of 1,000 batches", f"{run.wall:.2f}", f"{run.cpu:.2f}"]]
        run = clocked(lambda: run.result.update(batch))
        rows += [["watch 10,000 rows after it", f"{run.wall:.2f}", f"{run.cpu:.2f}"]]
    show(["what", "wall s", "CPU s"], rows)


def _add(monitor: hw.Monitor, batch: Any) -> None:
    monitor.count = lambda *args, **kwargs: batch  # type: ignore[method-assign]
    monitor.update(None)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--streams", type=int, default=200)
    streams = options.parse_args().streams
    warm()
    whole_watch()
    honest(streams)
    changed(streams)


if __name__ == "__main__":
    main()
