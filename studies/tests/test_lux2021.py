"""The study lux2021: its folds, its published figures, its shares, its page, and going on."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import hullwise as hw
from hullwise.report.charts import box_chart, box_statistics, scatter_chart
from hullwise.samples import load
from hullwise_studies import lux2021
from hullwise_studies._options import Lux2021Options
from hullwise_studies._page import cell_text, html_table, study_page
from hullwise_studies._runs import Task, fingerprint, run_tasks
from hullwise_studies._tables import Table, beside
from hullwise_studies._terminal import parts_of, run_study
from hullwise_studies.lux2021 import _published as published
from hullwise_studies.lux2021._analytic import fekete_points, function, latin_hypercube, noisy
from hullwise_studies.lux2021._cdf import critical_value
from hullwise_studies.lux2021._data import (
    STUDY_SETS,
    StudySet,
    load_set,
    published_errors,
    unit_cube,
)
from hullwise_studies.lux2021._models import STUDY_METHODS, network
from hullwise_studies.lux2021._real import HeldOutErrors, equal, held_out_of, share_best, tasks_of
from shared_data import SHARED

QUICK = lux2021.all_but("svr", "nearest", "median")


@pytest.fixture(scope="module")
def lux():
    """The user's folder: not part of the project."""
    if not (SHARED / "lux" / "paper_abs_errors.npz").is_file():
        pytest.skip("lux/ is not there: set HULLWISE_SHARED to the folder that holds it")
    return SHARED / "lux"


@pytest.fixture(scope="module")
def quick():
    return lux2021.run(sets=["forest_fires"], without=QUICK)


# ---- data -------------------------------------------------------------------------------------


def test_folds_are_those_of_the_recipe():
    data = load_set("forest_fires", None)
    random.seed(0)
    order = list(range(504))
    random.shuffle(order)
    folds = data.split().folds
    assert len(folds) == 10
    for b, (train, test) in enumerate(folds):
        low, high = int(0.5 + b * 50.4), int(0.5 + (b + 1) * 50.4)
        assert test.tolist() == order[low:high]
        assert train.tolist() == order[:low] + order[high:]
    assert (~data.printed).sum() == 50
    assert sorted(folds[0][1]) == np.flatnonzero(~data.printed).tolist()


def test_folds_leave_the_shared_generator_alone():
    random.seed(3)
    before = random.getstate()
    load_set("forest_fires", None).split()
    assert random.getstate() == before


def test_patients_are_kept_together():
    data = load_set("parkinsons", None)
    split = data.split_by_group()
    seen = np.concatenate([test for _, test in split.folds])
    assert sorted(seen) == list(range(data.n))
    for train, test in split.folds:
        assert not set(data.groups[train]) & set(data.groups[test])
    with pytest.raises(hw.DataError, match="no groups"):
        load_set("forest_fires", None).split_by_group()


def test_scaling_is_from_the_training_rows_alone():
    train = np.array([[1.0, 5.0, 2.0], [3.0, 5.0, 4.0], [2.0, 5.0, 0.0]])
    A, B = unit_cube(train, np.array([[5.0, 6.0, -4.0]]))
    assert A.min(axis=0).tolist() == [0, 0, 0]
    assert A.max(axis=0).tolist() == [1, 0, 1]
    assert B.tolist() == [[2.0, 1.0, -1.0]]


def test_bundled_sets_equal_the_folders(lux):
    for name in ("forest_fires", "parkinsons"):
        values = hw.read_table(lux / STUDY_SETS[name].file).values
        sample = load(name)
        assert np.array_equal(values, np.column_stack([sample.X, sample.y]))


def test_missing_data_is_said(tmp_path):
    with pytest.raises(hw.DataError, match=r"rainfall is not bundled.*rainfall_sydney"):
        lux2021.run(sets=["rainfall"])
    with pytest.raises(hw.FileError, match=r"rainfall_sydney.csv.gz.*is not there"):
        lux2021.run(tmp_path, sets=["rainfall"])
    with pytest.raises(hw.FileError, match="is no folder"):
        lux2021.run(tmp_path / "none")
    with pytest.raises(hw.DataError, match="no part is called 'rain'"):
        lux2021.run(sets=["rain"])
    with pytest.raises(hw.DataError, match="no method is called 'mars'"):
        lux2021.run(without=["mars"])


def test_errors_of_another_table_are_refused(tmp_path):
    np.savez(tmp_path / "paper_abs_errors.npz", parkinsons_updrs__SVR=np.ones(7))
    with pytest.raises(hw.DataError, match="7 errors for parkinsons: expected 5875"):
        published_errors(tmp_path, [load_set("parkinsons", None)])


# ---- published figures ------------------------------------------------------------------------


def _as_printed(value, figure):
    """Whether a number is printed as this figure, of three significant digits."""
    return abs(value - figure) <= 0.5001 * 10 ** (np.floor(np.log10(abs(figure) or 1)) - 2) + 1e-9


def test_printed_tables_are_those_of_the_published_errors(lux):
    with np.load(lux / "paper_abs_errors.npz") as stored:
        for name, table in published.ERRORS.items():
            errors = {
                m: stored[f"{STUDY_SETS[name].key}__{m.replace('BoxSpline', 'BoxSplines')}"]
                for m in table
            }
            for method, figures in table.items():
                found = np.percentile(errors[method], [0, 25, 50, 75, 100])
                for value, figure in zip(found, figures):
                    assert _as_printed(value, figure), (name, method, value, figure)
            for method, (ordered, _) in share_best(errors).items():
                printed = published.SHARES_AND_TIMES[name][method][0]
                assert ordered == pytest.approx(printed, abs=0.0501), (name, method)


def test_printed_averages_are_those_of_the_tables():
    real = [n for n in published.SHARES_AND_TIMES if n != "hpc"]
    for method, (share, *_) in published.AVERAGES.items():
        mean = np.mean([published.SHARES_AND_TIMES[n][method][0] for n in real])
        assert share == pytest.approx(mean, abs=0.11), method


def test_rejections_are_those_of_the_published_distances(lux):
    with np.load(lux / "paper_abs_errors.npz") as stored:
        for method, figures in published.REJECTED.items():
            ks = stored[f"iozone_150__{method.replace('BoxSpline', 'BoxSplines')}"]
            for p, figure in zip(published.REJECTION_LEVELS, figures):
                found = 100 * (ks > critical_value(p, 150, 150)).mean()
                assert found == pytest.approx(figure, abs=0.0501)


def test_published_shares_point_by_point(lux):
    data = load_set("forest_fires", None)
    errors = published_errors(lux, [data])["forest_fires"]
    shares = share_best({m: errors[m][data.printed] for m in published.PAPER_METHODS})
    assert shares["SVR"] == pytest.approx((78.0, 33.9), abs=0.05)


# ---- what is computed -------------------------------------------------------------------------


def test_share_best_both_ways():
    errors = {"a": np.array([1.0, 5.0, 3.0, 4.0]), "b": np.array([2.0, 1.5, 6.0, 4.0])}
    # sorted: a 1 3 4 5, b 1.5 2 4 6; point by point: a wins 1st and 3rd, b the 2nd, one tie
    assert share_best(errors) == {"a": (75.0, 75.0), "b": (50.0, 50.0)}
    errors["b"][3] = 9.0
    assert share_best(errors) == {"a": (75.0, 75.0), "b": (25.0, 25.0)}
    apart = {"a": np.array([0.0, 10.0, 10.0]), "b": np.array([9.0, 9.0, 9.0])}
    assert share_best(apart) == {
        "a": pytest.approx((100 / 3, 100 / 3)),
        "b": pytest.approx((200 / 3, 200 / 3)),
    }
    turned = {"a": np.array([3.0, 1.0, 2.0]), "b": np.array([1.5, 2.5, 3.5])}
    assert share_best(turned)["a"] == pytest.approx((100.0, 200 / 3))


def test_support_vectors_reproduce_every_published_error(lux):
    study = lux2021.run(lux, sets=["forest_fires"], without=lux2021.all_but("svr"))
    row = study.tables["forest_fires_equal"].to_dict()
    assert (row["points"], row["equal"]) == ([454], [454])
    assert study.tables["differs_best"].columns[2] == "printed"


@pytest.mark.parametrize("slug", ["delaunay", "shepmod", "voronoi"])
def test_interpolants_reproduce_every_published_error(lux, slug):
    study = lux2021.run(lux, sets=["forest_fires"], without=lux2021.all_but(slug))
    row = study.tables["forest_fires_equal"].to_dict()
    assert (row["points"], row["equal"]) == ([454], [454])


def test_equal_is_strict():
    y = np.array([0.0, 1.0, 2.0])
    there = np.array([1.0, 1.0, 0.0])
    assert equal(np.array([1 + 5e-7, 1 + 5e-6, 1e-12]), there, y).tolist() == [True, False, True]


def test_difference_is_zero_where_the_figures_are_printed_alike():
    assert beside((0.931,), (0.93096,), printed=".2e") == (0.931, 0.93096, 0.0)
    assert beside((0.931,), (0.9294,), printed=".2e")[2] == pytest.approx(-0.002)
    assert beside((None,), (1.0,), printed=".2e") == (None, 1.0, None)


def test_answers_are_put_at_their_rows():
    X = np.arange(40.0)[:, None]
    data = StudySet("forest_fires", "t", X, X[:, 0], ("x",), "y")
    some = {"nearest": STUDY_METHODS["nearest"]}
    results = run_tasks(tasks_of(data, data.split(), some), None, None)
    held_out = held_out_of(data, data.split(), some, results)
    assert np.abs(held_out.predictions["nearest"] - data.y).max() <= 4
    assert held_out.seconds["nearest"].shape == (10, 2)


def test_box_responses_in_the_order_of_insertion():
    rng = np.random.default_rng(0)
    A, B, y = rng.random((30, 3)), rng.random((5, 3)), rng.random(30)
    reg = hw.BoxSplineRegressor(metric=None, unbounded="growing").fit(A, y)
    W = reg.weights(B).toarray()[:, reg.order_]  # column b: the box inserted b-th
    expected = W @ y
    found = STUDY_METHODS["boxspline-published"].run(A, y, B)["prediction"]
    assert found == pytest.approx(expected, rel=1e-12)
    assert np.abs(found - STUDY_METHODS["boxspline"].run(A, y, B)["prediction"]).max() > 1e-3


def test_a_set_without_its_nearest_column_has_no_answer_in_it(quick):
    table = next(f.table for f in quick.findings if "hold the answer" in f.title)
    assert table.rows[0][0] == "forest_fires"
    assert table.to_dict()["R2 of least squares"][0] < 0.1


def test_short_network_learns():
    rng = np.random.default_rng(0)
    A = rng.random((300, 2))
    y = A @ [3.0, -2.0]
    found = network(1000).run(A, y, A)["prediction"]
    assert np.abs(found - y).mean() < 0.3 * y.std()
    assert network(100_000).name == "MLP"
    assert network(1000).run(A, y, A)["prediction"].tolist() == found.tolist()


def test_well_spaced_points():
    found = fekete_points(32, 2)
    grid = (np.cos((2 * np.arange(1, 7) - 1) / 12 * np.pi) + 1) / 2
    assert found.shape == (32, 2)
    assert len(np.unique(found, axis=0)) == 32
    assert np.isin(np.round(found, 12), np.round(grid, 12)).all()
    in20 = fekete_points(64, 20)
    assert len(np.unique(in20, axis=0)) == 64
    latin = np.sort(latin_hypercube(16, 3), axis=0)
    assert (np.floor(latin * 16).astype(int) == np.arange(16)[:, None]).all()


def test_noise_is_a_tenth_at_most():
    values = function(latin_hypercube(200, 2))
    share = noisy(values, 0.1) / values - 1
    assert np.abs(share).max() <= 0.1 + 1e-12
    assert np.abs(share).max() > 0.08
    assert np.array_equal(noisy(values, 0.0), values)


# ---- going on ---------------------------------------------------------------------------------


def test_going_on_from_the_cache_gives_the_same_tables(tmp_path):
    seen = []
    first = lux2021.run(sets=["forest_fires"], without=QUICK, cache=tmp_path)
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 30
    kept[3].unlink()
    kept[7].write_bytes(b"half a file")
    stamps = {p: p.stat().st_mtime_ns for p in kept if p.exists()}
    again = lux2021.run(
        sets=["forest_fires"],
        without=QUICK,
        cache=tmp_path,
        progress=lambda done, total, what: seen.append((done, total)),
    )
    assert seen[0] == (0, 30)
    assert seen[-1] == (30, 30)
    changed = [p for p in kept if stamps.get(p) != p.stat().st_mtime_ns]
    assert changed == [kept[3], kept[7]]
    for name, table in first.tables.items():
        if "times" not in name and name != "averages":
            assert table.rows == again.tables[name].rows


def test_the_cache_is_not_used_for_other_data(tmp_path):
    tasks = [Task("a", fingerprint("one"), lambda _: {"v": np.array(1.0)})]
    run_tasks(tasks, tmp_path, None)
    other = [Task("a", fingerprint("two"), lambda _: {"v": np.array(2.0)})]
    assert run_tasks(other, tmp_path, None)["a"]["v"] == 2.0
    assert run_tasks(tasks, tmp_path, None)["a"]["v"] == 1.0
    with pytest.raises(hw.FileError, match="is no folder"):
        run_tasks(tasks, tmp_path / "none", None)


def test_a_task_gets_the_results_before_it():
    first = Task("a", "", lambda _: {"v": np.array(1.0)})
    then = Task("b", "", lambda found: {"v": found["a"]["v"] + 1})
    assert run_tasks([first, then], None, None)["b"]["v"] == 2.0


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
@pytest.mark.parametrize("slug", ["svr", "mlp"])
def test_ctrl_c_ends_within_a_second_and_leaves_no_half_file(tmp_path, slug):
    code = (
        "from hullwise_studies import lux2021\n"
        "lux2021.run(sets=['parkinsons'], full=True, cache='.', "
        f"without=lux2021.all_but('{slug}'), progress=lambda *a: print(a, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        time.sleep(1.0)
        sent = time.perf_counter()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert time.perf_counter() - sent < 10
    assert process.returncode != 0
    assert b"KeyboardInterrupt" in errors
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob(".*"))


# ---- tables, text and page --------------------------------------------------------------------


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.values = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [(tag, k, v) for k, v in attrs]
        if tag not in ("meta", "link", "path", "rect", "circle", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [(tag, k, v) for k, v in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_one_file_that_loads_nothing(quick, tmp_path):
    written = lux2021.write_page(quick, tmp_path / "study.html")
    text = written.read_text(encoding="utf-8")
    assert len(text.encode()) < 1_000_000
    parsed = _Page()
    parsed.feed(text)
    assert parsed.open == []
    assert "script" not in parsed.tags
    for tag, key, value in parsed.values:
        assert key not in ("src", "style", "onclick"), (tag, key)
        if key == "href":
            assert value == "data:,"
    assert not re.search(r"https?://|url\(|@import", text)
    assert parsed.tags.count("svg") >= 4
    assert "0.931" in text
    with pytest.raises(hw.FileError, match="force=True"):
        lux2021.write_page(quick, written)
    lux2021.write_page(quick, written, force=True)


def test_page_is_the_same_each_time(quick):
    assert study_page(quick) == study_page(quick)


def test_names_are_escaped(quick):
    nasty = '<img src="x">&'
    results = quick.results
    held_out = results.held_out["forest_fires"]
    methods = {s: replace(m, name=nasty, settings=nasty) for s, m in held_out.methods.items()}
    data = replace(held_out.data, target=nasty, title=nasty)
    other = HeldOutErrors(data, methods, held_out.predictions, held_out.shift, held_out.seconds)
    hostile = replace(results, held_out={"forest_fires": other}, methods=methods)
    text = study_page(lux2021.study_of(hostile))
    assert "<img" not in text
    assert "&lt;img src=&quot;x&quot;&gt;&amp;" in text
    table = Table("t", nasty, ("<b>", "a | <i>"), ((nasty, nasty),), nasty)
    assert not re.search("<b>|<i>|<img", html_table(table))
    chart = box_chart([(nasty, [("here", box_statistics(np.ones(3)))])], label=nasty, log=False)
    assert "<img" not in chart
    assert "<img" not in scatter_chart(np.ones(3), np.ones(3), title=nasty, label=nasty, log=True)


def test_charts_hold_hostile_numbers():
    for values in (np.zeros(5), np.array([1e300, 1e-300]), np.full(3, np.nan), np.zeros(0)):
        for log in (False, True):
            text = box_chart([("a b", [("here", box_statistics(values))])], label="x", log=log)
            assert not re.search("nan|inf", text)


def test_table_as_plain_data(quick):
    table = quick.tables["forest_fires_errors"]
    frame = table.to_frame()
    assert list(frame.columns) == list(table.columns)
    assert list(frame["method"]) == ["MARS", "SVR", "nearest row", "constant median"]
    assert len(set(table.columns)) == len(table.columns)
    assert repr(quick) == f"Study(lux2021: 2 parts, {len(quick.tables)} tables)"
    for one in quick.tables.values():
        assert len({len(row) for row in one.rows} | {len(one.columns)}) == 1
        for row in one.rows:
            assert all(v is None or isinstance(v, str | int | float) for v in row)
            assert not any(isinstance(v, np.generic) for v in row)


def test_numbers_as_shown():
    assert [cell_text(v) for v in (None, "a", 1234, -0.5, 0.0, float("nan"))] == [
        *("", "a", "1,234", "\u22120.5", "0", "unknown")
    ]


def _options(**changes):
    return Lux2021Options(sets=["forest_fires"], without=QUICK, **changes)


def test_command_prints_tables_and_writes_the_page(tmp_path, capsys):
    out = tmp_path / "page.html"
    run_study("lux2021", _options(output=str(out)))
    text, errors = capsys.readouterr()
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"SVR +0\.931 +0\.931 +0 ", text)
    assert "What differs from the paper" in text
    assert "MARS" in text
    assert "Left out on this run: MLP, 2,000 steps, Delaunay" in text
    assert f"page written to {out}" in errors
    assert out.stat().st_size > 10_000
    with pytest.raises(hw.FileError, match="exists already"):
        run_study("lux2021", _options(output=str(out)))


def test_rows_keep_their_names_in_every_part():
    columns = ("d", "n", *(f"G{k} | {c}" for k in range(6) for c in ("paper", "here")))
    rows = tuple((2, n, *(12345.0,) * 12) for n in (8, 32))
    parts = parts_of(Table("t", "t", columns, rows, keys=2), 40)
    assert len(parts) > 1
    assert all(part[:2] == [0, 1] for part in parts)
    assert sorted(j for part in parts for j in part[2:]) == list(range(2, 14))
