"""Proofs of rows of mixed tables: checked from the training table by other code, never forged."""

import ast
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

import hullwise as hw
from domain.test_domain import people
from hullwise.domain._proof_checker import hull_claims_hold
from hullwise.domain.proofs import Proofs, training_rows, verify_proofs
from hullwise.errors import DataError, FileError
from shared_data import SHARED

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")

CORE, EDGE, BEYOND, FAR, UNKNOWN = range(5)  # places of the bands in a proof


def every_role(n, seed=0, gaps=0.1):
    """A table with a column of every role."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 40_000, n), "h")
    table = people(n, seed, gaps).assign(
        grade=rng.choice(["low", "middle", "high"], n),
        start=start.strftime("%Y-%m-%dT%H:%M:%S"),
        site="north",
        smokes=rng.choice(["yes", "no"], n),
    )
    table.loc[rng.random(n) < gaps, "start"] = None
    return table


ROLES = {
    "periodic": {"hour": 24},
    "log": ["pay"],
    "ordered": {"grade": ["low", "middle", "high"]},
    "dates": {"start": ["since", "year", "month", "weekday", "hour"]},
}


@pytest.fixture(scope="module")
def table():
    return every_role(300)


@pytest.fixture(scope="module")
def domain(table):
    return hw.Domain(**ROLES).fit(table)


@pytest.fixture(scope="module")
def new(table):
    rows = every_role(60, seed=7, gaps=0.15)
    rows.loc[3, "job"] = "pilot"
    rows.loc[4, "age"] = 95.0
    rows.loc[5, "site"] = "south"
    rows.loc[6:8] = table.loc[6:8]
    rows.loc[9] = None
    return rows


@pytest.fixture(scope="module")
def loc(domain, new):
    return domain.locate(new)


@pytest.fixture(scope="module")
def proofs(loc):
    return Proofs.of(loc)


@pytest.mark.parametrize("exact", [False, True])
def test_honest_claims_hold(loc, table, exact):
    assert {*loc.verdict} == {-1, 0, 1}
    assert len(loc.parts) > 5
    assert loc.verify(exact=exact).all()
    assert loc.verify(table, exact=exact).all()


@pytest.mark.parametrize("missing", ["each", "columns", "rows"])
@pytest.mark.parametrize("metric", ["std", "range", None])
def test_claims_hold_in_every_metric(table, new, missing, metric):
    domain = hw.Domain(**ROLES, missing=missing, metric=metric).fit(table)
    rows = new.drop(index=9) if missing == "columns" else new
    assert domain.locate(rows).verify(table, exact=True).all()


def test_gaps_as_levels_and_declared_gaps(table):
    asked = {"gaps_are_levels": ["job"], "gaps": ["?"], "categories": ["job"]}
    rows = table.fillna({"job": "?"})
    loc = hw.Domain(**asked).fit(rows).locate(rows[:30])
    assert loc.verify(rows, exact=True).all()


def test_transformers(table, new, tmp_path):
    """Proofs are about a transformer's outputs, which are computed again from the table."""
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    rows = [t.dropna(subset=["age", "job", "start"]).reset_index(drop=True) for t in (table, new)]
    columns = ColumnTransformer(
        [
            ("n", make_pipeline(StandardScaler(), PCA(2)), ["age", "pay", "hour"]),
            ("c", OneHotEncoder(handle_unknown="ignore"), ["job"]),
            (
                "o",
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                ["grade"],
            ),
        ]
    ).fit(rows[0])
    domain = hw.Domain(transformer=columns).fit(rows[0])
    loc = domain.locate(rows[1])
    assert loc.unseen.any()
    assert loc.verify(rows[0], exact=True).all()
    loc.save_proofs(tmp_path / "where.npz")
    proofs = hw.load_proofs(tmp_path / "where.npz")
    assert domain.verify(proofs, new=rows[1]).all()
    other = rows[1].assign(age=rows[1]["age"] + 1e-3)
    assert not domain.verify(proofs, new=other).any()
    assert domain.verify(proofs, new=rows[1].assign(start=None)).all()  # not a column of it
    with pytest.raises(DataError, match="another table"):
        loc.verify(rows[0].assign(age=rows[0]["age"] + 1e-3))


@pytest.mark.parametrize("metric", ["agop", "matrix"])
def test_metrics_with_directions(table, new, metric):
    """With the Schur complement in gaps, which the checker computes in another way."""
    names = ["age", "pay", "job", "hour"]
    rows = table[names].assign(y=table["pay"] + table["hour"])
    if metric == "matrix":
        A = np.random.default_rng(0).normal(size=(5, 5))
        metric = A @ A.T + np.eye(5)
    domain = hw.Domain(metric=metric).fit(rows, target="y")
    loc = domain.locate(new[names])
    assert loc.verify(table, exact=True).all()
    assert any(part.location.metric.factor is not None for part in loc.parts)
    proofs = Proofs.of(loc)
    larger = forged(proofs, factor=lambda L, _: 1.01 * L)
    located = np.concatenate([part.rows for part in loc.parts])
    assert not domain.verify(larger)[located].any()
    owner, L = domain.fitted_.coordinates.owner, domain.fitted_.directions.metric.factor
    block = forged(proofs, factor=lambda _, part: L[:, part.used[owner]])  # bounds nothing in gaps
    gaps = [part.rows for part in proofs.parts if not part.used.all()]
    if len(L) > 1:  # a metric of one direction sees nothing of a row with gaps
        assert len(gaps) > 1
        assert not domain.verify(block)[np.concatenate(gaps)].any()


def test_groups(table):
    rows = table.assign(patient=np.arange(len(table)) // 8)
    domain = hw.Domain(groups="patient").fit(rows)
    assert domain.locate(rows[:40].assign(patient=999)).verify(rows, exact=True).all()


def test_proofs_outlive_the_location(domain, loc, table, new, tmp_path):
    """Both files are read again by another process, long after."""
    loc.save_proofs(tmp_path / "where.npz")
    domain.save(tmp_path / "seen.hull")
    table.to_csv(tmp_path / "train.csv", index=False)
    new.to_csv(tmp_path / "new.csv", index=False)
    code = (
        "import hullwise as hw, sys; domain = hw.load('seen.hull'); "
        "holds = domain.verify('where.npz', 'train.csv', new='new.csv', exact=True); "
        "sys.exit(0 if len(holds) == 60 and holds.all() else 1)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_of_rows_that_cannot_be_read_nothing_is_claimed(domain, table, new):
    rows = new.astype(object)
    rows.loc[[12, 15], "age"] = "old"
    loc = domain.locate(rows, bad_rows="keep")
    assert loc.verify(table).all()
    proofs = Proofs.of(loc)
    assert domain.verify(proofs, new=rows).all()
    unusable = proofs.unusable.copy()
    unusable[[12, 13]] ^= True
    claimed = domain.verify(replace(proofs, unusable=unusable), new=rows)
    assert not claimed[[12, 13]].any()
    assert claimed.sum() == 58


def test_numpy_reads_proofs(loc, tmp_path):
    loc.save_proofs(tmp_path / "where.npz")
    with np.load(tmp_path / "where.npz", allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["verdict"], loc.verdict)
        assert b'"made_by": "hullwise' in stored["header.json"]
    with pytest.raises(FileError, match="exists"):
        loc.save_proofs(tmp_path / "where.npz")


def test_picked_rows_have_proofs(loc, table, tmp_path):
    assert loc[[9, 3, 4]].verify(table).all()
    loc[5].save_proofs(tmp_path / "one.npz")
    assert len(hw.load_proofs(tmp_path / "one.npz")) == 1


def test_checkers_share_no_code_with_what_they_check():
    """The modules of the checker import the reader of tables, types and errors, and each other."""
    room = Path(hw.__file__).parent / "domain"
    checkers = ("proof_checker", "band_checker", "checked_cells", "checked_rows", "exact_arrays")
    allowed = {f"_{name}" for name in checkers} | {"errors", "_core.types"}
    for name in (*checkers, "metric_checker", "segment_checker"):
        for node in ast.walk(ast.parse((room / f"_{name}.py").read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                own = str(node.module)
                assert own in allowed or own in ("io.mixed_column", "io.mixed_table"), own


# ---- what is not the table, or not the domain -------------------------------------------------


def other_cell(table, column, value):
    changed = table.copy()
    changed.loc[17, column] = value
    return changed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: other_cell(t, "age", 41.5), "row 17 holds another value in column 'age'"),
        (lambda t: other_cell(t, "job", "nurse"), "row 17 holds another value in column 'job'"),
        (lambda t: other_cell(t, "pay", 3.0), "row 17 holds another value in column 'pay'"),
        (lambda t: other_cell(t, "hour", 25), "row 17 holds another value in column 'hour'"),
        (lambda t: other_cell(t, "job", "pilot"), "the level 'pilot' in one of the two only"),
        (lambda t: t.replace("smith", "clerk"), "the level 'smith' in one of the two only"),
        (lambda t: other_cell(t, "site", "south"), "the level 'south' in one of the two only"),
        (lambda t: t[1:], "it has 299 rows, and the domain was fitted on 300"),
        (lambda t: t.drop(columns="age"), "lacks the column 'age'"),
    ],
)
def test_another_table_is_said(loc, table, change, says):
    changed = change(table.assign(job=table["job"].where(table.index != 17, "clerk")))
    original = table.assign(job=table["job"].where(table.index != 17, "clerk"))
    loc = hw.Domain(**ROLES).fit(original).locate(original[:3])
    assert loc.verify(original).all()
    with pytest.raises(DataError, match=says):
        loc.verify(changed)


def test_a_part_of_a_table_is_another_table():
    """Although in memory it lies within the whole one."""
    whole = pa.table({"x": np.arange(100.0) % 7, "job": ["nurse", "clerk"] * 50})
    domains = [hw.Domain().fit(t) for t in (whole, whole[:50], whole[50:], whole[:50])]
    digests = [domain.fitted_.digest for domain in domains]
    assert len(set(digests)) == 3
    assert digests[1] == digests[3]
    halves = pa.concat_tables([whole[:50], whole[50:]])  # the same table in two pieces
    assert hw.Domain().fit(halves).fitted_.digest == digests[0]


def test_another_domain_is_said(domain, loc, table, tmp_path):
    loc.save_proofs(tmp_path / "where.npz")
    with pytest.raises(DataError, match="another table, or on other columns"):
        hw.Domain(**ROLES).fit(table[1:].reset_index(drop=True)).verify(tmp_path / "where.npz")
    with pytest.raises(DataError, match="another table, or on other columns"):
        hw.Domain(**{**ROLES, "log": []}).fit(table).verify(tmp_path / "where.npz")
    domain.save(tmp_path / "seen.hull")
    with pytest.raises(FileError, match="holds no proofs"):
        domain.verify(tmp_path / "seen.hull")
    with pytest.raises(FileError, match="holds no domain"):
        hw.load(tmp_path / "where.npz")


def test_proofs_of_other_rows_do_not_hold(domain, proofs, new, tmp_path):
    swapped = new.iloc[[1, 0, *range(2, 60)]]
    holds = domain.verify(proofs, new=swapped)
    assert holds[2:].all()
    assert not holds[:2].any()
    with pytest.raises(DataError, match="new has 59 rows, and there are proofs of 60"):
        domain.verify(proofs, new=new[1:])
    new[1:].to_csv(tmp_path / "fewer.csv", index=False)
    with pytest.raises(DataError, match=r"fewer\.csv has 59 rows"):
        domain.verify(proofs, new=tmp_path / "fewer.csv")


# ---- forged claims ----------------------------------------------------------------------------


def forged(proofs, **change):
    """The proofs with the first claims of every part changed as the functions say."""
    parts = []
    for part in proofs.parts:
        hull, bands = part.hull, part.bands
        for name, make in change.items():
            if hasattr(hull, name):
                hull = replace(hull, **{name: make(getattr(hull, name).copy(), part)})
            else:
                bands = replace(bands, **{name: make(getattr(bands, name).copy(), part)})
        parts.append(replace(part, hull=hull, bands=bands))
    return replace(proofs, parts=tuple(parts))


def claims(proofs, name):
    values = np.zeros(len(proofs))
    for part in proofs.parts:
        own = getattr(part.hull, name, None)
        values[part.rows] = getattr(part.bands, name) if own is None else own
    return values


@pytest.fixture(scope="module")
def outside(proofs):
    return np.flatnonzero(claims(proofs, "lower") > 0)


@pytest.fixture(scope="module")
def inside(proofs):
    return np.flatnonzero(claims(proofs, "verdict") == 1)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("more", [1e-6, 1e-9])
def test_bounds_are_tight(domain, proofs, outside, exact, more):
    """A part in a million, or in a billion, more than what was proved is never accepted."""
    more = forged(proofs, lower=lambda v, _: v * (1 + more), upper=lambda v, _: v * (1 + 2 * more))
    assert len(outside) > 20
    assert not domain.verify(more, exact=exact)[outside].any()
    less = forged(proofs, upper=lambda v, _: v * (1 - 1e-6), lower=lambda v, _: v * (1 - 2e-6))
    assert not domain.verify(less, exact=exact)[outside].any()


@pytest.mark.parametrize("exact", [False, True])
def test_the_last_bit_counts(domain, loc, proofs, exact):
    """A bound is accepted up to the last float that its direction proves, and not the next one."""
    training = training_rows(domain.fitted_, None)
    queries = training.layout.rows(proofs.cells, proofs.rounded)[0]
    number = int(np.argmax([part.used.sum() for part in proofs.parts]))
    part, located = proofs.parts[number], loc.parts[number]
    X = [[Fraction(x) for x in row] for row in located.pattern.cloud.take(np.arange(100)).tolist()]
    few = training.take(located.pattern.rows[:100])
    root = [Fraction(r) for r in part.hull.root.tolist()]
    for b in np.flatnonzero(part.hull.lower > 0)[:5]:
        v = [Fraction(x) for x in part.hull.direction[b].tolist()]
        q = [Fraction(x) for x in located.location.queries[b].tolist()]
        gap = min(
            sum(s * r * r * (a - c) for s, r, a, c in zip(v, root, q, x, strict=True)) for x in X
        )
        square = sum((s * r) ** 2 for s, r in zip(v, root, strict=True))
        last = float(gap) / float(square) ** 0.5
        while Fraction(last) ** 2 * square > gap**2:
            last = float(np.nextafter(last, 0))
        while Fraction(float(np.nextafter(last, 9e9))) ** 2 * square <= gap**2:
            last = float(np.nextafter(last, 9e9))
        for lower, expected in ((last, True), (float(np.nextafter(last, 9e9)), False)):
            hull = replace(part.hull.take(np.array([b])), lower=np.array([lower]))
            no_mixture = csr_array((1, 100))
            hull = replace(hull, upper=np.array([np.inf]), weights=no_mixture)
            one = queries.take(part.rows[[b]])
            assert hull_claims_hold(hull, few, np.arange(100), one, exact).tolist() == [expected]


@pytest.mark.parametrize("name", ["lower", "upper", "direction", "verdict"])
def test_claims_of_another_row_do_not_hold(domain, proofs, name):
    def rolled(values, _):
        return np.roll(values, 1, axis=0)

    moved = forged(proofs, **{name: rolled})
    before, after = claims(proofs, "lower"), claims(moved, "lower")
    alone = np.concatenate([p.rows for p in proofs.parts if len(p.rows) < 2])
    changed = np.setdiff1d(np.flatnonzero(before > 0), alone)
    if name == "verdict":
        changed = np.flatnonzero(claims(proofs, name) != claims(moved, name))
    if name == "lower":  # less than what is proved is true as well
        changed = changed[before[changed] < after[changed]]
    assert len(changed) > 10 or name == "verdict"
    assert not domain.verify(moved)[changed].any()


def test_inside_is_not_outside(domain, proofs, inside, outside):
    def one(values, part):
        values[:] = 1
        return values

    claimed = forged(proofs, verdict=one, lower=lambda v, _: v * 0, exactly=lambda v, _: ~v | v)
    claimed = replace(claimed, verdict=np.where(proofs.unseen.any(1), -1, 1).astype(np.int8))
    assert not domain.verify(claimed)[outside].any()
    assert not domain.verify(claimed, exact=True)[outside].any()
    assert len(inside) > 2
    claimed = forged(
        proofs,
        verdict=lambda v, _: v * 0 - 1,
        lower=lambda v, _: np.maximum(v, 1e-12),
        upper=lambda v, _: np.maximum(v, 1.0),
        direction=lambda v, _: np.where(v.any(axis=1, keepdims=True), v, 1.0),
    )
    claimed = replace(claimed, verdict=np.full(len(proofs), -1, np.int8))
    assert not domain.verify(claimed)[inside].any()
    assert not domain.verify(claimed, exact=True)[inside].any()


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_directions_that_are_none(domain, proofs, outside, value):
    none = forged(proofs, direction=lambda v, _: np.full(v.shape, value))
    assert not domain.verify(none)[outside].any()


def test_levels_never_seen_are_those(domain, proofs, new):
    for row, column in ((3, 0), (5, 0), (10, 2)):  # unseen, and not; seen, and unseen
        unseen = proofs.unseen.copy()
        unseen[row, column] ^= True
        claimed = replace(proofs, unseen=unseen)
        assert not domain.verify(claimed)[row]
        assert domain.verify(claimed).sum() == len(proofs) - 1
    renamed = [list(labels) for labels in proofs.cells.labels]
    job = next(j for j, c in enumerate(proofs.columns) if c["name"] == "job")
    renamed[job] = ["nurse" if label == "pilot" else label for label in renamed[job]]
    cells = replace(proofs.cells, labels=tuple(map(tuple, renamed)))
    assert not domain.verify(replace(proofs, cells=cells))[3]


def test_levels_are_those_of_the_row(domain, proofs, new):
    job = next(j for j, c in enumerate(proofs.columns) if c["name"] == "job")
    codes = proofs.cells.codes.copy()
    codes[:, job] = np.where(codes[:, job] >= 0, (codes[:, job] + 1) % 3, -1)
    claimed = replace(proofs, cells=replace(proofs.cells, codes=codes))
    changed = codes[:, job] != proofs.cells.codes[:, job]
    assert not domain.verify(claimed, new=new)[changed].any()
    tight = changed & (claims(proofs, "lower") > 0)
    holds = domain.verify(claimed)[tight]
    assert holds.mean() < 0.2  # those that are true of the other row as well


def test_rounded_coordinates_are_those_of_the_cells(domain, proofs):
    """A logarithm or a point of a circle may be off by its rounding, and no more."""
    is_rounded = ~np.isnan(proofs.rounded)
    for off, expected in ((1 + 2.0**-52, True), (1 + 2.0**-40, False)):
        claimed = replace(proofs, rounded=np.where(is_rounded, proofs.rounded * off, np.nan))
        # bounds are those of the coordinates as they were: the last bit may cost a tight one
        assert domain.verify(claimed)[is_rounded.any(axis=1)].any() == expected


def test_a_row_is_located_by_all_columns_that_it_has(domain, proofs):
    """A proof in fewer columns than a row has is one of another row."""
    part = max(proofs.parts, key=lambda p: p.used.sum())
    others = [p for p in proofs.parts if p.used.sum() < part.used.sum()]
    smaller = max(others, key=lambda p: len(p.rows))
    moved = replace(smaller, rows=part.rows[: len(smaller.rows)])
    claimed = replace(proofs, parts=(moved,))
    assert not np.delete(domain.verify(claimed), 9).any()  # row 9 is empty: nothing is claimed


@pytest.mark.parametrize("band", range(5))
def test_bands_are_those_of_the_bracket(domain, proofs, band):
    before = proofs.band.copy()
    claimed = forged(proofs, band=lambda v, _: v * 0 + band)
    by_name = proofs.unseen.any(axis=1)
    claimed = replace(claimed, band=np.where(by_name, FAR, band).astype(np.int8))
    wrong = (claims(proofs, "band") != band) & (claims(proofs, "verdict") != 0)
    assert wrong.any()
    assert not domain.verify(claimed)[wrong].any()
    assert not domain.verify(replace(proofs, band=np.full_like(before, band)))[before != band].any()


@pytest.mark.parametrize(
    "change",
    [
        {"reference": lambda v, _: v * 0.5},
        {"reference": lambda v, _: np.sort(v)},
        {"reference_off": lambda v, _: ~v},
        {"root": lambda v, _: v * 1.01},
        {"percentile": lambda v, _: v + 0.5},
        {"off": lambda v, _: 1 - v},
    ],
)
def test_what_distances_are_compared_with_is_that_of_the_domain(domain, proofs, change):
    located = np.concatenate([part.rows for part in proofs.parts])
    assert not domain.verify(forged(proofs, **change))[located].any()


@pytest.mark.parametrize("step", range(8))
def test_mixtures_that_are_none(domain, proofs, step):
    def changed(weights, part):
        weights = weights.copy()
        if step == 0:
            weights.data = weights.data * 1.01
        elif step == 1:
            weights.data = -weights.data
        elif step == 2:
            weights.data = weights.data * np.nan
        elif step == 3:
            weights.indices = (weights.indices + 1) % weights.shape[1]
        elif step == 4:
            weights.data = np.roll(weights.data, 1)
        elif step == 5:
            weights.indices = np.roll(weights.indices, 1)
        elif step == 6:
            weights.data = np.zeros(0)
            weights.indices, weights.indptr = weights.indices[:0], weights.indptr * 0
        else:  # rows that lack the columns
            lacking = np.flatnonzero(~np.isin(np.arange(weights.shape[1]), weights.indices))
            weights.indices = lacking[weights.indices % len(lacking)]
        return weights

    claimed = forged(proofs, weights=changed)
    mixed = np.flatnonzero(np.isfinite(claims(proofs, "upper")))
    located = np.concatenate([part.rows for part in proofs.parts])
    holds = domain.verify(claimed)[np.intersect1d(mixed, located)]
    assert holds.mean() < (0.1 if step in (4, 5) else 1e-9)  # equal weights may change places


def test_what_is_accepted_is_true_whatever_is_forged(domain, proofs, new):
    """Random changes of random numbers: accepted claims agree with the honest ones."""
    rng = np.random.default_rng(0)
    lower, upper = claims(proofs, "lower"), claims(proofs, "upper")
    names = ("lower", "upper", "verdict", "direction", "exactly", "band", "percentile", "off")
    n_refused = 0
    for _ in range(60):
        name = names[int(rng.integers(len(names)))]

        def change(values, _, name=name):
            at = tuple(int(rng.integers(k)) for k in values.shape)
            if values.dtype == bool:
                values[at] = not values[at]
            elif values.dtype == np.int8:
                values[at] = rng.integers(-1, 2) if name != "band" else rng.integers(5)
            else:
                values[at] = rng.choice([0.0, np.nan, np.inf, -1.0, 2 * values[at], rng.normal()])
            return values

        claimed = forged(proofs, **{name: change})
        holds = domain.verify(claimed, new=new, exact=True)
        n_refused += int((~holds).sum())
        assert (claims(claimed, "lower")[holds] <= upper[holds]).all()
        assert (claims(claimed, "upper")[holds] >= lower[holds]).all()
        assert (claims(claimed, "verdict")[holds] == claims(proofs, "verdict")[holds]).all()
        assert (claims(claimed, "band")[holds] == claims(proofs, "band")[holds]).all()
    assert n_refused > 60


# ---- the same table, told otherwise -----------------------------------------------------------


@pytest.mark.parametrize("power", [-300, -40, 40, 300])
def test_numbers_times_a_power_of_two(table, new, power):
    scaled = [t.assign(age=np.ldexp(t["age"].astype(float), power)) for t in (table, new)]
    loc = hw.Domain(**ROLES).fit(scaled[0]).locate(scaled[1])
    assert loc.verify(scaled[0], exact=True).all()


def test_permuted_rows_and_columns_and_other_names(table, new):
    rng = np.random.default_rng(1)
    columns = rng.permutation(table.columns)
    names = {"nurse": "zebra", "clerk": "ünder", "smith": "a\nb"}
    train = table.iloc[rng.permutation(len(table))][columns].reset_index(drop=True)
    train = train.assign(job=train["job"].map(names, na_action="ignore"))
    rows = new.assign(job=new["job"].map({**names, "pilot": "pilot"}, na_action="ignore"))
    loc = hw.Domain(**ROLES).fit(train).locate(rows)
    assert loc.verify(train, exact=True).all()
    before = hw.Domain(**ROLES).fit(table).locate(new)
    np.testing.assert_array_equal(loc.verdict, before.verdict)


def twice(table):
    return table.assign(twice=2 * table["age"] + (np.arange(len(table)) % 7 == 3))


ODD_TABLES = {
    "no reference": ({**ROLES, "reference": 0}, every_role(200), every_role(20, seed=3)),
    "no rows": (ROLES, every_role(100), every_role(20, seed=3)[:0]),
    "four rows": ({}, people(4), people(10, seed=1)),
    "every row four times": ({}, pd.concat([people(50)] * 4, ignore_index=True), people(50)),
    "a column twice": ({}, people(100).assign(twice=lambda t: 2 * t["age"]), twice(people(30))),
    "nested levels": (
        {},
        people(100).assign(sector=lambda t: t["job"].map({"nurse": "h", "clerk": "o"})),
        people(30, seed=4).assign(sector="h"),
    ),
    "far from zero": (
        {},
        people(100).assign(pay=lambda t: t["pay"] + 1e9),
        people(30, seed=2).assign(pay=lambda t: t["pay"] + 1e9),
    ),
    "subnormal": (
        {},
        people(100).assign(pay=lambda t: t["pay"] * 5e-320),
        people(30, seed=2).assign(pay=lambda t: t["pay"] * 5e-320),
    ),
    "more columns than rows": (
        {},
        np.random.default_rng(0).normal(size=(40, 80)),
        np.random.default_rng(1).normal(size=(10, 80)),
    ),
    "one level": (
        {"categories": ["job"]},
        people(50).assign(job="nurse"),
        people(9).assign(job=["nurse", "clerk", None] * 3),
    ),
    "segments": ({"by": "job"}, people(300, gaps=0.1), people(40, seed=3, gaps=0.1)),
}


@pytest.mark.parametrize("name", ODD_TABLES)
def test_odd_tables(name, tmp_path):
    options, table, rows = ODD_TABLES[name]
    domain = hw.Domain(**options).fit(table)
    loc = domain.locate(rows)
    assert loc.verify(table, exact=True).all()
    loc.save_proofs(tmp_path / "where.npz")
    assert domain.verify(tmp_path / "where.npz", table, new=rows).tolist() == [True] * len(rows)


def test_a_search_that_ended_early_claims_less(domain, table, new):
    loc = domain.locate(new, max_seconds=0.0)
    assert (loc.verdict == 0).any()
    assert loc.verify(table, exact=True).all()


# ---- real tables ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n_inside"),
    [
        ("penguins", 12),
        ("hitters", 0),
        ("german_credit", 7),
        ("titanic", 510),
        ("wage", 14),
        ("bikeshare", 1),
    ],
)
def test_real_tables(name, n_inside):
    """Every verdict is proved from the raw table in exact arithmetic; none is false."""
    path = SHARED / "tables" / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not there: set HULLWISE_SHARED to the folder that holds it")
    table = pd.read_csv(path)
    order = np.random.default_rng(0).permutation(len(table))[:2500]
    cut = int(0.7 * len(order))
    train, new = (
        table.iloc[rows].reset_index(drop=True) for rows in (order[:cut], order[cut:][:750])
    )
    loc = hw.Domain().fit(train).locate(new)
    assert loc.verify(train, exact=True).all()
    assert int((loc.verdict == 1).sum()) == n_inside
    assert (loc.verdict != 0).all()


def test_verify_proofs_wants_a_fitted_table(domain, proofs):
    with pytest.raises(DataError, match="not fitted"):
        hw.Domain().verify(proofs)
    assert verify_proofs(domain.fitted_, proofs).all()


def test_a_declared_category_of_one_level_is_no_obstacle():
    rows = [{"x": float(i * i % 17), "site": "north" if i % 9 else None} for i in range(60)]
    loc = hw.Domain(categories=["site"]).fit(rows).locate([{"x": 3.0, "site": "south"}, rows[9]])
    assert loc.verify(rows, exact=True).all()
