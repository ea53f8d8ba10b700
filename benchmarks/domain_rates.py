"""How often honest rows of mixed tables are out, beside what is stated.

    python benchmarks/domain_rates.py --tables 40

Mixed tables, gaps of three mechanisms, levels that go on being new, segments, groups. Each line
draws `--tables` tables, with new rows drawn alike, and fits a `Domain` on each. `far` and `out` are
the shares of new rows that are far, and beyond or far, by distance, over their stated bounds (for a
row that is compared with r rows 1 / (r + 1) and ceil(r / 20) / (r + 1); for rows of a new group 1 /
(G + 1) and 5 %, the mean over groups): 1 is the bound. `by name` is the share of rows with a level
never seen over the rate that is stated for it. Then the share of tables whose `chance()` is at most
.05 and .001; for groups also the share of new groups with p <= 5 %, and the share of rows that
would be out by rows. Errors are standard errors over tables.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from _measure import parser, show

import hullwise as hw

Generator = np.random.Generator
Floats = np.ndarray[Any, np.dtype[np.float64]]
HEAD = (
    *("table", "n", "r or G", "far", "error", "out", "error", "by name", "chance at most .05"),
    *("at most .001", "groups with p at most .05", "out by rows"),
)
NUMBERS: dict[str, Callable[[Generator, int], Floats]] = {
    "Gaussian": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: np.exp(2 * rng.normal(size=n)),
    "t, 1.5 d.f.": lambda rng, n: rng.standard_t(1.5, n),
    "counts": lambda rng, n: rng.poisson(2.0, n).astype(float),
}


def mixed(rng: Generator, n: int, kind: str) -> pd.DataFrame:
    """Numbers of one distribution, three categories (one of them rare), an hour."""
    job = rng.choice(["nurse", "clerk", "smith", "cook"], n, p=[0.5, 0.3, 0.15, 0.05])
    table = pd.DataFrame({f"x{j}": NUMBERS[kind](rng, n) for j in range(3)})
    table["x0"] += np.where(job == "nurse", 1.0, 0.0)
    flag = rng.random(n) < 0.03
    return table.assign(
        job=job, flag=flag, region=rng.choice(list("abcdefgh"), n), hour=rng.integers(0, 24, n)
    )


def many_levels(rng: Generator, n: int, kind: str) -> pd.DataFrame:
    """A category whose levels go on being new: their frequencies fall as 1 / rank^1.3."""
    share = 1 / np.arange(1, 400) ** 1.3
    level = rng.choice(399, n, p=share / share.sum())
    return mixed(rng, n, kind).drop(columns="region").assign(model=[f"m{k}" for k in level])


def with_gaps(rng: Generator, n: int, mechanism: str, correlation: float) -> pd.DataFrame:
    """Six numbers; in three of them 15 % are empty: at random, by another column, by their own."""
    common = rng.normal(size=(n, 1))
    rows = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.normal(size=(n, 6))
    table = pd.DataFrame(rows, columns=[f"x{j}" for j in range(6)])
    for j in range(3):
        cause = {"MCAR": rng.random(n), "MAR": rows[:, j + 3], "MNAR": rows[:, j]}[mechanism]
        table.loc[cause > np.quantile(cause, 0.85), f"x{j}"] = np.nan
    return table


def patients(rng: Generator, sizes: Any, d: int, correlation: float, first: int) -> pd.DataFrame:
    """Random effects: rows of groups of these sizes, so correlated within each."""
    own = np.repeat(np.arange(len(sizes)), sizes)
    centre = np.sqrt(correlation) * rng.normal(size=(len(sizes), d))
    rows = centre[own] + np.sqrt(1 - correlation) * rng.normal(size=(len(own), d))
    table = pd.DataFrame(rows, columns=[f"x{j}" for j in range(d)])
    return table.assign(patient=[f"p{first + g}" for g in own])


def rates_of_rows(loc: Any, rows: Floats, alike: bool | None) -> tuple[float, float]:
    """Far, and beyond or far, by distance, of some rows (a mask) over what is stated for them.

    Of those that are compared with rows with the same gaps, or with others, where `alike` is given.
    """
    n_far = n_out = far = out = 0.0
    for part in loc.parts:
        if alike is not None and part.pattern.alike != alike:
            continue
        r, chosen = len(part.pattern.reference), rows[part.rows]
        band = part.location.band[chosen]
        n_far += float((band == "far").sum())
        n_out += float(np.isin(band, ("beyond", "far")).sum())
        far += chosen.sum() / (r + 1)
        out += chosen.sum() * np.ceil(r / 20) / (r + 1)
    return (n_far / far, n_out / out) if far else (np.nan, np.nan)


def one_table(
    domain: hw.Domain,
    train: pd.DataFrame,
    new: pd.DataFrame,
    rows: Floats,
    alike: bool | None = None,
) -> list[float]:
    """r, far, out, by name over its rate, and chance."""
    loc = domain.fit(train).locate(new)
    r = float(np.mean([len(part.pattern.reference) for part in loc.parts]))
    far, out = rates_of_rows(loc, rows, alike)
    rate = loc.unseen_rate
    by_name = loc.unseen.any(axis=1).mean() / rate if rate else np.nan
    return [r, far, out, by_name, loc.chance(), np.nan, np.nan]


def one_table_of_groups(rng: Generator, n_groups: int, d: int, correlation: float) -> list[float]:
    """The same for rows of new groups; then groups with p <= 5 %, and rows that are out by rows."""
    train = patients(rng, rng.integers(3, 40, n_groups), d, correlation, 0)
    new = patients(rng, rng.integers(3, 40, 10), d, correlation, 10_000)
    loc = hw.Domain(groups="patient", n_neighbors=1).fit(train).locate(new)
    groups = loc.groups()
    assert groups is not None
    g = int(groups.n_compared.max())

    def mean_over_groups(*names: str) -> float:
        share = pd.Series(np.isin(loc.band, names)).groupby(new["patient"]).mean()
        return float(share.mean())

    far, out = mean_over_groups("far") * (g + 1), mean_over_groups("beyond", "far") / 0.05
    small = float((groups.p <= 0.05).mean())
    return [g, far, out, np.nan, loc.chance(), small, groups.share_out_by_rows]


def cases() -> Iterator[tuple[str, int, Callable[[Generator], list[float]]]]:
    """What is simulated: its name, training rows (or groups), and one table of it."""

    every = np.ones(100, dtype=bool)
    for kind in NUMBERS:
        for n in (60, 200, 600, 1500):
            for metric in ("std", "range") if n == 200 else ("std",):

                def of_mixed(rng: Generator, kind=kind, n=n, metric=metric) -> list[float]:
                    table = mixed(rng, n + 100, kind)
                    domain = hw.Domain(periodic={"hour": 24}, metric=metric, n_neighbors=1)
                    return one_table(domain, table[:n], table[n:].reset_index(drop=True), every)

                yield f"mixed, {kind}, {metric}", n, of_mixed
    for n in (200, 600):

        def of_levels(rng: Generator, n=n) -> list[float]:
            table = many_levels(rng, n + 200, "Gaussian")
            domain = hw.Domain(categories=["model"], n_neighbors=1)
            new = table[n:].reset_index(drop=True)
            return one_table(domain, table[:n], new, np.ones(200, dtype=bool))

        yield "levels that go on being new", n, of_levels
    for mechanism in ("MCAR", "MAR", "MNAR"):
        for correlation in (0.0, 0.7):
            for alike in (True, False):

                def of_gaps(rng: Generator, m=mechanism, c=correlation, alike=alike) -> list[float]:
                    table = with_gaps(rng, 1000, m, c)
                    new = table[800:].reset_index(drop=True)
                    has_gaps = new.isna().any(axis=1).to_numpy()
                    return one_table(hw.Domain(n_neighbors=1), table[:800], new, has_gaps, alike)

                compared = "with the same gaps" if alike else "with other rare gaps"
                yield f"gaps, {mechanism}, correlation {correlation}, {compared}", 800, of_gaps

    def of_segments(rng: Generator) -> list[float]:
        table = mixed(rng, 700, "Gaussian").drop(columns="region")
        site = rng.choice(list("ABCDE"), 700, p=[0.4, 0.3, 0.2, 0.07, 0.03])
        table = table.assign(x1=table["x1"] * np.where(site == "B", 9, 1), site=site)
        domain = hw.Domain(by="site", n_neighbors=1)
        return one_table(domain, table[:600], table[600:].reset_index(drop=True), every)

    yield "five sites, by site", 600, of_segments
    for n_groups, correlation, d in ((20, 0.8, 5), (40, 0.8, 5), (40, 0.3, 5), (40, 0.8, 15)):

        def of_groups(rng: Generator, g=n_groups, d=d, c=correlation) -> list[float]:
            return one_table_of_groups(rng, g, d, c)

        yield f"groups, correlation {correlation}, d = {d}", n_groups, of_groups

    def of_many_groups(rng: Generator) -> list[float]:
        return one_table_of_groups(rng, 450, 5, 0.8)

    yield "groups, correlation 0.8, d = 5", 450, of_many_groups


def line(name: str, n: int, draw: Callable[[Generator], list[float]], seeds: range) -> list[str]:
    """One line of the table."""
    tables = np.array([draw(np.random.default_rng([seed, n, len(name)])) for seed in seeds])
    mean, error = np.nanmean(tables, axis=0), np.nanstd(tables, axis=0) / np.sqrt(len(tables))
    chances = tables[:, 4]

    def shown(j: int, digits: int = 2) -> str:
        return "" if np.isnan(mean[j]) else f"{mean[j]:.{digits}f}"

    return [
        *(name, f"{n:,}", f"{mean[0]:.0f}"),
        *(shown(1), f"{error[1]:.2f}", shown(2), f"{error[2]:.2f}"),
        *(shown(3), f"{np.mean(chances <= 0.05):.3f}", f"{np.mean(chances <= 0.001):.4f}"),
        *(shown(5, 3), shown(6, 3)),
    ]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--tables", type=int, default=40, help="of each line")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", default="", help="lines whose name holds this text")
    arguments = options.parse_args()
    warnings.simplefilter("ignore")
    seeds = range(arguments.seed, arguments.seed + arguments.tables)
    lines = [line(*case, seeds) for case in cases() if arguments.only in case[0]]
    show(HEAD, lines)


if __name__ == "__main__":
    main()
