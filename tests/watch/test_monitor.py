"""A watch over real tables: what it counts, what it refuses, what it sees and what it does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hullwise as hw

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def people(n, seed, gaps=0.0, shift=0.0):
    """Ages, incomes, jobs and days; some ages may be empty."""
    rng = np.random.default_rng([29, seed])
    age = rng.normal(40 + shift, 10, size=n)
    table = pd.DataFrame(
        {
            "age": np.where(rng.random(n) < gaps, np.nan, age),
            "income": np.exp(rng.normal(10 + age / 100, 0.5)),
            "job": rng.choice(["nurse", "smith", "clerk"], p=[0.5, 0.3, 0.2], size=n),
            "hour": rng.uniform(0, 24, size=n),
        }
    )
    return table


def domain_of(table, **options):
    return hw.Domain(periodic={"hour": 24}, log=["income"], **options).fit(table)


def watched(domain, batches, **options):
    monitor = hw.Monitor(domain, **options)
    for batch in batches:
        monitor.update(batch)
    return monitor


def test_what_is_watched_and_for_how_much():
    monitor = hw.Monitor(domain_of(people(300, 0)))
    names = [one.name for one in monitor.scores]
    assert names == ["hull distance", "neighbour distance", "age", "income", "job", "hour", "gaps"]
    weights = [one.weight for one in monitor.scores]
    np.testing.assert_allclose(weights, [0.25, 0.25, *[0.1] * 5])
    assert [one.urn.n_reference for one in monitor.scores] == [300, 300, *[300] * 5]


def test_honest_batches_raise_no_alarm_and_changes_do():
    domain = domain_of(people(500, 0, gaps=0.1))
    monitor = watched(domain, [people(200, k, gaps=0.1) for k in range(1, 7)])
    result = monitor.result()
    assert not result.alarmed
    assert result.n_rows == 1200
    assert result.batch == 6
    assert "No alarm after 6 batches, 1,200 rows" in result.sentence
    assert "at most 0.001" in result.sentence
    for k in range(7, 12):
        result = monitor.update(people(200, k, gaps=0.1, shift=8.0))
    assert result.alarmed
    assert "age" in result.columns_with_change()
    assert result.since in (5, 6, 7)
    assert result.first_alarm > 6
    assert result.sentence.startswith(f"ALARM after batch {result.first_alarm}")
    later = monitor.update(people(200, 30, gaps=0.1))
    assert later.alarmed
    assert later.first_alarm == result.first_alarm


def changed(table, **columns):
    return table.assign(**columns)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda t: t.assign(job="clerk"), "job"),
        (lambda t: t.assign(job=np.where(np.arange(len(t)) % 5, t["job"], "baker")), "job"),
        (lambda t: t.assign(hour=6 + t["hour"] / 4), "hour"),
        (lambda t: t.assign(age=30.0), "age"),
        (lambda t: t.assign(age=np.where(np.arange(len(t)) % 3, t["age"], np.nan)), "gaps"),
    ],
    ids=["one level", "a new level", "hours of one side", "a constant", "more gaps"],
)
def test_a_change_is_seen_in_the_column_that_carries_it(change, name):
    monitor = watched(domain_of(people(500, 0)), [people(200, k) for k in range(1, 4)])
    for k in range(4, 9):
        result = monitor.update(change(people(200, k)))
    frame = result.to_frame().set_index("name")
    assert result.alarmed
    assert frame["adjusted_p_value"].idxmin() == name or frame.loc[name, "adjusted_p_value"] < 0.001


def test_far_rows_are_seen_by_distance_and_small_shifts_by_columns():
    rng = np.random.default_rng(0)
    domain = hw.Domain().fit(rng.normal(size=(600, 6)))
    far = watched(domain, [rng.normal(size=(200, 6)) for _ in range(3)])
    for _ in range(5):
        Q = rng.normal(size=(200, 6))
        Q[::20] = 1.9 * rng.choice([-1, 1], size=(10, 6))  # corners: usual in each column alone
        far.update(Q)
    p = far.result().to_frame().set_index("name")["p_value"]
    assert p["neighbour distance"] < 1e-4 < p.drop(["hull distance", "neighbour distance"]).min()
    small = watched(domain, [rng.normal(size=(200, 6)) for _ in range(3)])
    for _ in range(10):
        small.update(rng.normal(size=(200, 6)) + np.eye(6)[0] * 0.4)
    p = small.result().to_frame().set_index("name")["p_value"]
    assert p["x0"] < 1e-4 < p["hull distance"]


def test_rows_inside_the_hull_are_at_no_distance():
    """Their upper bounds are 1e-15 and those of rows left out 0: honest rows of few features."""
    rng = np.random.default_rng(1)
    monitor = watched(
        hw.Domain().fit(rng.normal(size=(400, 2))),
        [rng.normal(size=(300, 2)) for _ in range(5)],
        watch=["hull"],
    )
    assert monitor.result().p_value > 0.05


@pytest.mark.parametrize("kind", ["plain", "gaps", "levels", "segments", "groups"])
def test_honest_streams_of_real_domains(kind):
    """25 tables each, 1,500 rows: at .05 at most two alarms are likely (p = .13 for 3 or more)."""
    n_alarms = 0
    for seed in range(25):
        rng = np.random.default_rng([31, seed])

        def rows(n, rng=rng, seed=seed):
            table = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
            if kind == "gaps":
                table = table.mask(rng.random(table.shape) < 0.15)
            if kind == "levels":
                table["level"] = rng.zipf(1.6, size=n).clip(max=400).astype(str) + "k"
            if kind == "segments":
                table["site"] = rng.choice(["x", "y"], size=n)
            if kind == "groups":
                group = rng.integers(0, 10**9, size=max(1, n // 5)).repeat(5)[:n]
                table = table.loc[: len(group) - 1]
                centre = pd.DataFrame(rng.normal(size=(len(group), 3)), columns=list("abc"))
                centre = centre.groupby(group).transform("first") * 2
                table = (table + centre).assign(patient=group.astype(str))
            return table

        options = {"segments": {"by": "site"}, "groups": {"groups": "patient"}}.get(kind, {})
        domain = hw.Domain(reference=100, **options).fit(rows(250))
        monitor = watched(domain, [rows(150) for _ in range(10)], alarm=0.05)
        n_alarms += monitor.alarmed
    assert n_alarms <= 3


def test_rows_of_groups_counted_as_rows_would_alarm():
    """The test above can see what is wrong: the same honest groups, counted row by row."""
    n_alarms = 0
    for seed in range(8):
        rng = np.random.default_rng([37, seed])

        def rows(n, rng=rng):
            return rng.normal(size=(n // 10, 3)).repeat(10, axis=0) * 2 + rng.normal(size=(n, 3))

        domain = hw.Domain(reference=100).fit(rows(250))
        n_alarms += watched(domain, [rows(150) for _ in range(8)], alarm=0.05).alarmed
    assert n_alarms >= 4


def test_a_batch_counts_once_and_so_does_a_group():
    table = people(200, 0).assign(who=np.arange(200) // 4)
    domain = hw.Domain(groups="who", periodic={"hour": 24}).fit(table)
    monitor = hw.Monitor(domain)
    first = people(40, 1).assign(who=np.arange(1000, 1040) // 4)
    monitor.update(first, name="monday")
    with pytest.raises(hw.DataError, match=r"same rows as batch 1 \(monday\)"):
        monitor.update(first, name="tuesday")
    again = people(40, 2).assign(who=np.arange(1036, 1076) // 4)
    with pytest.raises(hw.DataError, match=r"1 of its groups were counted in batch 1 \(monday\)"):
        monitor.update(again)
    assert len(monitor.batches) == 1
    with pytest.raises(hw.DataError, match="lacks the column 'who'"):
        monitor.update(people(40, 3))


def test_groups_that_trained_the_domain_are_not_counted():
    table = people(200, 0).assign(who=[f"p{i // 4}" for i in range(200)])
    domain = hw.Domain(groups="who", periodic={"hour": 24}).fit(table)
    monitor = hw.Monitor(domain)
    batch = people(40, 1).assign(who=[f"p{i // 4 + 45}" for i in range(40)])
    result = monitor.update(batch)
    assert set(result.n_counted) == {5}  # of ten groups five are known


def test_counts_are_the_same_wherever_a_batch_is_counted(tmp_path):
    domain = domain_of(people(300, 0))
    domain.save(tmp_path / "seen.hull")
    batches = [people(50, k) for k in range(1, 4)]
    one, two = hw.Monitor(domain), hw.Monitor(hw.load(tmp_path / "seen.hull"))
    assert one.digest == two.digest
    counted = [two.count(batch) for batch in batches]
    for batch, counts in zip(batches, counted):
        two.add(counts)
        one.update(batch)
    assert one.result().to_dict() == two.result().to_dict()
    others = (
        hw.Monitor(domain, random_state=1),
        hw.Monitor(domain, watch=["hull"]),
        hw.Monitor(domain, holdout=people(60, 9)),
        hw.Monitor(domain_of(people(300, 5))),
        hw.Monitor(domain_of(people(300, 0), metric="range")),
    )
    assert len({one.digest, *(other.digest for other in others)}) == 6


def test_a_watch_is_the_same_on_a_machine_that_rounds_otherwise(monkeypatch):
    domain = domain_of(people(120, 0))
    digest = hw.Monitor(domain).digest
    from hullwise.watch import watched_scores

    exact = watched_scores.left_out_distances
    monkeypatch.setattr(
        watched_scores, "left_out_distances", lambda *of: exact(*of) * (1 + 2.0**-50)
    )
    assert hw.Monitor(domain).digest == digest


def test_rows_that_were_held_out_take_the_place_of_rows_left_out():
    domain = domain_of(people(300, 0, gaps=0.2))
    monitor = hw.Monitor(domain, holdout=people(120, 1, gaps=0.2))
    counts = {one.name: one.urn.n_reference for one in monitor.scores}
    assert counts["hull distance"] + counts["hull distance, rows without age"] == 120
    assert counts["age"] < 300
    assert counts["income"] == 300


def test_what_cannot_be_watched_is_refused():
    domain = domain_of(people(100, 0))
    with pytest.raises(hw.DataError, match="expected a fitted Domain"):
        hw.Monitor(hw.Domain())
    with pytest.raises(hw.DataError, match="expected some of 'hull', 'neighbours', 'columns'"):
        hw.Monitor(domain, watch=["hull", "weather"])
    with pytest.raises(hw.DataError, match="alarm=2"):
        hw.Monitor(domain, alarm=2)
    times = hw.Domain(time="t").fit({"t": list(range(60)), "a": [i * i % 7 for i in range(60)]})
    with pytest.raises(hw.DataError, match="without time="):
        hw.Monitor(times)
    with pytest.raises(hw.DataError, match="nothing to watch"):
        hw.Monitor(hw.Domain(reference=0).fit(people(100, 0)), watch=["hull"])


def test_a_batch_that_cannot_be_read_counts_nothing():
    monitor = hw.Monitor(domain_of(people(100, 0)))
    with pytest.raises(hw.DataError, match="age"):
        monitor.update(people(10, 1).astype({"age": object}).assign(age="old"))
    with pytest.raises(hw.HullwiseError):
        monitor.update(people(10, 1).drop(columns="job"))
    assert monitor.batches == []
    assert monitor.result().sentence == "No batch was counted yet."


def test_a_result_is_a_table_and_a_picture():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    monitor = watched(domain_of(people(200, 0)), [people(50, k) for k in range(1, 4)])
    result = monitor.result()
    frame = result.to_frame()
    assert list(frame["name"]) == [one.name for one in monitor.scores]
    assert (frame["adjusted_p_value"] >= frame["p_value"]).all()
    assert len(result.plot().lines) >= 2
    assert "hull distance" in result._repr_html_()
    assert repr(monitor) == "Monitor(7 scores, 3 batches: no alarm)"
