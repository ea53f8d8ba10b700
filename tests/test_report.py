"""The report says true things, in one small file, whatever the rows and columns are called."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import FileError
from hullwise.show import ReportInput, render_report, write_report
from hullwise.show._figures import (
    _choose,
    distribution,
    leading_features,
    outline,
    row_distances,
    within,
)
from hullwise.show._words import number, plain, share

HOSTILE = (
    "<script>",
    "</script><script>alert(1)</script>",
    "<!--",
    "\"quoted\" & 'single'",
    "line\u2028break\u2029",
    "%%data%%",
    "\u202ereversed\u0000\ud800",
    "<img src=x onerror=document.documentElement.dataset.broken=1>",
)


def box_input(m=60, d=3, n=200, *, seed=0, spread=1.3, **changed):
    """Queries against the unit cube: its hull distance and nearest point are known exactly."""
    rng = np.random.default_rng(seed)
    queries = rng.normal(0.5, 0.3 * spread, (m, d))
    residual = np.clip(queries, 0.0, 1.0) - queries
    distance = np.sqrt((residual**2).sum(axis=1))
    reference = np.abs(rng.normal(0.0, 0.1, min(n, 200)))
    reference[:40] = 0.0
    percentile = np.searchsorted(np.sort(reference), distance) / len(reference) * 100
    limits = (0.05, 0.2, 0.5)
    names = np.array(["core", "edge", "beyond", "far"])
    sample = rng.random((min(n, 2000), d))
    axes = np.zeros((2, d))
    axes[0, 0] = 1.0
    if d > 1:
        axes[1, 1] = 1.0
    given = {
        "verdict": np.where(distance > 0, -1, 1).astype(np.int8),
        "lower": distance,
        "upper": distance,
        "band": names[np.searchsorted(limits, distance)],
        "hull_percentile": percentile,
        "queries": queries,
        "columns": tuple(f"x{j}" for j in range(d)),
        "box_minimum": np.zeros(d),
        "box_maximum": np.ones(d),
        "reference": reference,
        "n_train": n,
        "metric_text": "Euclidean",
        "tolerance": 1e-9,
        "residual": residual,
        "in_range_share": ((queries >= 0) & (queries <= 1)).mean(axis=1),
        "in_ellipsoid": distance < 0.1,
        "neighbour_percentile": percentile,
        "nearest_rows": rng.integers(0, n, (m, 3)),
        "sample": sample,
        "axes": axes,
        "axes_share": np.array([0.5, 0.25]),
        "centre": np.full(d, 0.5),
        "column_scale": np.ones(d),
        "band_limits": limits,
    }
    return ReportInput(**(given | changed))


def located(**options):
    rng = np.random.default_rng(3)
    training, queries = rng.normal(size=(300, 4)), 1.4 * rng.normal(size=(80, 4))
    queries[:3] = training[:3]
    return hw.locate(training, queries, reference=60, **options)


def content(page):
    """The data island of a page, read the way a browser does: up to the first closing tag."""
    island = re.search(r'<script type="application/json" id="data">(.*?)</script', page, re.S)
    return json.loads(island.group(1))


def test_counts_are_those_of_the_rows():
    given = box_input(m=500)
    page = content(render_report(given, title="A title"))
    bands = {b["name"]: b["count"] for b in page["headline"]["bands"]}
    assert bands == {b: int(np.sum(given.band == b)) for b in ("core", "edge", "beyond", "far")}
    near = bands["core"] + bands["edge"]
    assert page["headline"]["sentence"].startswith(f"{near} of 500\u00a0rows ({share(near, 500)})")
    outside = int(np.sum(given.verdict == -1))
    assert (
        f"{500 - outside} inside the hull, {outside} outside, 0 undecided"
        in (page["headline"]["verdicts"])
    )
    d = page["distribution"]
    assert sum(d["inside"]) + sum(map(sum, d["queries"])) == 500
    assert d["trainingInside"] == 40
    assert d["trainingInside"] + sum(d["training"]) == len(given.reference)
    lines = page["definitions"]["table"]
    assert [line["total"] for line in lines[:-1]] == [
        bands[page["bands"][line["band"]]] for line in lines[:-1]
    ]
    assert lines[-1]["counts"][0] == 500 - outside
    assert page["title"] == "A title"


def test_undecided_rows_are_neither_near_nor_certified():
    given = box_input(m=50)
    verdict, lower, upper = given.verdict.copy(), given.lower.copy(), given.upper.copy()
    verdict[:5], lower[:5], upper[:5] = 0, 0.0, np.inf
    band = given.band.astype("<U7")
    band[:5] = "unknown"
    changed = {"verdict": verdict, "lower": lower, "upper": upper, "band": band}
    page = content(render_report(box_input(m=50, **changed)))
    assert "5 undecided. Each of the 45 decided rows" in page["headline"]["verdicts"]
    near = int(np.isin(band, ["core", "edge"]).sum())
    assert page["headline"]["sentence"].startswith(f"{near} of 50\u00a0rows")
    assert page["distribution"]["undecided"] == 5
    assert {b["name"]: b["count"] for b in page["headline"]["bands"]}["unknown"] == 5
    total = sum(page["distribution"]["inside"]) + sum(map(sum, page["distribution"]["queries"]))
    assert total == 45


def test_farthest_rows_carry_their_smallest_change():
    given = box_input(m=100, labels=np.array([f"patient {i}" for i in range(100)], dtype=object))
    rows = content(render_report(given))["farthest"]["rows"]
    order = np.argsort(-given.upper)[:20]
    assert [row["label"] for row in rows] == [f"patient {i}" for i in order]
    for row, i in zip(rows, order):
        for change in row["changes"]:
            j = given.columns.index(change["name"])
            assert change["from"] == given.queries[i, j]
            assert change["by"] == given.residual[i, j]
        assert row["nearest"] == [str(k) for k in given.nearest_rows[i]]


def test_features_are_ranked_with_their_sign():
    queries = np.array([[5.0, 0.5, 0.5], [0.5, -9.0, 0.5], [9.0, -1.0, 0.5], [0.5, 0.5, 0.5]])
    residual = np.clip(queries, 0, 1) - queries
    distance = np.linalg.norm(residual, axis=1)
    given = box_input(
        m=4,
        queries=queries,
        residual=residual,
        lower=distance,
        upper=distance,
        verdict=np.array([-1, -1, -1, 1]),
        columns=("a", "b", "c"),
    )
    assert leading_features(given).tolist() == [[-1, 0, 0], [2, 0, 0], [-1, 2, 0], [0, 0, 0]]
    items = content(render_report(given))["features"]["items"]
    assert items == [{"name": "a", "high": 2, "low": 0}, {"name": "b", "high": 0, "low": 2}]


def test_map_names_the_features_that_push_each_row_out():
    # Every row drawn is pushed out by all three features: no place of the list may be skipped.
    queries = np.array([[2.0, -2.5, 3.5], [-4.0, 1.9, -1.2]])
    residual = np.clip(queries, 0, 1) - queries
    for chosen in ([0, 1], [0]):
        given = box_input(
            m=len(chosen),
            columns=("a", "b", "c"),
            queries=queries[chosen],
            residual=residual[chosen],
            verdict=np.full(len(chosen), -1),
            band=np.full(len(chosen), "far"),
        )
        chart = content(render_report(given))["map"]
        said = [[(chart["names"][abs(p)], np.sign(p)) for p in push] for push in chart["push"]]
        expected = [[("b", 1), ("c", -1), ("a", -1)], [("a", 1), ("c", 1), ("b", -1)]]
        assert sorted(said) == sorted([expected[i] for i in chosen])
        assert all(p != 0 for push in chart["push"] for p in push)


def test_constant_column_leads_only_when_it_really_differs():
    given = box_input(m=2, d=2, queries=np.array([[3.0, 0.1], [3.0, 0.2]]))
    residual = np.array([[-2.0, 1e-17], [-2.0, -0.1]])
    low, high = np.array([0.0, 0.1]), np.array([1.0, 0.1])
    given = box_input(
        m=2,
        d=2,
        queries=given.queries,
        residual=residual,
        box_minimum=low,
        box_maximum=high,
        verdict=np.array([-1, -1]),
    )
    assert leading_features(given)[:, 0].tolist() == [-1, -2]


def test_map_counts_the_rows_that_a_projection_hides():
    # The map shows x0 and x1 of a cube: a row far out in x2 alone is drawn inside the outline.
    queries = np.array([[0.5, 0.5, 9.0], [0.4, 0.6, -9.0], [9.0, 0.5, 0.5], [0.5, 0.5, 0.5]])
    residual = np.clip(queries, 0, 1) - queries
    distance = np.linalg.norm(residual, axis=1)
    corners = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], dtype=float)
    given = box_input(
        m=4,
        n=8,
        queries=queries,
        residual=residual,
        lower=distance,
        upper=distance,
        verdict=np.array([-1, -1, -1, 1]),
        sample=corners,
    )
    chart = content(render_report(given))["map"]
    assert "Of the 3\u00a0rows outside the hull, 2 (67\u00a0%) are drawn inside" in chart["hides"]
    assert "carry 75\u00a0%" in chart["hides"]
    assert sorted(map(tuple, chart["outline"])) == [
        (-0.5, -0.5),
        (-0.5, 0.5),
        (0.5, -0.5),
        (0.5, 0.5),
    ]


@pytest.mark.parametrize(
    ("points", "inside", "outside"),
    [
        ([[0, 0], [2, 0], [0, 2], [0.5, 0.5]], [[0.5, 0.5], [1, 1]], [[1.1, 1.1], [-0.1, 0]]),
        ([[0, 0], [2, 2], [1, 1]], [[1, 1], [2, 2]], [[1, 1.1], [2.1, 2.1], [-0.1, -0.1]]),
        ([[3, 4], [3, 4]], [[3, 4]], [[3, 4.1]]),
        ([[1e12, 0], [1e12 + 1, 0], [1e12, 1]], [[1e12, 0]], [[1e12 - 3000, 0]]),
        ([[0, 0], [1e-300, 0], [0, 1e-300]], [[0, 0]], [[1e-299, 0]]),
    ],
)
def test_outline_of_points_in_the_plane(points, inside, outside):
    corners = outline(np.array(points, dtype=float))
    assert within(np.array(inside, dtype=float), corners).all()
    assert not within(np.array(outside, dtype=float), corners).any()


def test_distribution_turns_logarithmic_only_when_the_range_demands_it():
    near = box_input(m=200, verdict=np.full(200, -1), reference=np.linspace(0.1, 1.0, 50))
    codes = np.zeros(200, dtype=np.int8)
    assert not distribution(near, np.linspace(0.1, 1, 200), codes)["log"]
    wide = np.geomspace(1e-3, 1e6, 200)
    drawn = distribution(box_input(m=200, verdict=np.full(200, -1)), wide, codes)
    assert drawn["log"]
    assert sum(map(sum, drawn["queries"])) == 200


def test_bands_without_limits_are_read_off_the_rows():
    given = box_input(m=400, band_limits=None)
    segments = content(render_report(given))["distribution"]["segments"]
    assert [name for name, *_ in segments] == ["core", "edge", "beyond", "far"]
    for band, start, _ in segments[1:]:
        assert start == row_distances(given)[given.band == band].min()


def _membership(given):
    m = len(given.verdict)
    return {
        "membership_only": True,
        "upper": np.full(m, np.inf),
        "residual": None,
        "hull_percentile": np.full(m, np.nan),
        "band": np.full(m, "unknown"),
        "lower": given.lower / 2,
        "reference": np.empty(0),
        "band_limits": None,
    }


CASES = {
    "no queries": lambda: box_input(m=0),
    "one query": lambda: box_input(m=1),
    "one training row": lambda: box_input(n=1, sample=np.zeros((1, 3))),
    "all inside": lambda: box_input(
        m=30,
        verdict=np.ones(30, dtype=np.int8),
        lower=np.zeros(30),
        upper=np.zeros(30),
        band=np.full(30, "core"),
        residual=np.zeros((30, 3)),
        reference=np.zeros(50),
    ),
    "all far": lambda: box_input(m=30, spread=1e6, band=np.full(30, "far")),
    "all equally far": lambda: box_input(
        m=5, lower=np.ones(5), upper=np.ones(5), verdict=np.full(5, -1), reference=np.ones(3)
    ),
    "no percentile": lambda: box_input(
        hull_percentile=np.full(60, np.nan),
        reference=np.empty(0),
        band_limits=None,
        band=np.full(60, "unknown"),
        neighbour_percentile=np.full(60, np.nan),
    ),
    "membership only": lambda: box_input(**_membership(box_input())),
    "no extras": lambda: box_input(
        in_range_share=None,
        in_ellipsoid=None,
        neighbour_percentile=None,
        nearest_rows=None,
        sample=None,
        axes=None,
        centre=None,
        column_scale=None,
        axes_share=None,
        residual=None,
    ),
    "one feature": lambda: box_input(d=1, spread=3),
    "a thousand features": lambda: box_input(m=200, d=1000, n=300),
    "huge scale": lambda: box_input(
        queries=np.full((60, 3), 1e300),
        residual=np.full((60, 3), -1e300),
        spread=1,
        column_scale=np.full(3, 1e-300),
        upper=np.full(60, 1e300),
        lower=np.full(60, 1e300),
    ),
    "tiny scale": lambda: box_input(
        upper=np.full(60, 1e-300),
        lower=np.full(60, 1e-300),
        tolerance=0.0,
        reference=np.full(9, 1e-301),
        verdict=np.full(60, -1),
        band_limits=None,
    ),
    "a location": lambda: ReportInput.from_location(located()),
    "a membership run": lambda: ReportInput.from_location(located(membership_only=True)),
    "hostile names": lambda: box_input(
        d=len(HOSTILE),
        columns=HOSTILE,
        spread=3,
        metric_text=HOSTILE[1],
        labels=np.array([HOSTILE[i % len(HOSTILE)] for i in range(60)], dtype=object),
        training_labels=np.array([HOSTILE[i % len(HOSTILE)] for i in range(200)], dtype=object),
        band_rules={"far": HOSTILE[0]},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_input_gives_a_small_valid_page(case):
    page = render_report(CASES[case](), title=HOSTILE[1])
    assert len(page.encode("utf-8")) <= 1_000_000
    assert page.count("<script") == page.count("</script") == 2
    assert "NaN" not in page.split('id="data">')[1].split("</script")[0]
    assert f"<title>{html.escape(HOSTILE[1])}</title>" in page
    assert content(page)["title"] == HOSTILE[1]
    assert page == render_report(CASES[case](), title=HOSTILE[1])


def test_page_loads_nothing_from_elsewhere():
    page = render_report(box_input())
    policy = html.unescape(re.search(r'Policy" content="([^"]*)"', page).group(1))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    addresses = set(re.findall(r"https?://[^\"' ]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.findall(r"\beval\(|new Function|innerHTML|outerHTML|document\.write", page)


def test_a_million_queries_stay_below_a_megabyte():
    m = 1_000_000
    given = box_input(m=m, d=3, n=50_000, spread=1.5)
    labels = np.full(m, "\U0001f600" * 100, dtype=object)
    page = render_report(box_input(m=m, d=3, n=50_000, spread=1.5, labels=labels))
    assert len(page.encode("utf-8")) <= 1_000_000
    page = render_report(given)
    assert len(page.encode("utf-8")) <= 1_000_000
    chart = content(page)["map"]
    assert len(chart["x"]) == 3000
    far = int(np.sum(given.band == "far"))
    assert f"and 3,000 of your 1,000,000: 2,400 of {far:,} far ones" in chart["drawn"]
    assert sum(b["count"] for b in content(page)["headline"]["bands"]) == m


def test_long_names_shrink_the_map_before_the_page_grows(monkeypatch):
    from hullwise.show import report

    whole = content(render_report(box_input(m=3000)))
    monkeypatch.setattr(report, "SIZE_LIMIT", 150_000)
    page = render_report(box_input(m=3000))
    assert len(page.encode("utf-8")) <= 150_000
    assert len(content(page)["map"]["x"]) < len(whole["map"]["x"]) == 3000


def test_every_far_row_is_drawn_while_there_is_room():
    codes = np.r_[np.full(500, 3), np.zeros(50_000)].astype(np.int8)
    chosen = _choose(codes, codes.astype(float), np.arange(len(codes)), 3000)
    assert len(chosen) == len(set(chosen.tolist())) == 3000
    assert set(range(500)) <= set(chosen.tolist())
    assert codes[chosen][-1] == 3


def test_written_whole_never_over_another_file(tmp_path):
    given = box_input(m=5)
    path = tmp_path / "sub dir é.html"
    assert write_report(given, path) == path
    assert path.read_text(encoding="utf-8") == render_report(given)
    assert stat.S_IMODE(path.stat().st_mode) & 0o200
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(FileError, match=r"exists already.*force"):
        write_report(given, path)
    assert path.read_text(encoding="utf-8") == "mine"
    write_report(given, str(path), force=True)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_places_that_cannot_hold_a_report(tmp_path, monkeypatch):
    given = box_input(m=5)
    with pytest.raises(FileError, match="is a folder"):
        write_report(given, tmp_path)
    with pytest.raises(FileError, match="there is no folder"):
        write_report(given, tmp_path / "missing" / "report.html")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(FileError, match="No space left"):
        write_report(given, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_a_location_is_told_as_it_is():
    location = located()
    given = ReportInput.from_location(location)
    assert given.residual is location.residual
    assert repr(given) == "ReportInput(80 queries, 4 features, 300 training rows)"
    page = content(render_report(location))
    bands = {b["name"]: b["count"] for b in page["headline"]["bands"]}
    assert bands == {b: int(np.sum(location.band == b)) for b in bands}
    assert sum(bands.values()) == 80
    assert len(page["farthest"]["rows"]) == 20
    pushed = location.pushed_out_by(k=4)
    for row in page["farthest"]["rows"]:
        i = int(row["label"].removeprefix("row "))
        assert location.lower[i] > 0
        for change in row["changes"]:
            assert change["by"] == -dict(pushed[i])[change["name"]]


def test_band_limits_part_the_bands_of_a_location():
    location = located()
    given = ReportInput.from_location(location)
    at = np.searchsorted(given.band_limits, row_distances(given))
    known = location.band != "unknown"
    assert known.sum() > 70
    drawn = np.array(["core", "edge", "beyond", "far"])[at]
    assert (drawn[known] == location.band[known]).all()


def test_a_membership_run_claims_no_distances():
    location = located(membership_only=True)
    page = content(render_report(location))
    assert page["headline"]["sentence"].startswith(f"{np.sum(location.verdict == 1)} of 80")
    assert "missing" in page["distribution"]
    assert page["map"] is None
    assert page["farthest"]["rows"] == page["features"]["items"] == []
    assert page["definitions"]["columns"] == ["inside the hull", "every feature in range"]


def test_without_a_reference_no_yardstick_is_claimed():
    page = content(render_report(hw.locate([[0.0], [1.0]], [[0.5], [3.0]], reference=0)))
    assert page["headline"]["sentence"].startswith("1 of 2\u00a0rows (50\u00a0%) lies inside")
    assert {b["name"]: b["rule"] for b in page["headline"]["bands"]}["far"] == "outside the hull"
    assert page["distribution"]["trainingTotal"] == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234.5, "1,230"),
        (0.012345, "0.0123"),
        (-2.5, "-2.5"),
        (9.999, "10"),
        (1e-9, "1\u00a0×\u00a010⁻⁹"),
        (1.234e300, "1.23\u00a0×\u00a010³⁰⁰"),
        (np.inf, "unknown"),
    ],
)
def test_numbers_in_words(value, text):
    assert number(value) == text


def test_shares_are_never_rounded_to_all_or_nothing():
    assert share(1, 10**6) == "under 0.1\u00a0%"
    assert share(10**6 - 1, 10**6) == "over 99.9\u00a0%"
    assert [share(0, 7), share(7, 7), share(5, 1000)] == ["0\u00a0%", "100\u00a0%", "0.5\u00a0%"]


def test_labels_are_one_printable_line():
    assert plain("a\nb\tc") == "a b c"
    assert plain("\u202eevil\x00") == "\ufffdevil\ufffd"
    assert plain("") == plain("  ") == "(empty)"
    assert len(plain("x" * 10**6)) == 60


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on the path (chromium, chromium-browser or google-chrome)")


def dumped(page, folder):
    """The document after its script ran, from headless Chromium."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [
        browser(),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=2000",
        "--dump-dom",
        path.as_uri(),
    ]
    run = subprocess.run(
        command, capture_output=True, timeout=60, check=False, env={**os.environ, "LANG": "C.UTF-8"}
    )
    dom = run.stdout.decode("utf-8")
    assert "</html>" in dom, run.stderr.decode("utf-8", "replace")[-2000:]
    return dom


@pytest.mark.parametrize("case", CASES)
def test_page_draws_itself_in_a_browser(case, tmp_path):
    dom = dumped(render_report(CASES[case]()), tmp_path)
    head = dom[: dom.index("<head")]
    assert 'data-ready="true"' in head
    assert "data-error" not in head
    assert "data-broken" not in head
    drawn = re.sub(r"<script.*?</script>", "", dom, flags=re.S)
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", drawn)
    assert titles[:3] == ["How far out the rows are", "Where they lie", "What pushes rows out"]
    assert len(titles) == 7
    shown = drawn[drawn.index("<main") :]
    assert not re.search(r"NaN|undefined|Infinity|\[object", shown)


def test_hostile_names_stay_text_in_a_browser(tmp_path):
    dom = dumped(render_report(CASES["hostile names"](), title=HOSTILE[1]), tmp_path)
    drawn = re.sub(
        r"<script(?: type=\"application/json\" id=\"data\")?>.*?</script>", "", dom, flags=re.S
    )
    # All that is left of the names is escaped text: no element came of them.
    assert "<script" not in drawn
    assert "<img" not in drawn
    assert "&lt;script&gt;" in drawn
    assert "&lt;img src=x onerror" in drawn
