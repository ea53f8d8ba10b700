"""Everything the command line says can be had from Python, and the other way round.

A list of pairs: a command with an option, or a figure that it prints, and the calls in Python that
give the same. Both are run. No option of a command and no parameter of the functions behind it is
without a pair.
"""

import contextlib
import inspect
import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, median_absolute_error, r2_score

import hullwise as hw
from cli_input import (
    network_weights,
    read_rows,
    run,
    save_network,
    save_two_headed_network,
    write_csv,
)
from hullwise import samples
from hullwise.cli import main
from hullwise.domain.domain_contents import domain_contents
from hullwise.geometry.location_summary import smallest_change
from hullwise.samples.held_out import hold_out_groups, hold_out_rows, penguin_seasons

NAMES = ["age", "dose", "weight"]
PAIRS: list["Pair"] = []


@dataclass(frozen=True)
class Pair:
    """A command and the option or figure that a check covers."""

    command: str
    what: str
    check: Callable[["Case"], None]


@dataclass(frozen=True)
class Case:
    """Two tables as files and as arrays, and ways to run commands on the files."""

    folder: Path
    X: np.ndarray  # features of the training rows, targets y and z
    y: np.ndarray
    z: np.ndarray
    Q: np.ndarray  # features of the new rows, and their target
    known: np.ndarray
    train: str
    new: str
    ids: list[str]

    def command(self, name, *args, code=0):
        """What a command prints on the two files, its first line and times left out."""
        options = ("--target", "y", "--drop", "z", "--id", "id")
        done = run(name, self.train, self.new, *options, *args, code=code)
        text = " ".join((done.stdout + done.stderr).split())
        return SimpleNamespace(out=done.stdout, err=done.stderr, text=text)

    def table(self, name, *args):
        """The columns of the table that a command writes."""
        return columns_of(self.command(name, *args, "-o", "-").out)

    def dissect(self, *args):
        """The columns of the table of `hullwise dissect`."""
        options = ("--data", self.new, "--id", "id", "-o", "-")
        return columns_of(run("dissect", self.net, *options, *args).stdout)

    def locate(self, **options):
        """The location of the new rows."""
        return hw.locate(self.cloud, self.Q, **options)

    @property
    def cloud(self):
        return hw.Cloud(self.X, columns=NAMES)

    @property
    def net(self):
        """A network of the three features as a file."""
        return save_network(self.folder / "net.onnx", *network_weights([3, 6, 6, 2]))


def columns_of(text):
    rows = read_rows(text)
    return {column: [row[column] for row in rows] for column in rows[0]}


def pair(command, *whats):
    """Add the decorated check to the list, for each of these options or figures."""

    def add(check):
        PAIRS.extend(Pair(command, what, check) for what in whats)
        return check

    return add


def agree(column, values):
    """A column of text and values from Python: numbers to their last digit, the rest as text."""
    values = values.tolist() if isinstance(values, np.ndarray) else list(values)
    assert len(column) == len(values)
    for cell, value in zip(column, values, strict=True):
        if isinstance(value, float):
            assert np.isnan(value) if cell == "" else float(cell) == pytest.approx(value, rel=1e-12)
        else:
            assert cell == ("" if value is None else str(value))


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    X, Q = rng.normal(size=(70, 3)), 1.3 * rng.normal(size=(12, 3))
    y, known = X[:, 0] * X[:, 1] + X[:, 2], Q[:, 0] * Q[:, 1] + Q[:, 2]
    z, ids = X[:, 0] - X[:, 2], [f"p{i}" for i in range(len(Q))]
    train = write_csv(folder / "train.csv", [*NAMES, "y", "z"], np.c_[X, y, z].tolist())
    rows = [[name, *row] for name, row in zip(ids, np.c_[Q, known].tolist(), strict=True)]
    new = write_csv(folder / "new.csv", ["id", *NAMES, "y"], rows)
    return Case(folder, X, y, z, Q, known, train, new, ids)


# ---- locate: the table, the report, the exit code ---------------------------------------------


@pair("locate", "train", "query", "--target", "--drop", "--id", "-o")
def columns_of_a_location(case):
    table = case.table("locate")
    location = case.locate().to_dict()
    assert table.pop("id") == case.ids
    assert set(table) == set(location)
    for column, values in location.items():
        agree(table[column], values)


@pair("locate", "--columns")
def chosen_features(case):
    table = case.table("locate", "--columns", "weight,age")
    location = hw.locate(case.X[:, [2, 0]], case.Q[:, [2, 0]])
    agree(table["upper"], location.upper)


@pair("locate", "--fdr")
def selected_rows(case):
    table = case.table("locate", "--fdr", "0.2")
    for column, values in case.locate().select(0.2).to_dict().items():
        agree(table[column], values)


@pair("locate", "--metric")
def metrics(case):
    np.save(case.folder / "M.npy", np.array([1.0, 4.0, 9.0]))
    for text, metric in (
        ("std", "std"), ("range", "range"), ("none", None),
        (case.folder / "M.npy", np.array([1.0, 4.0, 9.0])),
    ):  # fmt: skip
        table = case.table("locate", "--metric", text)
        agree(table["upper"], case.locate(metric=metric).upper)


@pair("locate", "--metric agop", "--metric rfm", "--save-metric")
def learnt_metrics(case):
    for method in ("agop", "rfm"):
        kept = case.folder / f"{method}.npy"
        table = case.table("locate", "--metric", method, "--save-metric", kept)
        learnt = hw.metrics.learn_metric(case.cloud, case.y, method=method)
        np.testing.assert_allclose(np.load(kept), learnt.matrix, rtol=1e-12)
        agree(table["upper_task"], case.locate(metric=learnt.metric).upper)
        agree(table["band"], case.locate().band)


@pair("locate", "--target --target")
def several_targets(case):
    options = ["--target", "y", "--target", "z", "--id", "id", "--metric", "agop", "-o", "-"]
    table = columns_of(run("locate", case.train, case.new, *options).stdout)
    learnt = hw.metrics.learn_metric(case.cloud, np.c_[case.y, case.z])
    agree(table["upper_task"], case.locate(metric=learnt.metric).upper)


@pair("locate", "--model", "--metric nfm")
def metrics_of_a_network(case):
    net = hw.model.read(case.net)
    table = case.table("locate", "--metric", "agop", "--model", case.net)
    learnt = hw.metrics.learn_metric(case.cloud, method="agop", model=net)
    agree(table["upper_task"], case.locate(metric=learnt.metric).upper)
    table = case.table("locate", "--metric", "nfm:0", "--model", case.net)
    learnt = hw.metrics.learn_metric(case.cloud, method="nfm", model=net, layer=0)
    agree(table["upper_task"], case.locate(metric=learnt.metric).upper)


@pair("locate", "--upto")
@pair("predict", "--upto")
def metrics_of_a_part_of_a_network(case):
    options = ["--metric", "agop", "--model", case.net, "--upto", "r1"]
    learnt = hw.metrics.learn_metric(case.cloud, model=hw.model.read(case.net, upto="r1"))
    whole = hw.metrics.learn_metric(case.cloud, model=hw.model.read(case.net))
    assert not np.allclose(learnt.matrix, whole.matrix)
    table = case.table("locate", *options)
    agree(table["upper_task"], case.locate(metric=learnt.metric).upper)
    table = case.table("predict", "--method", "delaunay", *options)
    regressor = hw.DelaunayRegressor(metric=learnt.metric).fit(case.X, case.y)
    agree(table["prediction"], regressor.predict(case.Q))


@pair("locate", "--classes")
def a_target_of_classes(case):
    labels = np.digitize(case.X[:, 0], [-0.5, 0.5])
    path = case.folder / "classes.csv"
    train = write_csv(path, [*NAMES, "y"], np.c_[case.X, labels].tolist())
    args = ["--target", "y", "--id", "id", "--metric", "agop", "--classes", "-o", "-"]
    rows = read_rows(run("locate", train, case.new, *args).stdout)
    learnt = hw.metrics.learn_metric(case.cloud, labels, classes=True)
    agree([row["upper_task"] for row in rows], case.locate(metric=learnt.metric).upper)


@pair("locate", "--n-neighbors", "--reference", "--tolerance")
def numbers_of_the_search(case):
    table = case.table("locate", "--n-neighbors", 2, "--reference", 20, "--tolerance", 1e-9)
    location = case.locate(n_neighbors=2, reference=20, tolerance=1e-9)
    agree(table["neighbour_distance"], location.neighbour_distance)
    agree(table["hull_percentile"], location.hull_percentile)
    agree(table["verdict"], location.to_dict()["verdict"])
    assert location.tolerance == 1e-9


@pair("locate", "--membership-only")
def membership_only(case):
    table = case.table("locate", "--membership-only")
    agree(table["verdict"], case.locate(membership_only=True).to_dict()["verdict"])


@pair("locate", "--max-seconds")
def a_search_that_ends_at_once(case):
    table = case.table("locate", "--max-seconds", 0, "--reference", 0)
    agree(table["status"], case.locate(max_seconds=0.0, reference=0).to_dict()["status"])


@pair("locate", "--sep", "--decimal", "--no-header")
def ways_to_write_a_table(case):
    path = case.folder / "semicolons.csv"
    lines = [";".join(f"{v}".replace(".", ",") for v in row) for row in case.X.tolist()]
    path.write_text("\n".join(lines) + "\n")
    done = run(
        "locate", path, path, "--sep", ";", "--decimal", ",", "--no-header", "-o", "-"
    )  # fmt: skip
    table = hw.read_table(path, sep=";", decimal=",", header=False)
    np.testing.assert_array_equal(table.values, case.X)
    agree([r["upper"] for r in read_rows(done.stdout)], hw.locate(case.X, table.values).upper)


@pair("locate", "--bad-rows")
def rows_with_gaps(case):
    path = case.folder / "gaps.csv"
    rows = [[1.0, "", 2.0], [0.1, 0.2, 0.3]]
    write_csv(path, NAMES, rows)
    args = ["--target", "y", "--drop", "z", "--bad-rows", "keep", "-o", "-"]
    table = read_rows(run("locate", case.train, path, *args).stdout)
    location = hw.locate(case.cloud, hw.read_table(path, bad_rows="keep"), bad_rows="keep")
    agree([r["band"] for r in table], location.band)
    agree([r["verdict"] for r in table], location.to_dict()["verdict"])
    agree([r["status"] for r in table], location.to_dict()["status"])


@pair("locate", "--report", "--force")
def the_report(case):
    ours, theirs = case.folder / "a.html", case.folder / "b.html"
    for _ in range(2):
        case.command("locate", "--report", ours, "--force", "-q")
        location = case.locate().labelled(np.array(case.ids, dtype=object))
        hw.write_report(location, theirs, force=True)
    contents = [page_content(path) for path in (ours, theirs)]
    for part in ("bands", "headline", "distribution", "features", "farthest", "definitions"):
        assert contents[0][part] == contents[1][part], part
    assert "exists already" in case.command("locate", "--report", ours, code=3).err
    with pytest.raises(hw.FileError, match="exists already"):
        hw.write_report(location, theirs)


def page_content(path):
    match = re.search(
        r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', path.read_text(), re.DOTALL
    )
    assert match is not None
    return json.loads(match[1])


@pair("locate", "--fail-on", "--allow")
def conditions(case):
    location = case.locate()
    for condition in ("core", "edge", "beyond", "far", "outside"):
        share = 100 * location.at_least(condition).mean()
        assert share > 0
        case.command("locate", "--fail-on", condition, code=1)
        case.command("locate", "--fail-on", condition, "--allow", min(100, share + 0.1))
        case.command("locate", "--fail-on", condition, "--allow", max(0, share - 0.1), code=1)


@pair("locate", "--verify")
def certificates(case):
    location = case.locate()
    count = f"{int(location.verify(case.X).sum())} of {len(location)}"
    assert f"certificates verified: {count}" in case.command("locate", "--verify").err


@pair("locate", "--scheduler")
def a_cluster(case):
    distributed = pytest.importorskip("distributed")
    np.save(case.folder / "X.npy", case.X)
    np.save(case.folder / "Q.npy", case.Q)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as cluster:
        address = cluster.scheduler_address
        args = [case.folder / "X.npy", case.folder / "Q.npy", "--scheduler", address]
        done = run("locate", *args, "-o", "-")
        rows = hw.ClusterRows(address, str(case.folder / "X.npy"))
        location = hw.locate(hw.Cloud(rows), case.Q)
    agree([r["upper"] for r in read_rows(done.stdout)], location.upper)


@pair("locate", "-q")
@pair("predict", "-q")
@pair("dissect", "-q")
def the_library_prints_nothing(case):
    for name in ("locate", "predict"):
        done = case.command(name, "-q")
        assert done.out == done.err == ""


# ---- locate: the figures of the summary -------------------------------------------------------


@pair("locate", "printed: counts of bands", "printed: chance", "printed: hull")
def counts_of_bands(case):
    text, summary = case.command("locate").text, case.locate().summary()
    for band, count in summary.bands.items():
        if count or band != "unknown":
            assert re.search(rf"\b{band} {count} ", text)
    expected = f"about {summary.expected_out:,.0f}"
    assert f"{summary.n_out} of 12 new rows" in text
    assert expected if summary.expected_out >= 1 else "fewer than 1" in text
    assert summary.chance == case.locate().chance()
    verdicts = summary.verdicts
    assert f"rows: {verdicts['inside']}; outside: {verdicts['outside']}" in text


@pair("locate", "printed: features", "printed: farthest rows")
def features_and_farthest_rows(case):
    text, location = case.command("locate").text, case.locate()
    for feature in location.summary().features:
        line = f"{feature.name} {feature.rows} {feature.too_high} {feature.too_low} "
        assert line in text
    for row in location.summary().farthest.tolist()[:8]:
        name, old, new = smallest_change(location, row)[0]
        assert f"{case.ids[row]} {location.band[row]} {location.upper[row]:.3g}" in text
        assert f"{name} {old:.3g}"[:8] in text
        assert isinstance(new, float)


@pair("locate", "printed: definitions")
def definitions(case):
    text, counts = case.command("locate").text, case.locate().summary().definitions
    assert f"within its training range {counts['box']} of 12" in text
    assert f"smallest ellipsoid of the data {counts['ellipsoid']} of 12" in text
    assert f"convex hull of the data {counts['hull']} of 12" in text
    assert f"as 95 % of those {counts['neighbours']} of 12" in text


@pair("locate", "printed: directions", "printed: what a metric explains")
def directions(case):
    text = case.command("locate", "--metric", "agop").text
    learnt = hw.metrics.learn_metric(case.cloud, case.y)
    assert f"Effective dimension {learnt.directions.effective_dimension:.1f} of 3" in text
    assert f"explain {100 * learnt.explained:.0f} % of the variance" in text
    assert learnt.directions.text(0) in text


# ---- fit, inspect, locate: tables that are not all numbers --------------------------------------


ROLES = {
    "--category": (["code"], {"categories": ["code"]}),
    "--number": (["flag"], {"numbers": ["flag"]}),
    "--log": (["dose"], {"log": ["dose"]}),
    "--ordered": (["size=small,middle,large"], {"ordered": {"size": ["small", "middle", "large"]}}),
    "--periodic": (
        ["hour=24,3", "age=100"],
        {"periodic": {"hour": (24, 3), "age": 100}},
    ),
    "--date": (["start=since,month"], {"dates": {"start": ["since", "month"]}}),
    "--drop": (["job"], {"drop": ["job"]}),
    "--gaps": (["?"], {"gaps": ["?"]}),
    "--gaps-are-levels": (["job"], {"gaps_are_levels": ["job"]}),
    "--missing": (["columns"], {"missing": "columns"}),
    "--metric": (["range"], {"metric": "range"}),
    "--n-neighbors": (["2"], {"n_neighbors": 2}),
    "--reference": (["30"], {"reference": 30}),
    "--group": (["site"], {"groups": "site"}),
    "--by": (["flag"], {"by": "flag"}),
    "--time": (["start"], {"time": "start"}),
}


def people(n, seed):
    """Rows of a table in which columns are of all kinds."""
    rng = np.random.default_rng(seed)
    return [
        {
            "id": f"p{i}",
            "age": round(float(rng.normal(40, 9)), 2),
            "dose": round(float(np.exp(rng.normal())), 4),
            "job": str(rng.choice(["nurse", "clerk", "smith", "", "?"])),
            "size": str(rng.choice(["small", "middle", "large"])),
            "hour": int(rng.integers(24)),
            "start": f"20{rng.integers(10, 20)}-0{rng.integers(1, 10)}-1{rng.integers(10)}",
            "code": int(rng.integers(4)),
            "flag": int(rng.integers(2)),
            "site": f"s{rng.integers(25)}",
            "y": round(float(rng.normal()), 3),
        }
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    paths = []
    for name, rows in (("train.csv", people(400, 1)), ("new.csv", people(12, 2))):
        write_csv(folder / name, list(rows[0]), [list(row.values()) for row in rows])
        paths.append(str(folder / name))
    return folder, *paths


MIXED_PAIRS = [("fit", option) for option in ROLES] + [("locate", option) for option in ROLES]
PAIRS += [Pair(command, option, lambda case: None) for command, option in MIXED_PAIRS]


@pytest.mark.parametrize("option", ROLES)
def test_roles_of_columns_are_those_of_python(option, mixed):
    folder, train, new = mixed
    words, declared = ROLES[option]
    args = [word for value in words for word in (option, value)]
    domain = hw.Domain(**declared).fit(train, target="y", id="id")
    location = domain.locate(new)
    out = folder / "seen.hull"
    text = run("fit", train, "--target", "y", "--id", "id", *args, "-o", out, "--force").stdout
    for column in domain.fitted_.coordinates.columns:
        assert re.search(rf"^  {re.escape(column.name)} +{column.role} ", text, re.MULTILINE)
    options = ["--id", "id", "-q", "-o", "-"]
    kept = columns_of(run("locate", out, new, *options).stdout)
    straight = columns_of(run("locate", train, new, "--target", "y", *args, *options).stdout)
    assert kept == straight
    assert kept.pop("id") == location.labels.tolist()
    for column, values in location.to_dict().items():
        agree(kept[column], values)


@pair("fit", "train", "--target", "--id", "-o", "--force", "-q", "--columns", "--columns-from")
@pair("fit", "--write-spec", "--sep", "--decimal", "--no-header")
@pair("locate", "--columns-from")
def a_domain_in_a_file(case):
    rows = people(80, 4)
    path, spec, out = (case.folder / name for name in ("m.csv", "m.toml", "m.hull"))
    lines = [";".join(f"{v}".replace(".", ",") for v in row.values()) for row in rows]
    path.write_text("\n".join([";".join(rows[0]), *lines]) + "\n")
    reading = ["--sep", ";", "--decimal", ","]
    files = ["--write-spec", spec, "-o", out, "--force"]
    chosen = ["--columns", "age,dose,job", "--target", "y", "--id", "id"]
    run("fit", path, *reading, *chosen, *files)
    beside = [name for name in rows[0] if name not in ("id", "age", "dose", "job", "y")]
    domain = hw.Domain(drop=beside).fit(rows, target="y", id="id")
    numbers = hw.load(out).fitted_
    np.testing.assert_allclose(numbers.values, domain.fitted_.values, rtol=1e-14)
    assert run("fit", path, *reading, "--columns-from", spec, "-q").stdout == ""
    again = hw.Domain(columns_from=spec).fit(rows)
    np.testing.assert_allclose(again.fitted_.values, domain.fitted_.values, rtol=1e-14)
    located = run("locate", path, path, *reading, "--columns-from", spec, "-q", "-o", "-").stdout
    agree(columns_of(located)["band"], again.locate(rows).band)
    body = case.folder / "body.csv"
    body.write_text("\n".join(lines) + "\n")
    text = run("fit", body, *reading, "--no-header", "--drop", "x0").stdout
    assert re.search(r"^  x2 +number ", text, re.MULTILINE)


@pair("inspect", "domain", "--json", "printed: levels")
def contents_of_a_domain(case):
    domain = hw.Domain().fit(people(80, 4), target="y", id="id")
    path = case.folder / "i.hull"
    domain.save(path, force=True)
    contents = json.loads(run("inspect", path, "--json").stdout)
    expected = domain_contents(domain)
    assert {name: contents[name] for name in expected} == json.loads(json.dumps(expected))
    assert contents["bytes"] == path.stat().st_size
    text = " ".join(run("inspect", path).stdout.split())
    size = next(c for c in expected["columns"] if c["name"] == "size")
    assert all(f"{level} {count}" in text for level, count in size["levels"].items())


@pair("locate", "--report of a domain")
def the_report_of_a_domain(case):
    rows, new = people(80, 4), people(9, 5)
    paths = [
        write_csv(case.folder / name, list(rows[0]), [list(r.values()) for r in table])
        for name, table in (("rep.csv", rows), ("rep2.csv", new))
    ]
    ours, theirs = case.folder / "domain.html", case.folder / "domain_mine.html"
    args = ["--target", "y", "--id", "id", "--report", ours, "--force", "-q", "--verify"]
    run("locate", *paths, *args)
    location = hw.Domain().fit(paths[0], target="y", id="id").locate(paths[1])
    hw.write_report(location, theirs, force=True)
    pages = [path.read_text(encoding="utf-8") for path in (ours, theirs)]
    drawings = [re.findall(r"<svg.*?</svg>", page, re.DOTALL) for page in pages]
    assert drawings[0]
    assert drawings[0] == drawings[1]
    assert "9 of 9 hold" in pages[0]


@pair("locate", "--strict")
def columns_that_are_not_known(case):
    rows = people(80, 4)
    train = write_csv(case.folder / "k.csv", list(rows[0]), [list(r.values()) for r in rows])
    more = write_csv(
        case.folder / "k2.csv", [*rows[0], "size2"], [[*r.values(), 1] for r in rows[:3]]
    )
    assert "'size2'" in run("locate", train, more).stdout
    assert "'size2'" in run("locate", train, more, "--strict", code=3).stderr
    with pytest.raises(hw.DataError, match="'size2'"):
        hw.Domain().fit(train).locate(more, strict=True)


@pair("locate", "--summary", "--junit", "--proofs", "--explain", "--fixed")
@pair("verify", "domain", "proofs", "--table", "--new", "--exact", "-q")
def figures_and_proofs(case):
    rows, new = people(80, 4), people(9, 5)
    paths = [
        write_csv(case.folder / name, list(rows[0]), [list(r.values()) for r in table])
        for name, table in (("v.csv", rows), ("v2.csv", new))
    ]
    files = [case.folder / f"v.{kind}" for kind in ("hull", "json", "xml", "npz")]
    domain = hw.Domain().fit(paths[0], target="y", id="id")
    domain.save(files[0], force=True)
    location = domain.locate(paths[1])
    options = ["--summary", files[1], "--junit", files[2], "--proofs", files[3], "--force", "-q"]
    met = location.at_least("edge")
    run("locate", files[0], paths[1], *options, "--fail-on", "edge", code=int(met.any()))
    assert json.loads(files[1].read_text())["bands"] == location.summary().bands
    assert files[2].read_text().count("<failure") == met.sum() + 1
    location.save_proofs(case.folder / "mine.npz", force=True)
    for proofs in (files[3], case.folder / "mine.npz"):
        assert domain.verify(proofs, paths[0], new=paths[1], exact=True).all()
        tables = ["--table", paths[0], "--new", paths[1], "--exact"]
        assert "9 of 9 rows" in run("verify", files[0], proofs, *tables).stdout
        assert run("verify", files[0], proofs, "-q").stdout == ""
    row = int(np.argmax(location.upper))
    args = ["--explain", location.labels[row], "--fixed", "age"]
    text = " ".join(run("locate", files[0], paths[1], *args).stdout.split())
    assert " ".join(location.smallest_change(row, fixed=["age"]).text.split()) in text


@pair("verify", "--sep", "--decimal", "--no-header")
def tables_of_proofs(case):
    rows = people(60, 4)
    path, files = case.folder / "n.csv", [case.folder / f"n.{kind}" for kind in ("hull", "npz")]
    lines = [";".join(f"{v}".replace(".", ",") for v in row.values()) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    reading = ["--sep", ";", "--decimal", ",", "--no-header"]
    run("fit", path, *reading, "-o", files[0], "-q", "--force")
    run("locate", files[0], path, *reading, "--proofs", files[1], "-q", "--force")
    text = run("verify", files[0], files[1], *reading, "--table", path, "--new", path).stdout
    assert "60 of 60 rows" in text


@pair("fit", "--keep")
def rules_in_place_of_rows(case):
    rows = people(60, 4)
    path = write_csv(case.folder / "r.csv", list(rows[0]), [list(r.values()) for r in rows])
    kept = case.folder / "rules.hull"
    run("fit", path, "--keep", "half-spaces", "-o", kept, "-q")
    assert len(hw.load(kept).locate(path)) == 60


# ---- predict ----------------------------------------------------------------------------------


@pair("predict", "train", "query", "--target", "--drop", "--id", "-o", "--method")
def predictions(case):
    for method, kind in (("delaunay", hw.DelaunayRegressor), ("nearest", hw.NearestRegressor)):
        table = case.table("predict", "--method", method)
        regressor = kind(metric="std").fit(case.X, case.y)
        agree(table["prediction"], regressor.predict(case.Q))
        agree(table["rows_used"], np.diff(regressor.weights(case.Q).indptr))
        location = case.locate(reference=0)
        agree(table["verdict"], location.to_dict()["verdict"])
        distance = np.where(location.verdict == 1, 0.0, location.upper)
        np.testing.assert_allclose([float(d) for d in table["distance"]], distance, rtol=1e-5)
        assert table["id"] == case.ids
        agree(table["known"], case.known)


@pair("predict", "--method by left-out rows", "--group", "printed: methods")
def methods_compared(case):
    done = case.command("predict")
    comparison = hw.compare(case.X, case.y)
    best = f"{comparison.error[comparison.methods.index(comparison.best), 0]:.4g}"
    assert f" {comparison.best} {best} +- " in done.text
    regressor = comparison.best_estimator().fit(case.X, case.y)
    agree(case.table("predict")["prediction"], regressor.predict(case.Q))
    groups = np.repeat(np.arange(case.cloud.n // 4 + 1), 4)[: case.cloud.n]
    rows = [[*x, f"g{g}", t] for x, g, t in zip(case.X.tolist(), groups, case.y, strict=True)]
    train = write_csv(case.folder / "groups.csv", [*NAMES, "site", "y"], rows)
    text = run("predict", train, case.new, "--target", "y", "--id", "id", "--group", "site").stdout
    comparison = hw.compare(case.X, case.y, groups=groups.astype(str))
    assert f"in {comparison.n_groups} groups" in " ".join(text.split())


@pair("predict", "--columns", "--metric")
def predictions_in_a_metric(case):
    table = case.table(
        "predict", "--method", "delaunay", "--columns", "age,weight", "--metric", "range"
    )
    regressor = hw.DelaunayRegressor(metric="range").fit(case.X[:, [0, 2]], case.y)
    agree(table["prediction"], regressor.predict(case.Q[:, [0, 2]]))


@pair("predict", "--metric agop", "--model", "--save-metric")
def predictions_in_a_learnt_metric(case):
    kept = case.folder / "predict.npy"
    table = case.table("predict", "--method", "delaunay", "--metric", "agop", "--save-metric", kept)
    learnt = hw.metrics.learn_metric(case.cloud, case.y)
    np.testing.assert_allclose(np.load(kept), learnt.matrix, rtol=1e-12)
    regressor = hw.DelaunayRegressor(metric=learnt.metric).fit(case.X, case.y)
    agree(table["prediction"], regressor.predict(case.Q))
    table = case.table("predict", "--method", "delaunay", "--metric", "agop", "--model", case.net)
    learnt = hw.metrics.learn_metric(case.cloud, model=hw.model.read(case.net))
    regressor = hw.DelaunayRegressor(metric=learnt.metric).fit(case.X, case.y)
    agree(table["prediction"], regressor.predict(case.Q))


@pair("predict", "--bound", "--smoothness", "--lipschitz")
def bounds(case):
    regressor = hw.DelaunayRegressor(metric="std").fit(case.X, case.y)
    table = case.table(
        "predict", "--method", "delaunay", "--bound", "--smoothness", 2, "--lipschitz", 3
    )
    bound = regressor.bound(case.Q, smoothness=2.0, lipschitz=3.0)
    for column, values in (
        ("bound", bound.total), ("bound_shift", bound.shift),
        ("bound_spread", bound.spread), ("bound_reach", bound.reach),
    ):  # fmt: skip
        np.testing.assert_allclose([float(v) for v in table[column]], values, rtol=1e-12)
    table = case.table("predict", "--method", "delaunay", "--bound")
    constants = hw.estimate_smoothness(case.X, case.y, metric="std")
    bound = regressor.bound(case.Q, smoothness=constants.smoothness, lipschitz=constants.lipschitz)
    np.testing.assert_allclose([float(v) for v in table["bound"]], bound.total, rtol=1e-12)


@pair("predict", "--classes")
def shares_of_classes(case):
    labels = np.where(case.X[:, 0] > 0, "high", "low")
    rows = [[*x, label] for x, label in zip(case.X.tolist(), labels, strict=True)]
    train = write_csv(case.folder / "labels.csv", [*NAMES, "y"], rows)
    done = run("predict", train, case.new, "--target", "y", "--id", "id", "--classes", "-o", "-",
        "--method", "delaunay",
    )  # fmt: skip
    table = read_rows(done.stdout)
    model = hw.MixtureClassifier(hw.DelaunayRegressor(metric="std")).fit(case.X, labels)
    shares = model.predict_proba(case.Q)
    agree([r["prediction"] for r in table], model.predict(case.Q))
    for k, label in enumerate(model.classes_):
        found = [float(r[f"share {label}"]) for r in table]
        np.testing.assert_allclose(found, shares[:, k], rtol=1e-12, atol=1e-15)


@pair("predict", "--sep", "--decimal", "--no-header", "--bad-rows", "--force")
def predictions_from_other_tables(case):
    path, new = case.folder / "p.csv", case.folder / "pq.csv"
    for file, table in ((path, np.c_[case.X, case.y]), (new, case.Q)):
        lines = [";".join(f"{v}".replace(".", ",") for v in row) for row in table.tolist()]
        file.write_text("\n".join(lines) + ("\n1,0;;2,0\n" if file is new else "\n"))
    reading = ["--sep", ";", "--decimal", ",", "--no-header", "--bad-rows", "keep", "--force"]
    out = case.folder / "predicted.csv"
    for _ in range(2):
        run(
            "predict",
            path,
            new,
            "--target",
            "x3",
            "--method",
            "delaunay",
            *reading,
            "-o",
            out,
            "-q",
        )
    table = read_rows(out.read_text())
    regressor = hw.DelaunayRegressor(metric="std").fit(case.X, case.y)
    agree([r["prediction"] for r in table[:-1]], regressor.predict(case.Q))
    kept = hw.read_table(new, sep=";", decimal=",", header=False, bad_rows="keep")
    assert list(kept.bad) == [12]
    assert kept.bad[12] in table[12]["status"]


@pair("predict", "--verify")
def simplices(case):
    regressor = hw.DelaunayRegressor(metric="std").fit(case.X, case.y)
    count = int(regressor.simplices(case.Q).verify(case.X).sum())
    assert f"simplices verified: {count} of 12" in case.command("predict", "--verify").err


@pair("predict", "printed: quartiles", "printed: errors")
def figures_of_a_prediction(case):
    text = case.command("predict", "--method", "delaunay").text
    prediction = hw.DelaunayRegressor(metric="std").fit(case.X, case.y).predict(case.Q)
    quartiles = np.quantile(prediction, [0, 0.25, 0.5, 0.75, 1])
    assert "prediction " + " ".join(f"{q:.4g}" for q in quartiles) in text
    assert f"median absolute error {median_absolute_error(case.known, prediction):.4g}" in text
    assert f"mean absolute error {mean_absolute_error(case.known, prediction):.4g}" in text
    assert f"R2 {r2_score(case.known, prediction):.3f}" in text


# ---- dissect ----------------------------------------------------------------------------------


@pair("dissect", "model", "--data", "--target", "--drop", "--id", "-o")
def rows_of_a_network(case):
    table = case.dissect("--target", "y")
    dissection = hw.dissect(hw.model.read(case.net), case.Q)
    agree(table["output 0"], dissection.output[:, 0])
    agree(table["class"], dissection.output.argmax(axis=1))
    agree(table["boundary_distance"], dissection.boundary_distance)
    agree(table["boundary_unit"], dissection.boundary_unit)
    assert table["id"] == case.ids
    assert case.dissect("--drop", "y") == {k: v for k, v in table.items() if k != "known"}


@pair("dissect", "--columns")
def inputs_in_another_order(case):
    table = case.dissect("--columns", "weight,dose,age")
    dissection = hw.dissect(hw.model.read(case.net), case.Q[:, ::-1])
    agree(table["output 1"], dissection.output[:, 1])


@pair("dissect", "--upto")
def the_part_before_a_layer(case):
    table = case.dissect("--drop", "y", "--upto", "r1")
    part = hw.model.read(case.net, upto="r1")
    agree(table["output 3"], hw.dissect(part, case.Q).output[:, 3])


READING = ("--upto", "--model-output", "--constant", "--input-shape", "--smooth")


@pair("dissect", *READING)
@pair("locate", *READING)
@pair("predict", *READING)
@pair("errors", *READING)
@pair("complex", *READING)
@pair("prove", *READING)
def which_part_of_a_network_and_what_it_takes(case):
    net = save_two_headed_network(case.folder / "heads.onnx")
    shift = case.folder / "shift.npy"
    np.save(shift, [[0.5, -1.0]])
    logits = hw.model.read(net, output="y", constants={"shift": [[0.5, -1.0]]})
    value = hw.model.read(
        net, output="z", constants={"shift": [[0.5, -1.0]]}, smooth="pieces", error=0.01
    )
    five = hw.model.read(net, {"shift": (2,), "x": (3,)}, output="y")
    part = hw.model.read(net, upto="relu", constants={"shift": [[0.5, -1.0]]})
    held, first = ["--constant", "shift=0.5,-1"], ["--model-output", "y"]
    smooth = ["--model-output", "z", "--smooth", "pieces:0.01", "--constant", f"shift={shift}"]
    rows = ["--data", case.new, "--id", "id", "--drop", "y", "-o", "-"]
    for options, expected in (
        ([*held, *first], logits),
        (smooth, value),
        ([*held, "--upto", "relu"], part),
        ([*held, *first, "--input-shape", "3"], logits),
    ):
        table = columns_of(run("dissect", net, *rows, *options).stdout)
        agree(table["output 0"], hw.dissect(expected, case.Q).output[:, 0])
        counts = json.loads(run("complex", net, "--box", "1", "--json", *options).stdout)
        assert counts["n_regions"] == hw.model.cell_complex(expected, 1.0).n_regions
        text = run("prove", net, "y0 <= 100", "--box", "1", "--json", *options).stdout
        bounded = hw.verify_property(expected, 1.0, "y0 <= 100")
        assert json.loads(text)["status"] == bounded.status
    wide = write_csv(case.folder / "wide.csv", list("abcde"), np.c_[case.Q, case.Q[:, :2]].tolist())
    shapes = ["--input-shape", "shift=2", "--input-shape", "x=3"]
    table = columns_of(run("dissect", net, "--data", wide, "-o", "-", *first, *shapes).stdout)
    agree(table["output 1"], five(np.c_[case.Q, case.Q[:, :2]])[:, 1])
    learnt = hw.metrics.learn_metric(case.cloud, model=value)
    options = ["--metric", "agop", "--model", net, *smooth]
    agree(case.table("locate", *options)["upper_task"], case.locate(metric=learnt.metric).upper)
    table = case.table("predict", "--method", "delaunay", *options)
    regressor = hw.DelaunayRegressor(metric=learnt.metric).fit(case.X, case.y)
    agree(table["prediction"], regressor.predict(case.Q))
    hull, frame = case.folder / "errors.hull", pd.DataFrame(case.X, columns=NAMES)
    hw.Domain().fit(frame).save(hull)
    options = ["--truth", "y", "--model", net, *smooth, "-o", "-"]
    table = columns_of(run("errors", hull, case.train, *options).stdout)
    errors = hw.error_profile(hw.load(hull), frame.assign(y=case.y), ["y"], value).to_dict()
    for column in ("verdict", "sentence"):
        agree(table[column], errors[column])


@pair("dissect", "--slice", "--line", "--max-regions", "--report", "--force")
def slices_and_lines(case):
    net, ours, theirs = hw.model.read(case.net), case.folder / "a.htm", case.folder / "b.htm"
    options = ["--data", case.new, "--id", "id", "--drop", "y", "--report", ours, "--force"]
    limits = ["--slice", "p0,p1,p2", "--line", "p3,p4", "--max-regions", 25]
    for _ in range(2):
        text = run("dissect", case.net, *options, *limits).stdout
        hw.report.write_network_report(
            *(net, case.Q, theirs),
            columns=NAMES,
            names=case.ids,
            plane=(0, 1, 2),
            line=(3, 4),
            max_regions=25,
            force=True,
        )
    pages = [path.read_text(encoding="utf-8") for path in (ours, theirs)]
    drawings = [re.findall(r"<svg.*?</svg>", page, re.DOTALL) for page in pages]
    assert drawings[0]
    assert drawings[0] == drawings[1]
    assert "partial: more than 25 regions" in " ".join(text.split())


@pair("dissect", "--max-memory")
def memory_of_a_slice(case):
    options = ["--data", case.new, "--id", "id", "--drop", "y"]
    fits = run("dissect", case.net, *options, "--max-memory", "64MB").stdout
    assert fits == run("dissect", case.net, *options).stdout
    refused = run("dissect", case.net, *options, "--max-memory", "12", code=2)
    net = hw.model.read(case.net)
    with pytest.raises(hw.DataError) as error:
        net.slice(np.zeros(3), np.eye(3)[:2], max_memory="12")
    text = str(error.value).partition(": ")[2]
    assert text in " ".join(refused.stderr.split())


@pair("dissect", "--sep", "--decimal", "--no-header", "--bad-rows")
def networks_of_other_tables(case):
    path = case.folder / "inputs.csv"
    lines = [";".join(f"{v}".replace(".", ",") for v in row) for row in case.Q.tolist()]
    path.write_text("\n".join(lines) + "\n1,0;;2,0\n")
    reading = ["--sep", ";", "--decimal", ",", "--no-header", "--bad-rows", "keep"]
    table = columns_of(run("dissect", case.net, "--data", path, *reading, "-o", "-").stdout)
    kept = hw.read_table(path, sep=";", decimal=",", header=False, bad_rows="keep")
    agree(table["output 0"][:-1], hw.dissect(hw.model.read(case.net), case.Q).output[:, 0])
    assert kept.bad[12] in table["status"][12]


@pair("dissect", "printed: regions")
def counted_regions(case):
    table = case.dissect("--drop", "y")
    options = ["--data", case.new, "--id", "id", "--drop", "y"]
    text = " ".join(run("dissect", case.net, *options).stdout.split())
    codes = hw.model.read(case.net).codes(case.Q)
    count = len({tuple(code.tolist()) for code in codes})
    assert f"regions they lie in {count} " in text
    assert len(set(table["region_code"])) == count


# ---- demo -------------------------------------------------------------------------------------


@pair("demo", "--write", "--force")
def tables_to_try(case):
    for _ in range(2):
        run("demo", "--write", case.folder, "--force")
    fires = samples.load("forest_fires")
    seen, new = (hw.read_table(case.folder / name) for name in ("seen.csv", "new.csv"))
    rows = np.r_[seen.values, new.values]
    np.testing.assert_array_equal(rows, np.c_[fires.X, fires.y])
    model, table = samples.network_paths()
    assert (case.folder / "spirals.onnx").read_bytes() == model.read_bytes()
    assert (case.folder / "spirals.csv").read_bytes() == table.read_bytes()
    for name, (data, _) in penguin_seasons().items():
        assert (case.folder / name).read_bytes() == data


@pair("demo", "--report", "printed: shares", "printed: species")
def new_patients_and_penguins(case):
    report = case.folder / "demo.html"
    text = " ".join(run("demo", "--report", report).stdout.split())
    parkinsons, rng = samples.load("parkinsons"), np.random.default_rng(0)
    new = hold_out_groups(parkinsons, 8, rng)
    drawn = hold_out_rows(parkinsons, int(new.mask.sum()), rng)
    locations = [hw.locate(one.training, one.queries) for one in (drawn, new)]
    shares = [100 * location.summary().n_out / len(location) for location in locations]
    assert f"Beyond or far: {shares[0]:.1f} % of the random rows, {shares[1]:.1f} %" in text
    for name, (data, _) in penguin_seasons().items():
        (case.folder / name).write_bytes(data)
    seen, season = (case.folder / name for name in penguin_seasons())
    location = hw.Domain().fit(seen, target="species").locate(season)
    for band, count in location.summary().bands.items():
        assert not count or re.search(rf"\b{band} {count} ", text)
    hw.write_report(location, case.folder / "mine.html")
    pages = [path.read_text() for path in (report, case.folder / "mine.html")]
    drawings = [re.findall(r"<svg.*?</svg>", page, re.DOTALL) for page in pages]
    assert drawings[0]
    assert drawings[0] == drawings[1]


# ---- next ---------------------------------------------------------------------------------------


def box_file(case):
    lines = [f"{name},-3,3" for name in NAMES]
    path = case.folder / "bounds.csv"
    path.write_text("\n".join(["name,low,high", *lines]) + "\n")
    return path


def next_table(case, *args):
    options = ["--box", box_file(case), "--target", "y", "-n", 3, *args, "-o", "-"]
    return columns_of(run("next", case.train, *options).stdout)


def suggested(case, **options):
    columns = {name: case.X[:, j] for j, name in enumerate(NAMES)}
    return hw.suggest(columns, case.y, n=3, box=box_file(case), **options).to_dict()


def same_suggestions(table, columns):
    assert set(table) == set(columns)
    for name, values in columns.items():
        agree(table[name], values)


@pair("next", "runs", "--box", "--target", "-n", "-o", "--constraint", "--random-state")
def where_to_run_next(case):
    same_suggestions(next_table(case), suggested(case))
    same_suggestions(
        next_table(case, "--constraint", "age + dose <= 1", "--random-state", 3),
        suggested(case, constraints="age + dose <= 1", random_state=3),
    )


@pair("next", "--criterion", "--n-candidates", "--pending", "--queries", "--candidates")
def candidates_and_criteria(case):
    new = {name: case.Q[:, j] for j, name in enumerate(NAMES)}
    path = write_csv(case.folder / "points.csv", NAMES, case.Q.tolist())
    args = ["--criterion", "fill", "--n-candidates", 50, "--pending", path]
    same = suggested(case, criterion="fill", n_candidates=50, pending=new)
    same_suggestions(next_table(case, *args), same)
    same_suggestions(next_table(case, "--queries", path), suggested(case, queries=new))
    same_suggestions(next_table(case, "--candidates", path), suggested(case, candidates=new))


@pair("next", "--report", "--force", "-q", "--sep", "--decimal", "--no-header")
def next_report_and_ways_to_write_a_table(case):
    ours, box = case.folder / "next.html", box_file(case)
    for _ in range(2):
        run("next", case.train, "--box", box, "--report", ours, "--force", "-q")
    columns = {name: case.X[:, j] for j, name in enumerate(NAMES)}
    hw.report.write_next_page(hw.suggest(columns, n=1, box=box), case.folder / "next-mine.html")
    pages = [path.read_text() for path in (ours, case.folder / "next-mine.html")]
    drawings = [re.findall(r"<svg.*?</svg>", page, re.DOTALL) for page in pages]
    assert drawings[0] == drawings[1]
    path = case.folder / "semicolons.csv"
    lines = [";".join(f"{v}".replace(".", ",") for v in row) for row in case.X.tolist()]
    path.write_text("\n".join(lines) + "\n")
    hull = case.folder / "box.hull"
    hw.Domain().fit(case.X).save(hull)
    reading = ["--sep", ";", "--decimal", ",", "--no-header"]
    table = columns_of(run("next", path, "--box", hull, *reading, "-o", "-").stdout)
    agree(table["x0"], hw.suggest(case.X, n=1, box=hw.load(hull)).to_dict()["x0"])


# ---- queries of a database ----------------------------------------------------------------------


@pair("fit", "--query", "--db")
@pair("locate", "--query", "--db")
@pair("predict", "--query", "--db")
@pair("dissect", "--query", "--db")
def rows_of_a_database(case):
    path = case.folder / "rows.db"
    seen, new = (pd.DataFrame(A, columns=NAMES) for A in (case.X, case.Q))
    with contextlib.closing(sqlite3.connect(path)) as db:
        seen.assign(y=case.y).to_sql("seen", db, index=False)
        new.to_sql("new", db, index=False)
    train = write_csv(case.folder / "seen-rows.csv", [*NAMES, "y"], np.c_[case.X, case.y].tolist())
    query = ["--query", "SELECT * FROM new", "--db", f"sqlite:///{path}"]
    table = columns_of(run("locate", train, *query, "--target", "y", "-o", "-").stdout)
    agree(table["upper"], hw.locate(case.X, case.Q).upper)
    method = ["--method", "voronoi"]
    table = columns_of(run("predict", train, *query, "--target", "y", *method, "-o", "-").stdout)
    agree(table["prediction"], hw.VoronoiRegressor().fit(case.X, case.y).predict(case.Q))
    table = columns_of(run("dissect", case.net, *query, "-o", "-").stdout)
    agree(table["output 0"], hw.dissect(hw.model.read(case.net), case.Q).output[:, 0])
    kept = case.folder / "queried.hull"
    source = f"sqlite:///{path}"
    run("fit", "--query", "SELECT * FROM seen", "--db", source, "--drop", "y", "-o", kept)
    domain = hw.Domain(drop=["y"]).fit(hw.SqlQuery("SELECT * FROM seen", source))
    agree(hw.load(kept).locate(new).upper, domain.locate(new).upper)


# ---- the list ---------------------------------------------------------------------------------


@pytest.mark.parametrize("check", dict.fromkeys(pair.check for pair in PAIRS))
def test_a_command_and_python_say_the_same(check, case):
    if "net" in inspect.getsource(check):
        pytest.importorskip("onnx")
    check(case)


@pytest.mark.parametrize(
    "name", ["fit", "inspect", "verify", "locate", "predict", "next", "dissect", "demo"]
)
def test_no_option_is_without_a_pair(name):
    covered = {pair.what.split()[0] for pair in PAIRS if pair.command == name}
    for parameter in main.commands[name].params:
        assert covered & set(parameter.opts), f"{name} {parameter.opts}"


# A parameter of the functions behind the commands, and the option that sets it.
PARAMETERS = {
    hw.locate: {
        "X": "train",
        "Q": "query",
        "metric": "--metric",
        "membership_only": "--membership-only",
        "n_neighbors": "--n-neighbors",
        "reference": "--reference",
        "tolerance": "--tolerance",
        "max_seconds": "--max-seconds",
        "bad_rows": "--bad-rows",
        "progress": "--quiet",
    },
    hw.Domain: {
        "numbers": "--number",
        "categories": "--category",
        "log": "--log",
        "ordered": "--ordered",
        "periodic": "--periodic",
        "dates": "--date",
        "drop": "--drop",
        "gaps": "--gaps",
        "gaps_are_levels": "--gaps-are-levels",
        "columns_from": "--columns-from",
        "transformer": None,  # an object, which no option can name
        "groups": "--group",
        "by": "--by",
        "time": "--time",
        "missing": "--missing",
        "metric": "--metric",
        "n_neighbors": "--n-neighbors",
        "reference": "--reference",
    },
    hw.Domain.fit: {
        "self": "train",
        "table": "train",
        "target": "--target",
        "id": "--id",
        "progress": "--quiet",
    },
    hw.Domain.locate: {
        "self": "train",
        "table": "query",
        "bad_rows": "--bad-rows",
        "strict": "--strict",
        "max_seconds": "--max-seconds",
        "progress": "--quiet",
    },
    hw.read_table: {
        "path": "query",
        "columns": "--columns",
        "drop": "--drop",
        "id_column": "--id",
        "sep": "--sep",
        "decimal": "--decimal",
        "header": "--no-header",
        "bad_rows": "--bad-rows",
    },
    hw.metrics.learn_metric: {
        "X": "train",
        "y": "--target",
        "method": "--metric",
        "model": "--model",
        "layer": "--metric",
        "classes": "--classes",
        "left_out": "--reference",
        "target_name": "--target",
    },
    hw.write_report: {
        "location": "query",
        "path": "--report",
        "task": "--metric",
        "errors": None,  # that is `hullwise errors --report`
        "title": "query",  # the page is named after the file,
        "source": "--report",  # and says how it was made
        "force": "--force",
    },
}


@pytest.mark.parametrize("function", PARAMETERS, ids=lambda function: function.__qualname__)
def test_no_parameter_is_without_an_option(function):
    options = {option for p in main.commands["locate"].params for option in p.opts}
    assert set(inspect.signature(function).parameters) == set(PARAMETERS[function])
    assert set(PARAMETERS[function].values()) - {None} <= options
