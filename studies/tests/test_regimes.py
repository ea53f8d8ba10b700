"""The study regimes: its statistics, draws, notions and parts, its page, and going on."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

import hullwise as hw
from hullwise import Cloud
from hullwise.errors import DataError, FileError
from hullwise_studies import command, regimes
from hullwise_studies._options import RegimesOptions
from hullwise_studies._runs import run_tasks
from hullwise_studies._terminal import run_study
from hullwise_studies.regimes import (
    _curvature,
    _grid,
    _local,
    _manifold,
    _models,
    _noise,
    _notions,
    _ranking,
)
from hullwise_studies.regimes._scores import auroc, curve, interval, spearman, worst
from hullwise_studies.regimes._sets import (
    QUERY_SPLITS,
    SOURCES,
    SourceRows,
    _rows_of,
    draw,
    friedman1,
    sources,
)

SMALL = _grid.GridSize(150, 40, (150,), 100)
MODELS = ["kernel_ridge", "knn"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def study(kept):
    return regimes.run(sets=["friedman10", "wine"], models=MODELS, seeds=2, cache=kept)


# ---- statistics -------------------------------------------------------------------------------


def test_spearman_is_that_of_scipy_with_ties():
    rng = np.random.default_rng(0)
    for high in (3, 10, 10**6):
        a, b = rng.integers(high, size=50), rng.integers(high, size=50)
        expected = stats.spearmanr(a, b).statistic
        assert spearman(a.astype(float), b.astype(float)) == pytest.approx(expected, abs=1e-12)
    reading = np.array([1.0, np.inf, 2.0, np.inf])
    assert spearman(reading, np.arange(4.0)) == pytest.approx(
        stats.spearmanr([1, 9, 2, 9], range(4)).statistic
    )


def test_a_reading_that_is_the_same_everywhere_says_nothing():
    error = np.arange(20.0)
    assert spearman(np.zeros(20), error) == 0
    assert auroc(np.zeros(20), worst(error)) == 0.5
    assert np.isnan(spearman(error, np.zeros(20)))  # nothing to tell
    assert np.isnan(spearman(np.full(20, np.nan), error))
    assert np.isnan(curve(error, np.zeros(20))).all()


def test_auroc_is_that_of_scikit_learn_with_ties():
    rng = np.random.default_rng(1)
    for high in (3, 1000):
        reading, bad = rng.integers(high, size=80).astype(float), rng.random(80) < 0.2
        assert auroc(reading, bad) == pytest.approx(roc_auc_score(bad, reading), abs=1e-12)
    assert np.isnan(auroc(reading, np.ones(80, bool)))


def test_interval_is_that_of_student():
    values = np.array([0.3, 0.5, 0.1, 0.9, np.nan])
    known = values[:4]
    low, high = stats.t.interval(0.95, 3, known.mean(), stats.sem(known))
    found = interval(values)
    assert (found.mean, found.low, found.high, found.n) == pytest.approx((0.45, low, high, 4))
    assert found.half == pytest.approx((high - low) / 2)
    assert interval(values[:1]).n == 1
    assert np.isnan(interval(values[:1]).low)
    assert np.isnan(interval(values[4:]).mean)


def test_the_worst_tenth_and_the_curve():
    error = np.arange(1.0, 101.0)
    np.testing.assert_array_equal(np.flatnonzero(worst(error)), np.arange(90, 100))
    medians = (np.arange(10) * 10 + 5.5) / 50.5
    np.testing.assert_allclose(curve(error, error), medians)
    np.testing.assert_allclose(curve(-error, error), medians[::-1])
    half = curve((error > 50).astype(float), error)  # two values: two bins
    np.testing.assert_array_equal(np.flatnonzero(np.isfinite(half)), [2, 7])
    np.testing.assert_allclose(half[[2, 7]], [25.5 / 50.5, 75.5 / 50.5])
    assert worst(np.array([0.0, 1.0, 1.0])).sum() == 2  # equal errors stay together


# ---- draws ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["friedman10", "rank3", "wine"])
def test_draws_are_the_seed_and_standardised(name):
    rows = SOURCES[name].read() if SOURCES[name].read else None
    for split in QUERY_SPLITS:
        a, b, c = (draw(SOURCES[name], rows, split, seed, 100, 40) for seed in (0, 0, 1))
        np.testing.assert_array_equal(a.Q, b.Q)
        assert not np.array_equal(a.Q, c.Q)
        assert len(a.Z) == 100
        assert len(a.Q) == len(a.truth) == len(a.harmful) == 40
        np.testing.assert_allclose(a.Z.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(a.Z.std(axis=0), 1, atol=1e-9)


def test_harmful_queries_leave_what_the_target_uses():
    made = draw(SOURCES["friedman10"], None, "shifted", 0, 2000, 400)
    low, high = made.Z.min(axis=0), made.Z.max(axis=0)
    out = ~((low <= made.Q) & (high >= made.Q))
    assert out[made.harmful == 1, :5].mean() > 0.4
    assert out[made.harmful == 0, 5:].mean() > 0.4
    assert out[made.harmful == 1, 5:].mean() < 0.01
    assert out[made.harmful == 0, :5].mean() < 0.01
    X = np.full((1, 10), 0.5)
    assert friedman1(X)[0] == pytest.approx(10 * np.sin(np.pi / 4) + 7.5)


def test_half_of_the_shifted_queries_are_of_new_patients():
    rows = SOURCES["parkinsons"].read()
    train, asked = _rows_of(rows, "shifted", np.random.default_rng(3), 500, 200)
    new = ~np.isin(rows.groups[asked], rows.groups[train])
    assert new.sum() == 100
    assert not np.isin(asked, train).any()


def test_shifted_queries_lie_beyond_along_a_direction():
    X = np.random.default_rng(0).normal(size=(400, 3)) * [100, 1, 1]
    X[:, 1:] += X[:, :1]
    rows = SourceRows(X, X[:, 0])
    train, asked = _rows_of(rows, "shifted", np.random.default_rng(1), 400, 100)
    low, high = X[train, 0].min(), X[train, 0].max()
    far = X[asked[:50], 0]
    assert (far > high).mean() > 0.95 or (far < low).mean() > 0.95
    assert ((X[asked[50:], 0] >= low - 1) & (X[asked[50:], 0] <= high + 1)).mean() > 0.95
    random = _rows_of(rows, "random", np.random.default_rng(1), 400, 100)
    assert sorted(np.concatenate(random)) == list(range(400))


# ---- notions and models -----------------------------------------------------------------------


def test_in_the_identity_every_notion_is_the_plain_one():
    rng = np.random.default_rng(0)
    cloud, Q = Cloud(rng.normal(size=(80, 4))), 2 * rng.normal(size=(30, 4))
    plain = _notions.geometric(cloud, Q, None)
    metric = _notions.geometric(cloud, Q, np.eye(4))
    assert plain.keys() == metric.keys()
    for name, values in plain.items():
        if name != "covariance":
            np.testing.assert_allclose(metric[name], values, rtol=1e-5, atol=1e-9, err_msg=name)
    ratio = metric["covariance"] / plain["covariance"]  # n or n - 1
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)
    hull, near = _notions.distances(cloud, Q, None)
    np.testing.assert_allclose(hull, plain["hull"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(near, plain["neighbours"], rtol=1e-12)


def test_directions_without_weight_do_not_count_in_the_metric():
    rng = np.random.default_rng(1)
    cloud, Q = Cloud(rng.normal(size=(80, 4))), rng.normal(size=(30, 4))
    metric = np.diag([1.0, 1.0, 1e-6, 1e-6])
    moved = Q + np.array([0, 0, 50.0, -50.0])
    before, after = (_notions.geometric(cloud, q, metric) for q in (Q, moved))
    for name in ("spread", "ellipsoid", "covariance"):
        np.testing.assert_allclose(after[name], before[name], rtol=1e-9)
    np.testing.assert_allclose(after["box"], before["box"], atol=2e-6)
    assert np.abs(after["hull"] - before["hull"]).max() < 0.1


def test_a_model_that_changes_nowhere_has_no_metric():
    rng = np.random.default_rng(0)
    Z, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    with _grid.quietly():
        model = _models.fit("boosting", Z, y, 0, 0)  # too few rows for one split
        assert _models.metric_of(model, Z, y) is None
    made = _grid.model_readings(
        draw(SOURCES["friedman10"], None, "random", 0, 20, 15), "boosting", 0
    )
    assert not any(name.endswith(".task") for name in made)


@pytest.mark.parametrize("name", regimes.MODEL_NAMES)
@pytest.mark.parametrize("source", ["friedman10", "wine"])
def test_every_model_answers_and_reads(name, source):
    rows = SOURCES[source].read() if SOURCES[source].read else None
    made = draw(SOURCES[source], rows, "random", 0, 90, 20)
    found = _grid.model_readings(made, name, 0)
    for key, values in found.items():
        assert values.shape == (20,), key
        assert np.isfinite(values).all(), key
    assert ("doubt" in found) == (source == "wine")
    assert ("clips" in found) == (name == "mlp")
    assert found["error"].min() >= 0
    if source == "wine":
        assert found["error"].max() <= 1
        assert found["error"].mean() < 0.3


# ---- the grid ---------------------------------------------------------------------------------


def test_the_task_metric_tells_harmful_from_harmless(study):
    known = study.tables["known"].to_frame().set_index("notion")
    for notion in ("hull", "k-NN", "ellipsoid", "covariance"):
        row = known.loc[notion]
        assert row["plain | AUROC"] < 0.6
        assert row["metric of kernel ridge | AUROC"] > 0.8


def test_tables_are_those_promised(study):
    assert set(study.tables) == {
        *("ranking", "kinds", "paired", "known", "models_random", "models_shifted"),
        *(f"sets_{split}_{score}" for split in QUERY_SPLITS for score in ("spearman", "auroc")),
    }
    ranking = study.tables["ranking"]
    assert len(ranking.rows) == len(_ranking.RANKED_READINGS) == 13
    column = ranking.columns.index("shifted queries | Spearman")
    values = [row[column] for row in ranking.rows]
    assert values == sorted(values, reverse=True)
    for split in QUERY_SPLITS:
        first = ranking.columns.index(f"{split} queries | first")
        assert sum(row[first] for row in ranking.rows) == 4  # pairs of a set and a model
    for table in (*study.tables.values(), study.results):
        assert len(set(table.columns)) == len(table.columns)
        assert {len(row) for row in table.rows} == {len(table.columns)}
        for row in table.rows:
            assert all(v is None or isinstance(v, str | int | float) for v in row)
            assert not any(isinstance(v, np.generic) for v in row)
    paired = study.tables["paired"].to_frame()
    for split in QUERY_SPLITS:
        counts = paired[[f"{split} queries | {c}" for c in ("better", "worse", "open")]]
        assert (counts.sum(axis=1) == 4).all()


def test_scores_are_those_of_the_results_kept(study, kept):
    scores = study.results.to_frame()
    row = scores[
        (scores.set == "friedman10")
        & (scores.split == "shifted")
        & (scores.model == "knn")
        & (scores.notion == "hull")
        & (scores.metric == "task")
    ]
    each = []
    for seed in range(2):
        with np.load(kept / f"friedman10-shifted-{seed}-knn.npz") as own:
            each.append(stats.spearmanr(own["hull.task"], own["error"]).statistic)
    assert row["spearman mean"].item() == pytest.approx(np.mean(each), abs=1e-4)


def test_findings_say_what_the_tables_hold(study):
    told = {finding.title: finding.text for finding in study.findings}
    best = study.tables["ranking"].rows[0][0]
    assert f"Shifted queries: {best} (" in told["Which notion wins"]
    assert "classes, shifted queries: -" in told["Against the usual peer, an ensemble"]
    columns = ["classes", "made sets"]
    assert [g for g, _ in study.tables["kinds"].groups()][1:] == columns
    assert "nan" not in " ".join(told.values())


def test_the_page_is_written_and_holds_together(study, tmp_path):
    path = regimes.write_page(study, tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    assert len(text) < 1_000_000
    assert not re.search(r"\bnan\b|\binf\b", text)
    opened: list[str] = []

    class Check(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "link", "path", "circle", "rect"):
                opened.append(tag)

        def handle_startendtag(self, tag, attrs):
            pass

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Check().feed(text)
    assert not opened
    assert text.count("<svg") == 2 + 2  # both splits, both sets
    with pytest.raises(FileError, match="exists"):
        regimes.write_page(study, path)


# ---- going on ---------------------------------------------------------------------------------


def test_same_seeds_same_scores_whatever_else_runs(study):
    again = regimes.run(sets=["friedman10"], models=["knn"], seeds=2)
    of_it = [r for r in study.results.rows if r[0] == "friedman10" and r[2] == "knn"]
    assert list(again.results.rows) == of_it


def test_results_kept_are_read_and_a_stopped_run_goes_on(tmp_path, monkeypatch):
    asked = {"sets": ["wine"], "models": ["knn"], "seeds": 1, "cache": tmp_path}

    def stop(done, total, what):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        regimes.run(**asked, progress=stop)
    assert sorted(p.stem for p in tmp_path.iterdir()) == [
        *("wine-random-0", "wine-random-0-knn", "wine-shifted-0"),
    ]
    worked = []
    real = _grid.model_readings
    monkeypatch.setattr(_grid, "model_readings", lambda *a: worked.append(a[1]) or real(*a))
    first = regimes.run(**asked)
    assert worked == ["knn"]  # the one that was left
    assert regimes.run(**asked).results.rows == first.results.rows
    assert worked == ["knn"]


def test_where_a_metric_is_missing_or_plain_is_counted():
    grid = _grid.Grid({"rank3": SOURCES["rank3"]}, {"rank3": None}, ("rfm", "knn"), 1, SMALL)
    results = {}
    for split in QUERY_SPLITS:
        results[f"rank3-{split}-0"] = {"neighbours.plain": np.array([1.0, 2.0, 4.0])}
        results[f"rank3-{split}-0-rfm"] = {"neighbours.task": np.array([2.0, 4.0, 8.0])}
        results[f"rank3-{split}-0-knn"] = {"neighbours.task": np.array([2.0, 4.0, 7.0])}
        for model in ("rfm", "knn"):
            results[f"rank3-{split}-0-{model}"]["hull.task"] = np.zeros(3)
    assert _grid.plain_metric(grid, results) == {("rank3", "rfm"): 2}
    assert _grid.without_metric(grid, results) == {}
    results["rank3-random-0-knn"] = {}
    assert _grid.without_metric(grid, results) == {("rank3", "knn"): 1}


def test_another_size_is_another_result():
    def keys(size):
        grid = _grid.Grid({"rank3": SOURCES["rank3"]}, {"rank3": None}, ("knn",), 2, size)
        return {task.key for task in grid.tasks()}

    assert not keys(_grid.SHORT_SIZE) & keys(_grid.FULL_SIZE)
    assert len(keys(SMALL)) == 2 * 2 * 2


# ---- seeds of doubt ---------------------------------------------------------------------------


def part_of(module, models, seeds=1):
    grid = _grid.Grid({}, {}, models, seeds, SMALL)
    return module.STUDY_PARTS[0].part(
        grid, run_tasks(module.STUDY_PARTS[0].tasks(grid), None, None)
    )


def test_useless_inputs():
    part, findings = part_of(_noise, ("boosting",))
    (row,) = part.tables[0].to_frame().to_dict("records")
    assert row["rows"] == 150
    assert 0.3 < row["plain | hull"] < 0.7
    assert row["metric of boosting | hull"] > 0.8
    assert "from 150 rows on" in findings[0].text
    X = np.full((1, 256), 0.5)
    assert _noise.target(X)[0] == pytest.approx(3 * friedman1(X[:, :10])[0] + 2.5)


def test_bends_track_the_errors_of_what_reproduces_linear_functions():
    size = _grid.GridSize(400, 200, (150,), 150)
    grid = _grid.Grid({}, {}, (), 1, size)
    results = run_tasks(_curvature.curvature_tasks(grid), None, None)
    part, findings = _curvature.curvature_part(grid, results)
    frame = part.tables[0].to_frame().set_index(["predictor", "metric"])["Spearman"]
    linear, average = frame.iloc[:3].to_numpy(), frame.iloc[3:].to_numpy()
    assert linear[2] > max(linear[:2])  # curvature, against plain and AGOP
    assert average[1] > average[2]
    assert "curvature" in findings[0].text


def test_no_query_is_inside_once_a_flat_is_noisy():
    part, findings = part_of(_manifold, ("kernel_ridge",))
    frame = part.tables[0].to_frame().set_index(["noise", "metric"])["inside | on the flat"]
    assert frame[0.0, "plain"] > 0.2
    assert frame[1e-6, "plain"] == 0
    assert frame[1e-6, "task"] > 0.2  # along the four directions that the model uses
    off = part.tables[0].to_frame()["inside | off it"]
    assert off[part.tables[0].to_frame().metric == "plain"].max() == 0
    assert "kernel ridge" in findings[0].text


def test_targets_on_the_flat_agree_where_no_row_leaves_it():
    made, other = _manifold.flat_draw(50, 40, 0.0, 0)
    on = made.harmful == 0
    np.testing.assert_allclose(made.truth[on], other[on])
    assert np.abs(made.truth - other)[~on].min() > 0
    assert np.linalg.matrix_rank(made.Z, tol=1e-6) <= 5  # 4, and the shift of standardising


def test_local_metrics():
    made = _local.switching(300, 60, 0)
    X = np.array([[0.2, 0.3, 0.9] + [0.5] * 7, [0.8, 0.3, 0.9] + [0.5] * 7])
    np.testing.assert_allclose(_local._switch(X), np.sin([1.2, 3.6]))
    assert (made.harmful == 1).sum() == 30
    part, findings = part_of(_local, ("mlp",))
    frame = part.tables[0].to_frame()
    assert set(frame.set) == {"switch", "friedman10", "diabetes"}
    assert len(frame) == 3 * 2 * 4
    assert frame.harmful[frame.set == "diabetes"].isna().all()
    assert "switch, MLP: " in findings[0].text
    with _grid.quietly():
        found = _local.local_readings(made, "mlp", 0)
        model = _models.fit("mlp", made.Z, made.y, 0, 0)
    metrics = _local._metrics(model, made)
    one = hw.locate(made.Z, made.Q[:1], metric=metrics["pullback"][0], reference=0)
    assert found["pullback.hull"][0] == pytest.approx(one.upper[0], rel=1e-6, abs=1e-9)


# ---- what cannot be used ----------------------------------------------------------------------


def test_a_folder_brings_sets_of_its_own(tmp_path):
    X = np.random.default_rng(0).uniform(size=(120, 5))
    table = np.column_stack([X, friedman1(X)])
    path = tmp_path / "mine.csv"
    np.savetxt(path, table, delimiter=",", header="a,b,c,d,e,y", comments="")
    found = regimes.run(tmp_path, sets=["mine"], models=["knn"], seeds=1)
    assert found.tables["sets_random_spearman"].rows[0][0] == "mine"
    assert "known" not in found.tables
    assert set(sources(tmp_path)) == {*SOURCES, "mine"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sets": ["spam"]}, "no part is called 'spam'.*friedman10"),
        ({"models": ["spam"]}, "no model is called 'spam'.*boosting"),
        ({"sets": []}, "sets is empty"),
        ({"models": []}, "models is empty"),
        ({"seeds": 0}, "seeds=0"),
    ],
)
def test_unknown_names(options, words):
    with pytest.raises(DataError, match=words):
        regimes.run(**options)


@pytest.mark.parametrize(
    ("name", "rows", "words"),
    [
        ("few.csv", [f"{i},{i}" for i in range(30)], "30 rows; give at least 60"),
        ("one.csv", [str(i) for i in range(80)], "one column"),
        ("flat.csv", [f"{i},1" for i in range(80)], "target, is constant"),
        ("wine.csv", [f"{i},{i}" for i in range(80)], "name of a part"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, name, rows, words):
    head = "a" if name == "one.csv" else "a,b"
    (tmp_path / name).write_text("\n".join([head, *rows]) + "\n")
    with pytest.raises(DataError, match=words):
        regimes.run(tmp_path, sets=[name[:-4]], models=["knn"], seeds=1)


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(FileError, match=r"holds no \.csv file"):
        regimes.run(tmp_path)
    with pytest.raises(FileError, match="is no folder"):
        regimes.run(tmp_path / "none")
    with pytest.raises(FileError, match="is no folder"):
        regimes.run(sets=["wine"], cache=tmp_path / "none")


# ---- the command ------------------------------------------------------------------------------


def test_names_of_the_command_are_those_of_the_module():
    assert command.REGIMES_MODELS == regimes.MODEL_NAMES


def test_the_command_prints_tables_and_writes_the_page(kept, study, tmp_path, capsys):
    out = tmp_path / "page.html"
    options = RegimesOptions(
        sets=("friedman10", "wine"), models=MODELS, seeds=2, cache=str(kept), output=str(out)
    )
    run_study("regimes", options)
    text, errors = capsys.readouterr()
    assert max(map(len, text.splitlines())) <= 100
    assert "Which notion tracks the error" in text
    assert "hull, task metric" in text
    assert f"page written to {out}" in errors
    assert out.stat().st_size > 10_000
