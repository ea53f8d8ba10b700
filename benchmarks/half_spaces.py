"""How much half-spaces prove, by their number, on mixed tables.

    python benchmarks/half_spaces.py FOLDER      # of .csv or .csv.gz tables

Of each table, at most 3,000 rows, 70 % are fitted. The others are asked three times: as they are;
with a fifth of the cells of each column exchanged among them; and with one number pushed out by 1
to 4 standard deviations. Rows with a level never seen are left out, as they are proved outside by
name. Counted over all tables: rows outside, beyond or far, and far by the domain itself, the shares
of them that are proved outside, and that are proved to be at least beyond.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _measure import parser, show

import hullwise as hw

SIZES = (0, 100, 250, 500, 1000)
HEAD = ("rows", "half-spaces", "file, kB", "outside", "proved", "beyond or far", "proved")
HEAD += ("at least beyond", "far", "proved", "at least beyond")


def exchanged(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """A fifth of the cells of each column from other rows."""
    columns = {}
    for name in table:
        cells, other = table[name].to_numpy(object), rng.permutation(table[name].to_numpy(object))
        cells = np.where(rng.random(len(table)) < 0.2, other, cells)
        columns[name] = pd.Series(cells).astype(table[name].dtype)
    return pd.DataFrame(columns)


def pushed(table: pd.DataFrame, train: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One number of each row moved by 1 to 4 standard deviations."""
    out = table.copy()
    names = [n for n in table if table[n].dtype.kind in "if" and table[n].nunique() > 2]
    for row in range(len(table)):
        name = names[rng.integers(len(names))]
        out[name] = out[name].astype(float)
        out.loc[row, name] += rng.choice([-1, 1]) * rng.uniform(1, 4) * train[name].std()
    return out


def counts(proved: hw.HalfSpaceLocation, located: hw.DomainLocation) -> list[int]:
    """The columns of the result from "outside" on, as numbers of rows."""
    named = located.unseen.any(axis=1)
    outside = (located.verdict == -1) & ~named
    out = np.isin(located.band, ("beyond", "far")) & ~named
    far = (located.band == "far") & ~named
    by, beyond = proved.proved_outside, proved.at_least("beyond")
    masks = [outside, outside & by, out, out & by, out & beyond, far, far & by, far & beyond]
    return [int(mask.sum()) for mask in masks]


def main() -> None:
    read = parser(__doc__)
    read.add_argument("folder", type=Path)
    folder = read.parse_args().folder
    warnings.simplefilter("ignore")
    total: dict[tuple[str, int], Any] = {}
    sizes: dict[int, list[float]] = {n: [] for n in SIZES}
    for path in sorted(folder.glob("*.csv*")):
        table = pd.read_csv(path)
        table = table.sample(min(len(table), 3000), random_state=0).reset_index(drop=True)
        n = int(0.7 * len(table))
        train, rest = table[:n], table[n:].reset_index(drop=True)
        domain = hw.Domain().fit(train)
        rng = np.random.default_rng(1)
        asked = {
            "as they are": rest,
            "exchanged": exchanged(rest, rng),
            "pushed": pushed(rest, train, rng),
        }
        located = {name: domain.locate(rows) for name, rows in asked.items()}
        for n_directions in SIZES:
            rules = domain.half_spaces(n_directions=n_directions)
            with tempfile.TemporaryDirectory() as scratch:
                rules.save(Path(scratch) / "rules.hull")
                sizes[n_directions].append(os.path.getsize(Path(scratch) / "rules.hull") / 1000)
            for name, rows in asked.items():
                found = counts(rules.locate(rows), located[name])
                total[name, n_directions] = total.get((name, n_directions), 0) + np.array(found)
    lines = []
    for (name, n_directions), (o, po, b, pb, bb, f, pf, bf) in sorted(total.items()):
        size = f"{min(sizes[n_directions]):.0f} to {max(sizes[n_directions]):.0f}"
        shares = [
            f"{100 * part / max(1, whole):.0f} %"
            for part, whole in ((po, o), (pb, b), (bb, b), (pf, f), (bf, f))
        ]
        lines.append((name, n_directions, size, o, shares[0], b, *shares[1:3], f, *shares[3:]))
    show(HEAD, lines)


if __name__ == "__main__":
    main()
