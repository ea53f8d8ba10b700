"""The report of two readings: its numbers are those of the locations, and it draws itself."""

import re

import numpy as np
import pytest

import hullwise as hw
from browser import dumped
from hullwise.errors import DataError
from hullwise.geometry.readings import (
    cross_bands,
    pushes_in_metric,
    reference_reach,
    relative_distance,
)
from hullwise.report import render_report, write_report
from hullwise.report.sentences import readings_sentence
from report_input import HOSTILE, box_location, content

TASK = np.array([4.0, 1.0, 0.0, 0.0])


@pytest.fixture(scope="module")
def readings():
    rng = np.random.default_rng(0)
    X, Q = rng.normal(size=(250, 4)), rng.normal(size=(70, 4))
    Q[:10, :2] += 5
    Q[10:20, 2:] += 5
    cloud = hw.Cloud(X)
    options = {"reference": 100}
    return hw.locate(cloud, Q, metric=None, **options), hw.locate(cloud, Q, metric=TASK, **options)


def test_numbers_of_the_page_are_those_of_the_locations(readings):
    plain, task = readings
    page = content(render_report(plain, task=task, title="Both"))
    said = page["task"]
    bands = page["bands"]
    for i, one in enumerate(bands):
        for j, other in enumerate(bands):
            assert said["counts"][i][j] == ((plain.band == one) & (task.band == other)).sum()
    assert page["headline"]["sentence"] == said["sentence"]
    out = np.isin(plain.band, ["beyond", "far"])
    assert said["sentence"].startswith(f"{out.sum()} of 70\u00a0rows")
    assert len(said["chart"]["x"]) == 70
    assert said["chart"]["task"] == [bands.index(b) for b in task.band]
    for values, location in ((said["chart"]["x"], plain), (said["chart"]["y"], task)):
        ordered = np.sort(location.reference)
        unit = ordered[95]
        distance = np.where(location.verdict == 1, 0, location.upper)
        assert values == pytest.approx(distance / unit, rel=1e-3)
    assert {row["label"] for row in said["farthest"][:10]} == {f"row {i}" for i in range(10)}


def test_directions_of_the_page_are_those_of_the_metric(readings):
    plain, task = readings
    said = content(render_report(plain, task=task))["task"]["directions"]
    names = [[name for name, _ in item["terms"]] for item in said["items"]]
    assert names == [["x0"], ["x1"]]
    X = np.random.default_rng(0).normal(size=(250, 4))
    found = hw.metrics.directions(TASK, X)
    assert [item["part"] for item in said["items"]] == pytest.approx(found.share, rel=1e-3)
    assert f"Effective dimension {found.effective_dimension:.1f} of 4" in said["note"]


def test_what_pushes_out_in_the_task_is_what_matters(readings):
    _, task = readings
    told = pushes_in_metric(task)
    for b, row in enumerate(told):
        assert {name for name, _ in row} <= {"x0", "x1"}
        assert bool(row) == (task.verdict[b] == -1)
    v = np.zeros(4)
    for name, amount in told[0]:
        v[int(name[1])] = amount
    assert np.sqrt(TASK @ v**2) == pytest.approx(task.upper[0], rel=1e-6)


def test_a_page_of_one_reading_has_nothing_of_two(readings):
    plain, _ = readings
    page = content(render_report(plain))
    assert page["task"] is None
    assert all(term != "In what matters" for term, _ in page["about"])


def test_yardsticks_of_degenerate_references():
    given = box_location(m=4, reference=np.zeros(20))
    assert np.isnan(reference_reach(given))
    assert relative_distance(given) == pytest.approx(given.upper)
    given = box_location(m=4, reference=np.r_[np.zeros(99), 2.0])
    assert reference_reach(given) == 2.0
    assert np.isnan(reference_reach(box_location(m=4, reference=np.empty(0))))
    off = box_location(m=4, off_flat=np.array([True, False, False, False]))
    assert np.isinf(relative_distance(off)).tolist() == [True, False, False, False]


def test_sentences_count_rows_out_in_one_reading_alone():
    near = box_location(m=3, band=np.array(["core", "edge", "far"]))
    far = box_location(m=3, band=np.array(["beyond", "edge", "core"]))
    said = readings_sentence(near, far)
    assert "1 of 3\u00a0rows" in said
    assert "of these, 0 are beyond or far in what matters too, and 1 is not" in said
    assert said.endswith("1 more is out in what matters alone.")
    assert (
        cross_bands(near, far)[3, 0]
        == cross_bands(near, far)[1, 1]
        == cross_bands(near, far)[0, 2]
        == 1
    )


def test_readings_of_other_rows_are_refused(readings, tmp_path):
    plain, task = readings
    X = np.random.default_rng(0).normal(size=(250, 4))
    with pytest.raises(DataError, match="70 of 4: locate the same rows"):
        render_report(plain, task=hw.locate(X, X[:3], metric=None, reference=0))
    with pytest.raises(DataError, match="membership_only"):
        render_report(plain, task=hw.locate(X, plain.queries, membership_only=True))
    with pytest.raises(DataError):
        write_report(plain, tmp_path / "p.html", task=hw.locate(X, X[:3], metric=None, reference=0))
    assert not list(tmp_path.iterdir())
    assert write_report(plain, tmp_path / "p.html", task=task).exists()


def cases():
    labels = np.array([*HOSTILE, *HOSTILE[:2]], dtype=object)
    named = {"columns": HOSTILE[:3], "labels": labels, "metric_text": HOSTILE[1]}
    constant = np.array([[1.0, 2.0], [2.0, 2.0], [0.0, 2.0]])
    moved = np.array([[1.0, 3.0], [5.0, 2.0]])
    return {
        "usual": lambda: (box_location(), box_location(seed=1)),
        "no rows": lambda: (box_location(m=0), box_location(m=0)),
        "one row": lambda: (box_location(m=1), box_location(m=1)),
        "hostile names": lambda: (box_location(m=10, **named), box_location(m=10, **named)),
        "no reference": lambda: tuple(box_location(m=9, reference=np.empty(0)) for _ in range(2)),
        "many": lambda: (box_location(m=200_000), box_location(m=200_000, seed=1)),
        "off the flat": lambda: tuple(
            hw.locate(hw.Cloud(constant), moved, metric=M) for M in (None, [1.0, 0.5])
        ),
        "nothing varies": lambda: tuple(
            hw.locate(constant[:1], moved, metric=M) for M in (None, [1.0, 0.5])
        ),
    }


@pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")
@pytest.mark.parametrize("case", cases())
def test_every_pair_draws_itself(case, tmp_path):
    plain, task = cases()[case]()
    page = render_report(plain, task=task, title=HOSTILE[1])
    assert len(page.encode("utf-8")) <= 1_000_000
    assert page.count("<script") == page.count("</script") == 2
    island = page.split('id="data">')[1].split("</script")[0]
    assert "NaN" not in island
    assert "Infinity" not in island
    dom = dumped(page, tmp_path)
    head = dom[: dom.index("<head")]
    assert 'data-ready="true"' in head
    assert "data-error" not in head
    assert "data-broken" not in head
    drawn = re.sub(r"<script.*?</script>", "", dom, flags=re.S)
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", drawn)
    assert titles[0] == "Out of the data, and out of it in what matters"
    assert not re.search(r"NaN|undefined|Infinity|\[object", drawn[drawn.index("<main") :])
